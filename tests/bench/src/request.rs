//! The requests of the driver without a library, made once, with a place for the id.

use crate::{
    payload,
    plan::{Plan, Work},
};
use anyhow::Result;
use serde_json::{Value, json};

/// A request up to its id, and from there on.
pub struct Template {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Template {
    /// The request of a unit of work.
    pub fn of(plan: &Plan) -> Result<Self> {
        let (method, params) = match plan.work {
            Work::List => ("tools/list", json!({})),
            Work::Blob16 => ("resources/read", json!({"uri": "file:///blob"})),
            work => ("tools/call", json!({"name": tool(work), "arguments": arguments(work)})),
        };
        Self::new(method, params, plan)
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
        Ok(Self { before, after: after.into() })
    }

    /// Appends the request with this id.
    pub fn write(&self, id: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.before);
        out.extend_from_slice(itoa::Buffer::new().format(id).as_bytes());
        out.extend_from_slice(&self.after);
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

fn arguments(work: Work) -> Value {
    match work {
        Work::Arguments => json!(payload::rows(2_850)),
        _ => json!({"text": "hello"}),
    }
}
