//! Over the pipes of a child process, without a library.

use super::read;
use crate::{
    measure::{Meter, Outcome},
    peer,
    plan::{Plan, Work},
    request::Template,
};
use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::json;
use std::{process::Stdio, time::Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// The pipes of a server, and what was read and not looked at.
pub struct Pipes {
    input: ChildStdin,
    output: ChildStdout,
    buffer: Vec<u8>,
    read: usize,
    next_id: u64,
    _child: Child,
}

impl Pipes {
    /// Starts the server and introduces itself.
    pub async fn open(plan: &Plan) -> Result<Self> {
        let (program, arguments) = peer::command(plan)?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the pipes of the server are missing");
        };
        let buffer = Vec::with_capacity(1 << 16);
        let mut pipes = Self { input, output, buffer, read: 0, next_id: 1, _child: child };
        pipes.introduce(plan).await?;
        Ok(pipes)
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
        self.request(template, &mut out);
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

    fn request(&mut self, template: &Template, out: &mut Vec<u8>) {
        template.write(self.next_id, out);
        out.push(b'\n');
        self.next_id += 1;
    }

    /// The next whole line.
    fn line(&mut self) -> Option<&[u8]> {
        let start = self.read;
        let end = memchr::memchr(b'\n', &self.buffer[start..])?;
        self.read += end + 1;
        Some(&self.buffer[start..start + end])
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
pub async fn run(plan: &Plan) -> Result<Outcome> {
    if plan.work == Work::Connect {
        return connect(plan).await;
    }
    let mut pipes = Pipes::open(plan).await?;
    let template = Template::of(plan)?;
    calls(&mut pipes, &template, plan, Meter::warm_up(plan)?).await?;
    calls(&mut pipes, &template, plan, Meter::start(plan)?).await
}

async fn connect(plan: &Plan) -> Result<Outcome> {
    let meter = Meter::start(plan)?;
    let (mut calls, mut times) = (0, Vec::new());
    while meter.goes_on(calls) {
        let start = Instant::now();
        let mut pipes = Pipes::open(plan).await?;
        pipes.call(&Template::of(plan)?, Work::Echo).await?;
        times.push(start.elapsed());
        calls += 1;
    }
    meter.outcome(calls, times)
}

async fn calls(
    pipes: &mut Pipes,
    template: &Template,
    plan: &Plan,
    meter: Meter,
) -> Result<Outcome> {
    if plan.in_flight > 1 {
        return many(pipes, template, plan, meter).await;
    }
    let (mut calls, mut times) = (0, Vec::new());
    if plan.calls.is_none() {
        times.reserve(1 << 20);
    }
    while meter.goes_on(calls) {
        let start = Instant::now();
        let mut cursor = pipes.call(template, plan.work).await?;
        while let Some(next) = cursor {
            let page = Template::new("tools/list", json!({"cursor": next}), plan)?;
            cursor = pipes.call(&page, plan.work).await?;
        }
        calls += 1;
        if times.len() < times.capacity() {
            times.push(start.elapsed());
        }
    }
    meter.outcome(calls, times)
}

/// Many calls in flight: each answer makes room for one more request, and all that a read brought leave together.
async fn many(
    pipes: &mut Pipes,
    template: &Template,
    plan: &Plan,
    meter: Meter,
) -> Result<Outcome> {
    let (mut begun, mut done) = (0, 0);
    let mut out = Vec::new();
    while begun < plan.in_flight && meter.goes_on(begun) {
        pipes.request(template, &mut out);
        begun += 1;
    }
    while done < begun {
        if !out.is_empty() {
            pipes.input.write_all(&out).await?;
            out.clear();
        }
        pipes.fill().await?;
        while let Some(line) = pipes.line() {
            read(plan.work, line)?;
            done += 1;
            if meter.goes_on(begun) {
                pipes.request(template, &mut out);
                begun += 1;
            }
        }
    }
    meter.outcome(done, Vec::new())
}
