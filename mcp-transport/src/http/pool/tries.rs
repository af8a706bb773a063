//! Retries of requests that the server has certainly not seen.

use super::Endless;
use crate::{BoxError, http::RequestBody};
use http::{Method, Request, Uri, uri};
use std::mem;

/// How often a request is sent again that the server has certainly not seen.
const MAX_RETRIES: usize = 2;

/// A request that got no answer.
pub(super) struct Refused {
    /// Present if the server has certainly not seen it.
    pub(super) request: Option<Box<Request<RequestBody>>>,
    pub(super) error: hyper::Error,
    /// Whether sending it again does not count as a retry.
    pub(super) is_free: bool,
}

/// The state of a request across its tries.
pub(super) struct Tries {
    /// What was removed from the URI of the request for this try.
    pub(super) lost: Option<uri::Parts>,
    /// Whether it counts towards the limit.
    pub(super) is_counted: bool,
    retries: usize,
}

impl Tries {
    pub(super) fn of(request: &mut Request<RequestBody>) -> Self {
        let endless = request.extensions_mut().remove::<Endless>();
        let is_counted = endless.is_none() && request.method() != Method::GET;
        Self { lost: None, is_counted, retries: 0 }
    }

    /// Returns the request to send again, unless there is no point in it.
    pub(super) fn again(&mut self, refused: Refused) -> Result<Request<RequestBody>, BoxError> {
        let Refused { request, error, is_free } = refused;
        // The number of connections that were closed while idle is limited anyway.
        let Some(mut request) = request.filter(|_| is_free || self.retries < MAX_RETRIES) else {
            return Err(error.into());
        };
        self.retries += usize::from(!is_free);
        if let Some(mut parts) = self.lost.take() {
            let path = mem::take(request.uri_mut()).into_parts().path_and_query;
            parts.path_and_query = path;
            *request.uri_mut() = Uri::from_parts(parts)?;
        }
        Ok(*request)
    }
}
