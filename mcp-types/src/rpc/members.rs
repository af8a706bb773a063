//! Iterating over the members of an object, or the elements of an array, as raw text.

use super::RawJson;
use crate::json::Checker;
use std::borrow::Cow;

impl RawJson {
    /// Decodes a JSON string, borrowed if it has no escapes; `None` if the text is not a string.
    ///
    /// The text must come from a `RawJson`: it is not validated.
    ///
    /// ```
    /// use mcp_types::RawJson;
    ///
    /// assert_eq!(RawJson::read_str(r#""a""#).as_deref(), Some("a"));
    /// assert_eq!(RawJson::read_str(r#""\u0061\"""#).as_deref(), Some("a\""));
    /// assert_eq!(RawJson::read_str("1"), None);
    /// ```
    pub fn read_str(text: &str) -> Option<Cow<'_, str>> {
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        if !inner.contains('\\') {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_slice(text.as_bytes()).ok().map(Cow::Owned)
    }

    /// Iterates over the members of this object; there are none if it is not an object.
    ///
    /// Only keys are decoded. Use it for what is rarely read: a derived type takes much longer to compile.
    ///
    /// ```
    /// use mcp_types::RawJson;
    ///
    /// let raw = RawJson::parse(r#"{"a": [1], "b": {}}"#)?;
    /// let members: Vec<_> = raw.members().collect();
    /// assert_eq!(members, [("a".into(), "[1]"), ("b".into(), "{}")]);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn members(&self) -> Members<'_> {
        Members::of(self.as_str())
    }

    /// Iterates over the elements of this array; there are none if it is not an array.
    ///
    /// ```
    /// use mcp_types::RawJson;
    ///
    /// let raw = RawJson::parse("[1, [2, 3]]")?;
    /// assert_eq!(raw.elements().collect::<Vec<_>>(), ["1", "[2, 3]"]);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn elements(&self) -> Elements<'_> {
        Elements::of(self.as_str())
    }
}

/// An iterator over the members of an object: each key, and the text of its value. See [`RawJson::members`].
#[derive(Debug)]
pub struct Members<'a>(Parts<'a>);

impl<'a> Members<'a> {
    /// Iterates over the members of the object in a text, such as one found by [`RawJson::find`]. The result is
    /// unspecified if the text is not JSON.
    pub fn of(text: &'a str) -> Self {
        Self(Parts::of(text, b'{'))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let Parts { checker, .. } = self.0.advance()?;
        let key = std::str::from_utf8(checker.string()?).ok()?;
        checker.take(b':')?;
        Some((unescaped(key), self.0.value()?))
    }
}

/// An iterator over the elements of an array, as text. See [`RawJson::elements`].
#[derive(Debug)]
pub struct Elements<'a>(Parts<'a>);

impl<'a> Elements<'a> {
    /// Iterates over the elements of the array in a text, as [`Members::of`] does for an object.
    pub fn of(text: &'a str) -> Self {
        Self(Parts::of(text, b'['))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.0.advance()?.value()
    }
}

/// The content of a container.
#[derive(Debug)]
struct Parts<'a> {
    text: &'a str,
    checker: Checker<'a>,
    /// The byte before the next item: the opening bracket at first.
    before: u8,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str, bracket: u8) -> Self {
        Self { text, checker: Checker::new(text.as_bytes()), before: bracket }
    }

    /// Moves to the next item.
    fn advance(&mut self) -> Option<&mut Self> {
        self.checker.take(self.before)?;
        self.before = b',';
        Some(self)
    }

    fn value(&mut self) -> Option<&'a str> {
        self.text.get(self.checker.value()?)
    }
}

/// Unescapes a key. One with lone surrogates is returned as written.
fn unescaped(key: &str) -> Cow<'_, str> {
    if !key.contains('\\') {
        return Cow::Borrowed(key);
    }
    let read: Option<String> = serde_json::from_slice(format!("\"{key}\"").as_bytes()).ok();
    read.map_or(Cow::Borrowed(key), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn members_and_elements_are_found_with_all_that_is_in_them() {
        let text = r#" { "a" : {"b":[1 ,2]} , "\u0062\"":"}," ,"c":null,"\ud800":1} "#;
        let raw = RawJson::parse(text).unwrap();
        let members: Vec<_> = raw.members().collect();
        let expected =
            [("a", r#"{"b":[1 ,2]}"#), ("b\"", r#""},""#), ("c", "null"), (r"\ud800", "1")];
        assert_eq!(members, expected.map(|(key, value)| (key.into(), value)));
        assert_eq!(raw.elements().next(), None);
        let raw = RawJson::parse(r#" [ {"a":1} , 2 ,"]" ] "#).unwrap();
        assert_eq!(raw.elements().collect::<Vec<_>>(), [r#"{"a":1}"#, "2", r#""]""#]);
        assert_eq!(raw.members().next(), None);
        for text in ["[]", "{}", "7", "null", "\"{\""] {
            let raw = RawJson::parse(text).unwrap();
            assert_eq!((raw.members().count(), raw.elements().count()), (0, 0), "{text}");
        }
    }

    proptest! {
        #[test]
        fn they_are_those_that_decoding_finds(keys in prop::collection::vec(r#"[a-c"\\{},:]{1,2}"#, 0..6)) {
            let object: serde_json::Map<_, _> =
                keys.iter().map(|key| (key.clone(), Value::from(vec![key.as_str(), "}"]))).collect();
            let raw = RawJson::encode(&object).unwrap();
            let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            let members = raw.members().map(|(key, value)| (key.into_owned(), read(value)));
            prop_assert_eq!(members.collect::<serde_json::Map<_, _>>(), object);
            let raw = RawJson::encode(&keys).unwrap();
            let elements: Vec<_> = raw.elements().map(read).collect();
            prop_assert_eq!(elements, keys.into_iter().map(Value::from).collect::<Vec<_>>());
        }

        #[test]
        fn nothing_that_is_no_json_is_a_danger(text in r#"[\[\]{}:,"\\a1 ]{0,24}"#) {
            prop_assert!(Members::of(&text).count() <= text.len());
        }
    }
}
