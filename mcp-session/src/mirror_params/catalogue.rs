//! The annotations of the tools that were listed.

use super::annotations::{Annotation, KEYWORD, annotations, header_value};
use crate::{
    InvalidParams, Params,
    member::{optional, value},
    tool_name::target_name,
};
use mcp_types::RawJson;
use memchr::memmem;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Release},
        },
    },
};

/// The maximum number of annotated tools remembered; any beyond that are called without headers.
const MAX_TOOLS: usize = 10_000;
/// The maximum number of pages read to find one tool again.
pub(super) const MAX_PAGES: usize = 1_000;

/// The annotations of the most recently listed tools.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    tools: Mutex<HashMap<String, Arc<[Annotation]>>>,
    /// Whether there are any: most servers have none, and their calls take no lock.
    has_some: AtomicBool,
}

impl Catalogue {
    /// Reads a `tools/list` result; returns it without the invalid tools, if there are any.
    pub(super) fn learn(&self, result: &RawJson) -> Option<RawJson> {
        let annotated = memmem::find(result.as_bytes(), KEYWORD.as_bytes()).is_some();
        if !annotated && !self.has_some() {
            return None;
        }
        let mut list = result.to_value().ok()?;
        let tools = list.get_mut("tools")?.as_array_mut()?;
        let before = tools.len();
        tools.retain(|tool| self.learn_tool(tool));
        if tools.len() == before {
            return None;
        }
        RawJson::encode(&list).ok()
    }

    /// Remembers a tool; returns whether it is valid.
    fn learn_tool(&self, tool: &Value) -> bool {
        let Some(name) = tool.get("name").and_then(Value::as_str) else { return true };
        let found = tool.get("inputSchema").map_or_else(|| Ok(Vec::new()), annotations);
        let mut tools = self.tools();
        let is_valid = match found {
            Ok(found) if found.is_empty() => {
                tools.remove(name);
                true
            }
            Ok(found) => {
                if tools.len() < MAX_TOOLS || tools.contains_key(name) {
                    tools.insert(name.to_owned(), found.into());
                }
                true
            }
            Err(reason) => {
                tools.remove(name);
                tracing::warn!(tool = name, %reason, "left out a tool with an invalid `x-mcp-header`");
                false
            }
        };
        self.has_some.store(!tools.is_empty(), Release);
        is_valid
    }

    /// Returns the headers of a call: names without the prefix, and values.
    pub(super) fn mirrored(&self, params: &Params) -> Result<Vec<(String, String)>, InvalidParams> {
        if !self.has_some() {
            return Ok(Vec::new());
        }
        let Some(found) = target_name(params).and_then(|name| self.tools().get(&*name).cloned())
        else {
            return Ok(Vec::new());
        };
        let arguments = value(params.as_raw(), "arguments")?;
        let mut headers = Vec::new();
        for Annotation { header, path } in &*found {
            let value = path.iter().try_fold(&arguments, |value, name| value.get(name));
            match value.map_or(Ok(None), header_value) {
                Ok(Some(value)) => headers.push((header.clone(), value)),
                Ok(None) => {}
                Err(integer) => return Err(unsafe_integer(integer, path)),
            }
        }
        Ok(headers)
    }

    fn tools(&self) -> MutexGuard<'_, HashMap<String, Arc<[Annotation]>>> {
        self.tools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_some(&self) -> bool {
        self.has_some.load(Acquire)
    }
}

fn unsafe_integer(integer: i128, path: &[String]) -> InvalidParams {
    let path = path.join(".");
    InvalidParams::new(format!(
        "argument {path} is {integer}: a header cannot carry integers beyond 2^53 - 1"
    ))
}

/// What a page says about one tool.
pub(super) struct Page {
    pub(super) has_tool: bool,
    pub(super) next_cursor: Option<RawJson>,
}

/// Looks up a tool on a page of `tools/list`.
pub(super) fn page(result: &RawJson, tool: &str) -> Page {
    let tools = value(result, "tools").unwrap_or_default();
    let mut tools = tools.as_array().into_iter().flatten();
    let has_tool = tools.any(|known| known.get("name").and_then(Value::as_str) == Some(tool));
    Page { has_tool, next_cursor: optional(result, "nextCursor").ok().flatten() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn raw(value: &Value) -> RawJson {
        RawJson::encode(value).unwrap()
    }

    fn tool(name: &str, header: &str) -> Value {
        let region = json!({"type": "string", "x-mcp-header": header});
        json!({"name": name, "inputSchema": {"type": "object", "properties": {"region": region}}})
    }

    // spec: HDR-05 HDR-12 HDR-20 HDR-22
    #[test]
    fn invalid_tools_are_left_out_and_the_others_mirrored() {
        let catalogue = Catalogue::default();
        let list = raw(&json!({"tools": [tool("good", "Region"), tool("bad", "")], "ttlMs": 1}));
        let expected = json!({"tools": [tool("good", "Region")], "ttlMs": 1});
        assert_eq!(catalogue.learn(&list), Some(raw(&expected)));

        let headers =
            |params: Value| catalogue.mirrored(&Params::encode(&params).unwrap()).unwrap();
        let eu = json!({"name": "good", "arguments": {"region": "eu"}});
        assert_eq!(headers(eu.clone()), [("Region".to_owned(), "eu".to_owned())]);
        assert!(headers(json!({"name": "good", "arguments": {"region": null}})).is_empty());
        assert!(headers(json!({"name": "good"})).is_empty());
        assert!(headers(json!({"name": "bad", "arguments": {"region": "eu"}})).is_empty());

        let plain = raw(&json!({"tools": [{"name": "good", "inputSchema": {"type": "object"}}]}));
        assert_eq!(catalogue.learn(&plain), None);
        assert!(headers(eu).is_empty(), "the schema that was obtained last counts");
    }
}
