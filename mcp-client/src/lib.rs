//! An ergonomic Model Context Protocol client: connect to a server of any revision, and call its tools.
//!
//! ```no_run
//! use mcp_client::Client;
//!
//! # async fn example() -> Result<(), mcp_client::Error> {
//! let client = Client::connect_to("servers/weather.py").await?;
//! let weather = client.call_tool("weather").argument("city", "Oslo").await?;
//! println!("{}", weather.text());
//! # Ok(())
//! # }
//! ```
//!
//! A [`Client`] is a configuration and, as long as there is a [`Connection`], a session. Connections are counted:
//! nested and concurrent ones share the session, and the last one closes it. A client connects to a [`Target`]: a URL,
//! a script, a command (see [`transport`]), or a service in this process.
//!
//! Calls are builders that are awaited ([`Operation`]): `.argument(..)`, `.on_progress(..)`, `.timeout(..)`,
//! `.typed::<T>()`. Every call has a deadline, dropping a call cancels it on the wire, and a lost connection fails
//! every call at once, with the cause.
//!
//! # What a server may ask
//!
//! Servers ask for input in the middle of a call: a form or a page for the user, a completion of a language model, the
//! folders to work in. Closures answer, such as that of [`ClientBuilder::on_elicit_form`], for servers of every
//! revision. See [`Handlers`].
//!
//! # Coming from FastMCP
//!
//! [`seed`] lists each name of the FastMCP client with its counterpart here, and examples.
//!
//! # Testing
//!
//! [`mock`] has a server in this process, for tests of programs that use a client.
//!
//! # Examples
//!
//! In the folder `examples`, each to be run with `cargo run -p mcp-client --example NAME`: `quickstart`; `agent`, the loop of a
//! model that calls tools; `many_servers`, of which one is missing; `middleware`, a layer of one's own.
//!
//! # Layers
//!
//! This crate is the facade. Below it, `mcp-session` has the middlewares, `mcp-transport` carries messages, and
//! `mcp-types` is the vocabulary. Each can be used alone. [`ClientBuilder::layer`] puts a tower layer of your own
//! around a session.
//!
//! # Features
//!
//! | name | what | default |
//! |---|---|---|
//! | `stdio` | child processes as servers | yes |
//! | `fingerprint` | `Command::fingerprint`: a hash of a command, to remember that a user has agreed to it | no |
//! | `http` | streamable HTTP, with TLS by rustls and the platform's root certificates | yes |
//! | `socket` | TCP and Unix sockets | yes |
//! | `ws` | WebSocket | no |
//! | `oauth` | OAuth login to HTTP servers: module `oauth`, `Endpoint::oauth` | no |
//! | `compression` | compressed HTTP answers: `Endpoint::compressed` | no |
//! | `config` | the config files of editors and agents: `Config` | no |
//! | `cache` | caching of replies: `options.reuse` | no |
//! | `cli` | the command `mcp`, and module `cli`, which has it as a function | no |
//! | `codegen` | Rust code for the tools of a server: module `codegen` | no |
//! | `pin-tools` | detection of tools that changed since they were accepted: `mcp_session::PinTools` | no |
//! | `validate` | validation of the arguments and output of tools: `ClientBuilder::validate_output` | no |
//! | `skills` | skills, instructions for agents that servers offer: module `skills` | no |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod answers;
mod arguments;
mod builder;
mod call_tool;
mod caller;
mod catalogue;
#[cfg(feature = "cli")]
pub mod cli;
mod client;
#[cfg(feature = "codegen")]
pub mod codegen;
mod complete;
#[cfg(feature = "config")]
pub mod config;
mod connection;
mod content;
mod dial;
mod drift;
mod get_prompt;
mod group;
mod handlers;
mod icon;
mod in_flight;
mod join_boxed;
mod known_tools;
mod legacy;
mod listeners;
mod lists;
mod live;
mod log;
pub mod mock;
#[cfg(feature = "oauth")]
pub mod oauth;
mod offer;
mod operation;
mod pages;
mod progress;
mod read_resource;
mod server_info;
#[cfg(feature = "skills")]
pub mod skills;
mod subscribe;
mod suggest;
mod target;
mod task;
mod template;
mod tool_name;
mod tool_result;

pub use builder::ClientBuilder;
pub use call_tool::{CallTool, CallingTool};
pub use catalogue::{Catalogue, Changed, Changes, Difference, Listed, OpenCatalogue, Snapshot};
pub use client::Client;
pub use complete::Complete;
#[cfg(feature = "config")]
pub use config::{Config, ServerConfig};
pub use connection::Connection;
pub use content::{Content, InvalidBase64};
pub use drift::{Drift, ToolSignature};
pub use get_prompt::GetPrompt;
pub use group::{
    Group, GroupBuilder, GroupConnection, InvalidGroup, ListMembers, MemberState, Merged, Missing,
    Naming, Policy,
};
pub use handlers::{Handlers, InvalidRoot, Roots, elicit, sample};
pub use icon::{IconSource, UnsafeIcon};
pub use legacy::{Ping, SetLoggingLevel};
pub use lists::{ListAll, ListPage, ListRequest};
pub use operation::Operation;
pub use read_resource::ReadResource;
pub use subscribe::Subscribe;
pub use target::Target;
pub use task::Task;
pub use template::expand_template;
pub use tool_result::ToolResult;

pub use mcp_session as session;
pub use mcp_transport as transport;
pub use mcp_types as types;
pub use mcp_types::tasks_extension::TaskStatus;

pub use mcp_session::{
    ArgumentTransform, Asker, Cancellation, Deadlines, Diagnostics, Endless, Era, Error, Event,
    Events, Incident, InputHandler, InvalidParams, ListedTask, Misbehavior, Mode, Notice, Options,
    Phase, PingOptions, PriorDiscover, Progress, Question, Reconnect, Server, Subscription,
    TaskHandle, TaskList, TaskState, Tasks, ToolTransform, TransformToolsLayer, When,
};
#[cfg(feature = "validate")]
pub use mcp_session::{Misfit, Validation};

#[doc = include_str!("clauses.md")]
pub mod clauses {}

#[doc = include_str!("seed.md")]
pub mod seed {
    #[doc = include_str!("seed/cases.md")]
    pub mod cases {}
}

/// The examples of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The examples of the page about logins, compiled.
#[cfg(all(doctest, feature = "oauth"))]
#[doc = include_str!("../../docs/oauth.md")]
struct LoggingIn;
