//! The `_meta` object and its keys.

use crate::{RawJson, wire::deserialize};
use serde_core::{Serialize, Serializer, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{error, fmt};

/// Keys of `_meta` that the specification reserves.
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#meta).
pub mod keys {
    /// The revision of a request. Since 2026-07-28.
    pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    /// The capabilities of the client, for this request. Since 2026-07-28.
    pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
    /// Name and version of the client. Since 2026-07-28.
    pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
    /// Name and version of the server, on a result. Since 2026-07-28.
    pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
    /// The minimum level of log messages during this request. Since 2026-07-28.
    pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
    /// The id of the `subscriptions/listen` request that a notification belongs to. Since 2026-07-28.
    pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
    /// The task that a message belongs to. In 2025-11-25.
    pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";
    /// The token that progress notifications about this request carry.
    pub const PROGRESS_TOKEN: &str = "progressToken";
    /// W3C trace context: the parent span. Since 2026-07-28.
    pub const TRACEPARENT: &str = "traceparent";
    /// W3C trace context: vendor state. Since 2026-07-28.
    pub const TRACESTATE: &str = "tracestate";
    /// W3C baggage. Since 2026-07-28.
    pub const BAGGAGE: &str = "baggage";
}

/// The `_meta` object of a message: an open map, in the order of a [`JsonObject`](crate::JsonObject),
/// in the memory of a pointer.
///
/// ```
/// use mcp_types::MetaObject;
///
/// let mut meta = MetaObject::default();
/// meta.insert("com.example/tenant", "blue")?;
/// assert!(meta.insert("io.modelcontextprotocol/clientInfo", "mine").is_err());
/// # Ok::<(), mcp_types::InvalidMetaKey>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetaObject(Box<Map<String, Value>>);

impl MetaObject {
    /// Sets a key of your own.
    ///
    /// # Errors
    ///
    /// The key breaks the grammar of `_meta` keys, or has a prefix that is reserved for the protocol.
    pub fn insert(
        &mut self,
        key: impl Into<String>,
        value: impl Into<Value>,
    ) -> Result<Option<Value>, InvalidMetaKey> {
        let key = key.into();
        match check_key(&key) {
            Ok(()) => Ok(self.0.insert(key, value.into())),
            Err(reason) => Err(InvalidMetaKey { key, reason }),
        }
    }

    /// The value of a key as a type, if it is there and fits.
    pub fn read<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.raw(key)?.decode().ok()
    }

    /// Encodes a value as text, so that its readers are compiled for text only.
    fn raw(&self, key: &str) -> Option<RawJson> {
        RawJson::encode(self.0.get(key)?).ok()
    }

    /// The members, reserved keys included.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The members, for changes that bypass the check of keys.
    pub fn as_map_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    /// The members, by value.
    pub fn into_map(self) -> Map<String, Value> {
        *self.0
    }
}

impl Serialize for MetaObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

deserialize!(MetaObject);

impl From<Map<String, Value>> for MetaObject {
    fn from(map: Map<String, Value>) -> Self {
        Self(Box::new(map))
    }
}

/// A key that may not be used in `_meta`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidMetaKey {
    key: String,
    reason: &'static str,
}

impl fmt::Display for InvalidMetaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid `_meta` key {:?}: {}", self.key, self.reason)
    }
}

impl error::Error for InvalidMetaKey {}

/// Checks a key against the grammar: an optional prefix of dot-separated labels and a slash, then a name.
fn check_key(key: &str) -> Result<(), &'static str> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if let Some(prefix) = prefix {
        if !prefix.split('.').all(is_label) {
            return Err(
                "the prefix is not a list of labels, each a letter, then letters, digits or hyphens",
            );
        }
        if matches!(prefix.split('.').nth(1), Some("modelcontextprotocol" | "mcp")) {
            return Err("the prefix is reserved for the protocol");
        }
    }
    if is_name(name) {
        Ok(())
    } else {
        Err(
            "the name does not begin and end with a letter or digit, with only `-`, `_` and `.` between",
        )
    }
}

/// Whether the text can be the id of an extension: a key with a prefix and a name.
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#extension-negotiation).
pub fn is_extension_id(id: &str) -> bool {
    id.split_once('/').is_some_and(|(prefix, name)| {
        prefix.split('.').all(is_label) && !name.is_empty() && is_name(name)
    })
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.into_iter().flatten().all(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::check_key;

    // spec: META-09 META-11 META-12
    #[test]
    fn keys_follow_the_grammar() {
        for good in ["name", "a.b-c_d", "com.example/name", "com.example/", "x/1", ""] {
            assert_eq!(check_key(good), Ok(()), "{good:?}");
        }
        for bad in [
            "-a",
            "a-",
            "1a/x",
            "a-/x",
            ".a/x",
            "a..b/x",
            "a b",
            "io.modelcontextprotocol/x",
            "dev.mcp/x",
        ] {
            assert!(check_key(bad).is_err(), "{bad:?}");
        }
    }
}
