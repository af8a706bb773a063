//! A circuit breaker for servers that keep failing.

mod circuit;

use crate::{Call, CallService, Error, Reply, tool_name::tool_name};
use circuit::{Circuit, Ticket};
use futures_util::future::{BoxFuture, ready};
use mcp_transport::BoxError;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

/// The maximum number of circuits; calls beyond it have none.
const MAX_CIRCUITS: usize = 1_024;

/// When a circuit opens, and for how long; every field has a default.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CircuitOptions {
    /// The time over which failures are counted. Default: 30 s.
    pub window: Duration,
    /// How many calls must have ended within the window before their failures count. Default: 10.
    pub min_calls: u32,
    /// The ratio of failed calls at which the circuit opens, from 0 to 1. Default: 0.5.
    pub failure_ratio: f64,
    /// How long a circuit stays open before a trial call is let through. Default: 15 s.
    pub open_for: Duration,
}

impl Default for CircuitOptions {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            min_calls: 10,
            failure_ratio: 0.5,
            open_for: Duration::from_secs(15),
        }
    }
}

/// A circuit breaker: fails calls at once while similar calls keep failing.
///
/// On the wire: nothing for a call that is held back, which fails with [`Error::CircuitOpen`]. Each tool, and each
/// other method, has a circuit of its own. It opens when too many calls failed in transport, with an HTTP status of
/// 5xx, or at a deadline; JSON-RPC errors and `isError` count as answers. After a while a single trial call is let
/// through: if it is answered, the circuit closes, and otherwise it stays open for as long again.
///
/// Belongs outside [`Deadline`](crate::Deadline) and [`Retry`](crate::Retry).
///
/// # Cancel safety
///
/// A call that is dropped is not counted.
#[derive(Clone, Debug)]
pub struct CircuitBreak<S> {
    inner: S,
    circuits: Arc<Circuits>,
}

/// Makes [`CircuitBreak`] services, each with its own circuits.
#[derive(Clone, Copy, Debug, Default)]
pub struct CircuitBreakLayer(CircuitOptions);

impl CircuitBreakLayer {
    /// A layer with these options.
    pub fn new(options: CircuitOptions) -> Self {
        Self(options)
    }
}

impl<S> Layer<S> for CircuitBreakLayer {
    type Service = CircuitBreak<S>;

    fn layer(&self, inner: S) -> CircuitBreak<S> {
        let circuits = Circuits { options: self.0, by_key: Mutex::default() };
        CircuitBreak { inner, circuits: Arc::new(circuits) }
    }
}

impl<S: CallService> Service<Call> for CircuitBreak<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let pass = match Circuits::enter(&self.circuits, &call) {
            Ok(pass) => pass,
            Err(error) => return Box::pin(ready(Err(error.into()))),
        };
        let reply = self.inner.call(call);
        Box::pin(async move {
            let outcome = reply.await;
            if let Some(pass) = pass {
                pass.end(is_success(&outcome));
            }
            outcome
        })
    }
}

/// Whether the server is available; `None` if the outcome does not tell.
fn is_success(outcome: &Result<Reply, BoxError>) -> Option<bool> {
    let Err(error) = outcome else { return Some(true) };
    if let Some(error) = Error::transport_of(error) {
        return match error.status() {
            Some(status) => Some(!status.is_server_error()),
            None if error.is_too_large() || error.is_overflow() => None,
            None => Some(false),
        };
    }
    match error.downcast_ref::<Error>()? {
        Error::Timeout { .. } => Some(false),
        Error::Rpc { .. } => Some(true),
        _ => None,
    }
}

#[derive(Debug)]
struct Circuits {
    options: CircuitOptions,
    by_key: Mutex<HashMap<Box<str>, Circuit>>,
}

impl Circuits {
    /// Admits a call, or returns an error if the circuit is open.
    fn enter(this: &Arc<Self>, call: &Call) -> Result<Option<Pass>, Error> {
        let tool = tool_name(call);
        let key: Box<str> = match &tool {
            Some(tool) => format!("{} {tool}", call.method).into(),
            None => (*call.method).into(),
        };
        let mut circuits = this.lock();
        if circuits.len() >= MAX_CIRCUITS && !circuits.contains_key(&key) {
            circuits.retain(|_, circuit| !circuit.is_closed());
            if circuits.len() >= MAX_CIRCUITS {
                return Ok(None);
            }
        }
        let circuit = circuits.entry(key.clone()).or_default();
        match circuit.enter(&this.options, Instant::now()) {
            Ok(ticket) => Ok(Some(Pass { circuits: Arc::clone(this), key, ticket: Some(ticket) })),
            Err(retry_in) => Err(Error::CircuitOpen { method: (*call.method).into(), retry_in }),
        }
    }

    fn leave(&self, key: &str, ticket: Ticket, outcome: Option<bool>) {
        if let Some(circuit) = self.lock().get_mut(key) {
            circuit.leave(&self.options, ticket, outcome, Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Circuit>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An admitted call; if dropped early, it does not count.
struct Pass {
    circuits: Arc<Circuits>,
    key: Box<str>,
    ticket: Option<Ticket>,
}

impl Pass {
    fn end(mut self, outcome: Option<bool>) {
        if let Some(ticket) = self.ticket.take() {
            self.circuits.leave(&self.key, ticket, outcome);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.circuits.leave(&self.key, ticket, None);
        }
    }
}
