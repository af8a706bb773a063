//! Clients that outlive their runtime, or are dropped outside of it.

use mcp_client::{Client, Connection, Target};
use mcp_transport::{
    Connector, Error, Link,
    duplex::{self, Multiplex},
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
    time::Duration,
};
use tokio::runtime::Runtime;

/// Connects to a server that is a thread with a blocking socket, and thus needs no runtime.
struct Threads;

impl Connector for Threads {
    type Transport = Multiplex;

    async fn connect(&self) -> Result<Link<Multiplex>, Error> {
        let (client, server) = std::os::unix::net::UnixStream::pair().unwrap();
        drop(thread::spawn(move || serve(server)));
        client.set_nonblocking(true).unwrap();
        Ok(duplex::connect(tokio::net::UnixStream::from_std(client).unwrap()))
    }
}

/// Introduces itself, and answers nothing else.
fn serve(stream: std::os::unix::net::UnixStream) {
    let mut writer = stream.try_clone().unwrap();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let message: Value = serde_json::from_str(&line).unwrap();
        if message["method"] == "server/discover" {
            let result = json!({"resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private"});
            let response = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
            if writeln!(writer, "{response}").is_err() {
                return;
            }
        }
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Creates a runtime whose clock can be advanced.
fn clock() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn connect(runtime: &Runtime) -> Connection {
    let client = Client::new(Target::connector("threads", Threads));
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(10), client.connect()).await.unwrap().unwrap()
    })
}

/// Runs a test on a thread of its own; if it hangs, it fails.
fn deadline(test: impl FnOnce() + Send + 'static) {
    let (sender, ended) = mpsc::sync_channel(1);
    let test = thread::spawn(move || {
        test();
        let _ = sender.send(());
    });
    if ended.recv_timeout(Duration::from_secs(20)).is_err() {
        assert!(test.is_finished(), "the test hangs");
    }
    test.join().unwrap();
}

#[test]
fn f53_a_connection_may_be_dropped_anywhere() {
    deadline(|| {
        let runtime = runtime();
        drop(connect(&runtime));

        let connection = connect(&runtime);
        thread::spawn(move || drop(connection)).join().unwrap();

        let (connection, call) = {
            let connection = connect(&runtime);
            let call = connection.call_tool("x").into_future();
            (connection, call)
        };
        drop((call, connection));

        let connection = connect(&runtime);
        let unwound = catch_unwind(AssertUnwindSafe(move || {
            let _held = connection;
            panic!("while a connection is held");
        }));
        assert!(unwound.is_err());

        let connection = connect(&runtime);
        runtime.block_on(async move { drop(connection) });
        // The runtime goes first, then the connection.
        let connection = connect(&runtime);
        drop(runtime);
        drop(connection);
    });
}

#[test]
fn f52_when_the_last_holder_goes_every_call_ends() {
    deadline(|| {
        let runtime = clock();
        let connection = connect(&runtime);
        let calls: Vec<_> = (0..10).map(|_| connection.call_tool("x").into_future()).collect();
        runtime.block_on(async {
            let mut calls = futures_util::future::join_all(calls);
            assert!(futures_util::poll!(&mut calls).is_pending());
            drop(connection);
            tokio::time::pause();
            for outcome in tokio::time::timeout(Duration::from_secs(15), calls).await.unwrap() {
                let error = outcome.unwrap_err();
                assert!(error.is_closed(), "{error}");
            }
        });
    });
}

#[test]
fn f54_calls_of_a_client_whose_runtime_is_gone_fail() {
    deadline(|| {
        for end in [
            |runtime: Runtime| drop(runtime),
            Runtime::shutdown_background,
            |runtime: Runtime| {
                runtime.shutdown_timeout(Duration::from_secs(1));
            },
        ] {
            let first = runtime();
            let connection = connect(&first);
            end(first);
            let second = runtime();
            let call = connection.call_tool("x").into_future();
            let outcome = second.block_on(async {
                tokio::time::timeout(Duration::from_secs(10), call).await.unwrap()
            });
            assert!(outcome.is_err());
            let again = second.block_on(async {
                tokio::time::timeout(Duration::from_secs(10), connection.connect()).await.unwrap()
            });
            assert!(again.unwrap().is_connected());
        }
    });
}
