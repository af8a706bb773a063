//! The `Transport` alias, which every binding implements.

use crate::{ClientMessage, Error, Replies};
use tower_service::Service;

/// Carries one client message to the server, and yields the server's messages about it.
///
/// Never implemented by hand: any matching [`Service`] has it. The contract is in the [crate documentation](crate).
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
