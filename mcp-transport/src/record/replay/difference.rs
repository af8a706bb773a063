//! The differences between two messages.

use super::names;
use crate::record::redaction::{REDACTED, Redaction};
use mcp_types::{
    ErrorObject, RawJson,
    rpc::{Message, Response},
};
use serde_json::{Map, Value};
use std::fmt::Write;

/// The most differences that are shown, and the most of each value.
const MAX_SHOWN: usize = 8;
const MAX_VALUE: usize = 200;

/// What is not compared.
#[derive(Clone, Debug)]
pub(super) struct Ignored {
    pub(super) keys: Vec<String>,
    pub(super) pointers: Vec<String>,
}

impl Default for Ignored {
    fn default() -> Self {
        let meta = ["progressToken", "traceparent", "tracestate", "baggage"];
        let pointers = meta.map(|key| format!("/params/_meta/{key}")).into();
        Self { keys: Vec::new(), pointers }
    }
}

/// Returns the content of a message for a comparison. Request ids are matched elsewhere.
pub(super) fn form(message: &Message) -> Value {
    let mut form = Map::new();
    let mut put = |name: &str, value| drop(form.insert(name.to_owned(), value));
    let params = match message {
        Message::Request(request) => {
            put("id", "any".into());
            put("method", request.method.as_ref().into());
            request.params.as_ref()
        }
        Message::Notification(notification) => {
            put("method", notification.method.as_ref().into());
            notification.params.as_ref()
        }
        Message::Response(Response { id, outcome, .. }) => {
            put("id", id.as_ref().map_or(Value::Null, names::value));
            match outcome {
                Ok(result) => put("result", value(result)),
                Err(error) => put("error", error_form(error)),
            }
            None
        }
    };
    if let Some(params) = params {
        put("params", value(params));
    }
    Value::Object(form)
}

fn error_form(error: &ErrorObject) -> Value {
    let mut text = Vec::new();
    error.encode(&mut text);
    value(&RawJson::from_joined(text))
}

/// Values that cannot be parsed are compared as text.
fn value(raw: &RawJson) -> Value {
    raw.to_value().unwrap_or_else(|_| raw.as_str().into())
}

/// Returns lines for a person that say where two values differ; empty if they do not.
pub(super) fn lines(recorded: &Value, sent: &Value, ignored: &Ignored) -> String {
    let mut found = Vec::new();
    Comparison { ignored, found: &mut found }.values(&mut String::new(), recorded, sent);
    let mut lines = String::new();
    for Difference { path, recorded, sent } in found.iter().take(MAX_SHOWN) {
        // Writing to a string does not fail.
        let _ = write!(
            lines,
            "\n  at {path}\n    recorded: {}\n    sent:     {}",
            shown(recorded.as_ref()),
            shown(sent.as_ref())
        );
    }
    if found.len() > MAX_SHOWN {
        let _ = write!(lines, "\n  and {} more", found.len() - MAX_SHOWN);
    }
    lines
}

struct Difference {
    path: String,
    recorded: Option<Value>,
    sent: Option<Value>,
}

struct Comparison<'a> {
    ignored: &'a Ignored,
    found: &'a mut Vec<Difference>,
}

impl Comparison<'_> {
    fn values(&mut self, path: &mut String, recorded: &Value, sent: &Value) {
        match (recorded, sent) {
            (Value::Object(recorded), Value::Object(sent)) => self.members(path, recorded, sent),
            (Value::Array(recorded), Value::Array(sent)) => {
                for at in 0..recorded.len().max(sent.len()) {
                    let here = path.len();
                    let _ = write!(path, "/{at}");
                    self.both(path, recorded.get(at), sent.get(at));
                    path.truncate(here);
                }
            }
            _ if is_same(recorded, sent) => {}
            _ => self.add(path, Some(recorded), Some(sent)),
        }
    }

    fn members(
        &mut self,
        path: &mut String,
        recorded: &Map<String, Value>,
        sent: &Map<String, Value>,
    ) {
        let added = sent.keys().filter(|key| !recorded.contains_key(*key));
        for key in recorded.keys().chain(added) {
            let here = path.len();
            let _ = write!(path, "/{}", key.replace('~', "~0").replace('/', "~1"));
            if !self.ignored.keys.contains(key) && !self.ignored.pointers.contains(path) {
                self.both(path, recorded.get(key), sent.get(key));
            }
            path.truncate(here);
        }
    }

    fn both(&mut self, path: &mut String, recorded: Option<&Value>, sent: Option<&Value>) {
        match (recorded, sent) {
            (Some(recorded), Some(sent)) => self.values(path, recorded, sent),
            _ => self.add(path, recorded, sent),
        }
    }

    fn add(&mut self, path: &str, recorded: Option<&Value>, sent: Option<&Value>) {
        let (recorded, mut sent) = (recorded.cloned(), sent.cloned());
        let name = path.rsplit('/').next().unwrap_or_default();
        if let Some(sent) = &mut sent {
            // What was recorded holds none of them.
            Redaction::default().redact_member(name, sent);
        }
        self.found.push(Difference { path: path.to_owned(), recorded, sent });
    }
}

/// A redacted value equals any value; numbers are equal in any notation.
fn is_same(recorded: &Value, sent: &Value) -> bool {
    let numbers = || recorded.as_f64().is_some() && recorded.as_f64() == sent.as_f64();
    recorded == sent || recorded == REDACTED || (!is_integer(recorded, sent) && numbers())
}

/// Integers are compared exactly, because two of them may have the same nearest floating-point number.
fn is_integer(recorded: &Value, sent: &Value) -> bool {
    !recorded.is_f64() && !sent.is_f64()
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    let text = value.to_string();
    match text.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_difference_is_shown_where_it_is() {
        let ignored = Ignored { keys: vec!["now".to_owned()], pointers: vec!["/a/~1b".to_owned()] };
        let check = |recorded: Value, sent: Value, expected: &str| {
            assert_eq!(lines(&recorded, &sent, &ignored), expected, "{recorded} {sent}");
        };
        check(json!({ "a": [1, { "b": 2.0 }] }), json!({ "a": [1.0, { "b": 2 }] }), "");
        check(json!({ "a": 1, "b": 2 }), json!({ "b": 2, "a": 1 }), "");
        check(json!({ "now": 1, "a": { "/b": 1 } }), json!({ "a": { "now": 2 } }), "");
        check(json!({ "a": "[redacted]" }), json!({ "a": { "b": 1 } }), "");
        check(json!("[redacted]"), json!("x"), "");
        let differs = "\n  at /a/1\n    recorded: \"x\"\n    sent:     nothing";
        check(json!({ "a": [0, "x"] }), json!({ "a": [0] }), differs);
        let differs = "\n  at /a~1b~0\n    recorded: nothing\n    sent:     null";
        check(json!({}), json!({ "a/b~": null }), differs);
        let differs = "\n  at /n\n    recorded: 9007199254740993\n    sent:     9007199254740992";
        check(
            json!({ "n": 9_007_199_254_740_993_u64 }),
            json!({ "n": 9_007_199_254_740_992_u64 }),
            differs,
        );
        let differs = "\n  at /token\n    recorded: nothing\n    sent:     \"[redacted]\"";
        check(json!({}), json!({ "token": "s3cret" }), differs);
        let differs = "\n  at /a\n    recorded: 1\n    sent:     {\"apiKey\":\"[redacted]\"}";
        check(json!({ "a": 1 }), json!({ "a": { "apiKey": "s3cret" } }), differs);
        let many = Value::from(vec![0; 20]);
        assert!(lines(&many, &json!([]), &ignored).ends_with("\n  and 12 more"));
        let long = lines(&json!("\u{e9}".repeat(500)), &json!(1), &ignored);
        assert!(long.contains("... (1002 bytes)"), "{long}");
    }
}
