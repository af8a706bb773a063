//! The vocabulary of this crate: `Call` in, `Reply` out.

use crate::{Events, Meta, Misbehavior, Params, Peer};
use mcp_transport::{BoxError, Extensions};
use mcp_types::{RawJson, Request};
use serde::{Deserialize, de::DeserializeOwned};
use std::{borrow::Cow, fmt, sync::Arc};
use tower_service::Service;

/// One request, before it has an id.
///
/// Cheap to clone, so that a middleware can send it again: the parameters are shared bytes.
///
/// ```
/// use mcp_session::{Call, Params};
///
/// let call = Call::new("tools/call").with_params(Params::encode(&serde_json::json!({"name": "echo"}))?);
/// assert_eq!(call.method, "tools/call");
/// # Ok::<(), mcp_session::InvalidParams>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// The method, like `tools/call`.
    pub method: Cow<'static, str>,
    /// The parameters, without `_meta`.
    pub params: Params,
    /// The `_meta` member of the parameters.
    pub meta: Meta,
    /// Where notifications about this call go.
    pub events: Events,
    /// What middlewares know about the call, for each other and for the transport.
    pub extensions: Extensions,
}

impl Call {
    /// A call without parameters.
    #[inline]
    pub fn new(method: impl Into<Cow<'static, str>>) -> Self {
        Self {
            method: method.into(),
            params: Params::default(),
            meta: Meta::default(),
            events: Events::default(),
            extensions: Extensions::new(),
        }
    }

    /// A call of a typed request; its `_meta` becomes the call's.
    ///
    /// # Errors
    ///
    /// The request cannot be serialized to JSON.
    pub fn of<R: Request>(mut request: R) -> Result<Self, crate::InvalidParams> {
        let meta = request.meta_mut().take();
        let params = Params::encode(&request)?;
        let mut call = Self::new(R::METHOD).with_params(params);
        for (key, value) in meta.iter().flat_map(|meta| meta.as_map()) {
            call.meta.insert(key.clone(), RawJson::encode(value)?);
        }
        Ok(call)
    }

    /// Returns the call with these parameters.
    #[inline]
    #[must_use]
    pub fn with_params(mut self, params: Params) -> Self {
        self.params = params;
        self
    }

    /// Returns the call with these listeners.
    #[must_use]
    pub fn with_events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// Returns the call with one more extension, which replaces any other of the same type.
    #[must_use]
    pub fn with_extension<T: Clone + Send + Sync + 'static>(mut self, extension: T) -> Self {
        self.extensions.insert(extension);
        self
    }
}

/// The result of a call: what a successful response carried.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reply {
    /// The result, an object.
    pub result: RawJson,
    /// What middlewares know about the reply, for each other and for the caller.
    pub extensions: Extensions,
    /// The witness to notify when the result cannot be decoded, and the method that was called.
    origin: Option<(Arc<dyn Witness>, Cow<'static, str>)>,
}

/// The issuer of a call, which reports misbehavior found in its reply.
pub(crate) trait Witness: Send + Sync {
    fn peer(&self) -> &Peer;
}

impl Reply {
    /// A reply with this result.
    #[inline]
    pub fn new(result: RawJson) -> Self {
        Self { result, extensions: Extensions::new(), origin: None }
    }

    /// Marks the reply as the answer to a call of this method.
    #[inline]
    pub(crate) fn answering(
        mut self,
        witness: Arc<dyn Witness>,
        method: Cow<'static, str>,
    ) -> Self {
        self.origin = Some((witness, method));
        self
    }

    /// Reports a rule that the server broke with this result; returns whether the call must fail.
    #[cfg(feature = "validate")]
    pub(crate) fn tell(&self, misbehavior: Misbehavior, detail: String) -> bool {
        let Some((witness, method)) = &self.origin else {
            tracing::warn!(%misbehavior, detail, "the server broke the protocol");
            return false;
        };
        witness.peer().incident(misbehavior, Some(method), Some(detail));
        witness.peer().is_strict()
    }

    /// Decodes the result, in the caller's task, from the bytes that arrived.
    ///
    /// # Errors
    ///
    /// The result does not fit the type, or a string in it holds a lone surrogate; see
    /// [`decode_lossy`](Self::decode_lossy).
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        self.result.decode()
    }

    /// Decodes the result like [`decode`](Self::decode), but replaces lone surrogates in strings.
    ///
    /// Servers in JavaScript write lone surrogates when they cut a text in two. Each becomes a replacement character
    /// (U+FFFD), and is reported as [`Misbehavior::LoneSurrogate`](crate::Misbehavior::LoneSurrogate).
    ///
    /// # Errors
    ///
    /// The result does not fit the type.
    pub fn decode_lossy<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        self.result.decode().or_else(|error| match self.repaired() {
            Some(repaired) => repaired.result.decode(),
            None => Err(error),
        })
    }

    /// Decodes like [`decode_lossy`](Self::decode_lossy), and consumes the reply, so that a large text in the result
    /// need not be copied. See [`RawJson::take`].
    ///
    /// # Errors
    ///
    /// The result does not fit the type.
    pub fn into_decoded<T: DeserializeOwned>(mut self) -> Result<T, serde_json::Error> {
        self.result.take().or_else(|error| match self.repaired() {
            Some(repaired) => repaired.result.decode(),
            None => Err(error),
        })
    }

    /// A copy of the reply without lone surrogates, if it holds any; reports them.
    pub fn repaired(&self) -> Option<Self> {
        let result = self.result.with_lone_surrogates_replaced()?;
        if let Some((witness, method)) = &self.origin {
            witness.peer().incident(Misbehavior::LoneSurrogate, Some(method), None);
        }
        Some(Self { result, ..self.clone() })
    }
}

impl fmt::Debug for dyn Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.peer().fmt(f)
    }
}

/// A service that turns a [`Call`] into its [`Reply`]: a session, or any middleware around one.
///
/// Never implemented by hand: any matching [`Service`] has it.
pub trait CallService:
    Service<Call, Response = Reply, Error = BoxError, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> CallService for S where
    S: Service<Call, Response = Reply, Error = BoxError, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}
