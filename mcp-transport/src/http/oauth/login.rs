//! The login of one server: its current tokens, and the one flight that obtains new ones.

use super::{
    Error, ErrorKind, Key, OAuth, Secret, TokenType, Tokens, challenge::Asked, dpop::Prover,
    fetch::Fetch, finish::Finishers, flow::Flow,
};
use crate::{Patience, Url};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use http::{HeaderValue, Uri};
use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::time::Instant;

/// How long a token counts as fresh that the server has not accepted yet.
const FRESH: Duration = Duration::from_secs(60);

/// The longest time before its expiry at which a token is renewed.
const MAX_MARGIN: Duration = Duration::from_secs(60);

/// How long to wait after a failed renewal while the token may still be valid.
const QUIET: Duration = Duration::from_secs(10);

/// The login of one server; it lives as long as its connector.
pub(super) struct Login {
    pub(super) oauth: OAuth,
    pub(super) server: Url,
    pub(super) key: Key,
    pub(super) patience: Patience,
    slot: Mutex<Slot>,
    flight: Mutex<Option<(Errand, WeakShared<Flight>)>>,
    pub(super) finishers: Finishers,
    /// One key for all tokens that have to be bound to a key.
    prover: Mutex<Option<Arc<Prover>>>,
}

#[derive(Default)]
struct Slot {
    /// Whether the tokens were loaded from the store.
    loaded: bool,
    held: Option<Arc<Held>>,
    generation: u64,
    /// Until then, tokens are not renewed ahead of time.
    quiet_until: Option<Instant>,
    /// Where the server has said that its metadata is, for renewals that do not follow a refusal.
    metadata: Option<String>,
}

type Outcome = Result<Option<Arc<Held>>, Error>;
pub(super) type Flight = BoxFuture<'static, Outcome>;

/// The task of a flight, ordered by how much it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Load,
    /// Replaces a token that is about to expire.
    Refresh,
    /// Replaces a token that was refused.
    Renew,
    /// The same, and the user may be asked.
    Ask,
}

/// A task, and the generation of the tokens that it replaces.
type Errand = (u64, Task);

/// The tokens in use.
pub(super) struct Held {
    pub(super) tokens: Tokens,
    pub(super) origin: Origin,
    /// The header that carries the token.
    header: HeaderValue,
    /// What proves that the client owns the token's key.
    prover: Option<Arc<Prover>>,
    generation: u64,
    since: Instant,
    expires: Option<Instant>,
    was_accepted: AtomicBool,
}

/// Where tokens came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Stored,
    Refreshed,
    Granted,
}

impl Held {
    fn new(
        tokens: Tokens,
        origin: Origin,
        generation: u64,
        prover: Option<Arc<Prover>>,
    ) -> Result<Self, Error> {
        let scheme = match tokens.token_type {
            TokenType::Bearer => "Bearer",
            TokenType::Dpop => "DPoP",
        };
        let header = HeaderValue::try_from(format!("{scheme} {}", tokens.access_token.expose()));
        let mut header = header.map_err(|_| {
            let message = format!("{} gave a token that cannot be in a header", tokens.issuer);
            Error::new(ErrorKind::Token, message)
        })?;
        header.set_sensitive(true);
        let since = Instant::now();
        // Measured with the monotonic clock, because the wall clock may jump.
        let left = tokens.expires_at.map(|at| Duration::from_secs(at.saturating_sub(unix_time())));
        let expires = left.and_then(|left| since.checked_add(left));
        let was_accepted = AtomicBool::new(false);
        Ok(Self { tokens, origin, header, prover, generation, since, expires, was_accepted })
    }

    pub(super) fn header(&self) -> &HeaderValue {
        &self.header
    }

    pub(super) fn prover(&self) -> Option<&Prover> {
        self.prover.as_deref()
    }

    /// The server has accepted the token.
    pub(super) fn accept(&self) {
        self.was_accepted.store(true, Ordering::Relaxed);
    }

    /// Returns whether the token is so new that another one would be refused like it.
    pub(super) fn is_fresh(&self) -> bool {
        !self.was_accepted.load(Ordering::Relaxed) && self.since.elapsed() < FRESH
    }

    /// Returns whether the token has expired or is about to: within a tenth of its lifetime, and at most a minute.
    fn is_due(&self) -> bool {
        let tenth = self.tokens.lifetime.map(|seconds| Duration::from_secs(seconds) / 10);
        let margin = tenth.unwrap_or(MAX_MARGIN).min(MAX_MARGIN);
        self.expires.is_some_and(|at| at.saturating_duration_since(Instant::now()) <= margin)
    }
}

impl Login {
    pub(super) fn new(oauth: OAuth, server: Url) -> Self {
        let client_id = oauth.client_id.as_deref();
        let key = Key::of(&server, client_id);
        Self {
            oauth,
            server,
            key,
            patience: Patience::default(),
            slot: Mutex::default(),
            flight: Mutex::new(None),
            finishers: Finishers::default(),
            prover: Mutex::new(None),
        }
    }

    /// Returns whether a request goes to the origin of the server, the only one that sees the token.
    // spec: TOK-04
    pub(super) fn is_for(&self, uri: &Uri) -> bool {
        let scheme = uri.scheme_str().unwrap_or_default();
        let default_port = if scheme == "https" { 443 } else { 80 };
        scheme == self.server.scheme()
            && uri.host() == Some(self.server.host())
            && uri.port_u16().or(Some(default_port)) == self.server.port_or_default()
    }

    /// Returns the token to use now, if there is one: from the store at first, renewed before it expires.
    pub(super) async fn current(
        self: &Arc<Self>,
        fetch: impl Fn() -> Fetch + Send,
    ) -> Option<Arc<Held>> {
        let (mut held, loaded) = {
            let slot = self.slot();
            (slot.held.clone(), slot.loaded)
        };
        if !loaded {
            held = self.fly(None, Task::Load, &fetch, &Asked::default()).await.ok().flatten();
        }
        let due = held?;
        if !self.is_to_be_renewed(&due) {
            return Some(due);
        }
        let asked = Asked { resource_metadata: self.slot().metadata.clone(), ..Asked::default() };
        match self.fly(Some(&due), Task::Refresh, &fetch, &asked).await {
            Ok(Some(renewed)) => Some(renewed),
            Ok(None) => Some(due),
            Err(error) => {
                // The server decides whether the token is still valid.
                tracing::warn!(server = %self.key.server, %error, "token could not be renewed before its end");
                self.slot().quiet_until = Some(Instant::now() + QUIET);
                Some(due)
            }
        }
    }

    /// Drops the tokens in use, without touching the store: the next refusal begins a login.
    pub(super) fn let_go(&self) -> Option<Tokens> {
        let held = {
            let mut slot = self.slot();
            slot.loaded = true;
            slot.held.take()
        };
        held.map(|held| held.tokens.clone())
    }

    fn is_to_be_renewed(&self, held: &Held) -> bool {
        let can = held.tokens.refresh_token.is_some() || self.oauth.grant.is_some();
        can && held.is_due() && self.slot().quiet_until.is_none_or(|at| at <= Instant::now())
    }

    /// Obtains a token in place of the one that was refused.
    pub(super) async fn renew(
        self: &Arc<Self>,
        refused: Option<&Arc<Held>>,
        asked: &Asked,
        may_ask: bool,
        fetch: impl Fn() -> Fetch + Send,
    ) -> Result<Arc<Held>, Error> {
        let task = if may_ask { Task::Ask } else { Task::Renew };
        if let Some(place) = &asked.resource_metadata {
            self.slot().metadata = Some(place.clone());
        }
        let held = self.fly(refused, task, &fetch, asked).await?;
        held.ok_or_else(|| Error::new(ErrorKind::Rejected, "login gave no token"))
    }

    /// Waits for the single flight that performs the task, and starts it if there is none.
    ///
    /// It is driven by those that wait for it; it continues as long as one is left, or until its answer once it has
    /// requested tokens.
    async fn fly(
        self: &Arc<Self>,
        replaced: Option<&Arc<Held>>,
        task: Task,
        fetch: &(impl Fn() -> Fetch + Send),
        asked: &Asked,
    ) -> Outcome {
        let generation = replaced.map_or(0, |held| held.generation);
        loop {
            let (flight, is_ours) = {
                let mut flying = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
                {
                    let slot = self.slot();
                    let newer = slot.held.as_ref().filter(|held| held.generation > generation);
                    match newer {
                        Some(newer) => return Ok(Some(Arc::clone(newer))),
                        None if task == Task::Load && slot.loaded => return Ok(None),
                        None => {}
                    }
                }
                let other =
                    flying.as_ref().and_then(|(errand, weak)| Some((*errand, weak.upgrade()?)));
                match other.filter(|(_, flight)| flight.peek().is_none()) {
                    Some(((of, does), flight)) => (flight, of == generation && does >= task),
                    None => {
                        let flight = self.start(replaced.cloned(), task, fetch(), asked.clone());
                        *flying = flight.downgrade().map(|weak| ((generation, task), weak));
                        (flight, true)
                    }
                }
            };
            let outcome = flight.await;
            if is_ours {
                return outcome;
            }
        }
    }

    fn start(
        self: &Arc<Self>,
        replaced: Option<Arc<Held>>,
        task: Task,
        fetch: Fetch,
        asked: Asked,
    ) -> Shared<Flight> {
        let login = Arc::clone(self);
        let work = async move {
            let flow =
                Flow { login: &login, fetch: &fetch, replaced: replaced.as_deref(), asked: &asked };
            let gained = match task {
                Task::Load => flow.load().await,
                Task::Refresh => flow.refresh_in_time().await,
                Task::Renew => flow.renew(false).await,
                Task::Ask => flow.renew(true).await,
            };
            login.settle(gained)
        };
        // The receiver is code of the host and may panic; that ends this login and nothing else.
        let work = AssertUnwindSafe(work).catch_unwind().map(|outcome| {
            outcome.unwrap_or_else(|_| Err(Error::new(ErrorKind::Receiver, "login panicked")))
        });
        work.boxed().shared()
    }

    /// The flight is about to request what is issued only once: if the answer is lost, the refresh token may be
    /// worthless. So the connections drive it as well, as long as there is one.
    pub(super) fn no_return(&self) {
        let flying = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        let flight = flying.as_ref().and_then(|(_, flight)| flight.upgrade());
        drop(flying);
        flight.iter().for_each(|flight| self.finishers.give(flight));
    }

    /// Puts the tokens of a flight into use.
    fn settle(&self, gained: Result<Option<(Tokens, Origin)>, Error>) -> Outcome {
        let mut slot = self.slot();
        slot.loaded = true;
        let Some((tokens, origin)) = gained? else { return Ok(None) };
        let prover = match tokens.token_type {
            TokenType::Dpop => Some(self.prover(tokens.proof_key.as_ref())?),
            TokenType::Bearer => None,
        };
        slot.generation += 1;
        let held = Arc::new(Held::new(tokens, origin, slot.generation, prover)?);
        slot.quiet_until = None;
        slot.held = Some(Arc::clone(&held));
        Ok(Some(held))
    }

    /// Returns what signs proofs: with the key to which the tokens are bound, or the key for later tokens.
    pub(super) fn prover(&self, key: Option<&Secret>) -> Result<Arc<Prover>, Error> {
        let mut prover = self.prover.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*prover
            && key.is_none_or(|key| known.secret() == *key)
        {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(key.map_or_else(Prover::generate, Prover::from_secret)?);
        *prover = Some(Arc::clone(&made));
        Ok(made)
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("server", &self.key.server).finish_non_exhaustive()
    }
}

/// Returns the seconds since 1970.
pub(super) fn unix_time() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
