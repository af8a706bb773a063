//! The reduced schemas, and the types of their definitions.

use mcp_types::revision;
use serde_json::{Map, Value, json};
use std::{fs, path::Path};

/// Where the schemas come from: revisions, oldest first, then the tasks extension.
pub(crate) const SOURCES: [&str; 6] =
    ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28", EXTENSION];

/// The tasks extension.
pub(crate) const EXTENSION: &str = "ext-tasks";

/// Definitions whose types have other names.
const RENAMED: [(&str, &str); 3] = [
    ("EnumSchema", "LegacyTitledEnumSchema"),
    ("ResourceReference", "ResourceTemplateReference"),
    ("ElicitRequestURLParams", "ElicitRequestUrlParams"),
];

/// A definition that is a type of the library.
pub(crate) struct Definition {
    /// The name of the type.
    pub(crate) type_name: String,
    /// The schema; for a request or notification that of its parameters.
    pub(crate) schema: Value,
}

/// Returns all definitions of a source, by name.
pub(crate) fn definitions(source: &str) -> Map<String, Value> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mcp-types/schema");
    let text = fs::read_to_string(directory.join(format!("{source}.json"))).unwrap();
    let Value::Object(mut file) = serde_json::from_str(&text).unwrap() else { panic!("no object") };
    let Some(Value::Object(mut definitions)) = file.remove("$defs") else {
        panic!("no definitions")
    };
    // The published schemas omit null and fractions here.
    definitions.entry("JSONValue").and_modify(|schema| *schema = true.into());
    // And the known values of an open set.
    let values = json!({ "enum": ["complete", "input_required", "task"] });
    definitions.entry("ResultType").and_modify(|schema| *schema = values);
    // And they declare one result to be of any type.
    if let Some(result) = definitions.get_mut("InputRequiredResult") {
        result["properties"]["resultType"] = json!({ "const": "input_required" });
    }
    definitions
}

/// Returns the definitions of a source that are types of the library.
pub(crate) fn typed(source: &str) -> Vec<Definition> {
    let all = definitions(source);
    let definition = |(name, schema): (&String, &Value)| {
        let type_name = type_name(source, name, schema)?;
        let schema = match method(&all, schema) {
            Some(_) => params(&all, schema),
            None => json!({ "$ref": format!("#/$defs/{name}") }),
        };
        Some(Definition { type_name, schema })
    };
    all.iter().filter_map(definition).collect()
}

fn type_name(source: &str, name: &str, schema: &Value) -> Option<String> {
    let renamed = RENAMED.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new);
    // Since 2025-11-25 it is a union of several types, and has no type of its own.
    if name == "EnumSchema" && schema.get("anyOf").is_some() {
        return None;
    }
    // The base of two types has the same name as their union.
    if name == "ResourceContents" {
        return None;
    }
    let prefixed = format!("tasks_extension.{renamed}");
    let names = [prefixed.as_str(), renamed];
    let names = if source == EXTENSION { &names[..] } else { &names[1..] };
    let found =
        names.iter().find(|name| revision::types().iter().any(|known| known.name == **name));
    found.map(|name| (*name).to_owned())
}

/// Returns the method of a request or notification.
fn method(all: &Map<String, Value>, schema: &Value) -> Option<String> {
    let method = member(all, schema, "method")?;
    method.get("const").and_then(Value::as_str).map(str::to_owned)
}

/// Returns the schema of the parameters; an object if there are none.
fn params(all: &Map<String, Value>, schema: &Value) -> Value {
    member(all, schema, "params").unwrap_or_else(|| json!({ "type": "object" }))
}

/// Returns the schema of a member, including those of bases; the last one counts.
fn member(all: &Map<String, Value>, schema: &Value, name: &str) -> Option<Value> {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return member(all, all.get(reference.strip_prefix("#/$defs/")?)?, name);
    }
    if let Some(found) = schema.pointer(&format!("/properties/{name}")) {
        return Some(found.clone());
    }
    let bases = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
    bases.filter_map(|base| member(all, base, name)).next_back()
}

/// Creates a validator for a schema of a source.
pub(crate) fn validator(source: &str, schema: &Value) -> jsonschema::Validator {
    let mut whole = schema.as_object().unwrap().clone();
    whole.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    whole.insert("$defs".to_owned(), definitions(source).into());
    jsonschema::validator_for(&whole.into()).unwrap()
}

#[test]
fn most_definitions_have_a_type() {
    for source in SOURCES {
        let (all, typed) = (definitions(source).len(), typed(source).len());
        println!("{source}: {typed} of {all} definitions have a type");
        assert!(typed * 2 > all, "{source}");
    }
}
