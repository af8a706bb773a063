//! Answering the questions in an `input_required` result.

use super::{Asker, InputHandler, answer, check_variety, is_declared};
use crate::{
    Error, Misbehavior,
    member::{optional, required},
    params::Members,
};
use futures_util::future::{BoxFuture, try_join_all};
use mcp_types::RawJson;
use std::{borrow::Cow, collections::HashSet};

/// The questions in a result, each with its key.
#[derive(Clone, Default)]
pub(crate) struct Questions(Vec<(String, Asked)>);

/// One question; its parameters are kept as received.
#[derive(Clone)]
struct Asked {
    method: String,
    params: Option<RawJson>,
}

impl Questions {
    /// Reads the questions of a result, if any. Of duplicate keys, the first counts.
    pub(crate) fn of(result: &RawJson) -> Result<Option<Self>, serde_json::Error> {
        let Some(found) = result.find(&["inputRequests"]).filter(|found| *found != "null") else {
            return Ok(None);
        };
        let mut seen = HashSet::new();
        let mut questions = Vec::new();
        for (key, question) in Members::of(found)?.0 {
            let question = RawJson::from_joined(result.share(question));
            let (method, params) = (required(&question, "method")?, optional(&question, "params")?);
            if seen.insert(key.to_string()) {
                questions.push((key.into_owned(), Asked { method, params }));
            }
        }
        Ok(Some(Self(questions)))
    }

    /// Keeps only the questions whose key is wanted.
    pub(crate) fn retain(&mut self, mut is_wanted: impl FnMut(&str) -> bool) {
        self.0.retain(|(key, _)| is_wanted(key));
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| &**key)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Answers every question about a call of this method, concurrently; returns an object with one answer per key.
    // spec: MRTR-01 MRTR-09 ELI-06 TASKX-08
    pub(crate) fn answer<'a>(
        &'a self,
        handler: &'a dyn InputHandler,
        asker: &'a Asker,
        method: &'a str,
    ) -> BoxFuture<'a, Result<RawJson, Error>> {
        Box::pin(async move {
            let capabilities = handler.capabilities();
            let answers = self.0.iter().map(|(_, Asked { method: asked, params })| {
                let params = params.as_ref();
                let may_ask = is_declared(&capabilities, asked)
                    && check_variety(&capabilities, asked, params).is_ok();
                async move {
                    if !may_ask {
                        return Err(Error::misbehaved(method, Misbehavior::UndeclaredInputRequest));
                    }
                    let answer = answer(handler, asker.clone(), asked, params).await;
                    answer.map_err(|error| Error::InputRequired {
                        method: method.into(),
                        reason: format!("{asked}: {}", error.message).into(),
                    })
                }
            });
            Ok(self.with(&try_join_all(answers).await?))
        })
    }

    /// Builds the object that holds the answers under the keys of the questions.
    fn with(&self, answers: &[RawJson]) -> RawJson {
        let answers = answers.iter().map(RawJson::as_str);
        Members(self.keys().map(Cow::Borrowed).zip(answers).collect()).encode()
    }
}

#[cfg(test)]
mod tests {
    use super::Questions;
    use mcp_types::RawJson;

    fn read(text: &str) -> Option<Questions> {
        Questions::of(&RawJson::parse(text.to_owned()).unwrap()).unwrap()
    }

    #[test]
    fn questions_are_read_in_their_order_and_each_key_once() {
        let text = r#"{"inputRequests": {
            "b": {"method": "x", "params": {"y": 1}}, "\u0061": {"method": "z", "params": null},
            "b": {"method": "w"}
        }}"#;
        let questions = read(text).unwrap();
        let methods: Vec<_> = questions.0.iter().map(|(key, it)| (&**key, &*it.method)).collect();
        assert_eq!(methods, [("b", "x"), ("a", "z")]);
        let params = questions.0.iter().map(|(_, it)| it.params.as_ref().map(RawJson::as_str));
        assert_eq!(params.collect::<Vec<_>>(), [Some(r#"{"y": 1}"#), None]);
        let answers = ["1", "2"].map(|text| RawJson::parse(text).unwrap());
        assert_eq!(questions.with(&answers).as_str(), r#"{"b":1,"a":2}"#);
    }

    #[test]
    fn what_is_no_question_is_an_error_and_none_are_none() {
        assert!(read(r#"{"inputRequests": null}"#).is_none() && read("{}").is_none());
        assert!(read(r#"{"inputRequests": {}}"#).unwrap().is_empty());
        for text in ["[]", r#"{"a": {}}"#, r#"{"a": 1}"#, r#"{"a": {"method": null}}"#] {
            let raw = RawJson::parse(format!(r#"{{"inputRequests": {text}}}"#)).unwrap();
            assert!(Questions::of(&raw).is_err(), "{text}");
        }
    }
}
