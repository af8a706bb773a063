//! Getting prompts.

use crate::{
    Client, Error,
    arguments::PromptArguments,
    known_tools::KnownTools,
    offer::Offer,
    operation::{self, Operation},
    task::Prepared,
};
use futures_util::future::BoxFuture;
use mcp_session::{Params, Reply};
use mcp_types::{GetPromptRequest, GetPromptResult, Request};
use serde::Serialize;
use std::{fmt, future::IntoFuture, sync::Arc};

const METHOD: &str = GetPromptRequest::METHOD;

/// A prompt request that has not been sent yet, made by [`Client::get_prompt`].
#[derive(Serialize)]
pub struct GetPrompt {
    name: String,
    #[serde(skip_serializing_if = "PromptArguments::is_empty")]
    arguments: PromptArguments,
}

impl Client {
    /// Fetches a prompt with its arguments filled in.
    ///
    /// ```
    /// # use mcp_client::{Client, mock};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mcp_client::Error> {
    /// # let server = mock::Server::new().on("prompts/get", |_| Ok(serde_json::json!({"messages": []})));
    /// # let client = Client::connect_to(&server).await?;
    /// let prompt = client.get_prompt("review").argument("language", "Rust").argument("depth", 3).await?;
    /// println!("{} messages", prompt.messages.len());
    /// # assert_eq!(server.received("prompts/get")[0]["arguments"]["depth"], "3");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/server/prompts#getting-a-prompt).
    pub fn get_prompt(&self, name: impl Into<String>) -> Operation<GetPrompt> {
        let kind = GetPrompt { name: name.into(), arguments: PromptArguments::default() };
        operation::begin(self, kind).needs(METHOD, Offer::Prompts)
    }
}

impl Operation<GetPrompt> {
    /// Sets one argument; an earlier one of the same name is replaced.
    ///
    /// Arguments of prompts are strings: a value that serializes to a string is sent as it is, any other as its JSON
    /// text.
    pub fn argument(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        let outcome = self.kind_mut().arguments.set(name.into(), &value);
        self.check(outcome);
        self
    }

    /// Sets arguments from anything that serializes to a JSON object, such as a struct or a map, like
    /// [`argument`](Self::argument) for each member.
    pub fn arguments(mut self, arguments: impl Serialize) -> Self {
        let outcome = self.kind_mut().arguments.set_all(&arguments);
        self.check(outcome);
        self
    }
}

impl IntoFuture for Operation<GetPrompt> {
    type Output = Result<GetPromptResult, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start(async |caller, prompt| {
            let reply = caller.call(METHOD, Params::encode(&prompt)?).await?;
            operation::decode(METHOD, reply)
        })
    }
}

impl GetPrompt {
    /// Prepares the call to be sent as a task.
    pub(crate) fn prepare(self, _: Arc<KnownTools>) -> Result<Prepared<GetPromptResult>, Error> {
        let read = Box::new(|reply: Reply| operation::decode(METHOD, reply));
        Ok(Prepared { method: METHOD, params: Params::encode(&self)?, read })
    }
}

impl fmt::Debug for GetPrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetPrompt").field("name", &self.name).finish_non_exhaustive()
    }
}
