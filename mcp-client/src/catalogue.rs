//! Catalogues: lists that stay fresh.

mod changes;
mod difference;
mod keeper;
mod listed;
mod snapshot;
mod state;

pub use changes::Changes;
pub use difference::{Changed, Difference};
pub use listed::Listed;
pub use snapshot::Snapshot;

use crate::{Client, Error, offer, operation::Caller};
use futures_util::future::BoxFuture;
use keeper::Keeper;
use mcp_types::{Prompt, Request, Resource, ResourceTemplate, Tool};
use state::State;
use std::{fmt, future::IntoFuture, marker::PhantomData, sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// How long a burst of changes must be quiet before the list is read again.
const DEBOUNCE: Duration = Duration::from_millis(250);
/// The longest such pause.
const MAX_DEBOUNCE: Duration = Duration::from_secs(24 * 60 * 60);
/// The minimum time between two attempts to replace a stale snapshot on access.
const PAUSE: Duration = Duration::from_secs(1);

/// A list of a server that stays fresh: tools, prompts, resources or resource templates. Clones share it.
///
/// It works the same with servers of both eras. The list is fetched again when the server announces a change, when a
/// lost connection has been replaced, and when a snapshot is taken that is older than the server's `ttlMs`. A burst of
/// changes causes one fetch, and there is never more than one in flight. A fetch that fails leaves the snapshot as it
/// is ([`failure`](Self::failure)), and is retried with growing pauses.
///
/// A task of the connection does the work. It ends with the session: the snapshot then stays as it is, and a new
/// connection needs a new catalogue. A catalogue does not keep a session open.
///
/// ```
/// use futures_util::StreamExt;
///
/// # use mcp_client::{Client, mock};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = Client::connect_to(mock::Server::new().tool("now", |_| Ok("rain".into()))).await?;
/// let tools = client.tools().await?;
/// println!("{} tools", tools.snapshot().len());
/// let mut changes = tools.changes();
/// # client.close().await;
/// while let Some(difference) = changes.next().await {
///     for changed in difference?.changed {
///         println!("{}: {}", changed.after.name, changed.fields.join(", "));
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping the last clone and the last [`Changes`] ends the subscription on the wire, and a fetch that is in flight.
pub struct Catalogue<T> {
    state: watch::Receiver<State<T>>,
    /// Counts the requests to read the list again.
    wanted: Arc<watch::Sender<u64>>,
}

/// A catalogue that is about to be opened, made by [`Client::tools`] and similar methods. Awaiting it gives the
/// [`Catalogue`].
///
/// # Cancel safety
///
/// Nothing is sent before the first poll. Dropping the future cancels what is under way.
#[must_use = "nothing is sent until it is awaited"]
pub struct OpenCatalogue<T> {
    client: Client,
    debounce: Duration,
    item: PhantomData<fn() -> T>,
}

impl Client {
    /// Opens a catalogue of the tools of the server, which stays fresh.
    ///
    /// See [the
    /// clause](https://modelcontextprotocol.io/specification/2026-07-28/server/tools#list-changed-notification).
    pub fn tools(&self) -> OpenCatalogue<Tool> {
        self.catalogue()
    }

    /// Opens a catalogue of the prompts of the server, which stays fresh.
    ///
    /// See [the
    /// clause](https://modelcontextprotocol.io/specification/2026-07-28/server/prompts#list-changed-notification).
    pub fn prompts(&self) -> OpenCatalogue<Prompt> {
        self.catalogue()
    }

    /// Opens a catalogue of the resources of the server, which stays fresh.
    ///
    /// See [the
    /// clause](https://modelcontextprotocol.io/specification/2026-07-28/server/resources#list-changed-notification).
    pub fn resources(&self) -> OpenCatalogue<Resource> {
        self.catalogue()
    }

    /// Opens a catalogue of the resource templates of the server, which stays fresh.
    ///
    /// See [the
    /// clause](https://modelcontextprotocol.io/specification/2026-07-28/server/resources#list-changed-notification).
    pub fn resource_templates(&self) -> OpenCatalogue<ResourceTemplate> {
        self.catalogue()
    }

    /// Opens a catalogue of any list.
    pub fn catalogue<T: Listed>(&self) -> OpenCatalogue<T> {
        OpenCatalogue { client: self.clone(), debounce: DEBOUNCE, item: PhantomData }
    }
}

impl<T: Listed> OpenCatalogue<T> {
    /// Sets how long the server must be quiet after a change before the list is fetched again. If it is never quiet,
    /// the list is fetched after eight times as long. Default: 250 ms; at most a day.
    pub fn debounce(mut self, quiet: Duration) -> Self {
        self.debounce = quiet.min(MAX_DEBOUNCE);
        self
    }

    async fn open(self) -> Result<Catalogue<T>, Error> {
        let Self { client, debounce, .. } = self;
        let live = client.live()?;
        let caller = Caller::new(&client)?;
        // The connection's task must not keep the client alive, which may keep the connection open.
        drop(client);
        let method = T::Request::METHOD;
        if let Some(offer) = offer::Offer::of(method) {
            offer::require(caller.server(), method, offer)?;
        }
        let wanted = Arc::new(watch::Sender::new(0));
        let (keeper, state) = Keeper::start(caller, debounce, wanted.subscribe()).await?;
        live.spawn_side_task(keeper.run());
        Ok(Catalogue { state, wanted })
    }
}

impl<T: Listed> IntoFuture for OpenCatalogue<T> {
    type Output = Result<Catalogue<T>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl<T: Listed> Catalogue<T> {
    /// The list as last read; never waits. If its time to live has passed, it is read again in the background.
    // spec: CACHE-06 CACHE-07 CACHE-09
    pub fn snapshot(&self) -> Arc<Snapshot<T>> {
        let now = Instant::now();
        let state = self.state.borrow();
        let is_asked = *self.wanted.borrow() > state.answered;
        if state.is_worn(now) && !is_asked && now >= state.attempted + PAUSE {
            self.wanted.send_modify(|count| *count += 1);
        }
        Arc::clone(&state.snapshot)
    }

    /// The current list, read again first if it may have changed: the server has announced a change, does not announce
    /// changes at all, or the time to live of the list has passed.
    ///
    /// # Errors
    ///
    /// The list cannot be fetched, or the session is over. The [`snapshot`](Self::snapshot) stays as it is.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not cancel the fetch, which others may wait for.
    // spec: CACHE-03 CACHE-04 CACHE-11
    pub async fn fresh(&self) -> Result<Arc<Snapshot<T>>, Arc<Error>> {
        {
            let state = self.state.borrow();
            if state.is_fresh(Instant::now()) && self.is_open() {
                return Ok(Arc::clone(&state.snapshot));
            }
        }
        self.refresh().await
    }

    /// Fetches the list now, fresh or not. Concurrent callers share one fetch.
    ///
    /// # Errors
    ///
    /// The list cannot be fetched, or the session is over. The [`snapshot`](Self::snapshot) stays as it is.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not cancel the fetch, which others may wait for.
    pub async fn refresh(&self) -> Result<Arc<Snapshot<T>>, Arc<Error>> {
        let mut ticket = 0;
        self.wanted.send_modify(|count| {
            *count += 1;
            ticket = *count;
        });
        let mut state = self.state.clone();
        let answered = state.wait_for(|state| state.answered >= ticket).await;
        let state = answered.map_err(|_| Arc::new(Error::NotConnected))?;
        match &state.failure {
            Some(error) => Err(Arc::clone(error)),
            None => Ok(Arc::clone(&state.snapshot)),
        }
    }

    /// A stream of the changes from now on.
    pub fn changes(&self) -> Changes<T> {
        let snapshot = Arc::clone(&self.state.borrow().snapshot);
        self.changes_since(snapshot)
    }

    /// A stream of the changes since an earlier snapshot.
    pub fn changes_since(&self, snapshot: Arc<Snapshot<T>>) -> Changes<T> {
        Changes::new(self.state.clone(), snapshot)
    }

    /// Why the last fetch failed, if it did.
    pub fn failure(&self) -> Option<Arc<Error>> {
        self.state.borrow().failure.clone()
    }

    /// Whether the server announces changes. If it does not, only [`fresh`](Self::fresh) and [`refresh`](Self::refresh)
    /// find them.
    // spec: SUB-02
    pub fn is_told(&self) -> bool {
        self.state.borrow().is_told
    }

    /// Whether the session is still there, so that the list can be kept fresh.
    pub fn is_open(&self) -> bool {
        self.state.has_changed().is_ok()
    }
}

impl<T> Clone for Catalogue<T> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), wanted: Arc::clone(&self.wanted) }
    }
}

impl<T> fmt::Debug for Catalogue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.borrow();
        f.debug_struct("Catalogue")
            .field("items", &state.snapshot.len())
            .field("is_told", &state.is_told)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for OpenCatalogue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenCatalogue").field("debounce", &self.debounce).finish_non_exhaustive()
    }
}
