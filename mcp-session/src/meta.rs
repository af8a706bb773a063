//! The `_meta` member of a call.

use mcp_types::RawJson;
use std::borrow::Cow;

/// The `_meta` member of a call: keys with values that are encoded already.
///
/// The keys that users set come in through [`mcp_types::MetaObject`], which checks them; middlewares set reserved ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta(Vec<(Cow<'static, str>, RawJson)>);

impl Meta {
    /// Sets a key; its earlier value is replaced.
    pub fn insert(&mut self, key: impl Into<Cow<'static, str>>, value: RawJson) {
        let key = key.into();
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// The value of a key.
    pub fn value(&self, key: &str) -> Option<&RawJson> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries, in the order of the wire.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// The entries, to be inserted elsewhere: values share their bytes.
    pub(crate) fn shared(&self) -> impl Iterator<Item = (Cow<'static, str>, RawJson)> {
        self.0.iter().cloned()
    }

    pub(crate) fn encoded_size(&self) -> usize {
        self.0.iter().map(|(key, value)| key.len() + value.as_bytes().len() + 4).sum()
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut before = b'{';
        for (key, value) in &self.0 {
            out.push(before);
            encode_key(key, out);
            out.push(b':');
            out.extend_from_slice(value.as_bytes());
            before = b',';
        }
        out.push(b'}');
    }
}

fn encode_key(key: &str, out: &mut Vec<u8>) {
    if key.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        out.push(b'"');
        out.extend_from_slice(key.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(serde_json::Value::from(key).to_string().as_bytes());
    }
}
