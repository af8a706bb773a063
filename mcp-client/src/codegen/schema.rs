//! Simplifying schemas into what has a Rust type.
//!
//! Of each schema this keeps what decides the type, gives every type a name of its own, and makes "any value" of the
//! rest. So what a server writes cannot take the generator by surprise, and what is generated does not depend on more than
//! serde.

use super::names::{TypeNames, are_variants};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The nesting depth from which schemas mean any value.
const MAX_DEPTH: usize = 32;
/// The number of schemas from which the rest mean any value.
const MAX_SCHEMAS: usize = 4_000;
/// The maximum number of alternatives in a union.
const MAX_ARMS: usize = 16;
/// The maximum number of values in an enumeration.
const MAX_VALUES: usize = 512;
/// The maximum length of a default's text.
const MAX_DEFAULT: usize = 80;

/// How much of a schema becomes a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Everything possible.
    Full,
    /// Enumerations become strings, and unions any value.
    Plain,
}

/// A schema reduced to what has a type in Rust.
#[derive(Debug)]
pub(super) struct Simple {
    /// The schema, with its definitions.
    pub(super) schema: Value,
    /// Whether a part of it means any value although the server said more.
    pub(super) is_lossy: bool,
}

/// Simplifies a schema. Its type gets the name `name`, which is already taken.
pub(super) fn simplify(root: &Value, name: &str, detail: Detail, names: &mut TypeNames) -> Simple {
    let mut simplifier = Simplifier {
        root,
        detail,
        names,
        own_name: Some(name.to_owned()),
        definitions: BTreeMap::new(),
        done: Map::new(),
        schemas: 0,
        is_lossy: false,
    };
    let mut schema = simplifier.schema(root, name, 0, Place::Value);
    if let Value::Object(members) = &mut schema
        && !simplifier.done.is_empty()
    {
        members.insert("definitions".to_owned(), Value::Object(simplifier.done));
    }
    Simple { schema, is_lossy: simplifier.is_lossy }
}

/// Whether a schema describes an object with named members.
pub(super) fn is_struct(schema: &Value) -> bool {
    schema.get("properties").and_then(Value::as_object).is_some_and(|it| !it.is_empty())
}

/// The position of a schema.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The schema of a value.
    Value,
    /// One of several alternatives for a value.
    Arm,
}

struct Simplifier<'a> {
    root: &'a Value,
    detail: Detail,
    names: &'a mut TypeNames,
    /// The name of the schema itself, until it is used.
    own_name: Option<String>,
    /// The names of the definitions that are types.
    definitions: BTreeMap<String, String>,
    /// The definitions that are types.
    done: Map<String, Value>,
    schemas: usize,
    is_lossy: bool,
}

impl Simplifier<'_> {
    fn any(&mut self) -> Value {
        self.is_lossy = true;
        Value::Bool(true)
    }

    /// Returns a name for a type.
    fn name(&mut self, text: &str) -> String {
        let own = self.own_name.take_if(|own| own == text);
        own.unwrap_or_else(|| self.names.take(text))
    }

    /// Simplifies one schema; `name` is for its type.
    fn schema(&mut self, schema: &Value, name: &str, depth: usize, place: Place) -> Value {
        self.schemas += 1;
        let members = match schema {
            Value::Object(members) if depth <= MAX_DEPTH && self.schemas <= MAX_SCHEMAS => members,
            Value::Bool(true) => return Value::Bool(true),
            _ => return self.any(),
        };
        let mut simple = match members {
            _ if members.contains_key("$ref") => self.reference(members, depth, place),
            _ if members.contains_key("enum") || members.contains_key("const") => {
                self.enumeration(members, name)
            }
            _ if members.contains_key("anyOf") => self.union(&members["anyOf"], name, depth),
            _ if members.contains_key("oneOf") => self.union(&members["oneOf"], name, depth),
            _ if members.contains_key("allOf") => self.whole(&members["allOf"], name, depth, place),
            _ => self.typed(members, name, depth),
        };
        describe(&mut simple, members);
        simple
    }

    /// Simplifies a schema with at most one `type`.
    fn typed(&mut self, members: &Map<String, Value>, name: &str, depth: usize) -> Value {
        let kind = match members.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(Value::Array(kinds)) => return self.kinds(members, kinds, name, depth),
            Some(_) => return self.any(),
            None if members.contains_key("properties") => "object",
            None if members.contains_key("items") => "array",
            None => {
                self.is_lossy |= members.keys().any(|keyword| !is_note(keyword));
                return Value::Bool(true);
            }
        };
        match kind {
            "string" | "number" | "integer" | "boolean" | "null" => json!({"type": kind}),
            "array" => {
                let items = members.get("items").unwrap_or(&Value::Bool(true));
                let is_tuple = members.contains_key("prefixItems") || items.is_array();
                let items = match is_tuple {
                    true => self.any(),
                    false => self.schema(items, &format!("{name} item"), depth + 1, Place::Value),
                };
                json!({"type": "array", "items": items})
            }
            "object" => self.object(members, name, depth),
            _ => self.any(),
        }
    }

    /// Simplifies a schema of several types: one type plus `null` has a type in Rust.
    fn kinds(
        &mut self,
        members: &Map<String, Value>,
        kinds: &[Value],
        name: &str,
        depth: usize,
    ) -> Value {
        let others: Vec<_> = kinds.iter().filter(|kind| *kind != "null").collect();
        let [kind] = others[..] else { return self.any() };
        let mut members = members.clone();
        members.insert("type".to_owned(), kind.clone());
        let schema = self.typed(&members, name, depth);
        if kinds.len() > 1 { nullable(schema) } else { schema }
    }

    fn object(&mut self, members: &Map<String, Value>, name: &str, depth: usize) -> Value {
        let empty = Map::new();
        let properties = members.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        if properties.is_empty() {
            let values = match members.get("additionalProperties") {
                Some(values @ Value::Object(_)) => {
                    self.schema(values, &format!("{name} value"), depth + 1, Place::Value)
                }
                _ => Value::Bool(true),
            };
            return json!({"type": "object", "additionalProperties": values});
        }
        let title = self.name(name);
        let mut simple = Map::new();
        // In an order of its own, so that names do not depend on the server's order.
        let properties: BTreeMap<_, _> = properties.iter().collect();
        for (key, schema) in properties {
            let schema = self.schema(schema, &format!("{name} {key}"), depth + 1, Place::Value);
            simple.insert(key.clone(), schema);
        }
        let required = members.get("required").and_then(Value::as_array);
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        let mut required: Vec<_> = required.filter(|key| simple.contains_key(*key)).collect();
        required.sort_unstable();
        required.dedup();
        json!({"type": "object", "title": title, "properties": simple, "required": required})
    }

    /// Simplifies a set of values: strings become an enum.
    fn enumeration(&mut self, members: &Map<String, Value>, name: &str) -> Value {
        let constant = members.get("const").map(std::slice::from_ref);
        let values = constant.or_else(|| members.get("enum")?.as_array().map(Vec::as_slice));
        let values = values.unwrap_or_default();
        let mut texts: Vec<_> = values.iter().filter_map(Value::as_str).collect();
        let nulls = values.iter().filter(|value| value.is_null()).count();
        if texts.is_empty() || texts.len() + nulls < values.len() || texts.len() > MAX_VALUES {
            let is_kind = |is: fn(&Value) -> bool| !values.is_empty() && values.iter().all(is);
            return match () {
                () if is_kind(Value::is_boolean) => json!({"type": "boolean"}),
                () if is_kind(|it| it.is_i64()) => json!({"type": "integer"}),
                () if is_kind(Value::is_number) => json!({"type": "number"}),
                () if is_kind(Value::is_string) => json!({"type": "string"}),
                () => self.any(),
            };
        }
        texts.sort_unstable();
        texts.dedup();
        let schema = match self.detail {
            Detail::Full if are_variants(&texts) => {
                json!({"type": "string", "title": self.name(name), "enum": texts})
            }
            Detail::Full | Detail::Plain => json!({"type": "string"}),
        };
        if nulls > 0 { nullable(schema) } else { schema }
    }

    /// Simplifies a choice of several schemas.
    fn union(&mut self, arms: &Value, name: &str, depth: usize) -> Value {
        let arms = arms.as_array().map(Vec::as_slice).unwrap_or_default();
        let is_null = |arm: &Value| arm.get("type").is_some_and(|kind| kind == "null");
        let others: Vec<_> = arms.iter().filter(|arm| !is_null(arm)).collect();
        let schema = match others[..] {
            [] => return self.any(),
            [arm] => self.schema(arm, name, depth + 1, Place::Value),
            _ if others.len() > MAX_ARMS || self.detail == Detail::Plain => self.any(),
            _ => {
                let title = self.name(name);
                let mut simple = Vec::new();
                for (number, arm) in (1..).zip(others.iter().copied()) {
                    let arm = self.schema(arm, &format!("{name} {number}"), depth + 1, Place::Arm);
                    // A union with anything accepts everything.
                    if arm.is_boolean() || arm.get("anyOf").is_some() {
                        return self.any();
                    }
                    simple.push(arm);
                }
                json!({"title": title, "anyOf": simple})
            }
        };
        if others.len() < arms.len() { nullable(schema) } else { schema }
    }

    /// Simplifies a combination of several schemas: a single one is the usual way to annotate a reference.
    fn whole(&mut self, parts: &Value, name: &str, depth: usize, place: Place) -> Value {
        match parts.as_array().map(Vec::as_slice) {
            Some([part]) => self.schema(part, name, depth + 1, place),
            _ => self.any(),
        }
    }

    fn reference(&mut self, members: &Map<String, Value>, depth: usize, place: Place) -> Value {
        let text = members["$ref"].as_str().unwrap_or_default();
        let path = text.strip_prefix("#/$defs/").or_else(|| text.strip_prefix("#/definitions/"));
        let Some(key) = path else { return self.any() };
        let root = self.root;
        let find = |group: &str| root.get(group)?.get(key);
        let Some(target) = find("$defs").or_else(|| find("definitions")) else { return self.any() };
        if !self.is_type(target, place) {
            return self.schema(target, key, depth + 1, place);
        }
        if let Some(name) = self.definitions.get(key) {
            return json!({"$ref": format!("#/definitions/{name}")});
        }
        let before = self.names.take(key);
        self.definitions.insert(key.to_owned(), before.clone());
        // Named by its definition.
        let mut schema = self.schema(target, key, depth + 1, Place::Value);
        if let Value::Object(members) = &mut schema {
            members.remove("title");
        }
        self.done.insert(before.clone(), schema);
        json!({"$ref": format!("#/definitions/{before}")})
    }

    /// Whether a definition becomes a type of its own; others are inlined where they are referenced.
    fn is_type(&self, target: &Value, place: Place) -> bool {
        let has = |keyword: &str| target.get(keyword).is_some();
        if has("$ref") || has("allOf") {
            return false;
        }
        let strings = target.get("enum").and_then(Value::as_array);
        let is_enum = strings.is_some_and(|strings| {
            let texts: Vec<_> = strings.iter().filter_map(Value::as_str).collect();
            !texts.is_empty() && texts.len() == strings.len() && are_variants(&texts)
        });
        let is_union = (has("anyOf") || has("oneOf")) && place == Place::Value;
        let wanted = is_struct(target) || (is_enum && self.detail == Detail::Full);
        (wanted && !has("anyOf") && !has("oneOf")) || (is_union && self.is_union(target))
    }

    /// Whether a union has more than one alternative, not counting `null`.
    fn is_union(&self, target: &Value) -> bool {
        let arms = target.get("anyOf").or_else(|| target.get("oneOf")).and_then(Value::as_array);
        let is_null = |arm: &&Value| arm.get("type").is_none_or(|kind| kind != "null");
        let count = arms.map_or(0, |arms| arms.iter().filter(is_null).count());
        self.detail == Detail::Full && (2..=MAX_ARMS).contains(&count)
    }
}

fn nullable(schema: Value) -> Value {
    match schema {
        Value::Bool(_) => schema,
        schema => json!({"anyOf": [schema, {"type": "null"}]}),
    }
}

/// Whether a keyword does not constrain values.
fn is_note(keyword: &str) -> bool {
    matches!(keyword, "title" | "description" | "default" | "examples" | "deprecated")
        || keyword.starts_with('$')
        || keyword.starts_with("x-")
}

/// Keeps what a schema says to readers. The server fills in defaults: they are only mentioned.
fn describe(simple: &mut Value, members: &Map<String, Value>) {
    let mut text = members.get("description").and_then(Value::as_str).unwrap_or("").to_owned();
    if let Some(default) = members.get("default") {
        let default = default.to_string().replace('`', "'");
        if default.len() <= MAX_DEFAULT && default != "null" {
            let gap = if text.is_empty() { "" } else { "\n\n" };
            text = format!("{text}{gap}Default: `{default}`.");
        }
    }
    if text.is_empty() {
        return;
    }
    match simple {
        Value::Object(simple) => drop(simple.insert("description".to_owned(), text.into())),
        any => *any = json!({"description": text}),
    }
}
