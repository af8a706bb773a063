//! Cancelling calls by request id.

use crate::Client;
use mcp_session::{Call, Cancellation, OnRequestId};
use mcp_types::RequestId;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

impl Client {
    /// Cancels a call by the id of its request, as reported by
    /// [`Operation::on_request_id`](crate::Operation::on_request_id).
    ///
    /// Whoever waits for the call gets [`Error::Cancelled`](crate::Error::Cancelled) at once, and the server is told as
    /// if the call had been dropped. Returns `false`, and does nothing, if no such call is in flight. To cancel calls
    /// without knowing ids, use [`Operation::cancel_with`](crate::Operation::cancel_with).
    ///
    /// ```no_run
    /// # async fn example(client: &mcp_client::Client) -> Result<(), mcp_client::Error> {
    /// use std::sync::{Arc, OnceLock};
    ///
    /// let sent_as = Arc::new(OnceLock::new());
    /// let told = Arc::clone(&sent_as);
    /// let call = client.call_tool("slow").on_request_id(move |id| drop(told.set(id.clone())));
    /// let stop = async {
    ///     // Later, when somebody has had enough of it:
    ///     if let Some(id) = sent_as.get() {
    ///         client.cancel(id, Some("the window was closed"));
    ///     }
    /// };
    /// # let _ = (call, stop);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/cancellation).
    // spec: CAN-01 CAN-05
    pub fn cancel(&self, id: &RequestId, reason: Option<&str>) -> bool {
        let cancellation = self.in_flight().lock().calls.get(id).map(|(_, known)| known.clone());
        let Some(cancellation) = cancellation else { return false };
        match reason {
            Some(reason) => cancellation.cancel_because(reason),
            None => cancellation.cancel(),
        }
        true
    }
}

/// The calls in flight whose ids someone knows.
#[derive(Default)]
pub(crate) struct InFlight {
    table: Mutex<Table>,
    watches: AtomicU64,
}

#[derive(Default)]
struct Table {
    /// By the ids of their requests.
    calls: HashMap<RequestId, (u64, Cancellation)>,
    /// The ids of the requests of each watch.
    ids: HashMap<u64, Vec<RequestId>>,
}

impl Table {
    fn insert(&mut self, id: &RequestId, number: u64, cancellation: Cancellation) {
        self.calls.insert(id.clone(), (number, cancellation));
        self.ids.entry(number).or_default().push(id.clone());
    }

    fn forget(&mut self, number: u64) {
        for id in self.ids.remove(&number).into_iter().flatten() {
            // Another session may have reused an id: remove only what belongs to this call.
            if self.calls.get(&id).is_some_and(|(of, _)| *of == number) {
                self.calls.remove(&id);
            }
        }
    }
}

impl InFlight {
    /// Tracks the requests of a call for as long as the watch exists.
    pub(crate) fn watch(self: &Arc<Self>, call: Call, told: OnRequestId) -> (Call, Box<Watch>) {
        let number = self.watches.fetch_add(1, Ordering::Relaxed);
        let own = call.extensions.get::<Cancellation>().cloned();
        let cancellation = own.unwrap_or_default();
        let watch = Box::new(Watch { number, in_flight: Arc::clone(self) });
        let (in_flight, known) = (Arc::clone(self), cancellation.clone());
        let listener = OnRequestId::new(move |id| {
            in_flight.lock().insert(id, number, known.clone());
            told.tell(id);
        });
        (call.with_extension(cancellation).with_extension(listener), watch)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call in flight; its requests are forgotten when it is dropped.
pub(crate) struct Watch {
    number: u64,
    in_flight: Arc<InFlight>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.in_flight.lock().forget(self.number);
    }
}
