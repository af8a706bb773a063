//! Answering what a server asks inside of a result.

use super::{Asker, InputHandler, answer, check_variety, is_declared};
use crate::{Error, Misbehavior};
use futures_util::future::{BoxFuture, try_join_all};
use mcp_types::RawJson;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One question inside of a result; its parameters stay as they came.
#[derive(Clone, Deserialize)]
pub(crate) struct InputRequest {
    method: String,
    params: Option<RawJson>,
}

/// Answers every question about a call of this method, all at once.
// spec: MRTR-01 MRTR-09 ELI-06 TASKX-08
pub(crate) fn answer_all<'a>(
    handler: &'a dyn InputHandler,
    asker: &'a Asker,
    method: &'a str,
    questions: &'a BTreeMap<String, InputRequest>,
) -> BoxFuture<'a, Result<BTreeMap<&'a str, RawJson>, Error>> {
    Box::pin(async move {
        let capabilities = handler.capabilities();
        let answers = questions.iter().map(|(key, question)| {
            let (asked, params) = (&*question.method, question.params.as_ref());
            let may_ask = is_declared(&capabilities, asked)
                && check_variety(&capabilities, asked, params).is_ok();
            async move {
                if !may_ask {
                    return Err(Error::misbehaved(method, Misbehavior::UndeclaredInputRequest));
                }
                match answer(handler, asker.clone(), asked, params).await {
                    Ok(answer) => Ok((key.as_str(), answer)),
                    Err(error) => Err(Error::InputRequired {
                        method: method.into(),
                        reason: format!("{asked}: {}", error.message).into(),
                    }),
                }
            }
        });
        Ok(try_join_all(answers).await?.into_iter().collect())
    })
}
