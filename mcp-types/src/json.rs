//! A JSON reader and writer for the types of the protocol.
//!
//! [`check`] validates received text once, and accepts what serde_json accepts. [`read`] reads values from validated
//! text, and need not check it again; [`Lifted`] does so without copying large strings. Rare values are left to
//! serde_json. [`write`] serializes values.

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
