//! A server that answers by a script, and remembers what was said to it.

use futures_util::{Stream, StreamExt, stream};
use mcp_session::{Options, Server, Session};
use mcp_transport::{Binding, ClientMessage, Connector, Delivery, Driver, Error, Link, Replies};
use mcp_types::{
    ErrorCode, ErrorObject, RawJson,
    rpc::{Message, Request, Response},
};
use serde_json::{Value, json};
use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::watch;

/// How the server answers one request.
pub(crate) enum Answer {
    /// With a result.
    Result(Value),
    /// With an error of this code and these details.
    Refuse(i64, Value),
    /// With these messages, and no more.
    Say(Vec<Message>),
    /// With these replies.
    Stream(Replies),
    /// Not at all: the transport fails.
    Fail(Error),
    /// Never.
    Silence,
}

type Answers = dyn Fn(usize, &Request) -> Answer + Send + Sync;

/// A connector to a scripted server; clones share the server.
#[derive(Clone)]
pub(crate) struct Script {
    binding: Binding,
    connection: usize,
    answers: Arc<Answers>,
    log: Arc<Mutex<Vec<String>>>,
    /// The number of the newest connection that was lost.
    lost: watch::Sender<usize>,
}

impl Script {
    /// Creates a server that answers by the number of the connection, from 1, and the request.
    pub(crate) fn new(
        binding: Binding,
        answers: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (log, lost) = (Arc::default(), watch::Sender::new(0));
        Self { binding, connection: 0, answers: Arc::new(answers), log, lost }
    }

    /// Ends the open connection, and gives the session time to notice.
    pub(crate) async fn lose(&self) {
        self.lost.send_replace(self.connections());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// Returns the number of connections made.
    pub(crate) fn connections(&self) -> usize {
        self.log().iter().filter(|line| line.ends_with("connect")).count()
    }

    fn is_lost(&self) -> bool {
        *self.lost.borrow() >= self.connection
    }

    /// Returns the messages received, one line each: the number of the connection and the message.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Returns the methods called, each with the number of its connection.
    pub(crate) fn methods(&self) -> Vec<String> {
        let word = |line: &String| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        self.log().iter().map(word).collect()
    }

    fn note(&self, what: impl std::fmt::Display) {
        self.log.lock().unwrap().push(format!("{} {what}", self.connection));
    }

    /// Connects with these options and drives the session in the background.
    pub(crate) async fn connect(&self, options: Options) -> Result<Session, mcp_session::Error> {
        let (session, driver) = Session::builder(self.clone()).options(options).connect().await?;
        #[expect(clippy::disallowed_methods, reason = "a test owns its runtime")]
        drop(tokio::spawn(driver));
        Ok(session)
    }

    /// Returns the session's view of the server after connecting with default options.
    pub(crate) async fn server(&self) -> Result<Arc<Server>, mcp_session::Error> {
        Ok(Arc::clone(self.connect(Options::default()).await?.server()))
    }
}

impl Connector for Script {
    type Transport = Self;

    async fn connect(&self) -> Result<Link<Self>, Error> {
        let connected = Self { connection: self.connections() + 1, ..self.clone() };
        connected.note("connect");
        let (mut lost, number) = (self.lost.subscribe(), connected.connection);
        let driver = Driver::new(async move {
            let _ = lost.wait_for(|lost| *lost >= number).await;
            Err(closed())
        });
        Ok(Link::new(connected, self.binding).with_driver(driver))
    }
}

impl tower::Service<ClientMessage> for Script {
    type Response = Replies;
    type Error = Error;
    type Future = Ready<Result<Replies, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, message: ClientMessage) -> Self::Future {
        if self.is_lost() {
            return ready(Err(closed()));
        }
        let request = match message.body {
            Message::Request(request) => request,
            Message::Notification(notification) => {
                self.note(notification.method);
                return ready(Ok(Replies::empty()));
            }
            Message::Response(response) => {
                let outcome = response.outcome.map(|result| result.to_string());
                let outcome = outcome.unwrap_or_else(|error| error.to_string());
                self.note(format_args!("response {:?} {outcome}", response.id));
                return ready(Ok(Replies::empty()));
            }
        };
        let params = request.params.as_ref().map(ToString::to_string).unwrap_or_default();
        self.note(format_args!("{} {} {params}", request.method, request.id));
        let id = request.id.clone();
        ready(match (self.answers)(self.connection, &request) {
            Answer::Result(result) => {
                let result = RawJson::encode(&result).unwrap();
                Ok(Replies::once(Response::success(id, result)))
            }
            Answer::Refuse(code, data) => {
                let error = ErrorObject::new(ErrorCode(code), "refused").with_data(data);
                Ok(Replies::once(Response::failure(id, error)))
            }
            Answer::Say(messages) => Ok(Replies::new(stream::iter(messages).map(Ok))),
            Answer::Stream(replies) => Ok(replies),
            Answer::Fail(error) => Err(error),
            Answer::Silence => Ok(Replies::new(Silent(self.clone(), request.method.into()))),
        })
    }
}

fn closed() -> Error {
    Error::closed("the script ends here", Delivery::NotSent)
}

/// Replies that never come; records when they are dropped.
struct Silent(Script, String);

impl Stream for Silent {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Pending
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.0.note(format_args!("dropped {}", self.1));
    }
}

/// Returns what a stateless server says about itself.
pub(crate) fn discovered(versions: &[&str]) -> Answer {
    Answer::Result(json!({
        "resultType": "complete", "supportedVersions": versions, "capabilities": {"tools": {}},
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "scripted", "version": "1"}},
        "ttlMs": 0, "cacheScope": "private",
    }))
}

/// Returns what a legacy server says in the handshake.
pub(crate) fn initialized(version: &str) -> Answer {
    Answer::Result(json!({
        "protocolVersion": version, "capabilities": {"tools": {}},
        "serverInfo": {"name": "scripted", "version": "1"},
    }))
}

/// Runs a test under a deadline.
pub(crate) async fn deadline<F: Future>(test: F) -> F::Output {
    let limit = Duration::from_secs(3600);
    tokio::time::timeout(limit, test).await.expect("the test hangs")
}
