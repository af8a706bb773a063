//! The JSON-RPC 2.0 envelope, as the protocol uses it.
//!
//! An envelope is read once: parameters and results stay bytes ([`RawJson`]) until somebody wants them as a type.

mod decode;
mod encode;
mod envelope;
mod find;
mod id;
mod members;
mod plain;
mod raw;
mod salvage;
mod surrogates;

pub use decode::{DecodeError, DecodeErrorKind};
pub use id::{InvalidId, RequestId};
pub use members::{Elements, Members};
pub use raw::RawJson;
pub use salvage::salvage_id;

use crate::ErrorObject;
use std::borrow::Cow;

/// One JSON-RPC message.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "JSON-RPC 2.0 has these three and no more")]
pub enum Message {
    /// Asks for a response.
    Request(Request),
    /// Asks for nothing.
    Notification(Notification),
    /// Answers a request.
    Response(Response),
}

/// A request: a method, its parameters, and the id that its response will carry.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// The id, which the response repeats.
    pub id: RequestId,
    /// The method, like `tools/call`.
    pub method: Cow<'static, str>,
    /// The parameters, an object.
    pub params: Option<RawJson>,
}

impl Request {
    /// Creates a request without parameters.
    #[inline]
    pub fn new(id: impl Into<RequestId>, method: impl Into<Cow<'static, str>>) -> Self {
        Self { id: id.into(), method: method.into(), params: None }
    }

    /// Sets the parameters.
    #[inline]
    #[must_use]
    pub fn with_params(mut self, params: RawJson) -> Self {
        self.params = Some(params);
        self
    }
}

/// A notification: a method and its parameters. It is never answered.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Notification {
    /// The method, like `notifications/progress`.
    pub method: Cow<'static, str>,
    /// The parameters, an object.
    pub params: Option<RawJson>,
}

impl Notification {
    /// Creates a notification without parameters.
    pub fn new(method: impl Into<Cow<'static, str>>) -> Self {
        Self { method: method.into(), params: None }
    }

    /// Sets the parameters.
    #[must_use]
    pub fn with_params(mut self, params: RawJson) -> Self {
        self.params = Some(params);
        self
    }
}

/// A response: the result or the error of one request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Response {
    /// The id of the request; an error about a message that could not be read has none.
    pub id: Option<RequestId>,
    /// The result, an object, or what went wrong.
    pub outcome: Result<RawJson, ErrorObject>,
}

impl Response {
    /// Creates a successful response.
    pub fn success(id: impl Into<RequestId>, result: RawJson) -> Self {
        Self { id: Some(id.into()), outcome: Ok(result) }
    }

    /// Creates an error response.
    pub fn failure(id: impl Into<RequestId>, error: ErrorObject) -> Self {
        Self { id: Some(id.into()), outcome: Err(error) }
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Notification> for Message {
    fn from(notification: Notification) -> Self {
        Self::Notification(notification)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}
