//! The GET stream of a legacy server: messages that belong to no POST.

use super::{
    HttpService, batch,
    resume::{self, Opened, Position},
    session::Session,
    sse::{Decoder, TooLarge},
    state::State,
    stream::message_data,
};
use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use mcp_types::rpc::Message;
use std::{
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::oneshot, time::timeout};

/// Reads the stream, and reopens it when it is lost, until the server says that it offers none. Drops `opened` once the
/// server has answered for the first time.
pub(super) async fn listen<S: HttpService>(
    service: S,
    state: Arc<State>,
    session: Arc<Session>,
    opened: oneshot::Sender<()>,
) {
    let mut opened = Some(opened);
    let mut position = Position::new(&state.target.limits);
    loop {
        let answer = resume::listen(service.clone(), &state, &session, &position).await;
        drop(opened.take());
        match answer {
            Opened::Stream(response) => hear(&state, response, &mut position).await,
            Opened::Later(error) => tracing::debug!(%error, "no stream for now"),
            Opened::Never(error) => return tracing::debug!(%error, "no stream"),
        }
        if session.is_expired() {
            return;
        }
        tokio::time::sleep(position.next_wait()).await;
    }
}

/// Reads one stream until it ends or is lost.
async fn hear<B>(state: &State, response: Response<B>, position: &mut Position)
where
    B: Body<Data = Bytes>,
{
    let limit = state.target.limits.event;
    let mut decoder = Decoder::new(limit);
    let mut body = pin!(response.into_body());
    while let Some(Ok(frame)) = next(body.as_mut(), state.target.idle_timeout).await {
        let Ok(data) = frame.into_data() else { continue };
        decoder.push(data);
        loop {
            match decoder.next_event() {
                Ok(Some(event)) => {
                    if position.is_news(event.id.as_ref())
                        && let Some(data) = message_data(event)
                    {
                        position.heard();
                        take(state, &data);
                    }
                }
                Ok(None) => break,
                Err(TooLarge) => state.inbox.too_large(limit),
            }
        }
        position.follow(&decoder);
    }
}

/// Returns the next part of a stream; none if the stream is silent for too long.
async fn next<B: Body>(
    mut body: Pin<&mut B>,
    limit: Option<Duration>,
) -> Option<Result<Frame<B::Data>, B::Error>> {
    match limit {
        None => body.frame().await,
        Some(limit) => timeout(limit, body.frame()).await.ok().flatten(),
    }
}

/// Takes a message, or a batch of them.
pub(super) fn take(state: &State, data: &Bytes) {
    each(state, data, |data| match Message::decode(data) {
        Ok(message) => state.inbox.message(message, data.len()),
        Err(error) => state.inbox.not_a_message(data, error),
    });
}

/// Passes on the single message, or each message of a batch.
pub(super) fn each(state: &State, data: &Bytes, mut take: impl FnMut(&Bytes)) {
    match batch::members(data, state.target.limits.batch) {
        Some(members) => {
            state.inbox.batch();
            members.iter().for_each(take);
        }
        None => take(data),
    }
}
