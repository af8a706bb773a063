//! Builder methods for handlers and listeners.

use super::ClientBuilder;
use crate::{
    Event, Handlers, InputHandler, Progress, Question, Roots, elicit::IntoAnswer, log::LogListener,
    progress::ProgressListener, sample::IntoCompletion,
};
use mcp_types::{
    CreateMessageRequest, ElicitRequestFormParams, ElicitRequestUrlParams, ErrorObject,
    LoggingMessageNotification, Root,
};
use std::{future::Future, mem, sync::Arc};

/// Answering questions. The client declares to servers what it has a closure for, and nothing else; see [`Handlers`].
///
/// ```
/// use mcp_client::{Client, Roots, elicit};
/// use serde_json::json;
///
/// let client = Client::builder("servers/weather.py")
///     .on_elicit_form(async |form| {
///         println!("{}", form.message);
///         elicit::accept(json!({"city": "Oslo"}))
///     })
///     .roots(Roots::folders(["/srv/project"])?)
///     .on_progress(|progress| println!("{}", progress.progress))
///     .build();
/// # Ok::<(), mcp_client::InvalidRoot>(())
/// ```
impl ClientBuilder {
    /// Answers the questions that no closure is set for. Default: they are not answered, and servers know that.
    pub fn input(mut self, handler: impl InputHandler) -> Self {
        self.config.options.input = Arc::new(handler);
        self
    }

    /// Asks the user with a form; see [`Handlers::on_elicit_form`].
    pub fn on_elicit_form<F>(
        self,
        ask: impl Fn(Question<ElicitRequestFormParams>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: IntoAnswer> + Send + 'static,
    {
        self.handle(|handlers| handlers.on_elicit_form(ask))
    }

    /// Sends the user to a web page; see [`Handlers::on_elicit_url`].
    pub fn on_elicit_url<F>(
        self,
        ask: impl Fn(Question<ElicitRequestUrlParams>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: IntoAnswer> + Send + 'static,
    {
        self.handle(|handlers| handlers.on_elicit_url(ask))
    }

    /// Asks a language model, without tools; see [`Handlers::on_sample`].
    pub fn on_sample<F>(
        self,
        sample: impl Fn(Question<CreateMessageRequest>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: IntoCompletion> + Send + 'static,
    {
        self.handle(|handlers| handlers.on_sample(sample))
    }

    /// Asks a language model, which may be given tools by the server; see [`Handlers::on_sample_with_tools`].
    pub fn on_sample_with_tools<F>(
        self,
        sample: impl Fn(Question<CreateMessageRequest>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: IntoCompletion> + Send + 'static,
    {
        self.handle(|handlers| handlers.on_sample_with_tools(sample))
    }

    /// Names the folders that servers may work in; see [`Handlers::roots`].
    pub fn roots(self, roots: Roots) -> Self {
        self.handle(|handlers| handlers.roots(roots))
    }

    /// Lists the folders that servers may work in, whenever one asks; see [`Handlers::on_list_roots`].
    pub fn on_list_roots<F>(self, list: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Vec<Root>, ErrorObject>> + Send + 'static,
    {
        self.handle(|handlers| handlers.on_list_roots(list))
    }

    fn handle(mut self, change: impl FnOnce(Handlers) -> Handlers) -> Self {
        self.handlers = change(self.handlers);
        self
    }
}

/// Listening to servers. Listeners see each message once, in wire order; one that panics misses that message and harms
/// nothing else. They are called where messages are read, so slow work belongs in a task or behind a channel.
impl ClientBuilder {
    /// Listens to every notification of the server: about the session or about any call, log messages and progress
    /// included.
    ///
    /// Takes nothing away from other listeners, including those of the client itself. What a stateless server says on
    /// the stream of a subscription goes to the [`Subscription`](crate::Subscription).
    pub fn on_message(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let options = &mut self.config.options;
        let session = mem::take(&mut options.events);
        let listener: Arc<dyn Fn(&Event) + Send + Sync> = Arc::new(listener);
        options.events = self.listeners.add_to_all(session, &listener);
        self
    }

    /// Listens to the log messages of the server. Default: `tracing`, under the target `mcp_client::server_log`, with
    /// the closest level.
    ///
    /// A stateless server logs what it is asked for: [`log_level`](Self::log_level). One with a handshake decides
    /// itself until [`Client::set_logging_level`](crate::Client::set_logging_level) is called. The text is untrusted.
    pub fn on_log(
        mut self,
        listener: impl Fn(LoggingMessageNotification) + Send + Sync + 'static,
    ) -> Self {
        self.listeners.log = LogListener::new(listener);
        self
    }

    /// Listens to the progress of calls. Default: `tracing`, at level `DEBUG` under the target `mcp_client::progress`,
    /// for calls that are made while that target is enabled.
    ///
    /// [`Operation::on_progress`](crate::Operation::on_progress) replaces it for one call.
    pub fn on_progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.listeners.progress = ProgressListener::new(listener);
        self
    }

    /// Listens to notifications that belong to no call, in addition to other listeners.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let events = mem::take(&mut self.config.options.events);
        self.config.options.events = events.and_listener(listener);
        self
    }

    /// Listens to what the server says about each call while it works on it, for example progress, in addition to the
    /// listeners of the call. [`Operation::events`](crate::Operation::events) replaces it for one call.
    pub fn on_call_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(Arc::new(listener));
        self
    }
}
