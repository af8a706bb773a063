//! Detecting drift between the tools of a server and generated code.

use crate::{Client, Error};
use mcp_types::{JsonObject, RawJson, Tool};
use serde_json::Value;
use std::fmt;

/// The input and output of a tool when code was generated for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolSignature {
    /// Its name.
    pub name: &'static str,
    /// The input schema, as JSON.
    pub input: &'static str,
    /// The output schema, as JSON; empty if it has none.
    pub output: &'static str,
}

/// How the tools of a server differ from those that code was generated for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drift {
    /// Tools that are gone.
    pub missing: Vec<String>,
    /// Tools whose input schema changed.
    pub input_changed: Vec<String>,
    /// Tools whose output schema changed.
    pub output_changed: Vec<String>,
    /// Tools that are new, which is harmless.
    pub added: Vec<String>,
}

impl ToolSignature {
    /// The signature of a tool.
    pub const fn new(name: &'static str, input: &'static str, output: &'static str) -> Self {
        Self { name, input, output }
    }
}

impl Drift {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.is_harmless() && self.added.is_empty()
    }

    /// Whether generated code still fits; tools may have been added.
    pub fn is_harmless(&self) -> bool {
        let Self { missing, input_changed, output_changed, .. } = self;
        missing.is_empty() && input_changed.is_empty() && output_changed.is_empty()
    }

    /// Compares tools with earlier signatures. Descriptions and other annotations do not count.
    pub fn between(before: &[ToolSignature], now: &[Tool]) -> Self {
        let mut drift = Self::default();
        for signature in before {
            let name = || signature.name.to_owned();
            let Some(tool) = now.iter().find(|tool| tool.name == signature.name) else {
                drift.missing.push(name());
                continue;
            };
            if !is_same(signature.input, Some(&tool.input_schema)) {
                drift.input_changed.push(name());
            }
            if !is_same(signature.output, tool.output_schema.as_ref()) {
                drift.output_changed.push(name());
            }
        }
        let is_new = |tool: &&Tool| before.iter().all(|signature| signature.name != tool.name);
        drift.added = now.iter().filter(is_new).map(|tool| tool.name.clone()).collect();
        drift
    }
}

impl Client {
    /// Compares the tools of the server with those that code was generated for.
    ///
    /// # Errors
    ///
    /// The tools cannot be listed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request on the wire.
    pub async fn tool_drift(&self, signatures: &[ToolSignature]) -> Result<Drift, Error> {
        Ok(Drift::between(signatures, &self.list_tools().await?))
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("the tools are as they were");
        }
        let mut separator = "";
        for (what, tools) in [
            ("gone", &self.missing),
            ("take other arguments", &self.input_changed),
            ("give another output", &self.output_changed),
            ("new", &self.added),
        ] {
            if !tools.is_empty() {
                write!(f, "{separator}{what}: {tools:?}")?;
                separator = "; ";
            }
        }
        Ok(())
    }
}

fn is_same(before: &str, now: Option<&JsonObject>) -> bool {
    match now {
        None => before.is_empty(),
        Some(now) => {
            let before = RawJson::parse(before.to_owned()).and_then(|before| before.to_value());
            before.is_ok_and(|before| before == signature(now))
        }
    }
}

/// Strips what is only for readers from a schema.
pub(crate) fn signature(schema: &JsonObject) -> Value {
    members(schema, 0)
}

/// How deep schemas are compared.
const MAX_DEPTH: usize = 128;

fn bare(schema: &Value, depth: usize) -> Value {
    match schema {
        _ if depth > MAX_DEPTH => Value::Bool(true),
        Value::Object(object) => members(object, depth),
        Value::Array(items) => items.iter().map(|item| bare(item, depth + 1)).collect(),
        _ => schema.clone(),
    }
}

/// Returns the members of a schema in a canonical order.
fn members(schema: &JsonObject, depth: usize) -> Value {
    let members = sorted(schema).into_iter().filter_map(|(keyword, value)| {
        let value = match (keyword.as_str(), value) {
            ("title" | "description" | "$comment" | "examples" | "default" | "deprecated", _) => {
                return None;
            }
            ("$schema" | "$id", _) => return None,
            // Here the members are names, not keywords.
            (
                "properties" | "patternProperties" | "$defs" | "definitions",
                Value::Object(named),
            ) => {
                let named = sorted(named).into_iter();
                let named = named.map(|(name, schema)| (name.clone(), bare(schema, depth + 1)));
                Value::Object(named.collect())
            }
            ("required", Value::Array(names)) => {
                let mut names = names.clone();
                names.sort_unstable_by_key(ToString::to_string);
                names.into()
            }
            ("enum" | "const", value) => value.clone(),
            (_, value) => bare(value, depth + 1),
        };
        Some((keyword.clone(), value))
    });
    Value::Object(members.collect())
}

fn sorted(object: &JsonObject) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members
}

#[cfg(test)]
mod tests {
    use super::{Drift, ToolSignature, signature};
    use mcp_types::Tool;
    use serde_json::json;

    fn tools(tools: serde_json::Value) -> Vec<Tool> {
        serde_json::from_value(tools).unwrap()
    }

    const BEFORE: [ToolSignature; 3] = [
        ToolSignature::new(
            "a",
            r#"{"type":"object","properties":{"title":{"type":"string"}}}"#,
            "",
        ),
        ToolSignature::new("b", r#"{"type":"object"}"#, r#"{"type":"object"}"#),
        ToolSignature::new("c", r#"{"type":"object"}"#, ""),
    ];

    #[test]
    fn descriptions_do_not_count() {
        let now = tools(json!([
            {"name": "c", "inputSchema": {"type": "object", "$schema": "x", "examples": [1]}},
            {"name": "b", "description": "new", "inputSchema": {"type": "object"}, "outputSchema": {"type": "object"}},
            {"name": "a", "inputSchema": {"title": "A", "type": "object", "properties": {
                "title": {"description": "the title", "title": "Title", "type": "string", "default": "x"},
            }}},
        ]));
        let drift = Drift::between(&BEFORE, &now);
        assert!(drift.is_empty(), "{drift}");
        assert_eq!(drift.to_string(), "the tools are as they were");
    }

    #[test]
    fn what_is_gone_changed_or_new_is_told() {
        let now = tools(json!([
            {"name": "a", "inputSchema": {"type": "object", "properties": {"title": {"type": "number"}}}},
            {"name": "b", "inputSchema": {"type": "object"}},
            {"name": "d", "inputSchema": {"type": "object"}},
        ]));
        let drift = Drift::between(&BEFORE, &now);
        assert!(!drift.is_harmless());
        let expected =
            r#"gone: ["c"]; take other arguments: ["a"]; give another output: ["b"]; new: ["d"]"#;
        assert_eq!(drift.to_string(), expected);
        let mut more = tools(json!([{"name": "e", "inputSchema": {}}]));
        more.extend(tools(json!([{"name": "c", "inputSchema": {"type": "object"}}])));
        let drift = Drift::between(&BEFORE[2..], &more);
        assert!(drift.is_harmless() && !drift.is_empty());
    }

    #[test]
    fn a_schema_of_any_depth_has_a_signature() {
        let mut schema = json!({"type": "string"});
        for _ in 0..1_000 {
            schema = json!({"items": schema});
        }
        let serde_json::Value::Object(members) = &schema else { unreachable!() };
        assert!(signature(members).to_string().len() < 10_000);
    }
}
