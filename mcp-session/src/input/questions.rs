//! Answering what a server asks inside of a result.

use super::{InputHandler, answer, is_declared};
use crate::{Error, Misbehavior};
use futures_util::future::try_join_all;
use mcp_types::RawJson;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One question inside of a result; its parameters stay as they came.
#[derive(Deserialize)]
pub(crate) struct Question {
    method: String,
    params: Option<RawJson>,
}

/// Answers every question, all at once; `method` is what the call is that needs them.
// spec: MRTR-01 TASKX-08
pub(crate) async fn answer_all<'a>(
    handler: &dyn InputHandler,
    method: &str,
    questions: &'a BTreeMap<String, Question>,
) -> Result<BTreeMap<&'a str, RawJson>, Error> {
    let answers = questions.iter().map(|(key, question)| async move {
        let asked = &*question.method;
        if !is_declared(handler, asked) {
            return Err(Error::misbehaved(method, Misbehavior::UndeclaredInputRequest));
        }
        match answer(handler, asked, question.params.as_ref()).await {
            Ok(answer) => Ok((key.as_str(), answer)),
            Err(error) => Err(Error::InputRequired {
                method: method.into(),
                reason: format!("{asked}: {}", error.message).into(),
            }),
        }
    });
    Ok(try_join_all(answers).await?.into_iter().collect())
}
