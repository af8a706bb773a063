//! A time limit for handlers.

use super::InputHandler;
use async_trait::async_trait;
use mcp_types::{
    ErrorCode, ErrorObject,
    capabilities::ClientCapabilities,
    elicitation::{ElicitRequest, ElicitResult},
    roots::{ListRootsRequest, ListRootsResult},
    sampling::{CreateMessageRequest, CreateMessageResult},
};
use std::{future::Future, sync::Arc, time::Duration};

/// A handler whose answers may not take longer than this.
struct Limited {
    handler: Arc<dyn InputHandler>,
    limit: Duration,
}

/// The same handler with a limit for each answer, if there is one.
pub(crate) fn limited(
    handler: Arc<dyn InputHandler>,
    limit: Option<Duration>,
) -> Arc<dyn InputHandler> {
    match limit {
        Some(limit) => Arc::new(Limited { handler, limit }),
        None => handler,
    }
}

impl Limited {
    async fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, ErrorObject>>,
    ) -> Result<T, ErrorObject> {
        let limit = self.limit;
        tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
            let message = format!("the client had no answer within {limit:?}");
            Err(ErrorObject::new(ErrorCode::INTERNAL_ERROR, message))
        })
    }
}

#[async_trait]
impl InputHandler for Limited {
    fn capabilities(&self) -> ClientCapabilities {
        self.handler.capabilities()
    }

    fn generation(&self) -> u64 {
        self.handler.generation()
    }

    async fn elicit(&self, request: ElicitRequest) -> Result<ElicitResult, ErrorObject> {
        self.within(self.handler.elicit(request)).await
    }

    async fn sample(
        &self,
        request: CreateMessageRequest,
    ) -> Result<CreateMessageResult, ErrorObject> {
        self.within(self.handler.sample(request)).await
    }

    async fn list_roots(&self, request: ListRootsRequest) -> Result<ListRootsResult, ErrorObject> {
        self.within(self.handler.list_roots(request)).await
    }
}
