//! What the handles and the driver of a connection share.

use super::{
    Limits,
    call::{CallReplies, Slot},
    exchange::{Exchange, Outgoing, settle},
};
use crate::{Error, Replies};
use mcp_types::rpc::Message;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
};

/// Keeps the connection open: the last one to go lets the driver end.
#[derive(Debug)]
pub(super) struct Handle(Arc<Shared>);

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Exchange> {
        self.0.lock()
    }

    /// Queues a message, and gives the replies to it.
    pub(super) fn send(
        self: &Arc<Self>,
        mut exchange: MutexGuard<'_, Exchange>,
        message: &Message,
    ) -> Result<Replies, Error> {
        let slot = exchange.send(message)?;
        settle(exchange);
        Ok(match slot {
            Some(slot) => Replies::of_call(CallReplies::new(slot, Arc::clone(self))),
            None => Replies::empty(),
        })
    }

    pub(super) fn abandon(&self, slot: &Slot) {
        self.0.abandon(slot);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut exchange = self.0.lock();
        exchange.release();
        settle(exchange);
    }
}

/// What the handles and the driver share.
#[derive(Debug)]
pub(super) struct Shared {
    exchange: Mutex<Exchange>,
    pub(super) limits: Limits,
}

impl Shared {
    pub(super) fn new(limits: Limits) -> Self {
        Self { exchange: Mutex::new(Exchange::new(limits)), limits }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn abandon(&self, slot: &Slot) {
        let mut exchange = self.lock();
        exchange.abandon(slot);
        settle(exchange);
    }

    pub(super) fn poll_outgoing(&self, buffer: &mut Vec<u8>, cx: &Context<'_>) -> Outgoing {
        let mut exchange = self.lock();
        let outgoing = exchange.poll_outgoing(buffer, cx.waker());
        settle(exchange);
        outgoing
    }

    pub(super) fn is_released(&self) -> bool {
        self.lock().is_released()
    }

    #[cfg(any(feature = "socket", feature = "stdio"))]
    pub(super) fn poll_released(&self, cx: &Context<'_>) -> bool {
        self.lock().poll_released(cx.waker())
    }

    pub(super) fn close(&self, error: &Error, written: u64) {
        let (failed, wakers) = self.lock().close(error, written);
        failed.into_iter().for_each(|(slot, error)| slot.finish(Err(error)));
        wakers.into_iter().for_each(Waker::wake);
    }
}
