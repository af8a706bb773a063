//! Finding a value in raw JSON without decoding what surrounds it.

use super::RawJson;
use crate::json::{self, Checker};
use bytes::Bytes;
use serde_core::Deserialize;

impl RawJson {
    /// The text of the value at a path of keys, if there is one.
    ///
    /// Nothing is decoded, and the search stops at the value. If a key occurs twice, the first one counts.
    ///
    /// ```
    /// use mcp_types::RawJson;
    ///
    /// let raw = RawJson::parse(r#"{"a": {"b": [1]}, "c": 2}"#)?;
    /// assert_eq!(raw.find(&["a", "b"]), Some("[1]"));
    /// assert_eq!(raw.find(&["c", "b"]), None);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn find(&self, path: &[&str]) -> Option<&str> {
        let Some((first, path)) = path.split_first() else { return Some(self.as_str()) };
        let found =
            path.iter().try_fold(self.member(first)?, |text, key| member(text, Some(b'{'), key))?;
        std::str::from_utf8(found).ok()
    }

    /// Decodes the value at a path of keys, if there is one. See [`find`](Self::find).
    ///
    /// ```
    /// use mcp_types::RawJson;
    ///
    /// let raw = RawJson::parse(r#"{"a": {"b": 1}}"#)?;
    /// assert_eq!(raw.decode_at(&["a", "b"]).transpose()?, Some(1));
    /// assert!(raw.decode_at::<u8>(&["b"]).is_none());
    /// assert!(raw.decode_at::<String>(&["a", "b"]).is_some_and(|value| value.is_err()));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn decode_at<'a, T: Deserialize<'a>>(
        &'a self,
        path: &[&str],
    ) -> Option<Result<T, serde_json::Error>> {
        self.find(path).map(|text| json::read(text.as_bytes()))
    }

    /// The text of the value of a key, among the members of an object that follow `end`, the offset at which a member
    /// ends.
    ///
    /// For callers that know what comes before. The result is unspecified if no member ends at `end`.
    ///
    /// ```
    /// use mcp_types::RawJson;
    ///
    /// let raw = RawJson::parse(r#"{"a": 1, "b": 2}"#)?;
    /// assert_eq!(raw.find_after(r#"{"a": 1"#.len(), "b"), Some("2"));
    /// assert_eq!(raw.find_after(r#"{"a": 1"#.len(), "a"), None);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn find_after(&self, end: usize, key: &str) -> Option<&str> {
        let found = match self.parts() {
            (head, rest) if head.get(end..).map(<[u8]>::trim_ascii) == Some(b",") => {
                member(rest, None, key)
            }
            _ => member(self.as_bytes().get(end..)?, Some(b','), key),
        };
        std::str::from_utf8(found?).ok()
    }

    /// Returns text that was found in this value as bytes that share its memory. Other text is copied.
    ///
    /// ```
    /// use mcp_types::RawJson;
    ///
    /// let raw = RawJson::parse(r#"{"a": "b"}"#)?;
    /// let found = raw.find(&["a"]).unwrap_or_default();
    /// assert_eq!(raw.share(found).as_ptr(), found.as_ptr());
    /// assert_eq!(raw.share("c"), "c");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn share(&self, found: &str) -> Bytes {
        let (_, bytes) = self.parts();
        let start = found.as_ptr().addr().checked_sub(bytes.as_ptr().addr());
        let range = start.map(|start| start..start + found.len());
        match range.filter(|range| range.end <= bytes.len()) {
            Some(range) => bytes.slice(range),
            None => Bytes::copy_from_slice(found.as_bytes()),
        }
    }

    /// Returns the value of a key of this object, without joining its parts.
    fn member(&self, key: &str) -> Option<&[u8]> {
        match self.parts() {
            ([], whole) => member(whole, Some(b'{'), key),
            (head, rest) => member(head, Some(b'{'), key).or_else(|| member(rest, None, key)),
        }
    }
}

/// Returns the value of a member of an object, given its text from a member on, or from the byte before it. The text is
/// JSON, or empty.
fn member<'a>(text: &'a [u8], mut before: Option<u8>, key: &str) -> Option<&'a [u8]> {
    let mut checker = Checker::new(text);
    loop {
        if let Some(before) = before {
            checker.take(before)?;
        }
        let name = checker.string()?;
        checker.take(b':')?;
        let value = checker.value()?;
        if is_key(name, key) {
            return text.get(value);
        }
        before = Some(b',');
    }
}

/// Returns whether a name, as written between its quotes, equals this key.
fn is_key(name: &[u8], key: &str) -> bool {
    if name.contains(&b'\\') {
        let quoted = [b"\"", name, b"\""].concat();
        return serde_json::from_slice::<String>(&quoted).is_ok_and(|name| name == key);
    }
    name == key.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[track_caller]
    fn check(text: &str, path: &[&str], expected: Option<&str>) {
        assert_eq!(RawJson::parse(text.to_owned()).unwrap().find(path), expected, "{text}");
    }

    #[test]
    fn a_value_is_found_wherever_it_stands() {
        let text =
            r#" { "a" : { "x":[{"b":1},"}\"]"], "b" : -1.5e3 } , "b":"\\\"","c":null,"d":[] } "#;
        check(text, &[], Some(text.trim()));
        check(text, &["a", "b"], Some("-1.5e3"));
        check(text, &["a", "x"], Some(r#"[{"b":1},"}\"]"]"#));
        check(text, &["b"], Some(r#""\\\"""#));
        check(text, &["c"], Some("null"));
        check(text, &["d"], Some("[]"));
        for path in [&["e"][..], &["a", "c"], &["d", "a"], &["b", "a"]] {
            check(text, path, None);
        }
        check(r#"{"\u0061":1,"a":2}"#, &["a"], Some("1"));
        check("{}", &["a"], None);
    }

    #[test]
    fn a_value_of_an_object_in_two_parts_is_found_in_both() {
        let (head, rest) = (r#"{"a":{"x":1} ,"b":2 , "#, r#""c":{"x":3},"a":4}"#);
        let raw = RawJson::of_parts(head, rest.into());
        let whole = RawJson::parse([head, rest].concat()).unwrap();
        for path in [&["a", "x"][..], &["b"], &["c", "x"], &["d"], &["c", "y"], &[]] {
            assert_eq!(raw.find(path), whole.find(path), "{path:?}");
        }
        for (end, key) in [(12, "b"), (12, "c"), (head.len() - 3, "c"), (head.len() - 3, "b")] {
            assert_eq!(raw.find_after(end, key), whole.find_after(end, key), "{end} {key}");
        }
        assert_eq!(raw.find_after(head.len() - 3, "a"), Some("4"));
    }

    proptest! {
        #[test]
        fn nothing_that_is_no_json_is_a_danger(text in r#"[\[\]{}:,"\\a1 ]{0,24}"#) {
            if let Some(found) = member(text.as_bytes(), Some(b'{'), "a") {
                prop_assert!(text.len() >= found.len());
            }
        }

        #[test]
        fn what_is_found_is_what_decoding_finds(keys in prop::collection::vec(r#"[a-c"\\{},:]{1,2}"#, 1..6)) {
            let object: serde_json::Map<_, _> =
                keys.iter().map(|key| (key.clone(), Value::from(vec![key.as_str(), "}"]))).collect();
            let raw = RawJson::encode(&object).unwrap();
            for key in &keys {
                let found = raw.find(&[key]).map(|text| serde_json::from_str::<Value>(text).unwrap());
                prop_assert_eq!(found.as_ref(), object.get(key));
            }
            let Some(first) = object.keys().next() else { return Ok(()) };
            let value = raw.find(&[first]).unwrap();
            let end = value.as_ptr().addr() - raw.as_bytes().as_ptr().addr() + value.len();
            for key in &keys {
                let found = raw.find_after(end, key).map(|text| serde_json::from_str::<Value>(text).unwrap());
                prop_assert_eq!(found.as_ref(), object.get(key).filter(|_| key != first));
            }
        }
    }
}
