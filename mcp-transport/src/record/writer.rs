//! Writing entries to a file.

use super::{
    entry::{Entry, Event},
    format,
};
use crate::{Delivery, Driver, Error, error::Kind};
use std::{
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// The limits of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many bytes may wait to be written, or a [`Tape`](super::Tape) may hold. Further entries are dropped, and an
    /// entry says how many. Default: 16 MiB.
    pub buffer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { buffer_bytes: 16 * 1024 * 1024 }
    }
}

/// Writes a transcript to `io`: returns the closure for [`Record::new`](super::Record::new), and the driver that does
/// the writing.
///
/// The closure never blocks. The driver ends when the last clone of the closure is gone and everything is written, or
/// with an error when writing fails; calls then go on unrecorded.
///
/// ```
/// # async fn example(server: impl mcp_transport::Connector) -> std::io::Result<()> {
/// use mcp_transport::record::{self, Record};
///
/// let file = tokio::fs::File::create("session.jsonl").await?;
/// let (sink, writing) = record::writer(file, record::Limits::default());
/// let writing = tokio::spawn(writing);
/// let recorded = Record::new(server, sink);
/// # drop((recorded, writing));
/// # Ok(())
/// # }
/// ```
pub fn writer<W>(io: W, limits: Limits) -> (impl Fn(Entry) + Clone + Send + Sync + 'static, Driver)
where
    W: AsyncWrite + Send + 'static,
{
    let queue = Arc::new(Mutex::new(Queue {
        lines: format::header() + "\n",
        lost: Lost { count: 0, at: Duration::ZERO },
        end: None,
        waker: None,
    }));
    let writing = write(io, Reader(Arc::clone(&queue)));
    let source = Arc::new(Source(queue));
    let sink = move |entry: Entry| source.push(&entry, limits.buffer_bytes);
    (sink, Driver::new(writing))
}

type Shared = Arc<Mutex<Queue>>;

/// The lines that wait to be written.
struct Queue {
    lines: String,
    lost: Lost,
    end: Option<End>,
    waker: Option<Waker>,
}

/// The entries that were dropped for lack of space since the last one that was not.
struct Lost {
    count: u64,
    at: Duration,
}

#[derive(PartialEq)]
enum End {
    /// No more entries will come.
    OfEntries,
    /// Nothing more will be written.
    OfWriting,
}

impl Queue {
    /// Adds an entry about lost entries, if there are any.
    fn confess(&mut self) {
        if self.lost.count > 0 {
            let entry = Entry::new(self.lost.at, 0, Event::Lost { count: self.lost.count });
            self.lines.push_str(&format::line(&entry));
            self.lines.push('\n');
            self.lost.count = 0;
        }
    }
}

/// The side that adds entries. Dropping the last one lets the driver end.
struct Source(Shared);

impl Source {
    fn push(&self, entry: &Entry, limit: usize) {
        // Encoded outside of the lock, so that a large message does not block others.
        let line = format::line(entry);
        let mut queue = lock(&self.0);
        if queue.end.is_some() {
            return;
        }
        if queue.lines.len() + line.len() > limit {
            queue.lost.count += 1;
            queue.lost.at = entry.at;
            return;
        }
        queue.confess();
        queue.lines.push_str(&line);
        queue.lines.push('\n');
        wake(queue);
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let mut queue = lock(&self.0);
        queue.confess();
        queue.end.get_or_insert(End::OfEntries);
        wake(queue);
    }
}

/// The side that takes entries. Without it none are kept.
struct Reader(Shared);

impl Reader {
    /// Returns all waiting lines; none at the end.
    fn poll_lines(&self, cx: &Context<'_>) -> Poll<Option<String>> {
        let mut queue = lock(&self.0);
        if !queue.lines.is_empty() {
            return Poll::Ready(Some(std::mem::take(&mut queue.lines)));
        }
        if queue.end.is_some() {
            return Poll::Ready(None);
        }
        queue.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut queue = lock(&self.0);
        queue.end = Some(End::OfWriting);
        queue.lines = String::new();
    }
}

async fn write<W: AsyncWrite>(io: W, reader: Reader) -> Result<(), Error> {
    let mut io = std::pin::pin!(io);
    while let Some(lines) = poll_fn(|cx| reader.poll_lines(cx)).await {
        io.write_all(lines.as_bytes()).await.map_err(failed)?;
        io.flush().await.map_err(failed)?;
    }
    io.shutdown().await.map_err(failed)
}

fn failed(source: std::io::Error) -> Error {
    Error::new(Kind::Io, Delivery::Unknown, "cannot write the transcript").with_source(source)
}

fn lock(queue: &Shared) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(mut queue: MutexGuard<'_, Queue>) {
    let waker = queue.waker.take();
    drop(queue);
    if let Some(waker) = waker {
        waker.wake();
    }
}
