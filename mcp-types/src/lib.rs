//! Data types of the Model Context Protocol: every revision from 2024-11-05 to 2026-07-28, as one vocabulary.
//!
//! This crate is vocabulary only: no IO, no runtime. A program that talks to a server wants `mcp-client`, or
//! `mcp-session` and `mcp-transport` for their layers; this crate is for code that only names, stores or inspects
//! messages.
//!
//! - [`rpc`] holds the JSON-RPC envelope: [`rpc::Message`] and its parts, and [`RawJson`], a value kept as bytes.
//! - The types of the protocol are in one module per area of the specification, like [`tools`] and [`sampling`], and
//!   in the root of the crate. Tasks have two vocabularies, [`tasks`] and [`tasks_extension`].
//! - [`Request`] ties a method to its parameters and its result, so that a result is decoded by its request.
//! - [`ProtocolVersion`] names a revision. The documentation of a field says if only some revisions have it, and
//!   [`revision`] has that as a table.
//!
//! Decoding loses nothing: members without a field are kept in [`Extra`], values that fit no variant in an `Unknown`
//! variant, and items that do not fit their type in [`List::broken`]. Encoding writes them back as they came.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `preserve_order` | JSON objects, like the schema of a tool, keep the order of their members; without it they are sorted by name. The layers above turn it on |
//! | `schemars` | tool schemas and elicitation forms from Rust types |
//!
//! # Example
//!
//! ```
//! use mcp_types::rpc::Message;
//!
//! let line = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete"}}"#;
//! let Message::Response(response) = Message::decode(&line.into())? else { panic!("a response") };
//! assert_eq!(response.outcome.unwrap().as_str(), r#"{"resultType":"complete"}"#);
//! # Ok::<(), mcp_types::rpc::DecodeError>(())
//! ```
//!
//! And the other way: a request, from the type of its parameters to the bytes of a line.
//!
//! ```
//! use mcp_types::{CallToolRequest, RawJson, Request as _, rpc::{Message, Request}};
//!
//! let params = RawJson::encode(&CallToolRequest::new("weather"))?;
//! let request = Request::new(1, CallToolRequest::METHOD).with_params(params);
//! let mut line = Vec::new();
//! Message::from(request).encode(&mut line);
//! assert_eq!(line, br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather"}}"#);
//! # Ok::<(), serde_json::Error>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod extra;
mod generated;
mod json;
mod list;
mod meta;
mod object;
mod one_or_many;
mod open;
mod request;
pub mod revision;
pub mod rpc;
#[cfg(feature = "schemars")]
mod schemars;
mod version;
mod wire;

pub use error::{ErrorCode, ErrorObject};
pub use extra::Extra;
pub use generated::*;
pub use list::{BrokenItem, List};
pub use meta::{InvalidMetaKey, MetaObject, is_extension_id, keys};
pub use object::object;
pub use one_or_many::OneOrMany;
pub use open::OpenObject;
pub use request::{Notification, Request};
pub use rpc::{RawJson, RequestId};
#[cfg(feature = "schemars")]
pub use schemars::UnsuitableType;
pub use version::ProtocolVersion;

/// Identifies the request that a progress notification is about: a string or an integer, chosen by the requester.
pub type ProgressToken = RequestId;

/// A JSON object. Its members are in the order of the wire with the feature `preserve_order`, and sorted by name
/// without it.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

#[doc = include_str!("clauses.md")]
pub mod clauses {}
