//! Tests with real servers: the whole client against implementations of the protocol that are not ours.
//!
//! One suite ([`suite`]) runs against every peer, over every transport and in every era that the peer has; what a peer
//! does in its own way stands in its own file. `cargo xtask peers install` installs the peers, `tests/peers` has them.
//!
//! | peer | written with | transports | eras |
//! |---|---|---|---|
//! | [`everything`] | the TypeScript SDK | stdio, streamable HTTP, HTTP+SSE | legacy |
//! | [`fastmcp`] | FastMCP and the Python SDK | stdio, streamable HTTP | modern, legacy |
//! | [`rmcp`] | rmcp | a byte stream in this process, streamable HTTP | modern, legacy |
//!
//! [`matrix`] asks many more servers for less, and keeps the table of `docs/interop.md`.
//!
//! Servers are started once for all tests, over stdio with one session that tests share; tests of opening and closing
//! start their own. What is shared ends with this process: its pipes close.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod catalogue;
mod changes;
mod cli;
mod everything;
mod expected;
mod facade;
mod fastmcp;
mod group;
mod lifecycle;
mod matrix;
mod rmcp;
mod run;
mod skills;
mod suite;
mod tasks;
mod typed;
mod watch;
