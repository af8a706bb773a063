//! Values for property tests, made from a schema.

use proptest::{collection, option, prelude::*, sample};
use serde_json::{Map, Value, json};
use std::{cell::RefCell, collections::HashMap, rc::Rc};

/// Makes strategies from the schemas of one source.
#[derive(Clone)]
pub(crate) struct Generator {
    definitions: Rc<Map<String, Value>>,
    /// The strategies of definitions, so that each is created once.
    strategies: Rc<RefCell<HashMap<String, BoxedStrategy<Value>>>>,
    /// Whether to add what no schema mentions: members, values of enumerations, types of content.
    adds_unknown: bool,
}

impl Generator {
    pub(crate) fn new(definitions: Map<String, Value>, adds_unknown: bool) -> Self {
        Self { definitions: Rc::new(definitions), strategies: Rc::default(), adds_unknown }
    }

    /// Returns values that fit the schema, apart from unknown parts.
    pub(crate) fn values(&self, schema: &Value) -> BoxedStrategy<Value> {
        self.at(schema)
    }

    fn at(&self, schema: &Value) -> BoxedStrategy<Value> {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let name = target.strip_prefix("#/$defs/").unwrap();
            return self.definition(name);
        }
        if let Some(constant) = schema.get("const") {
            return Just(constant.clone()).boxed();
        }
        if let Some(values) = list(schema, "enum") {
            let known = sample::select(values).boxed();
            return if self.adds_unknown {
                prop_oneof![4 => known, 1 => word()].boxed()
            } else {
                known
            };
        }
        if let Some(types) = list(schema, "anyOf") {
            return self.one_of(&types);
        }
        if list(schema, "allOf").is_some() || schema.get("properties").is_some() {
            return self.object(schema);
        }
        match schema.get("type") {
            None => json_value(2),
            Some(Value::String(ty)) => self.plain(ty, schema),
            Some(Value::Array(types)) => {
                let plain = |ty: &Value| self.plain(ty.as_str().unwrap(), schema);
                proptest::strategy::Union::new(types.iter().map(plain)).boxed()
            }
            Some(other) => panic!("type {other}"),
        }
    }

    fn definition(&self, name: &str) -> BoxedStrategy<Value> {
        match name {
            // They nest without limit.
            "JSONValue" => json_value(2),
            "JSONObject" => {
                collection::vec((name_of_member(), json_value(1)), 0..3).prop_map(object).boxed()
            }
            // Part of JSON-RPC: its unknown members have no meaning, and null is no data.
            "Error" => {
                let strategies = Rc::default();
                let known = Self { adds_unknown: false, strategies, ..self.clone() };
                known.at(&self.definitions[name]).prop_map(without_null).boxed()
            }
            _ => {
                let known = self.strategies.borrow().get(name).cloned();
                known.unwrap_or_else(|| {
                    let strategy = self.at(&self.definitions[name]);
                    self.strategies.borrow_mut().insert(name.to_owned(), strategy.clone());
                    strategy
                })
            }
        }
    }

    fn one_of(&self, types: &[Value]) -> BoxedStrategy<Value> {
        let known = types.iter().map(|ty| self.at(ty));
        let known = proptest::strategy::Union::new(known).boxed();
        let is_content = |ty: &Value| {
            let name = ty.get("$ref").and_then(Value::as_str);
            name.is_some_and(|name| name.ends_with("Content"))
        };
        if self.adds_unknown && types.iter().any(is_content) {
            let unknown =
                json_value(1).prop_map(|value| json!({ "type": "hologram", "data": value }));
            return prop_oneof![4 => known, 1 => unknown].boxed();
        }
        known
    }

    fn plain(&self, ty: &str, schema: &Value) -> BoxedStrategy<Value> {
        match ty {
            "null" => Just(Value::Null).boxed(),
            "boolean" => any::<bool>().prop_map(Value::from).boxed(),
            "string" => word(),
            "integer" => {
                let least = schema.get("minimum").and_then(Value::as_i64).unwrap_or(-(1 << 53));
                (least..=1 << 53).prop_map(Value::from).boxed()
            }
            "number" => number(schema),
            "array" => {
                let items = self.at(&schema["items"]);
                collection::vec(items, 0..3).prop_map(Value::from).boxed()
            }
            "object" => self.object(schema),
            _ => panic!("type {ty}"),
        }
    }

    fn object(&self, schema: &Value) -> BoxedStrategy<Value> {
        let bases = list(schema, "allOf").unwrap_or_default();
        let bases: Vec<_> = bases.iter().map(|base| self.at(base)).collect();
        let required = list(schema, "required").unwrap_or_default();
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let member = |(name, schema): (&String, &Value)| {
            let value = self.at(schema);
            let is_required = required.iter().any(|required| required == name);
            let member = (Just(name.clone()), value);
            match is_required {
                true => member.prop_map(Some).boxed(),
                false => option::of(member).boxed(),
            }
        };
        let members: Vec<_> = properties.iter().map(member).collect();
        // An embedded request is an envelope, which has only its own members.
        let is_envelope = properties.contains_key("method");
        let more = match schema.get("additionalProperties") {
            Some(Value::Object(values)) if !values.contains_key("not") => {
                self.at(&Value::Object(values.clone()))
            }
            Some(Value::Object(_)) => return Just(json!({})).boxed(),
            _ if self.adds_unknown && !is_envelope => json_value(1),
            _ => {
                return (bases, members)
                    .prop_map(|(bases, members)| join(bases, members, vec![]))
                    .boxed();
            }
        };
        let more = collection::vec((name_of_member(), more), 0..3);
        (bases, members, more).prop_map(|(bases, members, more)| join(bases, members, more)).boxed()
    }
}

type Member = (String, Value);

fn join(bases: Vec<Value>, members: Vec<Option<Member>>, more: Vec<Member>) -> Value {
    let bases = bases.into_iter().filter_map(|base| match base {
        Value::Object(members) => Some(members),
        _ => None,
    });
    object(bases.flatten().chain(members.into_iter().flatten()).chain(more))
}

fn object(members: impl IntoIterator<Item = Member>) -> Value {
    Value::Object(members.into_iter().collect())
}

fn without_null(mut value: Value) -> Value {
    value.as_object_mut().unwrap().retain(|_, member| !member.is_null());
    value
}

fn list(schema: &Value, keyword: &str) -> Option<Vec<Value>> {
    schema.get(keyword).and_then(Value::as_array).cloned()
}

fn number(schema: &Value) -> BoxedStrategy<Value> {
    let bound = |name| schema.get(name).and_then(Value::as_i64);
    let (least, most) = (bound("minimum").unwrap_or(-9), bound("maximum").unwrap_or(9));
    let fraction =
        (least * 64..=most * 64).prop_map(|sixtyfourths| json!(sixtyfourths as f64 / 64.0));
    prop_oneof![(least..=most).prop_map(Value::from), fraction].boxed()
}

fn word() -> BoxedStrategy<Value> {
    prop_oneof![3 => "[a-z]{0,6}", 1 => "\\PC{0,4}", 1 => "[\"\\\\\n\t/é漢🦀]{0,3}"]
        .prop_map(Value::from)
        .boxed()
}

/// A name that is in no schema.
fn name_of_member() -> impl Strategy<Value = String> {
    prop_oneof!["x-[a-z]{1,4}", "com\\.example/[a-z]{1,3}", "x\"é[a-z]"]
}

fn json_value(depth: u32) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        number(&json!({})),
        word(),
    ];
    leaf.prop_recursive(depth, 8, 3, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            collection::vec((name_of_member(), inner), 0..3).prop_map(object),
        ]
    })
    .boxed()
}
