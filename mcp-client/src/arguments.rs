//! Arguments of tools and of prompts.

use mcp_session::{InvalidParams, Params};
use mcp_types::RawJson;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

/// The room for one small argument, beside its name.
const ROOM: usize = 48;

/// The arguments of a tool: JSON values, encoded once.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// An object with any number of arguments.
    object: Option<Box<RawValue>>,
    /// Single arguments. They win over those of the object.
    single: Members,
}

impl Arguments {
    pub(crate) fn set<T: Serialize>(&mut self, name: &str, value: &T) -> Result<(), InvalidParams> {
        self.single.set(name, value).map_err(|error| unencodable(name, &error))
    }

    pub(crate) fn set_all<T: Serialize>(&mut self, arguments: &T) -> Result<(), InvalidParams> {
        let object = to_raw_value(arguments).map_err(|error| no_object(Some(&error)))?;
        self.object = Some(object)
            // `()` and `None` are no arguments.
            .filter(|object| object.get() != "null");
        let is_object = self.object.as_ref().is_none_or(|object| object.get().starts_with('{'));
        if is_object { Ok(()) } else { Err(no_object(None)) }
    }

    /// The parameters of a call of the tool. The arguments are there even if they are empty: some servers insist on them.
    pub(crate) fn encode(self, tool: &str) -> Result<Params, InvalidParams> {
        let Self { object, single } = self;
        match object {
            None => params(tool, &[b"{", &single.text, b"}"]),
            Some(object) if single.is_empty() => params(tool, &[object.get().as_bytes()]),
            Some(object) => {
                let single = single.entries()?;
                let changes: Vec<_> =
                    single.iter().map(|(name, value)| (name.as_str(), Some(value))).collect();
                let merged = Params::encode(&object)?.with_members(&changes)?;
                params(tool, &[merged.as_raw().as_bytes()])
            }
        }
    }
}

/// Joins the parameters in one piece that is exactly as long as they are, but for a tool whose name has escapes.
fn params(tool: &str, arguments: &[&[u8]]) -> Result<Params, InvalidParams> {
    const NAME: &[u8] = br#"{"name":"#;
    const ARGUMENTS: &[u8] = br#","arguments":"#;
    let size: usize = arguments.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(NAME.len() + tool.len() + ARGUMENTS.len() + size + 3);
    out.extend_from_slice(NAME);
    serde_json::to_writer(&mut out, tool)?;
    out.extend_from_slice(ARGUMENTS);
    arguments.iter().for_each(|part| out.extend_from_slice(part));
    out.push(b'}');
    Params::try_from(RawJson::from_joined(out))
}

/// The members of an object, in the order in which they were set, without its braces.
#[derive(Debug, Default)]
struct Members {
    text: Vec<u8>,
    places: Vec<Place>,
}

/// Where a member is in the text.
#[derive(Debug)]
struct Place {
    start: usize,
    /// Where its name ends.
    colon: usize,
    end: usize,
}

impl Members {
    /// Adds a member, in place of an earlier one of the name.
    fn set<T: Serialize>(&mut self, name: &str, value: &T) -> Result<(), serde_json::Error> {
        let kept = self.text.len();
        self.text.reserve(name.len() + ROOM);
        let outcome = self.write(name, value);
        if outcome.is_err() {
            self.text.truncate(kept);
        }
        outcome
    }

    fn write<T: Serialize>(&mut self, name: &str, value: &T) -> Result<(), serde_json::Error> {
        if !self.text.is_empty() {
            self.text.push(b',');
        }
        let start = self.text.len();
        serde_json::to_writer(&mut self.text, name)?;
        let colon = self.text.len();
        self.text.push(b':');
        serde_json::to_writer(&mut self.text, value)?;
        let place = Place { start, colon, end: self.text.len() };
        let named = |known: &Place| self.text[known.start..known.colon] == self.text[start..colon];
        match self.places.iter().position(named) {
            Some(earlier) => self.replace(earlier, &place),
            None => self.places.push(place),
        }
        Ok(())
    }

    /// Moves the value that was just written to where an earlier one of the name is.
    fn replace(&mut self, earlier: usize, newest: &Place) {
        let value = self.text[newest.colon..newest.end].to_vec();
        self.text.truncate(newest.start.saturating_sub(1));
        let (from, to) = (self.places[earlier].colon, self.places[earlier].end);
        let length = value.len();
        self.text.splice(from..to, value);
        let moved = |at: usize| at - to + from + length;
        self.places[earlier].end = moved(to);
        for place in &mut self.places[earlier + 1..] {
            *place = Place {
                start: moved(place.start),
                colon: moved(place.colon),
                end: moved(place.end),
            };
        }
    }

    fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn entries(&self) -> Result<Vec<(String, RawJson)>, serde_json::Error> {
        let entry = |place: &Place| {
            let name = serde_json::from_slice(&self.text[place.start..place.colon])?;
            let value = RawJson::parse(self.text[place.colon + 1..place.end].to_vec())?;
            Ok((name, value))
        };
        self.places.iter().map(entry).collect()
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

    #[track_caller]
    fn check(arguments: Arguments, expected: &str) {
        let params = arguments.encode("t\"").unwrap();
        let expected = format!(r#"{{"name":"t\"","arguments":{expected}}}"#);
        assert_eq!(params.as_raw().as_str(), expected);
    }

    #[test]
    fn single_arguments_win_over_those_of_the_object() {
        let mut arguments = Arguments::default();
        arguments.set("b", &2).unwrap();
        arguments.set_all(&json!({"a": 1, "b": 1})).unwrap();
        arguments.set("c", &1).unwrap();
        arguments.set("c", &3).unwrap();
        check(arguments, r#"{"a":1,"b":2,"c":3}"#);
    }

    #[test]
    fn an_argument_that_is_set_again_keeps_its_place() {
        let mut arguments = Arguments::default();
        for (name, value) in
            [("a", json!("x")), ("b\"", json!([1])), ("c", json!(1)), ("d", json!({}))]
        {
            arguments.set(name, &value).unwrap();
        }
        arguments.set("b\"", &"longer than before").unwrap();
        arguments.set("a", &0).unwrap();
        arguments.set("c", &BTreeMap::from([([1], 1)])).unwrap_err();
        arguments.set("d", &()).unwrap();
        check(arguments, r#"{"a":0,"b\"":"longer than before","c":1,"d":null}"#);
    }

    #[test]
    fn only_objects_and_nothing_are_arguments() {
        let mut arguments = Arguments::default();
        for good in [json!({"a": 1}), json!(null), json!({})] {
            assert!(arguments.set_all(&good).is_ok(), "{good}");
        }
        check(arguments, "{}");
        for bad in [json!([1]), json!("a"), json!(1)] {
            assert!(Arguments::default().set_all(&bad).is_err(), "{bad}");
        }
        let bad = BTreeMap::from([([1], 1)]);
        let error = Arguments::default().set("x", &bad).unwrap_err().to_string();
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
