//! Converting command line arguments to what the schema of a tool asks for.

use crate::suggest::{did_you_mean, near};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The maximum number of references followed.
const MAX_DEPTH: usize = 8;
/// The maximum number of schemas examined to find the types of one value.
const MAX_SCHEMAS: usize = 1_000;

/// Builds arguments from words: one JSON object, or `name=value` each. `Err` explains to a person what is wrong.
pub(super) fn arguments(schema: &Value, words: &[String]) -> Result<Map<String, Value>, String> {
    if let [json] = words
        && json.trim_start().starts_with('{')
    {
        let object = serde_json::from_str::<Map<String, Value>>(json);
        let object =
            object.map_err(|error| format!("the arguments are no JSON object: {error}"))?;
        return complete(schema, object);
    }
    let mut arguments = Map::new();
    for word in words {
        let Some((name, text)) = word.split_once('=') else {
            return Err(format!("{word:?} is no argument: write NAME=VALUE, or one JSON object"));
        };
        let value = match property(schema, name) {
            Some(property) => coerce(schema, property, text).map_err(|expected| {
                format!("the argument {name:?} must be {expected}, not {text:?}")
            })?,
            None if is_closed(schema) => return Err(unknown(schema, name)),
            None => guess(text),
        };
        if arguments.insert(name.to_owned(), value).is_some() {
            return Err(format!("the argument {name:?} is given twice"));
        }
    }
    complete(schema, arguments)
}

/// Checks that no required argument is missing.
fn complete(schema: &Value, arguments: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let required = schema.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    let missing: Vec<_> = required.filter(|name| !arguments.contains_key(*name)).collect();
    if missing.is_empty() {
        return Ok(arguments);
    }
    let unknown = arguments.keys().filter(|name| property(schema, name).is_none());
    let hints: Vec<_> = unknown.flat_map(|name| near(name, missing.iter().copied())).collect();
    Err(format!("missing arguments: {}{}", missing.join(", "), did_you_mean(&hints)))
}

fn unknown(schema: &Value, name: &str) -> String {
    let known = schema.get("properties").and_then(Value::as_object);
    let known: Vec<_> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    format!("there is no argument {name:?}{}", did_you_mean(&near(name, known)))
}

fn property<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema.get("properties")?.get(name)
}

/// Whether only the arguments of the schema are allowed.
fn is_closed(schema: &Value) -> bool {
    schema.get("additionalProperties") == Some(&Value::Bool(false))
}

/// Converts a text to a value of a schema; `Err` is what the schema expects.
pub(super) fn coerce(root: &Value, schema: &Value, text: &str) -> Result<Value, String> {
    let (mut types, mut left) = (BTreeSet::new(), MAX_SCHEMAS);
    collect(root, schema, &mut types, 0, &mut left);
    let wants = |kind: &str| types.contains(kind);
    if types.is_empty() {
        return Ok(guess(text));
    }
    let json = serde_json::from_str::<Value>(text).ok();
    let fits = |value: &Value| match value {
        Value::Null => wants("null"),
        Value::Bool(_) => wants("boolean"),
        Value::Number(number) => wants("number") || (wants("integer") && !number.is_f64()),
        Value::Array(_) => wants("array"),
        Value::Object(_) => wants("object"),
        // A string in quotes is one whose quotes are its own, unless nothing else is wanted.
        Value::String(_) => false,
    };
    match json.filter(fits) {
        Some(value) => Ok(value),
        None if wants("string") => Ok(text.into()),
        None => Err(types.into_iter().map(article).collect::<Vec<_>>().join(" or ")),
    }
}

/// Collects the types that a schema allows, as far as they are known.
fn collect<'a>(
    root: &'a Value,
    schema: &'a Value,
    types: &mut BTreeSet<&'a str>,
    depth: usize,
    left: &mut usize,
) {
    if depth > MAX_DEPTH || *left == 0 {
        return;
    }
    *left -= 1;
    match schema.get("type") {
        Some(Value::String(kind)) => types.extend([kind.as_str()]),
        Some(Value::Array(kinds)) => types.extend(kinds.iter().filter_map(Value::as_str)),
        _ => {
            let values = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice);
            let constant = schema.get("const").map(std::slice::from_ref);
            for value in values.or(constant).unwrap_or_default() {
                types.insert(kind(value));
            }
        }
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        for part in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
            collect(root, part, types, depth + 1, left);
        }
    }
    let reference = schema.get("$ref").and_then(Value::as_str);
    let target = reference.and_then(|it| root.pointer(it.strip_prefix('#')?));
    if let Some(target) = target {
        collect(root, target, types, depth + 1, left);
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn article(kind: &str) -> String {
    match kind {
        "null" => "null".to_owned(),
        "integer" | "array" | "object" => format!("an {kind}"),
        kind => format!("a {kind}"),
    }
}

/// Guesses the value of an untyped text: JSON if it parses, else a string.
fn guess(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

#[cfg(test)]
mod tests {
    use super::arguments;
    use serde_json::{Value, json};

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    // seed: 67
    #[test]
    fn values_are_what_the_schema_wants() {
        let schema = json!({"properties": {
            "s": {"type": "string"}, "i": {"type": "integer"}, "n": {"type": "number"}, "b": {"type": "boolean"},
            "a": {"type": "array"}, "o": {"type": "object"}, "e": {"enum": ["1", "x"]},
            "sn": {"type": ["string", "null"]}, "in": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "r": {"$ref": "#/$defs/r"}, "any": {}, "si": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        }, "$defs": {"r": {"allOf": [{"$ref": "#/$defs/q"}]}, "q": {"type": "boolean"}}});
        for (word, expected) in [
            ("s=12", json!("12")),
            ("s=true", json!("true")),
            ("s=\"q\"", json!("\"q\"")),
            ("s=", json!("")),
            ("s=a=b", json!("a=b")),
            ("i=12", json!(12)),
            ("i=-3", json!(-3)),
            ("n=1.5", json!(1.5)),
            ("n=2", json!(2)),
            ("b=true", json!(true)),
            ("a=[1,\"x\"]", json!([1, "x"])),
            ("o={\"k\":null}", json!({"k": null})),
            ("e=1", json!("1")),
            ("sn=null", json!(null)),
            ("sn=5", json!("5")),
            ("in=5", json!(5)),
            ("in=null", json!(null)),
            ("r=false", json!(false)),
            ("any=5", json!(5)),
            ("any=x", json!("x")),
            ("other={}", json!({})),
            ("si=7", json!(7)),
            ("si=seven", json!("seven")),
        ] {
            let (name, _) = word.split_once('=').unwrap();
            let made = arguments(&schema, &words(&[word])).unwrap();
            assert_eq!(made[name], expected, "{word}");
        }
        for (word, expected) in [
            ("i=1.5", "the argument \"i\" must be an integer, not \"1.5\""),
            ("in=x", "the argument \"in\" must be an integer or null, not \"x\""),
            ("b=yes", "the argument \"b\" must be a boolean, not \"yes\""),
            ("a=1", "the argument \"a\" must be an array, not \"1\""),
            ("n", "\"n\" is no argument: write NAME=VALUE, or one JSON object"),
        ] {
            assert_eq!(arguments(&schema, &words(&[word])).unwrap_err(), expected);
        }
    }

    // seed: 67
    #[test]
    fn an_object_is_taken_as_it_is_and_what_is_missing_is_told() {
        let schema = json!({"properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"], "additionalProperties": false});
        let made = arguments(&schema, &words(&[r#" {"city": 1, "days": "x"}"#])).unwrap();
        assert_eq!(Value::Object(made), json!({"city": 1, "days": "x"}));
        for (given, expected) in [
            (&[][..], "missing arguments: city, days"),
            (&["days=1"][..], "missing arguments: city"),
            (&[r#"{"citi": 1, "days": 1}"#][..], "missing arguments: city; did you mean \"city\"?"),
            (&["citi=Oslo"][..], "there is no argument \"citi\"; did you mean \"city\"?"),
            (&["days=1", "days=2"][..], "the argument \"days\" is given twice"),
        ] {
            assert_eq!(arguments(&schema, &words(given)).unwrap_err(), expected);
        }
        let error = arguments(&schema, &words(&["{1}"])).unwrap_err();
        assert!(error.starts_with("the arguments are no JSON object: "), "{error}");
    }

    #[test]
    fn a_schema_that_refers_to_itself_is_read() {
        let schema = json!({"properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}});
        assert_eq!(arguments(&schema, &words(&["x=1"])).unwrap()["x"], 1);
    }

    #[test]
    fn a_schema_that_is_larger_than_its_text_is_read_in_part() {
        let all = |of: &str| vec![json!({"$ref": format!("#/$defs/{of}")}); 500];
        let schema = json!({"properties": {"x": {"type": "integer", "anyOf": all("a")}}, "$defs": {
            "a": {"anyOf": all("b")}, "b": {"anyOf": all("c")}, "c": {"anyOf": all("a")},
        }});
        assert_eq!(arguments(&schema, &words(&["x=1"])).unwrap()["x"], 1);
    }
}
