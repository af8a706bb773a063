//! The `Transport` alias, which every binding implements.

use crate::{ClientMessage, Error, Replies};
use tower_service::Service;

/// Carries one client message to the server and yields what the server says about it.
///
/// Never implemented by hand: implement [`Service`] and have it. The contract is in the documentation of the crate.
pub trait Transport:
    Service<ClientMessage, Response = Replies, Error = Error, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<T> Transport for T where
    T: Service<ClientMessage, Response = Replies, Error = Error, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}
