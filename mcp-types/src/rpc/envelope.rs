//! The members of an envelope, found in one pass over its bytes.

use crate::{
    json::Checker,
    wire::{Text, once},
};
use serde_core::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Error, value::RawValue};
use std::{borrow::Cow, fmt};

/// The members of an envelope, borrowed from its bytes. The payloads are JSON in UTF-8. Null counts as absent.
pub(super) struct Envelope<'a> {
    pub(super) is_version_2: bool,
    pub(super) id: Option<&'a str>,
    pub(super) method: Option<Cow<'a, str>>,
    pub(super) params: Option<&'a [u8]>,
    pub(super) result: Option<&'a [u8]>,
    pub(super) error: Option<&'a [u8]>,
}

impl<'a> Envelope<'a> {
    /// Reads an envelope.
    ///
    /// Anything unusual, like an escape in a key, and all errors are left to serde, which reports them.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        match Found::scan(bytes).and_then(Found::into_envelope) {
            Some(envelope) => Ok(envelope),
            None => serde_json::from_slice::<Described<'_>>(bytes).map(Self::from),
        }
    }
}

/// Members as the text of their values.
#[derive(Default)]
struct Found<'a> {
    jsonrpc: Option<&'a [u8]>,
    id: Option<&'a [u8]>,
    method: Option<&'a [u8]>,
    params: Option<&'a [u8]>,
    result: Option<&'a [u8]>,
    error: Option<&'a [u8]>,
}

impl<'a> Found<'a> {
    fn scan(bytes: &'a [u8]) -> Option<Self> {
        let mut checker = Checker::new(bytes);
        let mut found = Self::default();
        checker.take(b'{')?;
        loop {
            let key = checker.string()?;
            checker.take(b':')?;
            let value = checker.value()?;
            found.put(key, bytes.get(value)?)?;
            if checker.take(b',').is_none() {
                break;
            }
        }
        checker.take(b'}')?;
        (checker.is_at_end() && checker.is_utf8()).then_some(found)
    }

    fn put(&mut self, key: &[u8], value: &'a [u8]) -> Option<()> {
        let place = match key {
            b"jsonrpc" => &mut self.jsonrpc,
            b"id" => &mut self.id,
            b"method" => &mut self.method,
            b"params" => &mut self.params,
            b"result" => &mut self.result,
            b"error" => &mut self.error,
            _ => return (!key.contains(&b'\\')).then_some(()),
        };
        let is_ordinary = place.is_none() && value != b"null";
        *place = Some(value);
        is_ordinary.then_some(())
    }

    fn into_envelope(self) -> Option<Envelope<'a>> {
        Some(Envelope {
            is_version_2: self.jsonrpc? == br#""2.0""#,
            id: self.id.map(std::str::from_utf8).transpose().ok()?,
            method: match self.method {
                Some(method) => Some(Cow::Borrowed(plain(method)?)),
                None => None,
            },
            params: self.params,
            result: self.result,
            error: self.error,
        })
        .filter(|envelope| envelope.is_version_2)
    }
}

/// Returns the string in the text of a value, if it is a string without escapes.
fn plain(value: &[u8]) -> Option<&str> {
    let text = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if text.contains(&b'\\') {
        return None;
    }
    std::str::from_utf8(text).ok()
}

/// The same members, for serde; including null.
#[derive(Default)]
struct Described<'a> {
    jsonrpc: Option<Option<Text<'a>>>,
    id: Option<Option<&'a RawValue>>,
    method: Option<Option<Text<'a>>>,
    params: Option<Option<&'a RawValue>>,
    result: Option<Option<&'a RawValue>>,
    error: Option<Option<&'a RawValue>>,
}

impl<'de> Deserialize<'de> for Described<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DescribedVisitor)
    }
}

struct DescribedVisitor;

impl<'de> Visitor<'de> for DescribedVisitor {
    type Value = Described<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Described<'de>, A::Error> {
        let mut found = Described::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "jsonrpc" => once(&mut found.jsonrpc, "jsonrpc", &mut map)?,
                "id" => once(&mut found.id, "id", &mut map)?,
                "method" => once(&mut found.method, "method", &mut map)?,
                "params" => once(&mut found.params, "params", &mut map)?,
                "result" => once(&mut found.result, "result", &mut map)?,
                "error" => once(&mut found.error, "error", &mut map)?,
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(found)
    }
}

impl<'a> From<Described<'a>> for Envelope<'a> {
    fn from(described: Described<'a>) -> Self {
        let text = |value: Option<Option<&'a RawValue>>| Some(value??.get().as_bytes());
        let is_2 = |Text(version): Text<'_>| version == "2.0";
        Self {
            is_version_2: described.jsonrpc.flatten().is_some_and(is_2),
            id: described.id.flatten().map(RawValue::get),
            method: described.method.flatten().map(|Text(method)| method),
            params: text(described.params),
            result: text(described.result),
            error: text(described.error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::Message;
    use bytes::Bytes;
    use proptest::prelude::*;

    /// Shows the members of an envelope, the payloads as text.
    fn shown(envelope: &Envelope<'_>) -> String {
        let text = |part: Option<&[u8]>| part.map(|part| String::from_utf8(part.to_vec()).unwrap());
        let Envelope { is_version_2, id, method, params, result, error } = envelope;
        let payloads = [text(*params), text(*result), text(*error)];
        format!("{is_version_2} {id:?} {method:?} {payloads:?}")
    }

    fn scanned(text: &str) -> Option<String> {
        let found = Found::scan(text.as_bytes()).and_then(Found::into_envelope);
        found.as_ref().map(shown)
    }

    fn described(text: &str) -> Option<String> {
        let described = serde_json::from_slice::<Described<'_>>(text.as_bytes());
        described.ok().map(Envelope::from).as_ref().map(shown)
    }

    // spec: MSG-01 MSG-03
    #[test]
    fn ordinary_messages_are_read_in_one_pass_whatever_the_order_and_the_space() {
        for text in [
            r#"{"jsonrpc":"2.0","id":0,"result":{"a":[1]}}"#,
            r#"{"result":{},"jsonrpc":"2.0","id":999999999999999999}"#,
            "\t{ \"id\" : \"a\\nb\" ,\n\"jsonrpc\" : \"2.0\", \"result\" : { } } \r\n",
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"größe","more":[{}],"params":["é"]}"#,
            r#"{"jsonrpc":"2.0","id":-3,"error":{"code":-1,"message":"m"}}"#,
        ] {
            assert!(scanned(text).is_some(), "{text}");
            assert_eq!(scanned(text), described(text), "{text}");
        }
    }

    // spec: MSG-07 MSG-08
    #[test]
    fn whatever_else_there_is_is_left_to_serde() {
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"result":{"a":}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}"#,
            r#"{"jsonrpc":"2.0","id":01,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":,"result":{}}"#,
            r#"{"result":{},"id":1,"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":null,"result":{}}"#,
            r#"{"jsonrpc":"2.0","error":null,"error":{}}"#,
            r#"{"jsonrpc":"2.0","method":"a\u0062","params":{}}"#,
            r#"{"jsonrpc":"2.0","\u0069d":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","method":7}"#,
            r#"{"jsonrpc":2.0,"id":1}"#,
            r#"{"id":1,"result":{}}"#,
            r#"{"result":"#,
            "{}",
            "[]",
            "",
        ] {
            assert_eq!(scanned(text), None, "{text}");
        }
    }

    #[test]
    fn a_result_that_is_not_text_is_not_one() {
        let bytes =
            Bytes::from_static(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"\xff\"}}");
        assert!(Found::scan(&bytes).is_none());
        assert!(Message::decode(&bytes).is_err());
    }

    proptest! {
        #[test]
        fn what_is_read_in_one_pass_is_what_serde_reads(
            members in prop::collection::vec((0..9_usize, 0..9_usize), 0..6),
        ) {
            let keys = ["jsonrpc", "jsonrpc", "id", "method", "params", "result", "error", "x", r"\u0069d"];
            let values = [r#""2.0""#, "1", "null", r#""a""#, r#""\u0061""#, "{}", " [1 ] ", "1.5", r#""é""#];
            let member = |(key, value): &(usize, usize)| format!(r#""{}":{}"#, keys[*key], values[*value]);
            let text = format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","));
            if let Some(scanned) = scanned(&text) {
                prop_assert_eq!(Some(scanned), described(&text), "{}", text);
            }
        }
    }
}
