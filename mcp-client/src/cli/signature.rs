//! One-line signatures of tools.

use mcp_types::{JsonObject, Tool};
use serde_json::Value;

/// How deep types are written out.
const MAX_DEPTH: usize = 6;
/// The maximum number of enumeration values written out.
const MAX_VALUES: usize = 8;

/// The maximum length of a name or value written out.
const MAX_CHARS: usize = 80;
/// The maximum number of types written out in total: references can expand a schema far beyond its text.
const MAX_TYPES: usize = 500;
/// Stands for whatever is left out.
const MORE: &str = "…";

/// Formats the signature of a tool: `get_weather(city: string, days?: integer = 1) -> {degrees: number}`.
pub(super) fn signature(tool: &Tool) -> String {
    let arguments = Writer::new(&tool.input_schema).members(&tool.input_schema, 0).join(", ");
    let output = tool.output_schema.as_ref();
    let output = output.map(|schema| format!(" -> {}", Writer::new(schema).kind(schema, 0)));
    format!("{}({arguments}){}", tool.name, output.unwrap_or_default())
}

/// Writes the types of one schema.
struct Writer<'a> {
    root: &'a JsonObject,
    /// How many more types may be written.
    left: usize,
}

impl<'a> Writer<'a> {
    fn new(root: &'a JsonObject) -> Self {
        Self { root, left: MAX_TYPES }
    }

    /// Writes the members of an object, required ones first.
    fn members(&mut self, schema: &JsonObject, depth: usize) -> Vec<String> {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|it| it.iter().any(|it| it == name));
        let properties = schema.get("properties").and_then(Value::as_object);
        let properties: Vec<_> = properties.into_iter().flatten().take(MAX_TYPES).collect();
        let (first, others): (Vec<_>, Vec<_>) =
            properties.into_iter().partition(|(name, _)| is_required(name));
        let first = first.into_iter().map(|(name, schema)| (name, "", schema));
        let all = first.chain(others.into_iter().map(|(name, schema)| (name, "?", schema)));
        let mut members = Vec::new();
        for (name, mark, schema) in all {
            if self.left == 0 {
                members.push(MORE.to_owned());
                break;
            }
            let default = schema.get("default").filter(|value| !value.is_null());
            let default = default.map(|value| format!(" = {}", short(value.to_string())));
            let (name, default) = (short(name.clone()), default.unwrap_or_default());
            members.push(format!("{name}{mark}: {}{default}", self.any(schema, depth + 1)));
        }
        members
    }

    fn any(&mut self, schema: &Value, depth: usize) -> String {
        match schema {
            Value::Object(schema) => self.kind(schema, depth),
            _ => "any".to_owned(),
        }
    }

    /// Writes alternative types.
    fn either<'b>(&mut self, arms: impl IntoIterator<Item = &'b Value>, depth: usize) -> String {
        let mut shown = Vec::new();
        for arm in arms {
            if self.left == 0 {
                shown.push(MORE.to_owned());
                break;
            }
            shown.push(self.any(arm, depth));
        }
        shown.join(" | ")
    }

    fn kind(&mut self, schema: &JsonObject, depth: usize) -> String {
        let Some(left) = self.left.checked_sub(1) else { return MORE.to_owned() };
        self.left = left;
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let target = name.strip_prefix("#/").and_then(|path| {
                let (group, name) = path.split_once('/')?;
                self.root.get(group)?.get(name)?.as_object()
            });
            return match target {
                Some(target) if depth < MAX_DEPTH => self.kind(target, depth + 1),
                _ => short(name.rsplit('/').next().unwrap_or(name).to_owned()),
            };
        }
        let values = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice);
        if let Some(values) = values.or_else(|| schema.get("const").map(std::slice::from_ref)) {
            let shown = values.iter().take(MAX_VALUES).map(|value| short(value.to_string()));
            let mut shown: Vec<_> = shown.collect();
            shown.extend((values.len() > MAX_VALUES).then(|| MORE.to_owned()));
            return shown.join(" | ");
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(arms) = schema.get(keyword).and_then(Value::as_array) {
                return self.either(arms, depth + 1);
            }
        }
        match schema.get("type") {
            Some(Value::String(name)) => self.named(schema, name, depth),
            Some(Value::Array(names)) => {
                let names = names.iter().filter_map(Value::as_str).take(MAX_VALUES);
                names.map(|name| self.named(schema, name, depth)).collect::<Vec<_>>().join(" | ")
            }
            _ if schema.contains_key("properties") => self.named(schema, "object", depth),
            _ => "any".to_owned(),
        }
    }

    fn named(&mut self, schema: &JsonObject, name: &str, depth: usize) -> String {
        match name {
            _ if depth >= MAX_DEPTH => short(name.to_owned()),
            "array" => match schema.get("items").map(|items| self.any(items, depth + 1)) {
                Some(items) if items.contains(" | ") => format!("({items})[]"),
                Some(items) => format!("{items}[]"),
                None => "any[]".to_owned(),
            },
            "object"
                if schema
                    .get("properties")
                    .is_some_and(|it| it != &Value::Object(JsonObject::new())) =>
            {
                format!("{{{}}}", self.members(schema, depth).join(", "))
            }
            name => short(name.to_owned()),
        }
    }
}

/// Shortens a name or value.
fn short(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_CHARS) {
        text.truncate(end);
        text.push_str(MORE);
    }
    text
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

    #[test]
    fn a_schema_that_is_larger_than_its_text_is_written_in_part() {
        let members = |of: &str| {
            let reference = json!({"$ref": format!("#/$defs/{of}")});
            (0..300)
                .map(|number| (format!("m{number}"), reference.clone()))
                .collect::<serde_json::Map<_, _>>()
        };
        let arms = vec![json!({"$ref": "#/$defs/long"}); 300];
        let schema = json!({
            "properties": members("a"), "$defs": {
                "long": {"enum": ["x".repeat(100_000)]},
                "a": {"properties": members("b")}, "b": {"anyOf": arms}, "c": {"items": {"$ref": "#/$defs/c"}},
            },
        });
        let tool =
            json!({"name": "t", "inputSchema": schema, "outputSchema": {"$ref": "#/$defs/c"}});
        let written = signature(&serde_json::from_value(tool).unwrap());
        assert!(written.len() < 100_000 && written.contains('…'), "{} bytes", written.len());
    }
}
