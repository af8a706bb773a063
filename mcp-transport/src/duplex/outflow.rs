//! The sending side: what is being written right now.

use super::{outbox::Chunk, wire::Wire};
use crate::BoxError;
use std::{
    io,
    task::{Context, Poll, ready},
};

/// The lines taken from the outbox, and how much of them is written.
#[derive(Debug, Default)]
pub(super) struct Outflow {
    lines: Chunk,
    /// How much of the lines is written.
    position: usize,
    /// The offset after the last write.
    written: u64,
    unflushed: bool,
}

impl Outflow {
    /// Returns the offset before which everything is written that was not recalled.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Returns whether everything taken is written.
    pub(super) fn is_empty(&self) -> bool {
        self.position == self.lines.len()
    }

    /// Returns the chunk for the next lines, when all is written.
    pub(super) fn refill(&mut self) -> &mut Chunk {
        self.position = 0;
        &mut self.lines
    }

    /// Writes once.
    pub(super) fn poll_write(
        &mut self,
        wire: &mut impl Wire,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), BoxError>> {
        self.position = self.lines.skip_gaps(self.position);
        let count = ready!(wire.poll_write(cx, self.lines.next(self.position)))?;
        if count == 0 {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
        }
        self.position = self.lines.skip_gaps(self.position + count);
        self.written = self.lines.place(self.position);
        self.unflushed = true;
        if self.is_empty() {
            self.lines.clear();
            self.position = 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Flushes what was written.
    pub(super) fn poll_flush(
        &mut self,
        wire: &mut impl Wire,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), BoxError>> {
        if self.unflushed {
            ready!(wire.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes everything, and flushes it.
    pub(super) fn poll_all(
        &mut self,
        wire: &mut impl Wire,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), BoxError>> {
        while !self.is_empty() {
            ready!(self.poll_write(wire, cx))?;
        }
        self.poll_flush(wire, cx)
    }
}
