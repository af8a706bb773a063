//! Input handlers: answering the questions of servers.

mod asker;
mod checked;
mod declared;
mod limited;
mod pace;
mod questions;
mod sampling;

pub use asker::{Asker, Question};
pub use checked::CheckInput;
pub(crate) use declared::{check_variety, is_declared};
pub(crate) use limited::Limited;
pub(crate) use questions::Questions;

use async_trait::async_trait;
use futures_util::{FutureExt, future::BoxFuture};
use mcp_types::{
    ErrorCode, ErrorObject, RawJson,
    capabilities::ClientCapabilities,
    elicitation::{ElicitRequest, ElicitResult},
    roots::{ListRootsRequest, ListRootsResult},
    sampling::{CreateMessageRequest, CreateMessageResult},
};
use serde::{Serialize, de::DeserializeOwned};
use std::panic::AssertUnwindSafe;

/// Answers the questions of servers in the middle of a call: one handler for every revision.
///
/// A legacy server asks with requests of its own, a stateless server with an `input_required` result; both end here.
/// Questions are answered concurrently. A handler may call the same session, and a panic fails only its own question.
///
/// # Cancel safety
///
/// The future of an answer is dropped when the call that needs it is cancelled.
#[async_trait]
pub trait InputHandler: Send + Sync + 'static {
    /// What this handler can answer, as the client declares it to servers. Only that is ever asked of it.
    fn capabilities(&self) -> ClientCapabilities;

    /// A number that changes whenever the capabilities do. Default: they never do.
    ///
    /// A stateless server is told with the next request. One with a handshake was told in it, and learns of nothing
    /// after.
    fn generation(&self) -> u64 {
        0
    }

    /// Asks the user, with a form or through a URL.
    ///
    /// Declining is an answer; an error says that the question could not be asked. Fields that the answer to a form
    /// leaves out are set to their defaults, and an answer that does not fit the form is not sent; see [`CheckInput`].
    async fn elicit(&self, question: Question<ElicitRequest>) -> Result<ElicitResult, ErrorObject> {
        let _ = question;
        Err(not_supported("elicitation/create"))
    }

    /// Asks a language model, with the consent of the user; a refusal is [`ErrorCode::USER_REJECTED`].
    // spec: SAMP-05 SAMP-08
    async fn sample(
        &self,
        question: Question<CreateMessageRequest>,
    ) -> Result<CreateMessageResult, ErrorObject> {
        let _ = question;
        Err(not_supported("sampling/createMessage"))
    }

    /// Lists the folders that the server may work in.
    async fn list_roots(
        &self,
        question: Question<ListRootsRequest>,
    ) -> Result<ListRootsResult, ErrorObject> {
        let _ = question;
        Err(not_supported("roots/list"))
    }
}

/// A handler that answers nothing and declares nothing.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NoInput;

impl NoInput {
    /// Creates the handler.
    pub fn new() -> Self {
        Self
    }
}

impl InputHandler for NoInput {
    fn capabilities(&self) -> ClientCapabilities {
        ClientCapabilities::default()
    }
}

/// Answers one question, however it arrived.
// spec: MSG-17 PING-01 META-16
pub(crate) fn answer<'a>(
    handler: &'a dyn InputHandler,
    asker: Asker,
    method: &'a str,
    params: Option<&'a RawJson>,
) -> BoxFuture<'a, Result<RawJson, ErrorObject>> {
    Box::pin(async move {
        if method == "ping" {
            return Ok(RawJson::EMPTY_OBJECT);
        }
        let capabilities = handler.capabilities();
        if !is_declared(&capabilities, method) {
            return Err(not_supported(method));
        }
        check_variety(&capabilities, method, params)?;
        let answer = async {
            match method {
                "elicitation/create" => encode(&handler.elicit(ask(params, asker)?).await?),
                "sampling/createMessage" => encode(&handler.sample(ask(params, asker)?).await?),
                _ => encode(&handler.list_roots(ask(params, asker)?).await?),
            }
        };
        // A handler is the user's code: whatever state it leaves behind on a panic is the user's concern.
        let caught = AssertUnwindSafe(answer).catch_unwind().await;
        caught.unwrap_or_else(|_| {
            Err(ErrorObject::new(ErrorCode::INTERNAL_ERROR, "the handler panicked"))
        })
    })
}

fn ask<T: DeserializeOwned>(
    params: Option<&RawJson>,
    asker: Asker,
) -> Result<Question<T>, ErrorObject> {
    match params.unwrap_or(&RawJson::EMPTY_OBJECT).decode() {
        Ok(request) => Ok(Question::new(request, asker)),
        Err(error) => Err(ErrorObject::new(ErrorCode::INVALID_PARAMS, error.to_string())),
    }
}

fn encode<T: Serialize>(result: &T) -> Result<RawJson, ErrorObject> {
    let encoded = RawJson::encode(result);
    encoded.map_err(|error| ErrorObject::new(ErrorCode::INTERNAL_ERROR, error.to_string()))
}

fn not_supported(method: &str) -> ErrorObject {
    ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, format!("this client does not answer {method}"))
}
