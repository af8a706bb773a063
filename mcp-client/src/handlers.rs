//! Handlers: closures that answer a server's questions.

pub mod elicit;
mod roots;
pub mod sample;

pub use roots::{InvalidRoot, Roots};

use crate::{InputHandler, Question};
use async_trait::async_trait;
use elicit::IntoAnswer;
use futures_util::{FutureExt, future::BoxFuture};
use mcp_types::{
    ClientCapabilities, CreateMessageRequest, CreateMessageResult, ElicitRequest,
    ElicitRequestFormParams, ElicitRequestUrlParams, ElicitResult, ElicitationCapability,
    ErrorCode, ErrorObject, JsonObject, List, ListRootsRequest, ListRootsResult, Root,
    RootsCapability, SamplingCapability,
};
use sample::IntoCompletion;
use std::{fmt, future::Future, sync::Arc};

/// Answers a server's questions with closures, each of which is optional.
///
/// A closure gets a [`Question`]: what is asked and, as its [`asker`](Question::asker), who asks. The client declares
/// to servers what it has a closure for; anything else is refused. Servers of all revisions are answered by the same
/// closures. Questions are answered concurrently, and a closure may use the client. If a closure returns an error or
/// panics, its question fails: the call of a stateless server ends with an error, and a legacy server gets the error.
///
/// Answers to forms are checked before they are sent, and missing fields are set to their defaults
/// (`options.fill_in_defaults`). Questions are untrusted: show who asks, and let the user decline.
///
/// ```
/// use mcp_client::{Client, Handlers, Roots, elicit};
/// use serde_json::json;
///
/// let handlers = Handlers::new()
///     .on_elicit_form(async |form| {
///         println!("{}: {}", form.asker.name.as_deref().unwrap_or("a server"), form.message);
///         elicit::accept(json!({"sure": true}))
///     })
///     .roots(Roots::folders(["/srv/project"])?);
/// let client = Client::builder("server.py").input(handlers).build();
/// # Ok::<(), mcp_client::InvalidRoot>(())
/// ```
#[derive(Clone, Default)]
pub struct Handlers {
    form: Option<Closure<Question<ElicitRequestFormParams>, ElicitResult>>,
    url: Option<Closure<Question<ElicitRequestUrlParams>, ElicitResult>>,
    sample: Option<Closure<Question<CreateMessageRequest>, CreateMessageResult>>,
    samples_tools: bool,
    roots: Option<Closure<(), Vec<Root>>>,
}

/// Answers questions of one kind.
type Closure<Q, A> = Arc<dyn Fn(Q) -> BoxFuture<'static, Result<A, ErrorObject>> + Send + Sync>;

fn closure<Q, A, F>(answer: impl Fn(Q) -> F + Send + Sync + 'static) -> Closure<Q, A>
where
    F: Future<Output = Result<A, ErrorObject>> + Send + 'static,
{
    Arc::new(move |question| answer(question).boxed())
}

impl Handlers {
    /// Creates handlers that answer nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the user with a form. [`elicit`] makes the answers; a plain value is an answer too, and means that the user
    /// accepts.
    ///
    /// ```
    /// use mcp_client::Handlers;
    ///
    /// // The content is `{"value": true}`.
    /// let yes = Handlers::new().on_elicit_form(async |_| true);
    /// ```
    #[must_use]
    pub fn on_elicit_form<F>(
        mut self,
        ask: impl Fn(Question<ElicitRequestFormParams>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: IntoAnswer> + Send + 'static,
    {
        self.form = Some(closure(move |question| ask(question).map(IntoAnswer::into_answer)));
        self
    }

    /// Sends the user to a web page. Show the whole URL, open it only with consent, and never fetch it yourself.
    ///
    /// ```
    /// use mcp_client::{Handlers, elicit};
    ///
    /// let handlers = Handlers::new().on_elicit_url(async |page| {
    ///     let Some(domain) = elicit::Domain::of(&page.url) else { return elicit::decline() };
    ///     println!("{} It is at {}: {}", page.message, domain.name, page.url);
    ///     // Ask the user, and open the page in a browser.
    ///     elicit::accept_url()
    /// });
    /// ```
    // spec: ELI-13 ELI-14 ELI-15 ELI-16
    #[must_use]
    pub fn on_elicit_url<F>(
        mut self,
        ask: impl Fn(Question<ElicitRequestUrlParams>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: IntoAnswer> + Send + 'static,
    {
        self.url = Some(closure(move |question| ask(question).map(IntoAnswer::into_answer)));
        self
    }

    /// Asks a language model, without tools. A text is an answer, and [`sample::completion`] one with the name of the model.
    ///
    /// ```
    /// use mcp_client::{Content, Handlers, sample};
    ///
    /// let handlers = Handlers::new().on_sample(async |question| {
    ///     let blocks = question.messages.iter().flat_map(|message| message.content.as_slice());
    ///     let prompt: Vec<_> = blocks.filter_map(Content::as_text).collect();
    ///     // Show it to the user, and ask the model.
    ///     sample::completion("parrot-1", prompt.join("\n"))
    /// });
    /// ```
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/client/sampling#creating-messages).
    #[must_use]
    pub fn on_sample<F>(
        mut self,
        sample: impl Fn(Question<CreateMessageRequest>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: IntoCompletion> + Send + 'static,
    {
        let answer = move |question| sample(question).map(IntoCompletion::into_completion);
        (self.sample, self.samples_tools) = (Some(closure(answer)), false);
        self
    }

    /// Asks a language model, which may be given tools by the server.
    // spec: SAMP-03
    #[must_use]
    pub fn on_sample_with_tools<F>(
        self,
        sample: impl Fn(Question<CreateMessageRequest>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: IntoCompletion> + Send + 'static,
    {
        Self { samples_tools: true, ..self.on_sample(sample) }
    }

    /// Names the folders that servers may work in.
    #[must_use]
    pub fn roots(self, roots: Roots) -> Self {
        self.on_list_roots(move || std::future::ready(Ok(roots.current())))
    }

    /// Lists the folders that servers may work in, whenever one asks. All must be `file://` URIs.
    #[must_use]
    pub fn on_list_roots<F>(mut self, list: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Vec<Root>, ErrorObject>> + Send + 'static,
    {
        self.roots = Some(closure(move |()| list()));
        self
    }
}

#[async_trait]
impl InputHandler for Handlers {
    // spec: META-05 ELI-01 ELI-02 ELI-03 SAMP-01 SAMP-02 ROOT-01 ROOT-02
    fn capabilities(&self) -> ClientCapabilities {
        let mut capabilities = ClientCapabilities::default();
        if self.form.is_some() || self.url.is_some() {
            let mut elicitation = ElicitationCapability::default();
            elicitation.form = self.form.as_ref().map(|_| JsonObject::new());
            elicitation.url = self.url.as_ref().map(|_| JsonObject::new());
            capabilities.elicitation = Some(elicitation);
        }
        if self.sample.is_some() {
            let mut sampling = SamplingCapability::default();
            sampling.tools = self.samples_tools.then(JsonObject::new);
            capabilities.sampling = Some(sampling);
        }
        if self.roots.is_some() {
            let mut roots = RootsCapability::default();
            roots.list_changed = Some(true);
            capabilities.roots = Some(roots);
        }
        capabilities
    }

    async fn elicit(&self, question: Question<ElicitRequest>) -> Result<ElicitResult, ErrorObject> {
        let Question { request, asker, .. } = question;
        match (request, &self.form, &self.url) {
            (ElicitRequest::Form(form), Some(ask), _) => ask(Question::new(form, asker)).await,
            (ElicitRequest::Url(page), _, Some(ask)) => ask(Question::new(page, asker)).await,
            _ => Err(refuse("this client does not ask its user in this way")),
        }
    }

    async fn sample(
        &self,
        question: Question<CreateMessageRequest>,
    ) -> Result<CreateMessageResult, ErrorObject> {
        match &self.sample {
            Some(sample) => sample(question).await,
            None => Err(refuse("sampling is not supported")),
        }
    }

    // spec: ROOT-04 ROOT-05
    async fn list_roots(
        &self,
        _: Question<ListRootsRequest>,
    ) -> Result<ListRootsResult, ErrorObject> {
        let Some(list) = &self.roots else { return Err(refuse("there are no roots")) };
        let roots = list(()).await?;
        // An invalid root is a matter for the user of this client, not for the server.
        if let Err(error) = roots::check(&roots) {
            tracing::warn!(%error, "the roots cannot be sent");
            return Err(ErrorObject::new(ErrorCode::INTERNAL_ERROR, "the roots are not known"));
        }
        Ok(ListRootsResult::new(List::from(roots)))
    }
}

fn refuse(message: &str) -> ErrorObject {
    ErrorObject::new(ErrorCode::INVALID_PARAMS, message)
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers")
            .field("form", &self.form.is_some())
            .field("url", &self.url.is_some())
            .field("sample", &self.sample.is_some())
            .field("roots", &self.roots.is_some())
            .finish_non_exhaustive()
    }
}
