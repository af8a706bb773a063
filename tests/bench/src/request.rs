//! The requests of the driver without a library, made once, with a place for the id and one for large arguments.

use crate::{
    payload::{self, Rows},
    plan::{Plan, Work},
};
use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// A request up to its id, from there to its arguments, and from there on.
pub struct Template {
    before: Vec<u8>,
    after: Vec<u8>,
    arguments: Option<Large>,
    end: &'static [u8],
}

/// Arguments that are encoded for each request, as a client has to.
#[derive(Serialize)]
#[serde(untagged)]
enum Large {
    Rows(&'static Rows),
    Text { text: &'static str },
}

/// 233 kB of arguments.
pub static ROWS: LazyLock<Rows> = LazyLock::new(|| payload::rows(2_850));

impl Template {
    /// The request of a unit of work.
    pub fn of(plan: &Plan) -> Result<Self> {
        let (method, params) = match plan.work {
            Work::List => ("tools/list", json!({})),
            Work::Blob16 => ("resources/read", json!({"uri": "file:///blob"})),
            work => ("tools/call", json!({"name": tool(work)})),
        };
        let mut template = Self::new(method, params, plan)?;
        if method == "tools/call" {
            // In place of the braces that end the parameters and the message.
            template.after.truncate(template.after.len() - 2);
            template.after.extend_from_slice(br#","arguments":"#);
            (template.arguments, template.end) = arguments(plan.work);
        }
        Ok(template)
    }

    pub fn new(method: &str, mut params: Value, plan: &Plan) -> Result<Self> {
        if plan.modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        if plan.work == Work::Progress {
            params["_meta"]["progressToken"] = 1.into();
        }
        let before = br#"{"jsonrpc":"2.0","id":"#.to_vec();
        let after = format!(r#","method":"{method}","params":{params}}}"#);
        Ok(Self { before, after: after.into(), arguments: None, end: b"" })
    }

    /// Appends the request with this id.
    pub fn write(&self, id: u64, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&self.before);
        out.extend_from_slice(itoa::Buffer::new().format(id).as_bytes());
        out.extend_from_slice(&self.after);
        if let Some(arguments) = &self.arguments {
            serde_json::to_writer(&mut *out, arguments)?;
        }
        out.extend_from_slice(self.end);
        Ok(())
    }
}

pub fn tool(work: Work) -> &'static str {
    match work {
        Work::Progress => "progress",
        Work::Structured => "structured",
        Work::Text1 => "text-1",
        Work::Text16 => "text-16",
        _ => "echo",
    }
}

fn arguments(work: Work) -> (Option<Large>, &'static [u8]) {
    match work {
        Work::Arguments => (Some(Large::Rows(&ROWS)), b"}}"),
        Work::Send1 | Work::Send16 => (Some(Large::Text { text: payload::sent(work) }), b"}}"),
        _ => (None, br#"{"text":"hello"}}}"#),
    }
}
