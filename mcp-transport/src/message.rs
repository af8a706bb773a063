//! Messages of the client and the server, with their extensions.

use crate::Extensions;
use mcp_types::rpc::{Message, Notification, Request, Response};

/// A message of the server.
pub type ServerMessage = Message;

/// A message of the client, with extensions from the layers above for the binding.
///
/// Extensions are never sent as they are. The bindings of this crate look for
/// [`ProtocolVersion`](mcp_types::ProtocolVersion) (the negotiated revision) and [`MirroredParams`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientMessage {
    /// The message itself.
    pub body: Message,
    /// Values that travel with the message but are not part of it.
    pub extensions: Extensions,
}

impl ClientMessage {
    /// Creates a message without extensions.
    pub fn new(body: impl Into<Message>) -> Self {
        Self { body: body.into(), extensions: Extensions::new() }
    }

    /// Adds an extension; one of the same type is replaced.
    #[must_use]
    pub fn with_extension<T: Clone + Send + Sync + 'static>(mut self, extension: T) -> Self {
        self.extensions.insert(extension);
        self
    }
}

impl From<Message> for ClientMessage {
    fn from(message: Message) -> Self {
        Self::new(message)
    }
}

impl From<Request> for ClientMessage {
    fn from(request: Request) -> Self {
        Self::new(request)
    }
}

impl From<Notification> for ClientMessage {
    fn from(notification: Notification) -> Self {
        Self::new(notification)
    }
}

impl From<Response> for ClientMessage {
    fn from(response: Response) -> Self {
        Self::new(response)
    }
}

/// Tool arguments to mirror in headers: pairs of a header's name, without `Mcp-Param-`, and a value.
///
/// An extension of a [`ClientMessage`]. A binding with headers encodes them; the others ignore them
/// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a list and nothing else")]
pub struct MirroredParams(pub Vec<(String, String)>);
