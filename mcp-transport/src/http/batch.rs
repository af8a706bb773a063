//! Several messages in one: servers of revision 2025-03-26 may answer so.

use bytes::Bytes;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The members of a batch, which share its bytes; none if `bytes` are no batch, or one that is empty or has
/// more than `most`.
pub(super) fn members(bytes: &Bytes, most: usize) -> Option<Vec<Bytes>> {
    if bytes.trim_ascii_start().first() != Some(&b'[') {
        return None;
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let members = json.deserialize_seq(Members { bytes, most }).ok()?;
    json.end().ok()?;
    Some(members).filter(|members| !members.is_empty())
}

struct Members<'a> {
    bytes: &'a Bytes,
    most: usize,
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Vec<Bytes>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<Bytes>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = sequence.next_element::<&'de RawValue>()? {
            if members.len() == self.most {
                return Err(A::Error::custom("too many messages in a batch"));
            }
            members.push(self.bytes.slice_ref(member.get().as_bytes()));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: OLD-01
    #[test]
    fn a_batch_is_an_array_of_some_messages() {
        let read = |text: &str| members(&Bytes::copy_from_slice(text.as_bytes()), 10);
        assert_eq!(read(" [ {\"a\":1} , 2 ]").unwrap(), ["{\"a\":1}", "2"]);
        for other in ["{}", "[]", "[1", "[1] 2", "", "  ", "[1,]"] {
            assert_eq!(read(other), None, "{other}");
        }
        let of = |count| format!("[{}]", vec!["1"; count].join(","));
        assert_eq!(read(&of(10)).unwrap().len(), 10);
        assert_eq!(read(&of(11)), None);
    }
}
