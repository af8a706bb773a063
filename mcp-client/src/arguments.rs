//! Arguments of tools and of prompts.

use crate::tool_name::ToolName;
use bytes::Bytes;
use mcp_session::{InvalidParams, Params};
use mcp_types::RawJson;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use std::{num::NonZero, ops::Range};

/// The room for one small argument, beside its name; as much again is for that.
const ROOM: usize = 32;
/// How much more room than it takes a text may keep while its call is under way.
const SLACK: usize = 1024;

/// The arguments of a tool: JSON values, encoded once, where they will be sent from.
///
/// Both texts begin with the head of the parameters, which is all before the arguments.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// The head, and an object with any number of arguments.
    object: Option<Vec<u8>>,
    /// The head, and single arguments. They win over those of the object.
    single: Members,
}

impl Arguments {
    /// No arguments for this tool.
    pub(crate) fn of(tool: &str) -> Self {
        let room = NAME.len() + tool.len() + ARGUMENTS.len() + 2 * ROOM;
        let mut text = Vec::with_capacity(room);
        text.extend_from_slice(NAME);
        RawJson::append_str(tool, &mut text);
        text.extend_from_slice(ARGUMENTS);
        Self { object: None, single: Members::after(text) }
    }

    /// How long the head is.
    fn head(&self) -> usize {
        self.single.start - 1
    }

    /// Where the name of the tool is.
    fn name(&self) -> Range<usize> {
        NAME.len()..self.head() - ARGUMENTS.len()
    }

    /// The name of the tool.
    pub(crate) fn tool(&self) -> ToolName {
        ToolName::within(&Bytes::copy_from_slice(&self.single.text[..self.head()]), self.name())
    }

    pub(crate) fn set<T: Serialize>(&mut self, name: &str, value: &T) -> Result<(), InvalidParams> {
        self.single.set(name, value).map_err(|error| unencodable(name, &error))
    }

    pub(crate) fn set_all<T: Serialize>(&mut self, arguments: &T) -> Result<(), InvalidParams> {
        let head = self.head();
        let mut object = self.single.text[..head].to_vec();
        RawJson::append(arguments, &mut object).map_err(|error| no_object(Some(&error)))?;
        let is_object = match &object[head..] {
            // `()` and `None` are no arguments.
            b"null" => {
                self.object = None;
                return Ok(());
            }
            arguments => arguments.starts_with(b"{"),
        };
        self.object = Some(object);
        if is_object { Ok(()) } else { Err(no_object(None)) }
    }

    /// The parameters of a call of the tool, and its name. The arguments are there even if they are empty: some servers
    /// insist on them.
    pub(crate) fn encode(self) -> Result<(Params, ToolName), InvalidParams> {
        let (head, name) = (self.head(), self.name());
        let Self { object, single } = self;
        let mut text = match object {
            None => single.into_text(),
            Some(object) if single.is_empty() => object,
            Some(mut object) => {
                let single = single.entries()?;
                let changes: Vec<_> =
                    single.iter().map(|(name, value)| (name.as_str(), Some(value))).collect();
                let arguments = RawJson::from_joined(object.split_off(head));
                let merged = Params::try_from(arguments)?.with_members(&changes)?;
                object.extend_from_slice(merged.as_raw().as_bytes());
                object
            }
        };
        text.push(b'}');
        if text.capacity() - text.len() > SLACK {
            text.shrink_to_fit();
        }
        let text = Bytes::from(text);
        let name = ToolName::within(&text, name);
        Ok((Params::try_from(RawJson::from_joined(text))?, name))
    }
}

const NAME: &[u8] = br#"{"name":"#;
const ARGUMENTS: &[u8] = br#","arguments":"#;

/// The members of an object, in the order in which they were set, after a head and an opening brace.
#[derive(Debug)]
struct Members {
    text: Vec<u8>,
    /// Where the first member begins.
    start: usize,
    /// Where the members are. The place of the only one is not noted before there is another one.
    places: Vec<Place>,
    /// Where the name of the first member ends, once there is one.
    colon: Option<NonZero<usize>>,
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
    /// None, after a head.
    fn after(mut head: Vec<u8>) -> Self {
        head.push(b'{');
        Self { start: head.len(), text: head, places: Vec::new(), colon: None }
    }

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
        let before = self.text.len();
        if !self.is_empty() {
            self.text.push(b',');
        }
        let start = self.text.len();
        RawJson::append_str(name, &mut self.text);
        let colon = self.text.len();
        self.text.push(b':');
        RawJson::append(value, &mut self.text)?;
        let Some(first) = self.colon else {
            self.colon = NonZero::new(colon);
            return Ok(());
        };
        if self.places.is_empty() {
            self.places.push(Place { start: self.start, colon: first.get(), end: before });
        }
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
        self.colon.is_none()
    }

    /// The head and the whole object.
    fn into_text(self) -> Vec<u8> {
        let mut text = self.text;
        text.push(b'}');
        text
    }

    fn entries(&self) -> Result<Vec<(String, RawJson)>, serde_json::Error> {
        let only = self.colon.filter(|_| self.places.is_empty()).map(|colon| Place {
            start: self.start,
            colon: colon.get(),
            end: self.text.len(),
        });
        let entry = |place: &Place| {
            let name = serde_json::from_slice(&self.text[place.start..place.colon])?;
            let value = RawJson::parse(self.text[place.colon + 1..place.end].to_vec())?;
            Ok((name, value))
        };
        only.iter().chain(&self.places).map(entry).collect()
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
        let (params, tool) = arguments.encode().unwrap();
        assert_eq!(tool.read(), "t\"");
        let expected = format!(r#"{{"name":"t\"","arguments":{expected}}}"#);
        assert_eq!(params.as_raw().as_str(), expected);
    }

    #[test]
    fn single_arguments_win_over_those_of_the_object() {
        let mut arguments = Arguments::of("t\"");
        arguments.set("b", &2).unwrap();
        arguments.set_all(&json!({"a": 1, "b": 1})).unwrap();
        arguments.set("c", &1).unwrap();
        arguments.set("c", &3).unwrap();
        check(arguments, r#"{"a":1,"b":2,"c":3}"#);
    }

    #[test]
    fn an_argument_that_is_set_again_keeps_its_place() {
        let mut arguments = Arguments::of("t\"");
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
        let mut arguments = Arguments::of("t\"");
        for good in [json!({"a": 1}), json!(null), json!({})] {
            assert!(arguments.set_all(&good).is_ok(), "{good}");
        }
        check(arguments, "{}");
        for bad in [json!([1]), json!("a"), json!(1)] {
            assert!(Arguments::of("t").set_all(&bad).is_err(), "{bad}");
        }
        let bad = BTreeMap::from([([1], 1)]);
        let error = Arguments::of("t").set("x", &bad).unwrap_err().to_string();
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
