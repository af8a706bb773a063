//! Over a byte stream, the pipes of a child process or one in memory: a table of the calls that wait, and one task that writes
//! what they ask and reads what they are told, many at a time.

use super::{Bare, CallToolResult, Request, echo, ensure_small, initialize, meta, read};
use crate::{
    drive::Driver,
    in_memory, peer,
    plan::{Over, Plan, Work},
};
use anyhow::{Context as _, Result, anyhow};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use slab::Slab;
use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    mem,
    ops::Range,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    process::Child,
    sync::oneshot,
};

/// How much is written at a time.
const CHUNK: usize = 1 << 16;

/// How many calls may be in flight: the bits of an id that are the place in the table. Those above are never used again.
const PLACES: u32 = 20;

/// A message of the server's, of which nothing is read but its id; the rest is read where the call waits, who knows its type.
#[derive(Deserialize)]
struct Message {
    id: Option<u64>,
}

/// Who waits for a line.
type Answer = oneshot::Sender<Box<[u8]>>;

/// A connection. Dropping a call does not cancel it.
#[derive(Clone)]
pub struct Stream(Arc<Inner>);

struct Inner {
    shared: Arc<Mutex<Shared>>,
    meta: Option<Box<RawValue>>,
    _child: Option<Child>,
}

#[derive(Default)]
struct Shared {
    /// Requests that nobody has begun to write, a line each, in chunks.
    out: VecDeque<Vec<u8>>,
    spare: Vec<u8>,
    waiting: Slab<(u64, Answer)>,
    last: u64,
    /// The task that writes, while it has nothing to write.
    writer: Option<Waker>,
}

impl Driver for Stream {
    async fn connect(plan: Plan) -> Result<Self> {
        let shared = Arc::default();
        let child = if plan.over == Over::Memory {
            let (output, input) = tokio::io::split(in_memory::start(plan.modern));
            Wire::start(Arc::clone(&shared), output, input);
            None
        } else {
            let (child, input, output) = peer::spawn(&plan)?;
            Wire::start(Arc::clone(&shared), output, input);
            Some(child)
        };
        let this = Self(Arc::new(Inner { shared, meta: meta(plan.modern)?, _child: child }));
        match this.meta() {
            None => this.call::<_, Box<RawValue>>("initialize", initialize()).await?,
            meta => this.call("server/discover", Bare { meta }).await?,
        };
        Ok(this)
    }

    async fn call(&self, work: Work) -> Result<()> {
        ensure_small(work)?;
        let result: CallToolResult = self.call("tools/call", echo(self.meta())).await?;
        result.check()
    }
}

impl Stream {
    fn meta(&self) -> Option<&RawValue> {
        self.0.meta.as_deref()
    }

    async fn call<P: Serialize, R: DeserializeOwned>(&self, method: &str, params: P) -> Result<R> {
        let (answer, answered) = oneshot::channel();
        let id = lock(&self.0.shared).ask(method, params, answer)?;
        read(&answered.await.context("the server ended")?, id)
    }
}

impl Shared {
    fn ask<P: Serialize>(&mut self, method: &str, params: P, answer: Answer) -> Result<u64> {
        let place = self.waiting.vacant_entry();
        self.last += 1;
        let id = self.last << PLACES | place.key() as u64;
        if self.out.back().is_none_or(|chunk| chunk.len() >= CHUNK) {
            self.out.push_back(mem::take(&mut self.spare));
        }
        let out = self.out.back_mut().context("there is a chunk")?;
        serde_json::to_writer(&mut *out, &Request { jsonrpc: "2.0", id, method, params })?;
        out.push(b'\n');
        place.insert((id, answer));
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
        Ok(id)
    }

    /// Takes what is to be written next, and gives the room of what was; false if there is nothing yet.
    fn next(&mut self, writing: &mut Vec<u8>, cx: &Context<'_>) -> bool {
        let Some(next) = self.out.pop_front() else {
            self.writer = Some(cx.waker().clone());
            return false;
        };
        self.spare = mem::replace(writing, next);
        true
    }

    /// Who waits for the answer with this id.
    fn answered(&mut self, id: u64) -> Option<Answer> {
        let place = (id & ((1 << PLACES) - 1)) as usize;
        let (known, _) = self.waiting.get(place)?;
        (*known == id).then(|| self.waiting.remove(place).1)
    }
}

/// The two directions to a server, with what is being written and what was read.
struct Wire<R, W> {
    shared: Arc<Mutex<Shared>>,
    output: R,
    input: W,
    writing: Vec<u8>,
    written: usize,
    buffer: Vec<u8>,
    lines: Vec<(u64, Range<usize>)>,
    answers: Vec<(Answer, Range<usize>)>,
}

impl<R, W> Wire<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    /// Runs in a task of its own; when that ends, those who wait are told.
    fn start(shared: Arc<Mutex<Shared>>, output: R, input: W) {
        let buffer = Vec::with_capacity(1 << 16);
        let (writing, written) = (Vec::new(), 0);
        let (lines, answers) = (Vec::new(), Vec::new());
        let mut wire = Self { shared, output, input, writing, written, buffer, lines, answers };
        tokio::spawn(async move {
            let ended = poll_fn(|cx| wire.poll(cx)).await;
            lock(&wire.shared).waiting.clear();
            ended
        });
    }

    /// Writes and reads, and waits for neither alone.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            self.write(cx)?;
            ready!(self.poll_read(cx))?;
        }
    }

    /// Writes all that there is, or as much as is taken.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<()> {
        loop {
            if self.written == self.writing.len() {
                self.written = 0;
                self.writing.clear();
                if !lock(&self.shared).next(&mut self.writing, cx) {
                    return Ok(());
                }
            }
            let rest = &self.writing[self.written..];
            match Pin::new(&mut self.input).poll_write(cx, rest) {
                Poll::Ready(count) => self.written += count?,
                Poll::Pending => return Ok(()),
            }
        }
    }

    /// Reads once, and tells those who wait.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if ready!(pin!(self.output.read_buf(&mut self.buffer)).poll(cx))? == 0 {
            return Poll::Ready(Err(anyhow!("the server ended")));
        }
        let mut read = 0;
        while let Some(end) = memchr::memchr(b'\n', &self.buffer[read..]) {
            let line = read..read + end;
            read += end + 1;
            self.lines.extend(id(&self.buffer[line.clone()])?.map(|id| (id, line)));
        }
        let mut shared = lock(&self.shared);
        for (id, line) in self.lines.drain(..) {
            self.answers.extend(shared.answered(id).map(|answer| (answer, line)));
        }
        drop(shared);
        for (answer, line) in self.answers.drain(..) {
            // Whoever asked may have gone.
            let _ = answer.send(self.buffer[line].into());
        }
        self.buffer.drain(..read);
        Poll::Ready(Ok(()))
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The id of a response: where servers write it, or wherever it is.
fn id(line: &[u8]) -> Result<Option<u64>> {
    let rest = line.strip_prefix(br#"{"jsonrpc":"2.0","id":"#);
    let digits = rest.and_then(|rest| rest.split(|byte| !byte.is_ascii_digit()).next());
    match digits.and_then(|digits| str::from_utf8(digits).ok()?.parse().ok()) {
        Some(id) => Ok(Some(id)),
        None => Ok(serde_json::from_slice::<Message>(line)?.id),
    }
}
