//! Real processes as servers: kept, closed, crashed and replaced.
#![cfg(target_os = "linux")]

mod crashes;
mod stress;

use crate::{connections::gate::eventually, deadline};
use mcp_client::{Client, Connection, Error};
use mcp_transport::stdio::Command;
use std::{path::Path, process};

/// A server with a handshake. Its tools are named after what they do.
const SERVER: &str = r#"
import json, os, signal, sys, threading, time

def send(message):
    line = json.dumps(dict(message, jsonrpc="2.0")) + "\n"
    os.write(1, line.encode())

def text(request, words):
    send({"id": request["id"], "result": {"content": [{"type": "text", "text": str(words)}]}})

def call(request):
    tool = request["params"]["name"]
    if tool == "pid":
        text(request, os.getpid())
    elif tool == "echo":
        text(request, request["params"]["arguments"]["text"])
    elif tool == "leave":
        sys.exit(0)
    elif tool == "crash":
        print("the disk is full", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    elif tool == "freeze":
        os.kill(os.getpid(), signal.SIGSTOP)

for line in sys.stdin:
    request = json.loads(line)
    if request["method"] == "initialize":
        flag = os.environ.get("CRASH_IF_THERE", "")
        if os.path.exists(flag):
            os.remove(flag)
            sys.exit(3)
        send({"id": request["id"], "result": {"protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}}, "serverInfo": {"name": "process", "version": "1"}}})
    elif request["method"] == "tools/call":
        call(request)
    elif "id" in request:
        send({"id": request["id"], "error": {"code": -32601, "message": "no such method"}})
"#;

fn server() -> Command {
    Command::new("python3").args(["-u", "-c", SERVER])
}

async fn connect(client: &Client) -> Connection {
    deadline(client.connect()).await.unwrap()
}

async fn pid(client: &Client) -> Result<u32, Error> {
    let result = deadline(client.call_tool("pid")).await?;
    Ok(result.text().parse().unwrap())
}

/// Returns the process of one more connection, which is dropped at once.
async fn pid_of_next(client: &Client) -> u32 {
    let connection = connect(client).await;
    pid(&connection).await.unwrap()
}

/// Whether a process exists; one that has ended but was not reaped does not count.
pub(crate) fn is_running(pid: u32) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}

fn kill(pid: u32) {
    let status = process::Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

// seed: 23 24
#[tokio::test]
async fn a_process_is_kept_or_new_each_time_as_it_was_asked_for() {
    let client = Client::builder(server()).keep_alive().build();
    let first = pid_of_next(&client).await;
    for _ in 0..2 {
        assert_eq!(pid_of_next(&client).await, first);
    }
    deadline(client.close()).await;
    assert!(!is_running(first), "closing waits for the end of the process");

    let client = Client::new(server());
    let connection = connect(&client).await;
    let first = pid(&connection).await.unwrap();
    assert_eq!(pid_of_next(&client).await, first, "it is shared while it is held");
    deadline(connection.close()).await;
    assert!(!is_running(first));
    assert_ne!(pid_of_next(&client).await, first);
}

// seed: 25
#[tokio::test]
async fn a_dropped_client_leaves_no_process() {
    for keep_alive in [false, true] {
        let builder = Client::builder(server());
        let client = if keep_alive { builder.keep_alive().build() } else { builder.build() };
        let connection = connect(&client).await;
        let pid = pid(&connection).await.unwrap();
        drop(connection);
        assert!(!keep_alive || is_running(pid));
        drop(client);
        eventually(|| !is_running(pid)).await;
    }
}

// seed: 26
#[tokio::test]
async fn after_close_there_is_a_new_process_and_until_then_none() {
    let client = Client::builder(server()).keep_alive().build();
    let connection = connect(&client).await;
    let first = pid(&connection).await.unwrap();
    deadline(client.close()).await;
    assert!(!is_running(first));
    assert!(matches!(pid(&connection).await, Err(Error::NotConnected)));
    let again = connect(&client).await;
    assert_ne!(pid(&again).await.unwrap(), first);
    deadline(client.close()).await;
    deadline(client.close()).await;
}

// seed: 4 30
#[tokio::test]
async fn who_gives_up_connecting_leaves_no_process_and_is_not_held_up() {
    // Introduces itself, and answers nothing else.
    let name = format!("mcp-connecting-{}", process::id());
    let file = std::env::temp_dir().join(name);
    let script = format!("echo $$ > {}; exec sleep 1000", file.display());
    let client = Client::new(Command::new("/bin/sh").args(["-c", &script]));
    for abort in [true, false] {
        let _ = std::fs::remove_file(&file);
        let written = || std::fs::read_to_string(&file).ok()?.trim().parse::<u32>().ok();
        let connecting = client.clone();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move { connecting.connect().await.map(drop) });
        eventually(|| written().is_some()).await;
        let pid = written().unwrap();
        if abort {
            tasks.abort_all();
            let outcome = deadline(tasks.join_next()).await.unwrap();
            assert!(outcome.unwrap_err().is_cancelled(), "the cancellation is the caller's");
        } else {
            deadline(client.close()).await;
            let outcome = deadline(tasks.join_next()).await.unwrap().unwrap();
            assert!(matches!(outcome, Err(Error::NotConnected)), "{outcome:?}");
        }
        eventually(|| !is_running(pid)).await;
    }
    let _ = std::fs::remove_file(&file);
}

// seed: 31
#[tokio::test]
async fn parallel_calls_over_one_process_get_their_own_answers() {
    let client = connect(&Client::new(server())).await;
    let calls = (0..100).map(|number| {
        let call = client.call_tool("echo").argument("text", number.to_string());
        async move { (number, call.await.unwrap().text().into_owned()) }
    });
    for (number, text) in deadline(futures_util::future::join_all(calls)).await {
        assert_eq!(text, number.to_string());
    }
}
