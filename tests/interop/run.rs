//! Running a test against a peer.

use crate::expected::Expected;
use conformance::peers::{self, Program};
use mcp_client::{Client, ClientBuilder, Connection, Error, Handlers, Roots, Target, elicit};
use mcp_transport::stdio::Command;
use mcp_types::{CreateMessageResult, OneOrMany, Role, SamplingMessageContentBlock, TextContent};
use std::{
    future::Future,
    panic::Location,
    sync::{LazyLock, OnceLock},
    time::Duration,
};
use tokio::{runtime::Runtime, time::timeout};

/// The time limit of a test. Peers start slowly on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// What the user of these tests writes into every field.
pub(crate) const NAME: &str = "Ada";
/// What the model of these tests says.
pub(crate) const WORDS: &str = "Hello from the model.";
/// The folder that servers may work in.
pub(crate) const FOLDER: &str = "/srv/project";

/// Outlives each test, so that sessions can be shared.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A peer, and what is expected of it.
pub(crate) struct Peer {
    pub(crate) client: Client,
    pub(crate) expected: &'static Expected,
}

/// Runs a test against a peer, if there is one.
#[track_caller]
pub(crate) fn run(peer: Option<Peer>, test: impl AsyncFnOnce(&Connection, &Expected)) {
    let Some(Peer { client, expected }) = peer else { return };
    within_deadline(async {
        let connection = client.connect().await.unwrap();
        test(&connection, expected).await;
        connection.close().await;
    });
}

/// Runs a future with a time limit.
#[track_caller]
pub(crate) fn within_deadline<F: Future>(test: F) -> F::Output {
    let place = Location::caller();
    let limited = async { timeout(DEADLINE, test).await };
    RUNTIME.block_on(limited).unwrap_or_else(|_| panic!("hangs at {place}"))
}

/// Returns the client of a session shared by tests. The first of them opens it, and it is kept open.
pub(crate) fn shared(
    kept: &'static OnceLock<Connection>,
    client: impl FnOnce() -> Client,
) -> Client {
    let connect = || within_deadline(async { client().connect().await }).unwrap();
    Client::clone(kept.get_or_init(connect))
}

/// Returns a peer that is started once; none in a run without peers.
#[track_caller]
pub(crate) fn once<T>(peer: &'static LazyLock<Result<T, peers::Error>>) -> Option<&'static T> {
    peers::or_skip(peer.as_ref().map_err(|error| match error {
        peers::Error::LeftOut => peers::Error::LeftOut,
        error => panic!("{error}"),
    }))
}

/// Creates a client that answers all questions of a server.
pub(crate) fn client(target: impl Into<Target>) -> ClientBuilder {
    Client::builder(target).input(handlers())
}

/// Creates handlers that answer all questions of a server.
pub(crate) fn handlers() -> Handlers {
    Handlers::new()
        .on_elicit_form(async |form| {
            let required = form.request.requested_schema.required.unwrap_or_default().into_iter();
            let fields: serde_json::Map<_, _> =
                required.map(|field| (field, NAME.into())).collect();
            elicit::accept(fields)
        })
        .on_sample(async |_| {
            let words = SamplingMessageContentBlock::Text(TextContent::new(WORDS));
            Ok(CreateMessageResult::new(Role::Assistant, OneOrMany::One(words), "test-model"))
        })
        .roots(Roots::folders([FOLDER]).unwrap())
}

/// Returns the command of a peer over stdio.
pub(crate) fn command(program: Program) -> Command {
    Command::new(program.program).args(program.arguments).envs(program.environment)
}

/// Formats an error and all its causes in one line.
pub(crate) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
