//! What all calls have in common: options, listeners, cancellation.

pub(crate) use crate::caller::Caller;

use crate::{
    Client, Deadlines, Error, Event, Events, Progress,
    offer::{self, Offer},
};
use futures_util::future::BoxFuture;
use mcp_session::{Cancellation, Era, InvalidParams, OnRequestId, Reply};
use mcp_types::{LoggingLevel, MetaObject, RawJson, RequestId, keys};
use serde::Serialize;
use serde_json::Value;
use std::{fmt, future::Future, sync::Arc, time::Duration};

/// The prefix of task ids. One word, because every call has space for it.
pub(crate) type TaskPrefix = Arc<Box<str>>;

/// A call that has not been sent yet: configure it, then await it.
///
/// The methods of [`Client`] make these. `K` is the kind of call, and adds methods of its own. Errors in a call (a
/// client that is not connected, an argument that cannot be serialized) are reported when it is awaited.
///
/// ```
/// # use mcp_client::{Client, mock};
/// # use serde_json::json;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mcp_client::Error> {
/// # let server = mock::Server::new()
/// #     .on("resources/read", |asked| Ok(json!({"contents": [{"uri": asked["uri"], "text": "booted"}]})));
/// # let client = Client::connect_to(&server).await?;
/// use std::time::Duration;
///
/// let contents = client
///     .read_resource("file:///var/log/syslog")
///     .on_progress(|progress| println!("{}", progress.progress))
///     .timeout(Duration::from_secs(5))
///     .await?;
/// # assert_eq!(contents.len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// Nothing is sent before the first poll. Dropping the future cancels the request on the wire.
#[must_use = "nothing is sent until it is awaited"]
pub struct Operation<K> {
    /// Boxed, because an error is large and rare.
    caller: Result<Caller, Box<Error>>,
    kind: K,
    /// The prefix of task ids, if the call belongs to a group.
    task_prefix: Option<TaskPrefix>,
}

impl<K> Operation<K> {
    /// Listens to the progress of this call, in wire order, and never after the call has ended.
    ///
    /// Replaces [`ClientBuilder::on_progress`](crate::ClientBuilder::on_progress) for this call.
    pub fn on_progress(self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.with(|caller| caller.listen_to_progress(listener))
    }

    /// Listens to what the server says about this call while it works on it.
    pub fn on_event(self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.with(|caller| caller.listen(listener))
    }

    /// Sets the listeners of this call, in place of all earlier ones.
    pub fn events(self, events: Events) -> Self {
        self.with(|caller| caller.tell_only(events))
    }

    /// Cancels the call when the cancellation says so, from anywhere: the caller gets [`Error::Cancelled`] at once, and
    /// the server is told. A `CancellationToken` works as well.
    ///
    /// ```no_run
    /// # async fn example(client: &mcp_client::Client) -> Result<(), mcp_client::Error> {
    /// use mcp_client::Cancellation;
    ///
    /// let stop = Cancellation::new();
    /// let call = client.call_tool("slow").cancel_with(stop.clone());
    /// // Meanwhile, in another task: `stop.cancel()`.
    /// if let Err(error) = call.await
    ///     && error.is_cancelled()
    /// {
    ///     println!("as you wish");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    // spec: CAN-05
    pub fn cancel_with(self, cancellation: impl Into<Cancellation>) -> Self {
        self.with(|caller| caller.cancel_with(cancellation.into()))
    }

    /// Calls the listener with the id of each request of this call, right before it is sent.
    ///
    /// A call that is sent again, for example with answers of the user, gets a new id each time. While the call is in
    /// flight, [`Client::cancel`] knows these ids.
    pub fn on_request_id(self, listener: impl Fn(&RequestId) + Send + Sync + 'static) -> Self {
        self.with(|caller| caller.on_request_id(OnRequestId::new(listener)))
    }

    /// Adds a header to the HTTP requests of this call, in place of one of the same name that the endpoint sets.
    ///
    /// Headers of the protocol and of HTTP itself cannot be replaced. No effect on servers that are not reached by
    /// HTTP.
    #[cfg(feature = "http")]
    pub fn header(self, name: http::HeaderName, mut value: http::HeaderValue) -> Self {
        value.set_sensitive(true);
        self.with(|caller| caller.add_header(name, value))
    }

    /// Limits how long the server may take in total, whatever its progress; zero means no limit.
    ///
    /// Replaces the client's [`Deadlines`]. The time that a user takes to answer a question of a stateless server does
    /// not count; the limit covers the time of the server before and after it together.
    pub fn timeout(self, limit: Duration) -> Self {
        self.deadlines(if limit.is_zero() { Deadlines::NONE } else { Deadlines::total(limit) })
    }

    /// Sets the time limits of this call, in place of those of the client.
    pub fn deadlines(self, deadlines: Deadlines) -> Self {
        self.with(|caller| caller.limit(deadlines))
    }

    /// Adds a member to the `_meta` of the request. Keys that the protocol reserves are refused.
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#meta).
    // spec: META-09 META-11 META-12
    pub fn meta(self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.try_with(|caller| {
            let key = key.into();
            let mut checked = MetaObject::default();
            let allowed = checked.insert(key.clone(), Value::Null);
            allowed.map_err(|error| InvalidParams::new(error.to_string()))?;
            let value = RawJson::encode(&value)
                .map_err(|error| no_json_form("`_meta` key", &key, &error))?;
            caller.insert_meta(key, value);
            Ok(())
        })
    }

    /// Asks the server to log what it does about this call, down to `level`; messages come as [`Event`]s.
    ///
    /// Without effect on a server with a handshake, which has one level for the whole session:
    /// [`Client::set_logging_level`].
    // spec: LOG-01
    pub fn log_level(self, level: impl Into<LoggingLevel>) -> Self {
        let level = level.into();
        self.try_with(|caller| {
            if caller.server().era == Era::Modern {
                let encoded = RawJson::encode(&level).map_err(InvalidParams::from)?;
                caller.insert_meta(keys::LOG_LEVEL, encoded);
                caller.listen_to_logs();
            }
            Ok(())
        })
    }

    pub(crate) fn kind_mut(&mut self) -> &mut K {
        &mut self.kind
    }

    /// Changes the kind of the call.
    pub(crate) fn map<L>(self, change: impl FnOnce(K) -> L) -> Operation<L> {
        let Self { caller, kind, task_prefix } = self;
        Operation { caller, kind: change(kind), task_prefix }
    }

    /// Records what is wrong with the call; its future returns the first error.
    pub(crate) fn check(&mut self, outcome: Result<(), InvalidParams>) {
        if let Err(error) = outcome
            && self.caller.is_ok()
        {
            self.fail(error);
        }
    }

    /// Makes the call fail with this error, whatever else is wrong with it.
    pub(crate) fn fail(&mut self, error: InvalidParams) {
        self.caller = Err(Box::new(error.into()));
    }

    /// Makes the call fail with this error.
    pub(crate) fn refused(self, error: Error) -> Self {
        Self { caller: Err(Box::new(error)), ..self }
    }

    /// Sets the prefix of the task's id, if the call becomes a task.
    pub(crate) fn with_task_prefix(self, prefix: Option<TaskPrefix>) -> Self {
        Self { task_prefix: prefix, ..self }
    }

    pub(crate) fn task_prefix(&self) -> Option<TaskPrefix> {
        self.task_prefix.clone()
    }

    /// Refuses the call if the server has not offered what it needs.
    pub(crate) fn needs(self, method: &'static str, offer: Offer) -> Self {
        self.try_with(|caller| offer::require(caller.server(), method, offer))
    }

    /// Refuses the call if the server has not declared the extension that it belongs to.
    #[cfg(feature = "skills")]
    pub(crate) fn needs_extension(self, method: &'static str, id: &'static str) -> Self {
        self.try_with(|caller| offer::require_extension(caller.server(), method, id))
    }

    /// Returns the future of the call.
    pub(crate) fn start<T, F>(
        self,
        run: impl FnOnce(Caller, K) -> F + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>>
    where
        K: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send,
    {
        Box::pin(async move { run(self.caller.map_err(|error| *error)?, self.kind).await })
    }

    pub(crate) fn into_parts(self) -> (Result<Caller, Error>, K) {
        (self.caller.map_err(|error| *error), self.kind)
    }

    pub(crate) fn with(self, change: impl FnOnce(&mut Caller)) -> Self {
        self.try_with(|caller| {
            change(caller);
            Ok(())
        })
    }

    fn try_with(mut self, change: impl FnOnce(&mut Caller) -> Result<(), Error>) -> Self {
        if let Ok(caller) = &mut self.caller
            && let Err(error) = change(caller)
        {
            self.caller = Err(Box::new(error));
        }
        self
    }
}

impl<K: fmt::Debug> fmt::Debug for Operation<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Begins a call.
#[inline]
pub(crate) fn begin<K>(client: &Client, kind: K) -> Operation<K> {
    Operation { caller: Caller::new(client).map_err(Box::new), kind, task_prefix: None }
}

/// Begins a call that is refused if the server has not offered what it needs.
#[inline]
pub(crate) fn begin_offered<K>(
    client: &Client,
    method: &'static str,
    offer: Offer,
    kind: K,
) -> Operation<K> {
    let caller = Caller::offered(client, method, offer).map_err(Box::new);
    Operation { caller, kind, task_prefix: None }
}

/// Returns the error for a caller's value that cannot be sent.
pub(crate) fn no_json_form(what: &str, name: &str, error: &serde_json::Error) -> InvalidParams {
    InvalidParams::new(format!("{what} {name:?} has no JSON form: {error}"))
}

/// Decodes a result.
pub(crate) fn decode<T: serde::de::DeserializeOwned>(
    method: &str,
    reply: Reply,
) -> Result<T, Error> {
    reply.into_decoded().map_err(|source| Error::Decode { method: method.into(), source })
}
