//! A JSON reader and writer for the types of the protocol.
//!
//! [`check`] passes over text that came from outside, once, and takes what serde_json takes. [`read`] makes values of
//! text that was checked, and need not look for what cannot be there; [`Lifted`] does so without a copy of what is large.
//! What is rare in a value is left to serde_json. [`write`] makes text of values.

mod check;
mod escape;
mod lift;
mod nesting;
mod plain;
mod read;
mod write;

pub(crate) use check::{Beginning, Checker, check};
pub(crate) use lift::{LARGE, Lifted};
pub(crate) use nesting::Open;
pub(crate) use read::{
    BY_ITSELF, Elements, Entries, HandedOver, Hole, Mark, RAW_VALUE, Reader, handed_over, read,
};
pub(crate) use write::{write, write_integer, write_text};
