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

mod arguments;
mod builder;
mod call_tool;
mod client;
mod complete;
mod connection;
mod content;
mod get_prompt;
mod handlers;
mod legacy;
mod lists;
mod live;
mod log;
mod offer;
mod operation;
mod pages;
mod read_resource;
mod target;
mod tool_result;

pub use builder::ClientBuilder;
pub use call_tool::CallTool;
pub use client::Client;
pub use complete::Complete;
pub use connection::Connection;
pub use content::{Content, InvalidBase64};
pub use get_prompt::GetPrompt;
pub use handlers::{Handlers, InvalidRoot, Roots, elicit};
pub use legacy::{Ping, SetLoggingLevel};
pub use lists::{ListAll, ListPage, ListRequest};
pub use operation::Operation;
pub use read_resource::ReadResource;
pub use target::Target;
pub use tool_result::ToolResult;

pub use mcp_session::{
    Deadlines, Endless, Era, Error, Event, Events, InputHandler, Misbehavior, Mode, Options, Phase,
    Progress, Server,
};
