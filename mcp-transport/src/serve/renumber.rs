//! Renumbering the requests of many clients, so that their ids never collide.

use super::Server;
use crate::{ClientMessage, Error, Replies, ServerMessage, splice};
use futures_core::{Stream, future::BoxFuture};
use mcp_types::{RawJson, RequestId, keys, rpc::Message};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll},
};
use tower_service::Service;

const TOKEN: [&str; 2] = ["_meta", keys::PROGRESS_TOKEN];
const SUBSCRIPTION: [&str; 2] = ["_meta", keys::SUBSCRIPTION_ID];

/// A service that gives each request a unique id before it passes it on, so that many clients can share a connection on
/// which ids must differ, like a [`Multiplex`](crate::Multiplex).
///
/// A progress token becomes the same number. Replies have the client's id and token again. Clones share the counter.
///
/// ```
/// # fn example(child: mcp_transport::Link<mcp_transport::Multiplex>) {
/// use mcp_transport::serve::{self, Renumber};
///
/// // Many clients over HTTP share one child process.
/// let service = Renumber::new(child.transport);
/// # let _ = service;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Renumber<S> {
    inner: S,
    last: Arc<AtomicI64>,
}

impl<S> Renumber<S> {
    /// Renumbers the requests to `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner, last: Arc::default() }
    }
}

impl<S: Server> Service<ClientMessage> for Renumber<S> {
    type Response = Replies;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Replies, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut message: ClientMessage) -> Self::Future {
        let Message::Request(request) = &mut message.body else {
            return Box::pin(self.inner.call(message));
        };
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let id = std::mem::replace(&mut request.id, number.into());
        let mut names = Names { number: number.to_string(), id, token: None };
        if let Some(params) = &mut request.params
            && let Some(token) = splice::find(params, &TOKEN).map(str::to_owned)
            && let Some(renamed) = splice::replace(params, &TOKEN, &names.number)
        {
            *params = renamed;
            names.token = Some(token);
        }
        let calling = self.inner.call(message);
        Box::pin(async move {
            let replies = calling.await?;
            Ok(Replies::new(Renamed { replies, names }))
        })
    }
}

/// The names of a request on both sides.
struct Names {
    /// Its number, as JSON.
    number: String,
    id: RequestId,
    /// The client's progress token, as JSON.
    token: Option<String>,
}

impl Names {
    /// Restores the names that the client uses.
    fn restore(&self, message: &mut ServerMessage) {
        match message {
            Message::Response(response) => response.id = Some(self.id.clone()),
            Message::Notification(notification) => {
                let Some(params) = &mut notification.params else { return };
                match (&*notification.method, &self.token) {
                    ("notifications/progress", Some(token)) => {
                        self.put(params, &[keys::PROGRESS_TOKEN], token);
                    }
                    ("notifications/cancelled", _) => self.put_id(params, &["requestId"]),
                    _ => self.put_id(params, &SUBSCRIPTION),
                }
            }
            Message::Request(_) => {}
        }
    }

    fn put_id(&self, params: &mut RawJson, path: &[&str]) {
        let mut id = Vec::new();
        self.id.encode(&mut id);
        self.put(params, path, &String::from_utf8_lossy(&id));
    }

    fn put(&self, params: &mut RawJson, path: &[&str], value: &str) {
        let is_ours = splice::find(params, path) == Some(self.number.as_str());
        if let Some(renamed) = splice::replace(params, path, value).filter(|_| is_ours) {
            *params = renamed;
        }
    }
}

/// Replies with the client's names.
struct Renamed {
    replies: Replies,
    names: Names,
}

impl Stream for Renamed {
    type Item = Result<ServerMessage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        Pin::new(&mut this.replies).poll_next(cx).map_ok(|mut message| {
            this.names.restore(&mut message);
            message
        })
    }
}
