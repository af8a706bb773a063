//! A server that is a function, and whose answers are ready.

use crate::payload;
use bytes::Bytes;
use mcp_transport::{ClientMessage, Error, Replies};
use mcp_types::{
    ErrorCode, ErrorObject, RawJson,
    rpc::{Message, Request, Response},
};
use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

#[derive(Clone, Copy)]
pub(super) struct Service {
    pub(super) is_modern: bool,
}

impl tower::Service<ClientMessage> for Service {
    type Response = Replies;
    type Error = Error;
    type Future = Ready<Result<Replies, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, message: ClientMessage) -> Self::Future {
        ready(Ok(match message.body {
            Message::Request(request) => Replies::once(self.answer(request)),
            _ => Replies::empty(),
        }))
    }
}

impl Service {
    fn answer(self, request: Request) -> Response {
        let result = match (&*request.method, self.is_modern) {
            ("server/discover", true) => payload::DISCOVER,
            ("initialize", false) => payload::INITIALIZE,
            ("server/discover" | "initialize", _) => {
                let error = ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "no such method");
                return Response::failure(request.id, error);
            }
            _ => payload::ECHO,
        };
        Response::success(request.id, RawJson::from_joined(Bytes::from_static(result.as_bytes())))
    }
}
