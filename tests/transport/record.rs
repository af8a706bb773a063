//! Recording and playing back.

mod agent;
mod recording;
mod replaying;
mod text;

use crate::serve::scripted::{Scripted, outcome, replies, request};
use conformance::script::{Background, deadline};
use futures_util::StreamExt;
use mcp_transport::{
    Arrival, Binding, ClientMessage, Connector, Delivery, Error, Link, Replies, Transport,
    Unsolicited,
    record::{Entry, Event, Record, Redaction, Replay, Tape, Transcript},
};
use mcp_types::{
    RawJson,
    rpc::{Message, Notification, Request, Response},
};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};

type Connection = BoxCloneSyncService<ClientMessage, Replies, Error>;

/// A connector from a closure that gets the number of earlier connections.
struct Connecting<F>(AtomicUsize, F);

impl<F> Connecting<F>
where
    F: Fn(usize) -> Result<Link<Connection>, Error> + Send + Sync + 'static,
{
    fn new(connect: F) -> Self {
        Self(AtomicUsize::new(0), connect)
    }
}

impl<F> Connector for Connecting<F>
where
    F: Fn(usize) -> Result<Link<Connection>, Error> + Send + Sync + 'static,
{
    type Transport = Connection;

    async fn connect(&self) -> Result<Link<Connection>, Error> {
        (self.1)(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// A connection to a server scripted by a test.
fn link(transport: impl Transport) -> Link<Connection> {
    Link::new(BoxCloneSyncService::new(transport), Binding::InProcess)
}

/// Returns the lines of a transcript without its header and its times.
fn lines(tape: &Tape) -> Vec<Value> {
    let text = tape.transcript().to_string();
    let mut lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    assert_eq!(lines.next(), Some(json!({ "mcp-transcript": 1 })));
    let mut lines: Vec<Value> = lines.collect();
    for line in &mut lines {
        assert!(line.as_object_mut().unwrap().remove("at").unwrap().is_u64());
    }
    lines
}

/// Creates a transcript of the messages of one connection: `>` or `<`, the number of the call or null, the message.
fn transcript(messages: &[(&str, Option<u64>, Value)]) -> String {
    let mut text = "{\"mcp-transcript\":1}\n".to_owned();
    for (dir, call, message) in messages {
        let mut message = message.clone();
        message["jsonrpc"] = json!("2.0");
        let mut line = json!({ "at": 0, "connection": 1, "dir": dir, "message": message });
        if let Some(call) = call {
            line["call"] = json!(call);
        }
        text += &format!("{line}\n");
    }
    text
}
