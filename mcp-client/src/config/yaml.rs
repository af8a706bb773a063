//! A YAML reader that keeps the position of each value.

use jsonc_parser::{
    ast::{
        Array, BooleanLit, NullKeyword, NumberLit, Object, ObjectProp, ObjectPropName, StringLit,
        Value,
    },
    common::Range,
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;
use std::{borrow::Cow, fmt};

/// A value with its position.
pub(super) type Node = Spanned<Yaml>;

/// A value.
#[derive(Debug)]
pub(super) enum Yaml {
    Null,
    Boolean(bool),
    /// In JSON notation.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Yaml, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Yaml::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Yaml, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Yaml::Map(members))
    }
}

/// Converts the value to JSON, at the same position.
pub(super) fn value(node: &Node) -> Value<'_> {
    let range = range(node);
    match &node.value {
        Yaml::Null => Value::NullKeyword(NullKeyword { range }),
        Yaml::Boolean(value) => Value::BooleanLit(BooleanLit { range, value: *value }),
        Yaml::Number(value) => Value::NumberLit(NumberLit { range, value }),
        Yaml::Text(text) => Value::StringLit(StringLit { range, value: Cow::Borrowed(text) }),
        Yaml::List(elements) => {
            Value::Array(Array { range, elements: elements.iter().map(value).collect() })
        }
        Yaml::Map(members) => {
            let properties = members.iter().map(|(name, node)| member(name, node)).collect();
            Value::Object(Object { range, properties })
        }
    }
}

fn member<'a>(name: &'a Spanned<String>, node: &'a Node) -> ObjectProp<'a> {
    let at = range(name);
    let text = StringLit { range: at, value: Cow::Borrowed(name.value.as_str()) };
    let range = Range { start: at.start, end: range(node).end };
    ObjectProp { range, name: ObjectPropName::String(text), value: value(node) }
}

/// Returns the byte range of a value.
pub(super) fn range<T>(node: &Spanned<T>) -> Range {
    let span = node.referenced.span();
    let [start, length] = [span.byte_offset(), span.byte_len()]
        .map(|bytes| usize::try_from(bytes.unwrap_or_default()).unwrap_or(usize::MAX));
    Range { start, end: start.saturating_add(length) }
}
