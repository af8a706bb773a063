//! Time and concurrency limits for handlers.

use super::{InputHandler, Question, pace::Pace};
use async_trait::async_trait;
use mcp_types::{
    ErrorCode, ErrorObject,
    capabilities::ClientCapabilities,
    elicitation::{ElicitRequest, ElicitResult},
    roots::{ListRootsRequest, ListRootsResult},
    sampling::{CreateMessageRequest, CreateMessageResult},
};
use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// A handler with limits on the time per answer and on the rate of questions.
pub(crate) struct Limited {
    handler: Arc<dyn InputHandler>,
    time: Option<Duration>,
    pace: Option<Mutex<Pace>>,
}

impl Limited {
    /// Wraps a handler in limits on the time per answer and the questions per minute, where given.
    pub(crate) fn new(
        handler: Arc<dyn InputHandler>,
        time: Option<Duration>,
        per_minute: Option<u32>,
    ) -> Self {
        let pace = per_minute.map(|count| Mutex::new(Pace::new(count)));
        Self { handler, time, pace }
    }

    async fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, ErrorObject>>,
    ) -> Result<T, ErrorObject> {
        let is_too_much = self
            .pace
            .as_ref()
            .is_some_and(|pace| !pace.lock().unwrap_or_else(PoisonError::into_inner).admit());
        if is_too_much {
            return Err(failure("the client was asked too often within a minute"));
        }
        let Some(limit) = self.time else { return answer.await };
        tokio::time::timeout(limit, answer)
            .await
            .unwrap_or_else(|_| Err(failure(format!("the client had no answer within {limit:?}"))))
    }
}

fn failure(message: impl Into<String>) -> ErrorObject {
    ErrorObject::new(ErrorCode::INTERNAL_ERROR, message)
}

#[async_trait]
impl InputHandler for Limited {
    fn capabilities(&self) -> ClientCapabilities {
        self.handler.capabilities()
    }

    fn generation(&self) -> u64 {
        self.handler.generation()
    }

    async fn elicit(&self, question: Question<ElicitRequest>) -> Result<ElicitResult, ErrorObject> {
        self.within(self.handler.elicit(question)).await
    }

    async fn sample(
        &self,
        question: Question<CreateMessageRequest>,
    ) -> Result<CreateMessageResult, ErrorObject> {
        self.within(self.handler.sample(question)).await
    }

    async fn list_roots(
        &self,
        question: Question<ListRootsRequest>,
    ) -> Result<ListRootsResult, ErrorObject> {
        self.within(self.handler.list_roots(question)).await
    }
}
