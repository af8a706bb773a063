//! Over a byte stream, without a library: the pipes of a child process, or one in memory.

use super::read;
use crate::{
    in_memory,
    measure::{Meter, Outcome},
    peer,
    plan::{Over, Plan, Work},
    request::Template,
};
use anyhow::{Result, anyhow, bail};
use serde::Deserialize;
use serde_json::json;
use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Instant,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    process::{Child, ChildStdin, ChildStdout},
};

/// The two directions to a server, and what was read and not looked at.
pub struct Stream<R, W> {
    input: W,
    output: R,
    buffer: Vec<u8>,
    read: usize,
    next_id: u64,
    _child: Option<Child>,
}

impl Stream<ChildStdout, ChildStdin> {
    /// Starts the server and introduces itself.
    pub async fn spawn(plan: &Plan) -> Result<Self> {
        let (child, input, output) = peer::spawn(plan)?;
        Self::open(plan, output, input, Some(child)).await
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Stream<R, W> {
    async fn open(plan: &Plan, output: R, input: W, child: Option<Child>) -> Result<Self> {
        let buffer = Vec::with_capacity(1 << 16);
        let mut stream = Self { input, output, buffer, read: 0, next_id: 1, _child: child };
        stream.introduce(plan).await?;
        Ok(stream)
    }

    async fn introduce(&mut self, plan: &Plan) -> Result<()> {
        if plan.modern {
            let template = Template::new("server/discover", json!({}), plan)?;
            return self.call(&template, Work::Echo).await.map(drop);
        }
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        });
        self.call(&Template::new("initialize", params, plan)?, Work::Echo).await?;
        let initialized = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        self.input.write_all(initialized).await?;
        Ok(self.input.write_all(b"\n").await?)
    }

    /// One call and nothing else; gives the cursor of the next page.
    pub async fn call(&mut self, template: &Template, work: Work) -> Result<Option<String>> {
        let mut out = Vec::with_capacity(512);
        self.request(template, &mut out)?;
        self.input.write_all(&out).await?;
        loop {
            while let Some(line) = self.line() {
                if !is_notification(line) {
                    return read(work, line);
                }
                serde_json::from_slice::<Told>(line)?;
            }
            self.fill().await?;
        }
    }

    fn request(&mut self, template: &Template, out: &mut Vec<u8>) -> Result<()> {
        template.write(self.next_id, out)?;
        out.push(b'\n');
        self.next_id += 1;
        Ok(())
    }

    /// The next whole line.
    fn line(&mut self) -> Option<&[u8]> {
        let start = self.read;
        let end = memchr::memchr(b'\n', &self.buffer[start..])?;
        self.read += end + 1;
        Some(&self.buffer[start..start + end])
    }

    /// Writes some of this and reads what there is, and waits for neither alone: the server may have to be read first.
    async fn exchange(&mut self, out: &[u8]) -> Result<usize> {
        self.buffer.drain(..self.read);
        self.read = 0;
        let Self { input, output, buffer, .. } = self;
        poll_fn(|cx| {
            let mut written = 0;
            if !out.is_empty()
                && let Poll::Ready(count) = Pin::new(&mut *input).poll_write(cx, out)
            {
                written = count?;
            }
            match pin!(output.read_buf(buffer)).poll(cx) {
                Poll::Ready(Ok(0)) => Poll::Ready(Err(anyhow!("the server ended"))),
                Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
                Poll::Ready(Ok(_)) => Poll::Ready(Ok(written)),
                Poll::Pending if written > 0 => Poll::Ready(Ok(written)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    async fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.read);
        self.read = 0;
        match self.output.read_buf(&mut self.buffer).await? {
            0 => bail!("the server ended"),
            _ => Ok(()),
        }
    }
}

/// A notification of progress, read.
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "params")]
    _params: Progress,
}

#[derive(Deserialize)]
struct Progress {
    #[serde(rename = "progress")]
    _progress: f64,
}

fn is_notification(line: &[u8]) -> bool {
    line.starts_with(br#"{"jsonrpc":"2.0","method""#)
}

/// Runs a plan.
pub async fn run(plan: Plan) -> Result<Outcome> {
    let plan = &plan;
    match (plan.work, plan.over) {
        (Work::Connect, _) => connect(plan).await,
        (Work::Idle, _) => idle(plan).await,
        (_, Over::Memory) => {
            let (output, input) = tokio::io::split(in_memory::start(plan.modern));
            measure(Stream::open(plan, output, input, None).await?, plan).await
        }
        _ => measure(Stream::spawn(plan).await?, plan).await,
    }
}

async fn measure<R, W>(mut stream: Stream<R, W>, plan: &Plan) -> Result<Outcome>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let template = Template::of(plan)?;
    stream.calls(&template, plan, Meter::warm_up(plan)?).await?;
    stream.calls(&template, plan, Meter::start(plan)?).await
}

async fn connect(plan: &Plan) -> Result<Outcome> {
    let meter = Meter::start(plan)?;
    let (mut calls, mut times) = (0, Vec::new());
    while meter.goes_on(calls) {
        let start = Instant::now();
        let mut stream = Stream::spawn(plan).await?;
        stream.call(&Template::of(plan)?, Work::Echo).await?;
        times.push(start.elapsed());
        calls += 1;
    }
    meter.outcome(calls, times)
}

/// Opens sessions and leaves them idle.
async fn idle(plan: &Plan) -> Result<Outcome> {
    let first = Stream::spawn(plan).await?;
    let meter = Meter::start(plan)?;
    let mut sessions = vec![first];
    for _ in 0..plan.in_flight {
        let mut session = Stream::spawn(plan).await?;
        session.call(&Template::of(plan)?, Work::Echo).await?;
        sessions.push(session);
    }
    meter.outcome(plan.in_flight, Vec::new())
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Stream<R, W> {
    async fn calls(&mut self, template: &Template, plan: &Plan, meter: Meter) -> Result<Outcome> {
        if plan.in_flight > 1 {
            return self.many(template, plan, meter).await;
        }
        let (mut calls, mut times) = (0, Vec::new());
        if plan.calls.is_none() {
            times.reserve(1 << 20);
        }
        while meter.goes_on(calls) {
            let start = Instant::now();
            let mut cursor = self.call(template, plan.work).await?;
            while let Some(next) = cursor {
                let page = Template::new("tools/list", json!({"cursor": next}), plan)?;
                cursor = self.call(&page, plan.work).await?;
            }
            calls += 1;
            if times.len() < times.capacity() {
                times.push(start.elapsed());
            }
        }
        meter.outcome(calls, times)
    }

    /// Many calls in flight: each answer makes room for one more request, and all that a read brought leave together.
    async fn many(&mut self, template: &Template, plan: &Plan, meter: Meter) -> Result<Outcome> {
        let (mut begun, mut done) = (0, 0);
        let (mut out, mut next) = (Vec::new(), Vec::new());
        while begun < plan.in_flight && meter.goes_on(begun) {
            self.request(template, &mut out)?;
            begun += 1;
        }
        let mut written = 0;
        while done < begun {
            written += self.exchange(&out[written..]).await?;
            while let Some(line) = self.line() {
                read(plan.work, line)?;
                done += 1;
                if meter.goes_on(begun) {
                    self.request(template, &mut next)?;
                    begun += 1;
                }
            }
            if written == out.len() {
                out.clear();
                (out, next, written) = (next, out, 0);
            }
        }
        meter.outcome(done, Vec::new())
    }
}
