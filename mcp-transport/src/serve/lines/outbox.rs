//! The bytes that wait for the client to read them.

use crate::serve::encode::one_line;
use mcp_types::rpc::Message;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::AsyncWrite;

/// The size above which an empty buffer is released.
const KEPT: usize = 256 * 1024;

/// Whole lines, the first of which may be partly written.
#[derive(Debug)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// How many of `bytes` are written.
    position: usize,
    unflushed: bool,
    limit: usize,
    /// How many of `bytes` belong to refusals, at most.
    refusals: usize,
}

impl Outbox {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), position: 0, unflushed: false, limit, refusals: 0 }
    }

    /// Returns whether another message may be added. It may exceed the limit, so that a message of any size can be
    /// sent.
    pub(super) fn has_room(&self) -> bool {
        self.bytes.len() < self.limit
    }

    pub(super) fn is_full_of_refusals(&self) -> bool {
        self.refusals >= self.limit
    }

    /// Returns whether everything is written and flushed.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.unflushed
    }

    /// Adds a message as one line.
    pub(super) fn push(&mut self, message: &Message) {
        one_line(message, &mut self.bytes);
        self.bytes.push(b'\n');
    }

    /// Adds a refusal, which only the client has caused.
    pub(super) fn refuse(&mut self, message: &Message) {
        let before = self.bytes.len();
        self.push(message);
        self.refusals += self.bytes.len() - before;
    }

    /// Writes once; pending if there is nothing to write, or if the client does not read.
    pub(super) fn poll_write(
        &mut self,
        mut io: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() {
            if self.unflushed {
                ready!(io.as_mut().poll_flush(cx))?;
                self.unflushed = false;
                return Poll::Ready(Ok(()));
            }
            return Poll::Pending;
        }
        let count = ready!(io.as_mut().poll_write(cx, &self.bytes[self.position..]))?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.position += count;
        self.unflushed = true;
        if self.position == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
            self.position = 0;
            self.refusals = 0;
        }
        Poll::Ready(Ok(()))
    }
}
