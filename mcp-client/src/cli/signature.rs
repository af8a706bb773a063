//! What a tool takes and gives, in one line.

use mcp_types::{JsonObject, Tool};
use serde_json::Value;

/// How deep types are written out.
const MAX_DEPTH: usize = 6;
/// How many values of an enumeration are written out.
const MAX_VALUES: usize = 8;

/// The signature of a tool: `get_weather(city: string, days?: integer = 1) -> {degrees: number}`.
pub(super) fn signature(tool: &Tool) -> String {
    let schema = &tool.input_schema;
    let arguments = members(schema, schema, 0).join(", ");
    let output = tool.output_schema.as_ref();
    let output = output.map(|schema| format!(" -> {}", kind(schema, schema, 0)));
    format!("{}({arguments}){}", tool.name, output.unwrap_or_default())
}

/// The members of an object, those that must be there before others.
fn members(root: &JsonObject, schema: &JsonObject, depth: usize) -> Vec<String> {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|it| it.iter().any(|it| it == name));
    let properties = schema.get("properties").and_then(Value::as_object);
    let properties: Vec<_> = properties.into_iter().flatten().collect();
    let (first, others): (Vec<_>, Vec<_>) =
        properties.into_iter().partition(|(name, _)| is_required(name));
    let first = first.into_iter().map(|(name, schema)| (name, "", schema));
    let all = first.chain(others.into_iter().map(|(name, schema)| (name, "?", schema)));
    let all = all.map(|(name, mark, schema)| {
        let default = schema.get("default").filter(|value| !value.is_null());
        let default = default.map(|value| format!(" = {value}")).unwrap_or_default();
        format!("{name}{mark}: {}{default}", any(root, schema, depth + 1))
    });
    all.collect()
}

fn any(root: &JsonObject, schema: &Value, depth: usize) -> String {
    match schema {
        Value::Object(schema) => kind(root, schema, depth),
        _ => "any".to_owned(),
    }
}

fn kind(root: &JsonObject, schema: &JsonObject, depth: usize) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let target = name.strip_prefix("#/").and_then(|path| {
            let (group, name) = path.split_once('/')?;
            root.get(group)?.get(name)?.as_object()
        });
        return match target {
            Some(target) if depth < MAX_DEPTH => kind(root, target, depth + 1),
            _ => name.rsplit('/').next().unwrap_or(name).to_owned(),
        };
    }
    let values = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice);
    if let Some(values) = values.or_else(|| schema.get("const").map(std::slice::from_ref)) {
        let mut shown: Vec<_> = values.iter().take(MAX_VALUES).map(ToString::to_string).collect();
        shown.extend((values.len() > MAX_VALUES).then(|| "…".to_owned()));
        return shown.join(" | ");
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(arms) = schema.get(keyword).and_then(Value::as_array) {
            let arms: Vec<_> = arms.iter().map(|arm| any(root, arm, depth + 1)).collect();
            return arms.join(" | ");
        }
    }
    match schema.get("type") {
        Some(Value::String(name)) => named(root, schema, name, depth),
        Some(Value::Array(names)) => {
            let names = names.iter().filter_map(Value::as_str);
            names.map(|name| named(root, schema, name, depth)).collect::<Vec<_>>().join(" | ")
        }
        _ if schema.contains_key("properties") => named(root, schema, "object", depth),
        _ => "any".to_owned(),
    }
}

fn named(root: &JsonObject, schema: &JsonObject, name: &str, depth: usize) -> String {
    match name {
        _ if depth >= MAX_DEPTH => name.to_owned(),
        "array" => match schema.get("items").map(|items| any(root, items, depth + 1)) {
            Some(items) if items.contains(" | ") => format!("({items})[]"),
            Some(items) => format!("{items}[]"),
            None => "any[]".to_owned(),
        },
        "object"
            if schema
                .get("properties")
                .is_some_and(|it| it != &Value::Object(JsonObject::new())) =>
        {
            format!("{{{}}}", members(root, schema, depth).join(", "))
        }
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::signature;
    use serde_json::json;

    // seed: 67
    #[test]
    fn a_tool_is_one_line() {
        for (input, output, expected) in [
            (json!({"type": "object"}), None, "t()"),
            (
                json!({"type": "object", "properties": {
                    "days": {"type": "integer", "default": 1}, "city": {"type": "string"},
                    "unit": {"enum": ["C", "F"]}, "tags": {"type": "array", "items": {"type": "string"}},
                    "at": {"anyOf": [{"$ref": "#/$defs/Place"}, {"type": "null"}], "default": null},
                    "n": {"type": ["number", "null"]}, "ids": {"type": "array", "items": {"type": ["string", "integer"]}},
                }, "required": ["city"], "$defs": {"Place": {"type": "object", "properties": {"lat": {"type": "number"}}}}}),
                Some(
                    json!({"type": "object", "properties": {"degrees": {"type": "number"}}, "required": ["degrees"]}),
                ),
                "t(city: string, days?: integer = 1, unit?: \"C\" | \"F\", tags?: string[], at?: {lat?: number} | null, \
                 n?: number | null, ids?: (string | integer)[]) -> {degrees: number}",
            ),
            (
                json!({"properties": {"x": true, "y": {}, "z": {"$ref": "#/no/such"}}}),
                None,
                "t(x?: any, y?: any, z?: such)",
            ),
            (
                json!({"properties": {"x": {"$ref": "#/$defs/X"}}, "$defs": {"X": {"$ref": "#/$defs/X"}}}),
                None,
                "t(x?: X)",
            ),
        ] {
            let mut tool = json!({"name": "t"});
            tool["inputSchema"] = input;
            if let Some(output) = output {
                tool["outputSchema"] = output;
            }
            assert_eq!(signature(&serde_json::from_value(tool).unwrap()), expected);
        }
    }
}
