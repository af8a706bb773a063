//! Recording the messages of a connection, and replaying them: tests without the servers.
//!
//! [`Record`] wraps any connector or transport and passes what it sees to a closure; [`Tape`] keeps that in memory, and
//! [`writer`] writes it to a file. [`Replay`] is a connector that replays a [`Transcript`], and fails the first call that
//! differs.
//!
//! ```
//! use mcp_transport::{Connector, record::{Record, Replay, Tape}};
//!
//! # async fn example(server: impl Connector) -> Result<(), mcp_transport::BoxError> {
//! let tape = Tape::default();
//! let recorded = Record::new(server, tape.sink());
//! // Use `recorded` as the target of a client; then:
//! # let _ = recorded.connect().await?;
//! std::fs::write("session.jsonl", tape.transcript().to_string())?;
//!
//! // Later, and without the server, with `replay` as the target of a client:
//! let replay = Replay::parse(&std::fs::read_to_string("session.jsonl")?)?;
//! # let _ = replay.connect().await?;
//! replay.finish()?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is recorded
//!
//! The messages of both directions, unchanged except for [redacted](Redaction) secrets. HTTP headers, environments and
//! standard error are not recorded. Recording never blocks a call: the closure is called in the task that sends or
//! reads, and [`writer`] drops and counts entries that do not fit its buffer.
//!
//! # The format
//!
//! UTF-8 text with one JSON object per line. The first line names the format and its version:
//!
//! ```json
//! {"mcp-transcript":1}
//! ```
//!
//! Every other line is an entry. Readers skip blank lines and members that they do not know.
//!
//! ```json
//! {"at":0,"connection":1,"event":"connected","binding":"byte-stream"}
//! {"at":1,"connection":1,"dir":">","call":1,"message":{"jsonrpc":"2.0","id":1,"method":"tools/list"}}
//! {"at":9,"connection":1,"dir":"<","call":1,"message":{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}}
//! {"at":9,"connection":1,"dir":"<","message":{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}}
//! ```
//!
//! | member | meaning |
//! |---|---|
//! | `at` | milliseconds since the recorder was made |
//! | `connection` | which connection, counted from 1 |
//! | `dir` | `>` from the client, `<` to it |
//! | `call` | the message of the client, counted from 1 over all connections; replies to it have the same number |
//! | `message` | the message |
//! | `event` | what happened instead: see below |
//!
//! | `event` | meaning | members |
//! |---|---|---|
//! | `connected` | a connection was made | `binding`: `byte-stream`, `http`, `in-process` |
//! | `not-connected` | it was not | `failure` |
//! | `failed` | the message, or its answer, did not make the journey | `call`, `failure` |
//! | `ended` | the server said no more, without a response | `call` |
//! | `abandoned` | the client gave the call up | `call` |
//! | `lost` | entries are missing here | `count` |
//!
//! A `failure` has a `message` for a person, a `kind` (`closed`, `connect`, `io`, `malformed`, `other`, `overflow`,
//! `status`, `timeout`, `too-large`), a `delivery` (`not-sent`, `unknown`, `delivered`), and where there was one the
//! HTTP `status` and the `error` of the peer.

mod entry;
mod format;
mod recorder;
mod redaction;
mod replay;
mod tape;
mod transcript;
mod writer;

pub use entry::{Entry, Event, Failure};
pub use recorder::Record;
pub use redaction::Redaction;
pub use replay::{Playback, Replay, ReplayError};
pub use tape::Tape;
pub use transcript::{Transcript, TranscriptError};
pub use writer::{Limits, writer};
