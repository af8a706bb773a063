//! An ergonomic Model Context Protocol client: connect to a server of any revision, call its tools.
//!
//! A [`Client`] is a configuration and, while somebody holds a [`Connection`], a session. Connections are counted:
//! nested and concurrent ones share the session, the last one closes it. Every call has a deadline, dropping a call
//! cancels it, and a lost connection fails every call at once with the cause.
//!
//! # Layers
//!
//! This crate is the facade. `mcp-session` is the layer of middlewares below it, `mcp-transport` carries messages,
//! `mcp-types` is the vocabulary. Each can be used alone.

mod builder;
mod client;
mod connection;
mod live;
mod target;

pub use builder::ClientBuilder;
pub use client::Client;
pub use connection::Connection;
pub use target::Target;

pub use mcp_session::{
    Deadlines, Era, Error, Event, Events, InputHandler, Misbehavior, Mode, Options, Phase,
    Progress, Server,
};
