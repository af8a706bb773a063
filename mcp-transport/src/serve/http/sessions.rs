//! The sessions of all legacy clients.

use super::{
    super::backend::Backend,
    answer::Refusal,
    options::HttpLimits,
    session::{Lease, Session, lock},
};
use crate::{Connector, Driver, Error, Link, Unsolicited};
use futures_core::future::BoxFuture;
use futures_util::task::AtomicWaker;
use http::{HeaderValue, StatusCode};
use mcp_types::{ErrorCode, RequestId};
use rustls::crypto::ring;
use std::{
    collections::HashMap,
    fmt::{self, Write},
    sync::{Arc, Mutex},
    task::Context,
    time::Duration,
};
use tokio::time::Instant;

/// The shortest interval at which sessions in use are checked again.
const SHORTEST_IDLE: Duration = Duration::from_millis(1);

/// All sessions, by their ids.
pub(super) struct Sessions {
    connector: Box<dyn Connect>,
    limits: HttpLimits,
    table: Mutex<Table>,
    driver: AtomicWaker,
}

#[derive(Default)]
struct Table {
    sessions: HashMap<Arc<str>, Arc<Session>>,
    /// How many sessions are being started.
    beginning: usize,
    /// Drivers that have not been taken over yet.
    drivers: Vec<(Arc<str>, Driver)>,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The last endpoint is gone.
    Released,
    /// The driver is gone.
    Cut,
}

/// A type-erased [`Connector`].
trait Connect: Send + Sync {
    fn connect(&self) -> BoxFuture<'_, Result<(Backend, Unsolicited, Driver), Error>>;
}

impl<C: Connector> Connect for C {
    fn connect(&self) -> BoxFuture<'_, Result<(Backend, Unsolicited, Driver), Error>> {
        Box::pin(async {
            let Link { transport, unsolicited, driver, .. } = Connector::connect(self).await?;
            Ok((Backend::new(transport), unsolicited, driver))
        })
    }
}

impl Sessions {
    pub(super) fn new(connector: impl Connector, limits: HttpLimits) -> Arc<Self> {
        Arc::new(Self {
            connector: Box::new(connector),
            limits,
            table: Mutex::default(),
            driver: AtomicWaker::new(),
        })
    }

    /// Returns the session with this id.
    pub(super) fn find(&self, id: &HeaderValue) -> Option<Lease> {
        let id = id.to_str().ok()?;
        lock(&self.table).sessions.get(id).map(Session::lease)
    }

    /// Begins a session for the request `id`. The session ends when the returned value is dropped, unless it was kept.
    pub(super) async fn begin(self: &Arc<Self>, id: &RequestId) -> Result<Beginning, Refusal> {
        let unavailable = |text: String| {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Refusal::new(status, Some(id.clone()), ErrorCode::INTERNAL_ERROR, text)
        };
        let place = self.reserve().map_err(|text| unavailable(text.to_owned()))?;
        let connected = self.connector.connect().await;
        let (backend, unsolicited, driver) =
            connected.map_err(|error| unavailable(error.to_string()))?;
        let key = new_id().ok_or_else(|| unavailable("there are no random numbers".to_owned()))?;
        let session = Session::new(backend, unsolicited, self.limits.requests);
        let lease = session.lease();
        let mut table = lock(&self.table);
        if table.end.is_some() {
            return Err(unavailable("no more sessions begin here".to_owned()));
        }
        table.drivers.push((Arc::clone(&key), driver));
        table.sessions.insert(Arc::clone(&key), session);
        drop(table);
        drop(place);
        self.driver.wake();
        Ok(Beginning { sessions: Arc::clone(self), key: Some(key), lease })
    }

    fn reserve(&self) -> Result<Place<'_>, &'static str> {
        let mut table = lock(&self.table);
        if table.end.is_some() {
            return Err("no more sessions begin here");
        }
        if table.sessions.len() + table.beginning >= self.limits.sessions {
            return Err("too many sessions at once: end one, or wait");
        }
        table.beginning += 1;
        Ok(Place(self))
    }

    /// Ends the session with this id; returns whether there was one.
    pub(super) fn end(&self, id: &str) -> bool {
        let session = lock(&self.table).sessions.remove(id);
        if let Some(session) = &session {
            session.close();
        }
        session.is_some()
    }

    /// Removes a session whose connection is lost. Its calls fail with the cause, and report it to their clients.
    pub(super) fn lose(&self, id: &str) {
        let session = lock(&self.table).sessions.remove(id);
        if let Some(session) = session {
            session.detach();
        }
    }

    /// Ends sessions that were idle for too long; returns when to check again.
    pub(super) fn expire(&self) -> Option<Instant> {
        let (now, idle) = (Instant::now(), self.limits.session_idle);
        let mut expired = Vec::new();
        let mut next: Option<Instant> = None;
        lock(&self.table).sessions.retain(|_, session| {
            let since = session.idle_since();
            if since.is_some_and(|since| now - since >= idle) {
                expired.push(Arc::clone(session));
                return false;
            }
            let look = since.unwrap_or(now).checked_add(idle.max(SHORTEST_IDLE));
            next = next.into_iter().chain(look).min();
            true
        });
        expired.iter().for_each(|session| session.close());
        next
    }

    /// Returns how long a session may be idle.
    pub(super) fn idle(&self) -> Duration {
        self.limits.session_idle
    }

    /// Returns whether there are sessions to look after.
    pub(super) fn is_in_use(&self) -> bool {
        !lock(&self.table).sessions.is_empty()
    }

    /// Takes the drivers of new sessions, and returns whether there will be no more.
    pub(super) fn take_drivers(&self, cx: &Context<'_>) -> (Vec<(Arc<str>, Driver)>, bool) {
        self.driver.register(cx.waker());
        let mut table = lock(&self.table);
        (std::mem::take(&mut table.drivers), table.end.is_some())
    }

    /// Ends everything.
    pub(super) fn stop(&self, end: End) {
        let mut table = lock(&self.table);
        table.end = Some(end);
        let sessions = std::mem::take(&mut table.sessions);
        let drivers = if end == End::Cut { std::mem::take(&mut table.drivers) } else { Vec::new() };
        drop(table);
        sessions.values().for_each(|session| session.close());
        drop(drivers);
        self.driver.wake();
    }
}

/// A reserved place for a session that is being started.
struct Place<'a>(&'a Sessions);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        lock(&self.0.table).beginning -= 1;
    }
}

/// A session that has begun, but whose handshake is not complete. Dropping it ends the session.
pub(super) struct Beginning {
    sessions: Arc<Sessions>,
    key: Option<Arc<str>>,
    pub(super) lease: Lease,
}

impl Beginning {
    /// Keeps the session; returns its id, which is for its client only.
    pub(super) fn keep(&mut self) -> Option<HeaderValue> {
        let key = self.key.take()?;
        let mut id = HeaderValue::from_str(&key).ok()?;
        id.set_sensitive(true);
        Some(id)
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            self.sessions.end(key);
        }
    }
}

/// Returns 128 random bits, from the source that TLS uses, so that there is only one.
fn new_id() -> Option<Arc<str>> {
    let mut bits = [0; 16];
    ring::default_provider().secure_random.fill(&mut bits).ok()?;
    let mut text = String::with_capacity(32);
    for byte in bits {
        write!(text, "{byte:02x}").ok()?;
    }
    Some(text.into())
}

/// Keeps the sessions alive as long as there is an endpoint.
#[derive(Debug)]
pub(super) struct Handle(pub(super) Arc<Sessions>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.stop(End::Released);
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("limits", &self.limits).finish_non_exhaustive()
    }
}
