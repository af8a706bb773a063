//! What earlier lists of tools said, as far as results need it.

use crate::tool_name::ToolName;
use mcp_types::RawJson;
use std::{
    collections::HashSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// The flag in an output schema for a tool that returns `{"result": value}` because the value is not an object.
const WRAPS: &str = "x-fastmcp-wrap-result";
/// The maximum number of such tools remembered.
const MAX_TOOLS: usize = 10_000;

/// The tools that wrap their output, by the most recently listed schemas.
#[derive(Debug, Default)]
pub(crate) struct KnownTools {
    wrapping: Mutex<HashSet<String>>,
    /// Whether there are any: usually there are none, and calls take no lock.
    has_any: AtomicBool,
}

impl KnownTools {
    /// Reads a `tools/list` result. A malformed tool is skipped.
    pub(crate) fn learn(&self, result: &RawJson) {
        let mut wrapping = self.lock();
        // Hardly any list contains the flag, which saves a second read.
        if wrapping.is_empty() && !result.as_str().contains(WRAPS) {
            return;
        }
        let Some(Ok(tools)) = result.decode_at::<Vec<RawJson>>(&["tools"]) else { return };
        for tool in tools {
            let Some(Ok(name)) = tool.decode_at::<String>(&["name"]) else { continue };
            match tool.decode_at(&["outputSchema", WRAPS]) {
                Some(Ok(true)) if wrapping.len() >= MAX_TOOLS => {}
                Some(Ok(true)) => drop(wrapping.insert(name)),
                Some(Err(_)) => {}
                Some(Ok(false)) | None => drop(wrapping.remove(&name)),
            }
        }
        self.has_any.store(!wrapping.is_empty(), Ordering::Relaxed);
    }

    /// Whether a tool declares that it wraps its output.
    pub(crate) fn wraps(&self, tool: &ToolName) -> bool {
        self.has_any.load(Ordering::Relaxed) && self.lock().contains(&*tool.read())
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.wrapping.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{KnownTools, ToolName};
    use mcp_types::RawJson;
    use serde_json::{Value, json};

    #[test]
    fn the_schema_that_was_listed_last_counts_and_a_broken_one_harms_no_other() {
        let known = KnownTools::default();
        let learn = |tools: Value| known.learn(&RawJson::encode(&json!({"tools": tools})).unwrap());
        let wrapping =
            |name: &str| json!({"name": name, "outputSchema": {"x-fastmcp-wrap-result": true}});
        let broken = json!({"name": "c", "outputSchema": {"x-fastmcp-wrap-result": "yes"}});
        learn(json!([broken, 7, wrapping("a"), wrapping("b"), {"name": "d"}]));
        let wraps = |name: &str| known.wraps(&ToolName::of(name));
        assert!(wraps("a") && wraps("b"));
        assert!(!wraps("c") && !wraps("d"));
        learn(json!([{"name": "a", "outputSchema": {"type": "object"}}]));
        assert!(!wraps("a") && wraps("b"));
        learn(json!([{"name": "b"}]));
        assert!(!wraps("b"));
    }
}
