//! Handlers that offer roots and nothing else.

use async_trait::async_trait;
use mcp_session::{InputHandler, Question};
use mcp_types::{
    ErrorObject, List,
    capabilities::{ClientCapabilities, RootsCapability},
    roots::{ListRootsRequest, ListRootsResult},
};
use std::{
    future::{Future, ready},
    sync::Arc,
};

/// The answer of a handler.
pub(crate) type Answer = Result<ListRootsResult, ErrorObject>;

struct Roots<F>(F);

#[async_trait]
impl<F, A> InputHandler for Roots<F>
where
    F: Fn() -> A + Send + Sync + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    fn capabilities(&self) -> ClientCapabilities {
        let mut capabilities = ClientCapabilities::default();
        capabilities.roots = Some(RootsCapability::default());
        capabilities
    }

    async fn list_roots(&self, _: Question<ListRootsRequest>) -> Answer {
        (self.0)().await
    }
}

/// Creates a handler that answers with this function.
pub(crate) fn answering<A>(answer: impl Fn() -> A + Send + Sync + 'static) -> Arc<dyn InputHandler>
where
    A: Future<Output = Answer> + Send + 'static,
{
    Arc::new(Roots(answer))
}

/// Creates a handler that answers that there are no folders.
pub(crate) fn none() -> Arc<dyn InputHandler> {
    answering(|| ready(no_folders()))
}

/// Returns an answer without folders.
pub(crate) fn no_folders() -> Answer {
    Ok(ListRootsResult::new(List::new()))
}
