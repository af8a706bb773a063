//! Questions of a legacy server that are being answered, and their cancellation.

use crate::{Peer, member::optional};
use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use mcp_types::{RequestId, rpc::Notification};
use std::{
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A `notifications/cancelled` from the server: the request that it cancels, and why.
pub(crate) struct Cancelled {
    pub(crate) request_id: RequestId,
    pub(crate) reason: Option<String>,
}

impl Cancelled {
    /// Decodes a notification, if it is of this kind and well-formed.
    pub(crate) fn of(notification: &Notification) -> Option<Self> {
        if notification.method != "notifications/cancelled" {
            return None;
        }
        let params = notification.params.as_ref()?;
        let request_id = optional(params, "requestId").ok()??;
        Some(Self { request_id, reason: optional(params, "reason").ok()? })
    }
}

/// The questions of a session that are being answered, however they arrived: over HTTP, a server may cancel one on
/// another stream than it asked on.
#[derive(Default)]
pub(crate) struct OpenQuestions(Mutex<Entries>);

/// Bounded by the number of concurrent answers.
#[derive(Default)]
struct Entries {
    next: u64,
    // A list, because an id occurs twice if the server reuses it.
    running: Vec<(u64, RequestId, AbortHandle)>,
}

impl OpenQuestions {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Nothing panics while holding the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, id: RequestId, handle: AbortHandle) -> u64 {
        let mut entries = self.lock();
        let number = entries.next;
        entries.next += 1;
        entries.running.push((number, id, handle));
        number
    }

    fn remove(&self, is: impl Fn(u64, &RequestId) -> bool) -> Option<AbortHandle> {
        let running = &mut self.lock().running;
        let at = running.iter().position(|(number, id, _)| is(*number, id))?;
        Some(running.swap_remove(at).2)
    }
}

/// Removes its entry when the answer is dropped.
struct Listed {
    peer: Peer,
    number: u64,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.peer.asked().remove(|number, _| number == self.number);
    }
}

impl Peer {
    /// Answers a question, unless the server cancels it.
    ///
    /// A stopped answer is not sent: the server has said that it does not want it.
    pub(crate) fn answering(
        &self,
        id: RequestId,
        answer: impl Future<Output = ()> + Send + 'static,
    ) -> BoxFuture<'static, ()> {
        let (handle, registration) = AbortHandle::new_pair();
        let listed = Listed { peer: self.clone(), number: self.asked().add(id, handle) };
        Box::pin(async move {
            let _listed = listed;
            let _ = Abortable::new(answer, registration).await;
        })
    }

    /// Stops the answer to a question that the server cancels; returns whether there is one.
    // spec: CAN-09 CAN-11 CAN-13
    pub(crate) fn give_up(&self, notification: &Notification) -> bool {
        let Some(Cancelled { request_id: id, reason }) = Cancelled::of(notification) else {
            return false;
        };
        let Some(handle) = self.asked().remove(|_, asked| *asked == id) else { return false };
        tracing::debug!(%id, reason, "the server gave its question up");
        handle.abort();
        true
    }
}
