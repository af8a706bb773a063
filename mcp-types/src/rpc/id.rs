//! Request ids.

use serde_core::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{error, fmt};

/// The id of a request: an integer or a string; never null, never a fraction.
///
/// Ids are equal if value **and** type are: `"1"` is not `1`
/// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#requests)).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "JSON-RPC allows these two and no more")]
pub enum RequestId {
    /// An integer.
    Integer(i64),
    /// A string.
    String(Box<str>),
}

impl RequestId {
    /// Reads an id from its JSON text.
    ///
    /// # Errors
    ///
    /// The text is neither a JSON string nor an integer of 64 bits.
    pub fn from_json(text: &str) -> Result<Self, InvalidId> {
        if text.starts_with('"') {
            serde_json::from_slice(text.as_bytes()).map(Self::String).map_err(|_| InvalidId(()))
        } else {
            text.parse().map(Self::Integer).map_err(|_| InvalidId(()))
        }
    }
}

/// An id that is neither a string nor an integer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidId(());

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("request id is neither a string nor an integer of 64 bits")
    }
}

impl error::Error for InvalidId {}

impl From<i64> for RequestId {
    fn from(id: i64) -> Self {
        Self::Integer(id)
    }
}

impl From<&str> for RequestId {
    fn from(id: &str) -> Self {
        Self::String(id.into())
    }
}

impl From<String> for RequestId {
    fn from(id: String) -> Self {
        Self::String(id.into())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(id) => id.fmt(f),
            Self::String(id) => write!(f, "{id:?}"),
        }
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(id) => serializer.serialize_i64(*id),
            Self::String(id) => serializer.serialize_str(id),
        }
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = RequestId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an integer")
    }

    fn visit_i64<E: de::Error>(self, id: i64) -> Result<RequestId, E> {
        Ok(RequestId::Integer(id))
    }

    fn visit_u64<E: de::Error>(self, id: u64) -> Result<RequestId, E> {
        let id = i64::try_from(id);
        id.map(RequestId::Integer).map_err(|_| E::custom("integer id does not fit 64 bits"))
    }

    fn visit_str<E: de::Error>(self, id: &str) -> Result<RequestId, E> {
        Ok(RequestId::from(id))
    }
}
