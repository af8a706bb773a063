//! Arguments of tools and of prompts.

use mcp_session::{InvalidParams, Params};
use mcp_types::RawJson;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

/// The arguments of a tool: JSON values, encoded once.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// An object with any number of arguments.
    object: Option<Box<RawValue>>,
    /// Single arguments. They win over those of the object.
    single: Vec<(String, Box<RawValue>)>,
}

impl Arguments {
    pub(crate) fn set<T: Serialize>(
        &mut self,
        name: String,
        value: &T,
    ) -> Result<(), InvalidParams> {
        let value = to_raw_value(value).map_err(|error| unencodable(&name, &error))?;
        put(&mut self.single, name, value);
        Ok(())
    }

    pub(crate) fn set_all<T: Serialize>(&mut self, arguments: &T) -> Result<(), InvalidParams> {
        let object = to_raw_value(arguments).map_err(|error| no_object(Some(&error)))?;
        self.object = Some(object)
            // `()` and `None` are no arguments.
            .filter(|object| object.get() != "null");
        let is_object = self.object.as_ref().is_none_or(|object| object.get().starts_with('{'));
        if is_object { Ok(()) } else { Err(no_object(None)) }
    }

    /// The object that goes over the wire. It is there even if it is empty: some servers insist on it.
    pub(crate) fn encode(self) -> Result<Box<RawValue>, InvalidParams> {
        let Self { object, single } = self;
        let merged = match object {
            Some(object) if single.is_empty() => return Ok(object),
            None => to_raw_value(&Map(&single)),
            Some(object) => {
                let raw = |value: &RawValue| RawJson::parse(value.get().to_owned());
                let single: Result<Vec<_>, serde_json::Error> =
                    single.iter().map(|(name, value)| Ok((name.as_str(), raw(value)?))).collect();
                let single = single?;
                let changes: Vec<_> =
                    single.iter().map(|(name, value)| (*name, Some(value))).collect();
                to_raw_value(Params::encode(&object)?.with_members(&changes)?.as_raw())
            }
        };
        Ok(merged?)
    }
}

/// The arguments of a prompt: strings.
#[derive(Debug, Default)]
pub(crate) struct PromptArguments(Vec<(String, String)>);

impl PromptArguments {
    pub(crate) fn set<T: Serialize>(
        &mut self,
        name: String,
        value: &T,
    ) -> Result<(), InvalidParams> {
        let text = serde_json::to_string(value).map_err(|error| unencodable(&name, &error))?;
        // A string is sent as it is, anything else as the text of its JSON form.
        let text = if text.starts_with('"') { serde_json::from_str(&text)? } else { text };
        put(&mut self.0, name, text);
        Ok(())
    }

    pub(crate) fn set_all<T: Serialize>(&mut self, arguments: &T) -> Result<(), InvalidParams> {
        match serde_json::to_value(arguments).map_err(|error| no_object(Some(&error)))? {
            Value::Object(arguments) => {
                arguments.into_iter().try_for_each(|(name, value)| self.set(name, &value))
            }
            Value::Null => Ok(()),
            _ => Err(no_object(None)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for PromptArguments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Map(&self.0).serialize(serializer)
    }
}

/// Pairs as an object, in their order.
struct Map<'a, T>(&'a [(String, T)]);

impl<T: Serialize> Serialize for Map<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    }
}

fn put<T>(arguments: &mut Vec<(String, T)>, name: String, value: T) {
    match arguments.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => arguments.push((name, value)),
    }
}

fn unencodable(name: &str, error: &serde_json::Error) -> InvalidParams {
    InvalidParams::new(format!("the argument {name:?} has no JSON form: {error}"))
}

fn no_object(error: Option<&serde_json::Error>) -> InvalidParams {
    match error {
        Some(error) => InvalidParams::new(format!("the arguments have no JSON form: {error}")),
        None => InvalidParams::new("the arguments are not an object"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, PromptArguments};
    use serde_json::json;
    use std::collections::BTreeMap;

    #[test]
    fn single_arguments_win_over_those_of_the_object() {
        let mut arguments = Arguments::default();
        arguments.set("b".to_owned(), &2).unwrap();
        arguments.set_all(&json!({"a": 1, "b": 1})).unwrap();
        arguments.set("c".to_owned(), &1).unwrap();
        arguments.set("c".to_owned(), &3).unwrap();
        assert_eq!(arguments.encode().unwrap().get(), r#"{"a":1,"b":2,"c":3}"#);
    }

    #[test]
    fn only_objects_and_nothing_are_arguments() {
        let mut arguments = Arguments::default();
        for good in [json!({"a": 1}), json!(null), json!({})] {
            assert!(arguments.set_all(&good).is_ok(), "{good}");
        }
        assert_eq!(arguments.encode().unwrap().get(), "{}");
        for bad in [json!([1]), json!("a"), json!(1)] {
            assert!(Arguments::default().set_all(&bad).is_err(), "{bad}");
        }
        let bad = BTreeMap::from([([1], 1)]);
        let error = Arguments::default().set("x".to_owned(), &bad).unwrap_err().to_string();
        assert!(error.contains(r#"the argument "x" has no JSON form"#), "{error}");
    }

    // seed: 47
    #[test]
    fn arguments_of_prompts_are_strings_or_json_text() {
        let mut arguments = PromptArguments::default();
        arguments
            .set_all(&json!({
                "string": "a \"b\" \u{e9}\n", "integer": 1, "float": 1.5, "bool": true, "null": null,
                "list": [1, 2], "object": {"k": "v"}, "digits": "12",
            }))
            .unwrap();
        let expected = json!({
            "string": "a \"b\" \u{e9}\n", "integer": "1", "float": "1.5", "bool": "true", "null": "null",
            "list": "[1,2]", "object": r#"{"k":"v"}"#, "digits": "12",
        });
        assert_eq!(serde_json::to_value(&arguments).unwrap(), expected);
    }
}
