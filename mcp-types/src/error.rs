//! The error object of a failed JSON-RPC request.

use crate::wire::{Text, once};
use serde_core::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::Value;
use std::fmt;

/// A JSON-RPC error code: an open set of integers, some with a name.
///
/// A code between -32019 and -32000 has no meaning of its own, [`RESOURCE_NOT_FOUND`](Self::RESOURCE_NOT_FOUND)
/// excepted: older peers used that range as they liked
/// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#error-codes)).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a number and nothing else, by definition of JSON-RPC"
)]
pub struct ErrorCode(pub i64);

impl ErrorCode {
    /// The peer could not parse the message as JSON.
    pub const PARSE_ERROR: Self = Self(-32700);
    /// The message is JSON, but not a valid request.
    pub const INVALID_REQUEST: Self = Self(-32600);
    /// The peer does not know the method, or does not offer it to this client.
    pub const METHOD_NOT_FOUND: Self = Self(-32601);
    /// The parameters do not fit the method; since 2026-07-28 also a resource that does not exist.
    pub const INVALID_PARAMS: Self = Self(-32602);
    /// The peer failed for a reason of its own.
    pub const INTERNAL_ERROR: Self = Self(-32603);
    /// A resource does not exist. Until 2025-11-25.
    pub const RESOURCE_NOT_FOUND: Self = Self(-32002);
    /// The request needs the user to visit a URL first. In 2025-11-25 only.
    pub const URL_ELICITATION_REQUIRED: Self = Self(-32042);
    /// A mirrored HTTP header does not say what the body says. Since 2026-07-28.
    pub const HEADER_MISMATCH: Self = Self(-32020);
    /// The request needs a client capability that it did not declare. Since 2026-07-28.
    pub const MISSING_REQUIRED_CLIENT_CAPABILITY: Self = Self(-32021);
    /// The server does not speak the revision of the request. Since 2026-07-28.
    pub const UNSUPPORTED_PROTOCOL_VERSION: Self = Self(-32022);
    /// The user refused: with this code a client rejects a sampling request.
    pub const USER_REJECTED: Self = Self(-1);

    /// Whether only servers of a stateless revision use this code.
    pub fn is_modern(self) -> bool {
        matches!(
            self,
            Self::HEADER_MISMATCH
                | Self::MISSING_REQUIRED_CLIENT_CAPABILITY
                | Self::UNSUPPORTED_PROTOCOL_VERSION
        )
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The error of a JSON-RPC error response: what the peer said, unchanged.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ErrorObject {
    /// What kind of error it is.
    pub code: ErrorCode,
    /// One sentence for a person. Untrusted text of the peer.
    pub message: String,
    /// Details, whose shape depends on the code. Boxed, because few messages carry them.
    pub data: Option<Box<Value>>,
}

impl ErrorObject {
    /// Creates an error without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// Reads an error from its JSON text.
    ///
    /// # Errors
    ///
    /// The text is not an error object.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        Self::from_bytes(text.as_bytes())
    }

    /// Decodes an error from bytes.
    pub(crate) fn from_bytes(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// Sets the details.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<Value>) -> Self {
        self.data = Some(Box::new(data.into()));
        self
    }
}

impl Serialize for ErrorObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2 + usize::from(self.data.is_some())))?;
        map.serialize_entry("code", &self.code)?;
        map.serialize_entry("message", &self.message)?;
        if let Some(data) = &self.data {
            map.serialize_entry("data", data)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for ErrorObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ErrorVisitor)
    }
}

struct ErrorVisitor;

impl<'de> Visitor<'de> for ErrorVisitor {
    type Value = ErrorObject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ErrorObject, A::Error> {
        let (mut code, mut message, mut data) = (None, None, None);
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "code" => once(&mut code, "code", &mut map)?,
                "message" => once(&mut message, "message", &mut map)?,
                "data" => once(&mut data, "data", &mut map)?,
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(ErrorObject {
            code: code.ok_or_else(|| A::Error::missing_field("code"))?,
            message: message.ok_or_else(|| A::Error::missing_field("message"))?,
            data: data.flatten().map(Box::new),
        })
    }
}

impl fmt::Display for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

impl std::error::Error for ErrorObject {}

#[cfg(test)]
mod tests {
    use super::ErrorObject;

    // spec: MSG-08
    #[test]
    fn an_error_has_a_code_and_a_message_and_each_member_once() {
        for text in [
            r#"{"code":-32601,"message":"no"}"#,
            r#"{"code":-1,"message":"a\"b","data":{"b":[1],"a":null}}"#,
        ] {
            let error: ErrorObject = serde_json::from_str(text).unwrap();
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_value(&error).unwrap(), value);
        }
        let read = serde_json::from_str::<ErrorObject>;
        let bare = read(r#"{"more":[{}],"\u0063ode":1,"data":null,"message":""}"#).unwrap();
        assert_eq!((bare.code.0, bare.data), (1, None));
        for (text, reason) in [
            (r#"{"message":"m"}"#, "missing field `code`"),
            (r#"{"code":1}"#, "missing field `message`"),
            (r#"{"code":1,"code":1,"message":"m"}"#, "duplicate field `code`"),
            (r#"{"code":1,"message":"m","data":null,"data":1}"#, "duplicate field `data`"),
            (r#"{"code":1.5,"message":"m"}"#, "expected i64"),
            (r#"{"code":1,"message":null}"#, "expected a string"),
            (r#"[1,"m"]"#, "expected an error object"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
