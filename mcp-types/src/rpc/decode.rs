//! Decoding messages.

use super::{
    Message, Notification, RawJson, Request, RequestId, Response, envelope::Envelope, plain,
    salvage_id,
};
use crate::ErrorObject;
use bytes::Bytes;
use std::{error, fmt};

impl Message {
    /// Decodes one message from its bytes, which parameters and results share.
    ///
    /// # Errors
    ///
    /// The bytes are not JSON, or not a JSON-RPC 2.0 message. The error has the id if it can be found, so that the call
    /// which the message answers can be failed.
    pub fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        match plain::message(bytes) {
            Some(message) => Ok(message),
            None => Self::decode_any(bytes),
        }
    }

    /// Decodes one message like [`decode`](Self::decode), and consumes its bytes: a result takes them over, and is then
    /// their only owner.
    ///
    /// Afterwards `bytes` is empty, unless there is an error: then it is unchanged.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use mcp_types::{RawJson, rpc::{Message, Response}};
    ///
    /// let mut line = Bytes::from_static(br#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    /// assert_eq!(Message::take(&mut line)?, Response::success(1, RawJson::EMPTY_OBJECT).into());
    /// assert!(line.is_empty());
    /// # Ok::<(), mcp_types::rpc::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`decode`](Self::decode).
    pub fn take(bytes: &mut Bytes) -> Result<Self, DecodeError> {
        if let Some(response) = plain::take_response(bytes) {
            return Ok(response.into());
        }
        let message = match plain::notification(bytes) {
            Some(notification) => notification.into(),
            None => Self::decode_any(bytes)?,
        };
        *bytes = Bytes::new();
        Ok(message)
    }

    /// Decodes a message that is not in the usual form.
    fn decode_any(bytes: &Bytes) -> Result<Self, DecodeError> {
        // serde accepts an array as a struct; in JSON-RPC it is a batch, or invalid.
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            return Err(DecodeError::shape(None, DecodeErrorKind::NotAnObject));
        }
        let envelope =
            Envelope::read(bytes).map_err(|source| DecodeError::syntax(bytes, source))?;
        let id = match envelope.id {
            None => None,
            Some(text) => match RequestId::from_json(text) {
                Ok(id) => Some(id),
                Err(_) => return Err(DecodeError::shape(None, DecodeErrorKind::InvalidId)),
            },
        };
        if !envelope.is_version_2 {
            return Err(DecodeError::shape(id, DecodeErrorKind::NotVersion2));
        }
        if envelope.params.is_some_and(|params| !is_container(params)) {
            return Err(DecodeError::shape(id, DecodeErrorKind::InvalidParams));
        }
        let params = envelope.params.map(|params| RawJson::slice(bytes, params));
        match (envelope.method, envelope.result, envelope.error) {
            (Some(method), None, None) => {
                let method = plain::method(method);
                Ok(match id {
                    Some(id) => Self::Request(Request { id, method, params }),
                    None => Self::Notification(Notification { method, params }),
                })
            }
            (None, Some(result), None) => success(bytes, id, result),
            (None, None, Some(error)) => failure(id, error),
            _ => Err(DecodeError::shape(id, DecodeErrorKind::Ambiguous)),
        }
    }
}

fn success(bytes: &Bytes, id: Option<RequestId>, result: &[u8]) -> Result<Message, DecodeError> {
    let Some(id) = id else {
        return Err(DecodeError::shape(None, DecodeErrorKind::InvalidId));
    };
    if !result.starts_with(b"{") {
        return Err(DecodeError::shape(Some(id), DecodeErrorKind::InvalidResult));
    }
    Ok(Response::success(id, RawJson::slice(bytes, result)).into())
}

fn failure(id: Option<RequestId>, error: &[u8]) -> Result<Message, DecodeError> {
    match ErrorObject::from_bytes(error) {
        Ok(error) => Ok(Response { id, outcome: Err(error) }.into()),
        Err(source) => {
            Err(DecodeError { id, kind: DecodeErrorKind::InvalidError, source: Some(source) })
        }
    }
}

fn is_container(value: &[u8]) -> bool {
    matches!(value.first(), Some(b'{' | b'['))
}

/// Why bytes are not a message.
#[derive(Debug)]
pub struct DecodeError {
    id: Option<RequestId>,
    kind: DecodeErrorKind,
    source: Option<serde_json::Error>,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// Not JSON, not UTF-8, or a member that is there twice or of the wrong type.
    Syntax,
    /// An array: a batch, which is not one message.
    NotAnObject,
    /// `jsonrpc` is not `"2.0"`.
    NotVersion2,
    /// The id is missing, null, a fraction, or of another type than string or integer.
    InvalidId,
    /// `params` is neither an object nor an array.
    InvalidParams,
    /// `result` is not an object.
    InvalidResult,
    /// `error` is not an object with an integer `code` and a string `message`.
    InvalidError,
    /// Not exactly one of `method`, `result` and `error` is there.
    Ambiguous,
}

impl DecodeError {
    fn syntax(bytes: &[u8], source: serde_json::Error) -> Self {
        Self { id: salvage_id(bytes), kind: DecodeErrorKind::Syntax, source: Some(source) }
    }

    fn shape(id: Option<RequestId>, kind: DecodeErrorKind) -> Self {
        Self { id, kind, source: None }
    }

    /// The id of the message, where it could be read.
    pub fn id(&self) -> Option<&RequestId> {
        self.id.as_ref()
    }

    /// What is wrong.
    pub fn kind(&self) -> DecodeErrorKind {
        self.kind
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            DecodeErrorKind::Syntax => "message is not valid JSON-RPC",
            DecodeErrorKind::NotAnObject => "message is an array instead of an object",
            DecodeErrorKind::NotVersion2 => "message does not say `\"jsonrpc\": \"2.0\"`",
            DecodeErrorKind::InvalidId => "message has no id that is a string or an integer",
            DecodeErrorKind::InvalidParams => "`params` is neither an object nor an array",
            DecodeErrorKind::InvalidResult => "`result` is not an object",
            DecodeErrorKind::InvalidError => "`error` has no integer code and string message",
            DecodeErrorKind::Ambiguous => "message has not exactly one of method, result and error",
        })
    }
}

impl error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_ref().map(|source| source as &dyn error::Error)
    }
}
