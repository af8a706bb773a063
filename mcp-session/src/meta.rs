//! The `_meta` member of a call.

use mcp_types::{RawJson, RequestId};
use std::{borrow::Cow, iter, sync::Arc};

/// The key of the progress token, as on the wire.
const PROGRESS_TOKEN: &[u8] = br#""progressToken":"#;

/// The `_meta` member of a call: keys with encoded values.
///
/// Keys of users come in through [`mcp_types::MetaObject`], which checks them; middlewares set the reserved ones.
#[derive(Clone, Debug, Default)]
pub struct Meta {
    /// The entries of this call, shared with its clones until one of them is changed.
    own: Option<Arc<Vec<Entry>>>,
    /// Entries common to many calls, which those of this call override.
    stamp: Option<Arc<Stamp>>,
}

type Entry = (Cow<'static, str>, RawJson);

/// Entries shared by many calls, encoded once.
#[derive(Debug)]
struct Stamp {
    entries: Vec<Entry>,
    /// The entries as on the wire, without the braces.
    encoded: Box<[u8]>,
}

impl Meta {
    /// Sets a key; its earlier value is replaced.
    pub fn insert(&mut self, key: impl Into<Cow<'static, str>>, value: RawJson) {
        let key = key.into();
        let own = self.own_mut();
        match own.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => own.push((key, value)),
        }
    }

    /// The value of a key.
    pub fn value(&self, key: &str) -> Option<&RawJson> {
        self.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// Whether there are no entries.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.own().is_empty() && self.stamp.is_none()
    }

    /// The entries, in wire order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        self.entries().map(|(key, value)| (&**key, value))
    }

    /// Returns the entries for insertion elsewhere: values share their bytes.
    pub(crate) fn shared(&self) -> impl Iterator<Item = (Cow<'static, str>, RawJson)> {
        self.entries().cloned()
    }

    /// Turns the entries, after a first one, into a stamp for many calls.
    pub(crate) fn into_stamp(self, key: &'static str, value: RawJson) -> Self {
        let rest = self.shared().filter(|(known, _)| *known != key);
        let first = (Cow::Borrowed(key), value);
        let entries: Vec<Entry> = iter::once(first).chain(rest).collect();
        let mut encoded = Vec::new();
        encode_entries(entries.iter(), &mut encoded);
        let stamp = Stamp { entries, encoded: encoded.into() };
        Self { own: None, stamp: Some(Arc::new(stamp)) }
    }

    /// Adds the entries that many calls share to those of this call.
    #[inline]
    pub(crate) fn add_stamp(&mut self, of: &Self) {
        match (&self.stamp, &of.stamp) {
            (None, Some(stamp)) if of.own().is_empty() => self.stamp = Some(Arc::clone(stamp)),
            _ => self.add_entries(of),
        }
    }

    fn add_entries(&mut self, of: &Self) {
        for (key, value) in of.shared() {
            if self.value(&key).is_none() {
                self.own_mut().push((key, value));
            }
        }
    }

    #[inline]
    pub(crate) fn remove(&mut self, key: &str) {
        if self.own.is_some() {
            self.remove_own(key);
        }
    }

    fn remove_own(&mut self, key: &str) {
        if self.own().iter().any(|(known, _)| known == key) {
            self.own_mut().retain(|(known, _)| known != key);
        }
    }

    /// Returns the encoded length of the object, or slightly more.
    pub(crate) fn encoded_size(&self, progress: Option<&RequestId>) -> usize {
        let own = self.own().iter().map(|(key, value)| key.len() + value.as_bytes().len() + 4);
        let stamp = self.stamp.as_ref().map_or(0, |stamp| stamp.encoded.len() + 1);
        let progress = progress.map_or(0, |token| PROGRESS_TOKEN.len() + 1 + id_size(token));
        // Two braces, minus the comma counted before the first entry.
        1 + own.sum::<usize>() + stamp + progress
    }

    /// Appends the object, including the progress token.
    pub(crate) fn encode(&self, progress: Option<&RequestId>, out: &mut Vec<u8>) {
        out.push(b'{');
        let start = out.len();
        match &self.stamp {
            // Most calls have no entries of their own.
            Some(stamp) if self.own.is_none() => out.extend_from_slice(&stamp.encoded),
            Some(stamp) if !self.own().iter().any(|(key, _)| stamp.contains(key)) => {
                encode_entries(self.own().iter(), out);
                separate(start, out);
                out.extend_from_slice(&stamp.encoded);
            }
            _ => encode_entries(self.entries(), out),
        }
        if let Some(token) = progress {
            separate(start, out);
            out.extend_from_slice(PROGRESS_TOKEN);
            token.encode(out);
        }
        out.push(b'}');
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        let stamp = self.stamp.iter().flat_map(|stamp| &stamp.entries);
        let is_new = |(key, _): &&Entry| self.own().iter().all(|(own, _)| own != key);
        self.own().iter().chain(stamp.filter(is_new))
    }

    fn own(&self) -> &[Entry] {
        self.own.as_deref().map_or(&[], Vec::as_slice)
    }

    fn own_mut(&mut self) -> &mut Vec<Entry> {
        Arc::make_mut(self.own.get_or_insert_default())
    }
}

impl Stamp {
    fn contains(&self, key: &str) -> bool {
        self.entries.iter().any(|(known, _)| known == key)
    }
}

/// Equal if the same on the wire.
impl PartialEq for Meta {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Meta {}

fn encode_entries<'a>(entries: impl Iterator<Item = &'a Entry>, out: &mut Vec<u8>) {
    let start = out.len();
    for (key, value) in entries {
        separate(start, out);
        RawJson::append_str(key, out);
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    }
}

/// Writes a comma unless nothing was written since `start`.
fn separate(start: usize, out: &mut Vec<u8>) {
    if out.len() > start {
        out.push(b',');
    }
}

/// Returns the encoded length of an id, if this library generated it.
fn id_size(id: &RequestId) -> usize {
    match id {
        RequestId::Integer(number) => number.checked_ilog10().map_or(20, |log| log as usize + 1),
        RequestId::String(text) => text.len() + 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &'static str) -> RawJson {
        RawJson::parse(text).unwrap()
    }

    fn meta(entries: &[(&'static str, &'static str)]) -> Meta {
        let mut meta = Meta::default();
        entries.iter().for_each(|(key, value)| meta.insert(*key, raw(value)));
        meta
    }

    #[track_caller]
    fn check(meta: &Meta, progress: Option<i64>, expected: &str) {
        let progress = progress.map(RequestId::from);
        let mut out = Vec::new();
        meta.encode(progress.as_ref(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(meta.encoded_size(progress.as_ref()), expected.len());
    }

    #[test]
    fn what_a_call_says_wins_over_what_all_calls_say() {
        let stamp = meta(&[("b", "2")]).into_stamp("a", raw("1"));
        let mut call = Meta::default();
        call.add_stamp(&stamp);
        check(&call, None, r#"{"a":1,"b":2}"#);
        check(&call, Some(7), r#"{"a":1,"b":2,"progressToken":7}"#);
        call.insert("c", raw("3"));
        check(&call, None, r#"{"c":3,"a":1,"b":2}"#);
        call.insert("b", raw("4"));
        assert_eq!(call, meta(&[("c", "3"), ("b", "4"), ("a", "1")]));
        assert_eq!(call.value("b"), Some(&raw("4")));
        let mut out = Vec::new();
        call.encode(None, &mut out);
        assert_eq!(out, br#"{"c":3,"b":4,"a":1}"#);
    }

    #[test]
    fn an_empty_one_has_room_for_a_token() {
        check(&meta(&[]), Some(12345), r#"{"progressToken":12345}"#);
        check(&meta(&[("a", "{}")]), None, r#"{"a":{}}"#);
    }
}
