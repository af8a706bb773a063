//! Logging in, in a world of an MCP server and authorization servers on loopback.

mod authorization;
mod discovery;
mod given_up;
mod log_out;
mod registration;
mod scopes;
mod sharing;

use conformance::{
    oauth::{Rules, World, redirect_of},
    script::{Background, deadline},
};
use futures_util::StreamExt;
use mcp_transport::{
    BoxError, ClientMessage, Connector, Error, ServerMessage, Transport,
    http::{
        Endpoint,
        oauth::{self, ErrorKind, OAuth, ReceiverFn},
    },
};
use mcp_types::{ProtocolVersion, RawJson, rpc::Request};
use serde_json::json;
use tower::ServiceExt;

const REDIRECT: &str = "http://127.0.0.1:8765/callback";

async fn world(change: impl FnOnce(&mut Rules)) -> World {
    deadline(World::start(change)).await.unwrap()
}

/// A user who agrees.
fn user() -> ReceiverFn {
    ReceiverFn::new(REDIRECT, |request| async move { redirect_of(request.url.as_str()).await })
}

/// A client with such a user.
fn app() -> OAuth {
    OAuth::new("App").receiver(user())
}

/// A connection whose driver runs.
struct Connected<T> {
    transport: T,
    _driver: Background<Result<(), Error>>,
}

async fn connect(world: &World, oauth: OAuth) -> Connected<impl Transport + use<>> {
    let link = Endpoint::parse(world.url()).unwrap().oauth(oauth).connect().await.unwrap();
    Connected { transport: link.transport, _driver: Background::run(link.driver) }
}

impl<T: Transport> Connected<T> {
    /// Sends a request and reads its answer.
    async fn ask(&self, id: i64, method: &'static str) -> Result<(), Error> {
        let params = json!({
            "name": "echo",
            "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28" },
        });
        let request = Request::new(id, method).with_params(RawJson::encode(&params).unwrap());
        let message = ClientMessage::new(request).with_extension(ProtocolVersion::V2026_07_28);
        deadline(async {
            let mut replies = self.transport.clone().oneshot(message).await?;
            match replies.next().await {
                Some(Ok(ServerMessage::Response(_))) => Ok(()),
                Some(Err(error)) => Err(error),
                other => panic!("not a response: {other:?}"),
            }
        })
        .await
    }

    async fn call(&self) -> Result<(), Error> {
        self.ask(1, "tools/call").await
    }
}

/// Logs in to a world for the first time.
async fn log_in(world: &World, oauth: OAuth) -> Result<(), Error> {
    connect(world, oauth).await.call().await
}

/// Returns why a login failed, from the causes of a failed call.
fn why(outcome: Result<(), Error>) -> oauth::Error {
    let error = outcome.expect_err("the call fails");
    assert_eq!(error.status().map(|status| status.as_u16()), error.status().map(|_| 401));
    cause(&error)
}

fn cause(error: &Error) -> oauth::Error {
    oauth::Error::find(error).unwrap_or_else(|| panic!("no error of a login: {error:?}")).clone()
}

fn kind(outcome: Result<(), Error>) -> ErrorKind {
    why(outcome).kind()
}

/// A user with custom behaviour.
fn user_who<F, Fut>(does: F) -> ReceiverFn
where
    F: Fn(oauth::AuthorizationRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<String, BoxError>> + Send + 'static,
{
    ReceiverFn::new(REDIRECT, does)
}
