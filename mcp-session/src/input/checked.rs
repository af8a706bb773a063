//! A wrapper that lets only answers through which fit their question.

use super::{InputHandler, Question, sampling};
use crate::form;
use async_trait::async_trait;
use mcp_transport::Url;
use mcp_types::{
    ErrorCode, ErrorObject,
    capabilities::ClientCapabilities,
    elicitation::{ElicitAction, ElicitRequest, ElicitResult, ElicitationSchema},
    roots::{ListRootsRequest, ListRootsResult},
    sampling::{CreateMessageRequest, CreateMessageResult},
};
use std::{fmt, sync::Arc};

/// Answers through another handler, but only questions that may be asked, and only with answers that fit them.
///
/// - A form is flat, and a page is one of the web: else the server is refused.
/// - Fields that the answer to a form leaves out are set to their defaults, and the answer is then [checked]: one that
///   does not fit is not sent, the error names its fields.
/// - The tools that a conversation uses have their results, and nothing else is among these. A model that must use a tool
///   does, and one that must not does not.
///
/// A [`Session`](crate::Session) has this around its handler.
///
/// [checked]: crate::form::check
// spec: ELI-10 ELI-11 ELI-12 ELI-23
#[derive(Clone)]
pub struct CheckInput {
    handler: Arc<dyn InputHandler>,
    fills_in: bool,
}

impl CheckInput {
    /// Checks the answers of `handler`.
    pub fn new(handler: Arc<dyn InputHandler>) -> Self {
        Self { handler, fills_in: true }
    }

    /// Sets whether fields that the answer to a form leaves out are set to their defaults. Default: yes.
    #[must_use]
    pub fn fill_in_defaults(mut self, fills_in: bool) -> Self {
        self.fills_in = fills_in;
        self
    }

    fn finish(
        &self,
        form: &ElicitationSchema,
        answer: &mut ElicitResult,
    ) -> Result<(), ErrorObject> {
        let content = answer.content.get_or_insert_default();
        if self.fills_in {
            form::fill_in(form, content);
        }
        form::check(form, content).map_err(|error| {
            let message = format!("the answer does not fit the form: {error}");
            ErrorObject::new(ErrorCode::INTERNAL_ERROR, message)
        })
    }
}

#[async_trait]
impl InputHandler for CheckInput {
    fn capabilities(&self) -> ClientCapabilities {
        self.handler.capabilities()
    }

    fn generation(&self) -> u64 {
        self.handler.generation()
    }

    async fn elicit(&self, question: Question<ElicitRequest>) -> Result<ElicitResult, ErrorObject> {
        let form = check_question(&question)?.cloned();
        let mut answer = self.handler.elicit(question).await?;
        match form {
            Some(form) if answer.action == ElicitAction::Accept => {
                self.finish(&form, &mut answer)?
            }
            _ => answer.content = None,
        }
        Ok(answer)
    }

    async fn sample(
        &self,
        question: Question<CreateMessageRequest>,
    ) -> Result<CreateMessageResult, ErrorObject> {
        sampling::check_messages(&question.messages).map_err(invalid)?;
        let choice = question.tool_choice.clone();
        let answer = self.handler.sample(question).await?;
        sampling::check_choice(choice.as_ref(), &answer)
            .map_err(|reason| ErrorObject::new(ErrorCode::INTERNAL_ERROR, reason))?;
        Ok(answer)
    }

    async fn list_roots(
        &self,
        question: Question<ListRootsRequest>,
    ) -> Result<ListRootsResult, ErrorObject> {
        self.handler.list_roots(question).await
    }
}

/// Checks that a question may be put to a user; returns its form, if it has one.
fn check_question(request: &ElicitRequest) -> Result<Option<&ElicitationSchema>, ErrorObject> {
    match request {
        ElicitRequest::Form(form) => {
            form::check_flat(&form.requested_schema)
                .map_err(|error| invalid(format!("the form is not flat: {error}")))?;
            Ok(Some(&form.requested_schema))
        }
        ElicitRequest::Url(page) => match Url::parse(&page.url) {
            Ok(url) if url.is_web() => Ok(None),
            Ok(_) => Err(invalid("the URL is not that of a web page")),
            Err(error) => Err(invalid(error.to_string())),
        },
        _ => Err(invalid("it is neither a form with its fields nor a page with its URL")),
    }
}

fn invalid(message: impl Into<String>) -> ErrorObject {
    ErrorObject::new(ErrorCode::INVALID_PARAMS, message)
}

impl fmt::Debug for CheckInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckInput").field("fills_in", &self.fills_in).finish_non_exhaustive()
    }
}
