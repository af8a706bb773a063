//! What a peer says when a request failed.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// A JSON-RPC error code: an open set of integers, some with a name.
///
/// A code between -32019 and -32000 has no meaning of its own, [`RESOURCE_NOT_FOUND`](Self::RESOURCE_NOT_FOUND)
/// excepted: older peers used that range as they liked
/// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#error-codes)).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
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
    /// The user does not want it: how a client refuses to ask its language model.
    pub const USER_REJECTED: Self = Self(-1);

    /// Whether only a server of a stateless revision gives this code.
    pub fn is_modern(self) -> bool {
        matches!(
            self,
            Self::HEADER_MISMATCH
                | Self::MISSING_REQUIRED_CLIENT_CAPABILITY
                | Self::UNSUPPORTED_PROTOCOL_VERSION
        )
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorObject {
    /// What kind of error it is.
    pub code: ErrorCode,
    /// One sentence for a person. Untrusted text of the peer.
    pub message: String,
    /// Details, of a shape that depends on the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl ErrorObject {
    /// An error without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The same error with details.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<Value>) -> Self {
        self.data = Some(data.into());
        self
    }
}

impl fmt::Display for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

impl std::error::Error for ErrorObject {}
