//! The alias for the HTTP service below the transport.

use super::{RequestBody, pool::ConnectError};
use crate::{BoxError, Delivery, Error, error::Kind};
use bytes::Bytes;
use http::{Request, Response};
use std::error::Error as StdError;
use tower_service::Service;

/// A service that carries HTTP requests: an HTTP client under any number of layers.
///
/// Never implemented by hand: any matching [`Service`] has it. Layers of `tower-http` and of your own fit here. If a
/// layer returns an [`Error`](crate::Error) of this crate, the caller gets it unchanged, so that a layer can say how
/// far a request got.
///
/// The extensions of a [`ClientMessage`](crate::ClientMessage) become those of the request.
pub trait HttpService:
    Service<
        Request<RequestBody>,
        Response = Response<Self::ResponseBody>,
        Error: Into<BoxError>,
        Future: Send + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
    /// The body of a response.
    type ResponseBody: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;
}

impl<S, B> HttpService for S
where
    S: Service<
            Request<RequestBody>,
            Response = Response<B>,
            Error: Into<BoxError>,
            Future: Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type ResponseBody = B;
}

/// Converts a failure of the HTTP service into an error about the message that it carried.
pub(super) fn failed(url: &str, error: impl Into<BoxError>) -> Error {
    let error = match error.into().downcast::<Error>() {
        Ok(own) => return *own,
        Err(foreign) => foreign,
    };
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(at) = cause {
        if let Some(own) = at.downcast_ref::<Error>() {
            return own.clone();
        }
        if at.is::<ConnectError>() {
            return unreachable(url, error);
        }
        cause = at.source();
    }
    if is_unsent(&*error) {
        let message = format!("connection to {url} was closed before the message was sent");
        return Error::closed(message, Delivery::NotSent).with_source(error);
    }
    let message = format!("connection to {url} was lost before the answer");
    Error::new(Kind::Io, Delivery::Unknown, message).with_source(error)
}

/// There is no connection, because of `error`.
fn unreachable(url: &str, error: BoxError) -> Error {
    let cause = error.downcast::<ConnectError>().map_or_else(|error| error, |it| it.into_cause());
    let message = match tls_error(&*cause) {
        // Anything but TLS is text at this point, like the answer to an invalid HTTP request.
        Some(rustls::Error::InvalidMessage(_)) => {
            format!("{url} does not speak TLS: is it a server for http:// alone?")
        }
        Some(_) => format!("{url} cannot be reached with TLS"),
        None => format!("{url} cannot be reached"),
    };
    Error::new(Kind::Connect, Delivery::NotSent, message).with_source(cause)
}

/// Finds the error of rustls, if it was rustls: its errors are wrapped in those of IO.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(at) = cause {
        let inner = at.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let found = at.downcast_ref().or_else(|| inner?.downcast_ref());
        if found.is_some() {
            return found;
        }
        cause = inner.map(|it| it as &(dyn StdError + 'static)).or_else(|| at.source());
    }
    None
}

/// Returns whether an error proves that the server has not acted on the request.
pub(super) fn is_unsent(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(at) = cause {
        if at.downcast_ref().is_some_and(hyper::Error::is_canceled)
            || at.downcast_ref().is_some_and(is_left_out)
        {
            return true;
        }
        cause = at.source();
    }
    false
}

/// Returns whether HTTP/2 says that the stream was not processed: it was refused, or is beyond the last one of a
/// GOAWAY.
fn is_left_out(error: &h2::Error) -> bool {
    (error.is_go_away() && error.is_remote()) || error.reason() == Some(h2::Reason::REFUSED_STREAM)
}
