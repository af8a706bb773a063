//! Finding a value in raw JSON without reading what is around it.

use super::RawJson;

impl RawJson {
    /// The text of the value at a path of keys, if there are objects on the way and they have them.
    ///
    /// Nothing is decoded, and nothing after the value is looked at. Where a key is there twice, the first one counts.
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
        let found = path.iter().try_fold(self.as_bytes(), |text, key| member(text, key))?;
        std::str::from_utf8(found).ok()
    }
}

/// The value of a member of an object. The text is JSON, or there is none.
fn member<'a>(text: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let mut at = past_space(text, 0);
    if text.get(at) != Some(&b'{') {
        return None;
    }
    loop {
        let start = past_space(text, at + 1);
        let end = past_string(text, start)?;
        let colon = past_space(text, end);
        if text.get(colon) != Some(&b':') {
            return None;
        }
        let value = past_space(text, colon + 1);
        let value = value..past_value(text, value)?;
        if is_key(text.get(start..end)?, key) {
            return text.get(value);
        }
        at = past_space(text, value.end);
        if text.get(at) != Some(&b',') {
            return None;
        }
    }
}

fn is_key(quoted: &[u8], key: &str) -> bool {
    if quoted.contains(&b'\\') {
        return serde_json::from_slice::<String>(quoted).is_ok_and(|name| name == key);
    }
    quoted.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) == Some(key.as_bytes())
}

fn past_space(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
}

/// Where the string ends that begins there.
fn past_string(text: &[u8], start: usize) -> Option<usize> {
    if text.get(start) != Some(&b'"') {
        return None;
    }
    let mut at = start + 1;
    loop {
        at += text.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Where the value ends that begins there.
fn past_value(text: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0_usize);
    loop {
        match text.get(at)? {
            b'"' => {
                at = past_string(text, at)?;
                if depth == 0 {
                    return Some(at);
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return Some(at + depth),
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return Some(at),
            b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
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

    proptest! {
        #[test]
        fn nothing_that_is_no_json_is_a_danger(text in r#"[\[\]{}:,"\\a1 ]{0,24}"#) {
            if let Some(found) = member(text.as_bytes(), "a") {
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
        }
    }
}
