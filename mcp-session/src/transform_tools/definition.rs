//! Tool definitions as they are shown.

use super::{ArgumentTransform, ToolTransform};
use crate::params::Members;
use mcp_types::RawJson;
use serde_json::{Value, json};
use std::{borrow::Cow, collections::BTreeMap};

/// What tools are filtered by.
pub(super) struct Head {
    pub(super) name: String,
    meta: Value,
}

impl Head {
    /// Reads it from the definition of a tool; `None` if that has no name.
    pub(super) fn read(tool: &str) -> Option<Self> {
        let members = Members::of(tool).ok()?;
        let name = RawJson::read_str(members.find("name")?)?.into_owned();
        Some(Self { name, meta: members.find("_meta").map_or(Some(Value::Null), value)? })
    }

    /// Returns the tags of the tool, as FastMCP servers declare them.
    pub(super) fn tags(&self) -> Vec<&str> {
        let said = self.meta.get("fastmcp").or_else(|| self.meta.get("_fastmcp"));
        let tags = said.and_then(|said| said.get("tags")?.as_array());
        tags.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

fn value(text: &str) -> Option<Value> {
    RawJson::from_joined(text.to_owned()).to_value().ok()
}

/// Returns a tool as it is shown; `None` if it is malformed.
pub(super) fn transformed(tool: &str, transform: &ToolTransform) -> Option<String> {
    let mut members = Members::of(tool).ok()?;
    let schema = members.find("inputSchema");
    let mut changed: Vec<(&str, RawJson)> = Vec::new();
    let texts = [
        ("name", &transform.name),
        ("title", &transform.title),
        ("description", &transform.description),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            changed.push((name, RawJson::encode(text.as_str()).ok()?));
        }
    }
    if let Some(schema) = schema.filter(|_| !transform.arguments.is_empty()) {
        let mut schema = value(schema)?;
        change_schema(&mut schema, &transform.arguments);
        changed.push(("inputSchema", RawJson::encode(&schema).ok()?));
    }
    for (name, value) in &changed {
        match members.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value.as_str(),
            None => members.0.push((Cow::Borrowed(name), value.as_str())),
        }
    }
    Some(members.encode().to_string())
}

/// Changes an input schema to that of the arguments as shown.
fn change_schema(schema: &mut Value, arguments: &BTreeMap<String, ArgumentTransform>) {
    let shown = |name: &str| match arguments.get(name) {
        None => Some(name.to_owned()),
        Some(it) if it.is_hidden => None,
        Some(it) => Some(it.name.clone().unwrap_or_else(|| name.to_owned())),
    };
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        *properties = std::mem::take(properties)
            .into_iter()
            .filter_map(|(name, property)| {
                Some((shown(&name)?, changed_property(property, arguments.get(&name))))
            })
            .collect();
    }
    if let Some(required) = schema.get_mut("required") {
        let is_needed =
            |name: &str| arguments.get(name).is_none_or(|argument| argument.default.is_none());
        rename_all(required, |name| shown(name).filter(|_| is_needed(name)));
    }
    for keyword in ["dependentRequired", "dependentSchemas", "dependencies"] {
        if let Some(dependent) = schema.get_mut(keyword).and_then(Value::as_object_mut) {
            *dependent = std::mem::take(dependent)
                .into_iter()
                .filter_map(|(name, mut needs)| {
                    rename_all(&mut needs, shown);
                    Some((shown(&name)?, needs))
                })
                .collect();
        }
    }
}

fn changed_property(mut property: Value, argument: Option<&ArgumentTransform>) -> Value {
    let Some(argument) = argument else { return property };
    let texts = [
        ("description", argument.description.clone().map(Value::from)),
        ("default", argument.default.clone()),
    ];
    for (name, value) in texts {
        let Some(value) = value else { continue };
        // `true` is also a schema, equivalent to an empty one.
        if property == Value::Bool(true) {
            property = json!({});
        }
        if let Some(property) = property.as_object_mut() {
            property.insert(name.to_owned(), value);
        }
    }
    property
}

/// Renames the names in an array, or removes them.
fn rename_all(names: &mut Value, shown: impl Fn(&str) -> Option<String>) {
    let Some(names) = names.as_array_mut() else { return };
    *names = std::mem::take(names)
        .into_iter()
        .filter_map(|name| match name.as_str() {
            Some(name) => shown(name).map(Value::from),
            None => Some(name),
        })
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tool: &Value, transform: &ToolTransform) -> Value {
        serde_json::from_str(&transformed(&tool.to_string(), transform).unwrap()).unwrap()
    }

    #[test]
    fn names_and_texts_are_changed_and_all_else_stays() {
        let tool = json!({"name": "a", "x": 1, "inputSchema": {"type": "object"}, "title": "A"});
        let transform = ToolTransform::new().rename("b").title("B").describe("Does it.");
        let expected = json!({
            "name": "b", "x": 1, "inputSchema": {"type": "object"}, "title": "B", "description": "Does it.",
        });
        assert_eq!(shown(&tool, &transform), expected);
        assert_eq!(shown(&tool, &ToolTransform::new()), tool);
    }

    #[test]
    fn the_input_schema_is_that_of_the_arguments_as_they_are_shown() {
        let tool = json!({"name": "a", "inputSchema": {
            "type": "object",
            "properties": {
                "q": {"type": "string", "description": "Where."},
                "units": {"enum": ["metric", "imperial"]},
                "days": {"type": "integer"},
                "any": true,
                "other": {"type": "string"},
            },
            "required": ["q", "units", "days", "other"],
            "dependentRequired": {"q": ["units", "other"], "units": ["q"]},
            "additionalProperties": false,
        }});
        let transform = ToolTransform::new()
            .argument("q", ArgumentTransform::new().rename("city").describe("The city."))
            .argument("units", ArgumentTransform::fix("metric"))
            .argument("days", ArgumentTransform::new().with_default(3))
            .argument("any", ArgumentTransform::new().describe("Anything."))
            .argument("nowhere", ArgumentTransform::new().rename("else"));
        let expected = json!({"name": "a", "inputSchema": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "The city."},
                "days": {"type": "integer", "default": 3},
                "any": {"description": "Anything."},
                "other": {"type": "string"},
            },
            "required": ["city", "other"],
            "dependentRequired": {"city": ["other"]},
            "additionalProperties": false,
        }});
        let shown = shown(&tool, &transform);
        assert_eq!(shown, expected);
        let order: Vec<_> =
            shown["inputSchema"]["properties"].as_object().unwrap().keys().collect();
        assert_eq!(order, ["city", "days", "any", "other"], "in the order of the server");
    }

    #[test]
    fn tags_are_where_fastmcp_puts_them() {
        let tags = |text: &str| Head::read(text).unwrap().tags().join(" ");
        assert_eq!(tags(r#"{"name": "a", "_meta": {"fastmcp": {"tags": ["x", "y"]}}}"#), "x y");
        assert_eq!(tags(r#"{"name": "a", "_meta": {"_fastmcp": {"tags": ["x", "y", 1]}}}"#), "x y");
        assert_eq!(tags(r#"{"name": "a"}"#), "");
    }
}
