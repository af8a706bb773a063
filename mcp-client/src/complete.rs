//! Completion of arguments.

use crate::{
    Client, Error,
    arguments::PromptArguments,
    offer::Offer,
    operation::{self, Operation},
};
use futures_util::future::BoxFuture;
use mcp_session::{InvalidParams, Params, Reply};
use mcp_types::{
    CompleteRequest, CompleteResult, Completion, CompletionArgument, CompletionReference, Request,
};
use serde::Serialize;
use std::{fmt, future::IntoFuture, time::Duration};

const METHOD: &str = CompleteRequest::METHOD;

/// A completion request that has not been sent yet, made by [`Client::complete`]. Awaiting it gives `O`.
pub struct Complete<O> {
    body: Body,
    /// How long to wait before asking.
    wait: Duration,
    read: fn(Reply) -> Result<O, Error>,
}

#[derive(Serialize)]
struct Body {
    r#ref: CompletionReference,
    argument: CompletionArgument,
    #[serde(skip_serializing_if = "Context::is_empty")]
    context: Context,
}

#[derive(Default, Serialize)]
struct Context {
    arguments: PromptArguments,
}

impl Context {
    fn is_empty(&self) -> bool {
        self.arguments.is_empty()
    }
}

impl Client {
    /// Asks for proposals for an argument of a prompt or of a resource template, of which `value` has been typed.
    ///
    /// ```
    /// # use mcp_client::{Client, mock};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mcp_client::Error> {
    /// # let server = mock::Server::new()
    /// #     .on("completion/complete", |_| Ok(serde_json::json!({"completion": {"values": ["Ruby", "Rust"]}})));
    /// # let client = Client::connect_to(&server).await?;
    /// use mcp_types::PromptReference;
    ///
    /// let proposals = client.complete(PromptReference::new("review"), "language", "Ru").await?;
    /// println!("{}", proposals.values.join(", "));
    /// # assert_eq!(proposals.values, ["Ruby", "Rust"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/completion).
    // spec: COMP-03 COMP-05
    pub fn complete(
        &self,
        reference: impl Into<CompletionReference>,
        argument: impl Into<String>,
        value: impl Into<String>,
    ) -> Operation<Complete<Completion>> {
        let argument = CompletionArgument::new(argument, value);
        let body = Body { r#ref: reference.into(), argument, context: Context::default() };
        let kind = Complete {
            body,
            wait: Duration::ZERO,
            read: |reply| read(reply).map(|result| result.completion),
        };
        operation::begin(self, kind).needs(METHOD, Offer::Completions)
    }
}

impl<O> Operation<Complete<O>> {
    /// Tells the server the value of another argument that is already known.
    pub fn context(mut self, argument: impl Into<String>, value: impl Into<String>) -> Self {
        let value = value.into();
        let arguments = &mut self.kind_mut().body.context.arguments;
        let outcome: Result<(), InvalidParams> = arguments.set(argument.into(), &value);
        self.check(outcome);
        self
    }

    /// Waits this long before asking: a call dropped in the meantime, because more was typed, sends nothing. Default:
    /// no wait.
    // spec: COMP-01
    pub fn debounce(mut self, wait: Duration) -> Self {
        self.kind_mut().wait = wait;
        self
    }

    /// Awaits the result as the protocol defines it.
    pub fn raw(self) -> Operation<Complete<CompleteResult>> {
        self.map(|Complete { body, wait, .. }| Complete { body, wait, read })
    }
}

impl<O: Send + 'static> IntoFuture for Operation<Complete<O>> {
    type Output = Result<O, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start(async |caller, Complete { body, wait, read }| {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            read(caller.call(METHOD, Params::encode(&body)?).await?)
        })
    }
}

impl<O> fmt::Debug for Complete<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Complete")
            .field("argument", &self.body.argument.name)
            .finish_non_exhaustive()
    }
}

fn read(reply: Reply) -> Result<CompleteResult, Error> {
    operation::decode(METHOD, reply)
}
