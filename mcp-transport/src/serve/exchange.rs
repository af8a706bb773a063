//! One message of a client, and the service's replies to it.

use super::backend::{Answering, Backend};
use crate::{ClientMessage, Error, Replies, ServerMessage};
use futures_core::Stream;
use mcp_types::{
    ErrorCode, ErrorObject, RequestId,
    rpc::{Message, Response},
};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

/// The replies to one message of a client. Those to a request end with its response, whatever the service does.
pub(super) struct Exchange {
    /// The id, if it is a request.
    id: Option<RequestId>,
    stage: Stage,
}

enum Stage {
    Calling(Answering),
    Replying(Replies),
    Ended,
}

impl Exchange {
    pub(super) fn start(backend: &Backend, message: ClientMessage) -> Self {
        let id = match &message.body {
            Message::Request(request) => Some(request.id.clone()),
            Message::Notification(_) | Message::Response(_) => None,
        };
        Self { id, stage: Stage::Calling(backend.call(message)) }
    }

    /// Ends it with its response; a message that expects none has none.
    fn end(&mut self, outcome: Result<Response, ErrorObject>) -> Option<ServerMessage> {
        self.stage = Stage::Ended;
        let id = self.id.take()?;
        let mut response = outcome.unwrap_or_else(|error| Response::failure(id.clone(), error));
        response.id = Some(id);
        Some(response.into())
    }
}

impl Stream for Exchange {
    type Item = ServerMessage;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ServerMessage>> {
        loop {
            match &mut self.stage {
                Stage::Calling(answering) => match ready!(answering.as_mut().poll(cx)) {
                    Ok(replies) => self.stage = Stage::Replying(replies),
                    Err(error) => return Poll::Ready(self.end(Err(failure(&*error)))),
                },
                Stage::Replying(replies) => {
                    return Poll::Ready(match ready!(Pin::new(replies).poll_next(cx)) {
                        Some(Ok(Message::Response(response))) => self.end(Ok(response)),
                        Some(Ok(message)) => Some(message),
                        Some(Err(error)) => self.end(Err(failure(&error))),
                        None => self.end(Err(internal("server gave no response"))),
                    });
                }
                Stage::Ended => return Poll::Ready(None),
            }
        }
    }
}

/// Returns what a client learns of a failure: the error of the server behind it, or only that it failed.
fn failure(error: &(dyn std::error::Error + Send + Sync + 'static)) -> ErrorObject {
    tracing::debug!(error, "a call failed");
    let said = error.downcast_ref::<Error>().and_then(Error::peer_error);
    said.cloned().unwrap_or_else(|| internal(error.to_string()))
}

pub(super) fn internal(message: impl Into<String>) -> ErrorObject {
    ErrorObject::new(ErrorCode::INTERNAL_ERROR, message)
}
