//! Child processes: shell and Python scripts, well-behaved and not.
#![cfg(unix)]

mod end;
mod hostile;
mod launch;
mod leaks;
mod shutdown;
mod stderr;

use conformance::script::{Background, deadline};
use futures_util::StreamExt;
use mcp_transport::{
    Arrival, ClientMessage, Connector, Error, Replies, Unsolicited, duplex::Multiplex,
    stdio::Command,
};
use mcp_types::rpc::{Message, Request, Response};
use serde_json::Value;
use std::{fs, time::Duration};
use tower::Service;

/// The prelude of a Python server: `answer(result)` reads one request and answers it, `say(value)` sends a
/// notification.
const PRELUDE: &str = r#"
import json, os, signal, subprocess, sys, time

def receive():
    line = sys.stdin.readline()
    return json.loads(line) if line else None

def send(message):
    sys.stdout.write(json.dumps(dict(message, jsonrpc="2.0")) + "\n")
    sys.stdout.flush()

def answer(result):
    request = receive()
    send({"id": request["id"], "result": result})

def say(method, **params):
    send({"method": method, "params": params})

def serve():
    while receive_and_answer():
        pass

def receive_and_answer():
    request = receive()
    if request and "id" in request:
        send({"id": request["id"], "result": request.get("params", {})})
    return request
"#;

/// A server in Python.
fn python(script: &str) -> Command {
    Command::new("python3").args(["-u", "-c", &format!("{PRELUDE}\n{script}")])
}

/// A server in shell.
fn sh(script: &str) -> Command {
    Command::new("/bin/sh").args(["-c", script])
}

/// A connection to a child.
struct Child {
    client: Multiplex,
    unsolicited: Unsolicited,
    driver: Background<Result<(), Error>>,
}

impl Child {
    async fn start(command: Command) -> Self {
        let link = deadline(command.connect()).await.unwrap();
        let driver = Background::run(link.driver);
        Self { client: link.transport, unsolicited: link.unsolicited, driver }
    }

    async fn open(&self, id: i64) -> Replies {
        let message = ClientMessage::new(Request::new(id, "a"));
        deadline(self.client.clone().call(message)).await.unwrap()
    }

    async fn call(&self, id: i64) -> Value {
        let mut replies = self.open(id).await;
        match deadline(replies.next()).await {
            Some(Ok(Message::Response(Response { outcome: Ok(result), .. }))) => {
                result.decode().unwrap()
            }
            other => panic!("{other:?} instead of a result"),
        }
    }

    /// Returns the parameters of the next notification of the child.
    async fn told(&mut self) -> Value {
        match deadline(self.unsolicited.next()).await {
            Some(Arrival::Message(Message::Notification(it))) => {
                it.params.unwrap().decode().unwrap()
            }
            other => panic!("{other:?} instead of a notification"),
        }
    }

    /// Returns the process id that the child reports.
    async fn pid(&mut self) -> u64 {
        self.told().await["pid"].as_u64().unwrap()
    }

    /// Drops everything that holds the connection, and waits for its end.
    async fn close(self) -> Result<(), Error> {
        let Self { client, unsolicited, mut driver } = self;
        drop((client, unsolicited));
        driver.end().await
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn runtime_of_threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn failure(mut replies: Replies) -> Error {
    deadline(replies.next()).await.expect("a failure").expect_err("a failure")
}

/// Returns whether a process exists and is not a zombie.
fn is_running(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may contain anything; the state follows it.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Waits until a process is gone.
async fn gone(pid: u64) {
    deadline(async {
        while is_running(pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
