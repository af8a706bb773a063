//! The handlers that answer a server's questions while the client is alive.

use crate::{
    Client, Handlers, InputHandler, Question, Roots, elicit::IntoAnswer, sample::IntoCompletion,
};
use async_trait::async_trait;
use mcp_session::NoInput;
use mcp_types::{
    ClientCapabilities, CreateMessageRequest, CreateMessageResult, ElicitRequest,
    ElicitRequestFormParams, ElicitResult, ElicitationCapability, ErrorObject, ListRootsRequest,
    ListRootsResult,
};
use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Handlers can be set while the client is connected: the next question goes to the new one.
///
/// A stateless server learns with the next request what the client can answer now. A server with a handshake was told
/// once, in `initialize`: it does not ask for what had no handler then, and questions whose handler was removed are
/// refused.
impl Client {
    /// Answers sampling requests with this closure from now on; see [`Handlers::on_sample`].
    pub fn set_sampling_handler<F>(
        &self,
        sample: impl Fn(Question<CreateMessageRequest>) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output: IntoCompletion> + Send + 'static,
    {
        self.change_handlers(|handlers| handlers.on_sample(sample));
    }

    /// Asks the user with this closure from now on; see [`Handlers::on_elicit_form`].
    pub fn set_elicitation_handler<F>(
        &self,
        ask: impl Fn(Question<ElicitRequestFormParams>) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output: IntoAnswer> + Send + 'static,
    {
        self.change_handlers(|handlers| handlers.on_elicit_form(ask));
    }

    /// Replaces the folders that servers may work in; see [`Handlers::roots`].
    ///
    /// Tell a server with a handshake about it with [`notify_roots_changed`](Self::notify_roots_changed).
    ///
    /// ```
    /// use mcp_client::{Client, Roots};
    ///
    /// let client = Client::new("servers/files.py");
    /// client.set_roots(Roots::folders(["/srv/project"])?);
    /// # Ok::<(), mcp_client::InvalidRoot>(())
    /// ```
    pub fn set_roots(&self, roots: Roots) {
        self.change_handlers(|handlers| handlers.roots(roots));
    }

    /// Replaces the handlers with what `change` makes of them, for example to add some or to remove some.
    ///
    /// Concurrent changes wait for each other, so `change` should be quick, and must not call this method itself.
    ///
    /// ```
    /// use mcp_client::{Client, Handlers};
    ///
    /// let client = Client::new("servers/files.py");
    /// client.change_handlers(|_| Handlers::new());
    /// ```
    pub fn change_handlers(&self, change: impl FnOnce(Handlers) -> Handlers) {
        self.answers().change(change);
    }
}

/// The handlers of a client, which can be changed, backed by the user's own handler.
pub(crate) struct Answers {
    handlers: RwLock<Arc<Handlers>>,
    changes: AtomicU64,
    /// Held while the handlers are changed. Readers wait for nobody.
    changing: Mutex<()>,
    /// Answers what no closure answers.
    rest: Arc<dyn InputHandler>,
}

impl Answers {
    pub(crate) fn new(handlers: Handlers, rest: Arc<dyn InputHandler>) -> Self {
        let (handlers, changing) = (RwLock::new(Arc::new(handlers)), Mutex::default());
        Self { handlers, changes: AtomicU64::new(0), changing, rest }
    }

    /// Returns an independent copy of the handlers.
    pub(crate) fn copy(&self) -> Self {
        Self::new(Handlers::clone(&self.handlers()), Arc::clone(&self.rest))
    }

    fn change(&self, change: impl FnOnce(Handlers) -> Handlers) {
        // Changes are serialized, so that none undoes another.
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = Arc::new(change(Handlers::clone(&self.handlers())));
        *self.handlers.write().unwrap_or_else(PoisonError::into_inner) = changed;
        self.changes.fetch_add(1, Ordering::Release);
    }

    fn handlers(&self) -> Arc<Handlers> {
        Arc::clone(&self.handlers.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl InputHandler for Answers {
    fn capabilities(&self) -> ClientCapabilities {
        let own = self.handlers().capabilities();
        let mut capabilities = self.rest.capabilities();
        capabilities.elicitation = both(capabilities.elicitation, own.elicitation);
        capabilities.sampling = own.sampling.or(capabilities.sampling);
        capabilities.roots = own.roots.or(capabilities.roots);
        capabilities
    }

    fn generation(&self) -> u64 {
        self.rest.generation().wrapping_add(self.changes.load(Ordering::Acquire))
    }

    async fn elicit(&self, question: Question<ElicitRequest>) -> Result<ElicitResult, ErrorObject> {
        let handlers = self.handlers();
        let own = handlers.capabilities().elicitation;
        let is_own = own.is_some_and(|own| match question.request {
            ElicitRequest::Form(_) => own.form.is_some(),
            ElicitRequest::Url(_) => own.url.is_some(),
            _ => false,
        });
        // If nobody else asks the user, the closures themselves declare what is unsupported.
        if is_own || self.rest.capabilities().elicitation.is_none() {
            handlers.elicit(question).await
        } else {
            self.rest.elicit(question).await
        }
    }

    async fn sample(
        &self,
        question: Question<CreateMessageRequest>,
    ) -> Result<CreateMessageResult, ErrorObject> {
        let handlers = self.handlers();
        if handlers.capabilities().sampling.is_some() {
            handlers.sample(question).await
        } else {
            self.rest.sample(question).await
        }
    }

    async fn list_roots(
        &self,
        question: Question<ListRootsRequest>,
    ) -> Result<ListRootsResult, ErrorObject> {
        let handlers = self.handlers();
        if handlers.capabilities().roots.is_some() {
            handlers.list_roots(question).await
        } else {
            self.rest.list_roots(question).await
        }
    }
}

impl Default for Answers {
    fn default() -> Self {
        Self::new(Handlers::new(), Arc::new(NoInput::new()))
    }
}

/// Combines the elicitation capabilities of two handlers.
fn both(
    one: Option<ElicitationCapability>,
    other: Option<ElicitationCapability>,
) -> Option<ElicitationCapability> {
    let (Some(mut one), Some(other)) = (one.clone(), other.clone()) else { return one.or(other) };
    if one.form.is_none() && one.url.is_none() {
        // An empty capability means forms.
        one.form = Some(Default::default());
    }
    one.form = one.form.or(other.form);
    one.url = one.url.or(other.url);
    Some(one)
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("handlers", &self.handlers()).finish_non_exhaustive()
    }
}
