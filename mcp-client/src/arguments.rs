//! Arguments of tools and prompts.

use crate::tool_name::ToolName;
use bytes::Bytes;
use mcp_session::{InvalidParams, Params};
use mcp_types::RawJson;
use memchr::memmem;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use std::ops::Range;

/// The space reserved for one small argument; as much again is reserved for its name.
const ROOM: usize = 32;
/// How much excess capacity a buffer may keep while its call is in flight.
const SLACK: usize = 1024;
/// A text up to this length is copied into an exact allocation, which avoids reference counting.
const SHORT: usize = 62;

/// The arguments of a tool: JSON values, encoded once, in the place they will be sent from.
///
/// Both buffers start with the head of the parameters: everything before the arguments.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// The head, and single arguments as an unclosed object. They override those of `object`.
    text: Vec<u8>,
    /// Where the first argument starts.
    start: usize,
    /// The parameters with an object of arbitrary arguments.
    object: Option<Box<[u8]>>,
}

impl Arguments {
    /// Creates an empty list of arguments for this tool.
    pub(crate) fn of(tool: &str) -> Self {
        let room = NAME.len() + tool.len() + ARGUMENTS.len() + 2 * ROOM;
        let mut text = Vec::with_capacity(room);
        text.extend_from_slice(NAME);
        RawJson::append_str(tool, &mut text);
        text.extend_from_slice(ARGUMENTS);
        text.push(b'{');
        Self { start: text.len(), text, object: None }
    }

    /// Returns the length of the head.
    fn head(&self) -> usize {
        self.start - 1
    }

    /// Returns the position of the tool's name.
    fn name(&self) -> Range<usize> {
        NAME.len()..self.head() - ARGUMENTS.len()
    }

    /// Returns the name of the tool.
    pub(crate) fn tool(&self) -> ToolName {
        ToolName::within(&Bytes::copy_from_slice(&self.text[..self.head()]), self.name())
    }

    /// Adds an argument, replacing an earlier one of the same name.
    pub(crate) fn set<T: Serialize>(&mut self, name: &str, value: &T) -> Result<(), InvalidParams> {
        let before = self.text.len();
        self.text.reserve(name.len() + ROOM);
        let is_first = before == self.start;
        if !is_first {
            self.text.push(b',');
        }
        let at = self.text.len();
        RawJson::append_str(name, &mut self.text);
        self.text.push(b':');
        let value_at = self.text.len();
        if let Err(error) = RawJson::append(value, &mut self.text) {
            self.text.truncate(before);
            return Err(unencodable(name, &error));
        }
        let (earlier, key) = (&self.text[self.start..before], &self.text[at..value_at]);
        // Usually the name does not occur, so that no argument has to be located.
        if !is_first && memmem::find(earlier, key).is_some() {
            self.replace_earlier(name, before, value_at);
        }
        Ok(())
    }

    /// Moves the newly written value to an earlier argument of the same name, if there is one before `end`.
    fn replace_earlier(&mut self, name: &str, end: usize, value_at: usize) {
        let head = self.head();
        let earlier = RawJson::from_joined([&self.text[head..end], b"}"].concat());
        // The match may have been inside a value.
        let Some(old) = earlier.find(&[name]) else { return };
        let from = head + old.as_ptr().addr() - earlier.as_bytes().as_ptr().addr();
        let value = self.text.split_off(value_at);
        self.text.truncate(end);
        self.text.splice(from..from + old.len(), value);
    }

    pub(crate) fn set_all<T: Serialize>(&mut self, arguments: &T) -> Result<(), InvalidParams> {
        let head = self.head();
        let mut object = self.text[..head].to_vec();
        RawJson::append(arguments, &mut object).map_err(|error| no_object(Some(&error)))?;
        let is_object = match &object[head..] {
            // `()` and `None` mean no arguments.
            b"null" => {
                self.object = None;
                return Ok(());
            }
            arguments => arguments.starts_with(b"{"),
        };
        object.push(b'}');
        self.object = Some(object.into());
        if is_object { Ok(()) } else { Err(no_object(None)) }
    }

    /// Returns the parameters of the call and the name of the tool. The arguments are present even if empty: some
    /// servers insist on them.
    pub(crate) fn encode(mut self) -> Result<(Params, ToolName), InvalidParams> {
        let (head, name, is_empty) = (self.head(), self.name(), self.text.len() == self.start);
        let text = match self.object {
            Some(object) if is_empty => Bytes::from(object),
            object => {
                self.text.push(b'}');
                if let Some(object) = object {
                    let object = RawJson::from_joined(object[head..object.len() - 1].to_vec());
                    let single = RawJson::from_joined(self.text.split_off(head));
                    let all = Params::try_from(object)?.overlaid(&Params::try_from(single)?)?;
                    self.text.extend_from_slice(all.as_raw().as_bytes());
                }
                self.text.push(b'}');
                if self.text.len() <= SHORT {
                    Bytes::copy_from_slice(&self.text)
                } else {
                    if self.text.capacity() - self.text.len() > SLACK {
                        self.text.shrink_to_fit();
                    }
                    Bytes::from(self.text)
                }
            }
        };
        let name = ToolName::within(&text, name);
        Ok((Params::try_from(RawJson::from_joined(text))?, name))
    }
}

const NAME: &[u8] = br#"{"name":"#;
const ARGUMENTS: &[u8] = br#","arguments":"#;

/// The arguments of a prompt, which are strings.
#[derive(Debug, Default)]
pub(crate) struct PromptArguments(Vec<(String, String)>);

impl PromptArguments {
    pub(crate) fn set<T: Serialize>(
        &mut self,
        name: String,
        value: &T,
    ) -> Result<(), InvalidParams> {
        let text = serde_json::to_string(value).map_err(|error| unencodable(&name, &error))?;
        // A string is sent as it is, anything else as its JSON text.
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

/// Serializes pairs as an object, in order.
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
    fn what_a_value_has_of_a_name_is_no_argument() {
        let mut arguments = Arguments::of("t\"");
        arguments.set("a", &json!({"b": 1, "c": {"b": 2}, "t": "\"b\":"})).unwrap();
        arguments.set("b", &3).unwrap();
        arguments.set("b", &[4]).unwrap();
        check(arguments, r#"{"a":{"b":1,"c":{"b":2},"t":"\"b\":"},"b":[4]}"#);
    }

    #[test]
    fn they_take_little_room_before_they_are_sent() {
        assert!(size_of::<Arguments>() <= 48);
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
