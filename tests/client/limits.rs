//! Time limits, and calls that are given up.

use crate::{connect, deadline, said};
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Deadlines, Error, Phase};
use mcp_types::ErrorObject;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

/// Reports when it is dropped.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Creates a server on which calls never end, with signals for their start and their cancellation.
fn stuck() -> (InProcess, Arc<Notify>, Arc<Notify>) {
    let (begun, stopped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begin, stop) = (Arc::clone(&begun), Arc::clone(&stopped));
    let server = InProcess::modern(move |_: Asked| {
        let dropped = Dropped(Arc::clone(&stop));
        begin.notify_one();
        async move {
            let _dropped = dropped;
            std::future::pending::<Result<Value, ErrorObject>>().await
        }
    });
    (server, begun, stopped)
}

/// Waits for a call on a paused clock, up to an hour.
async fn in_an_hour<F: IntoFuture>(call: F) -> F::Output {
    timeout(Duration::from_secs(3_600), call).await.expect("no hang")
}

// spec: CAN-01 CAN-02 CAN-03 TOOL-09
// seed: 16 17
#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_fails_and_is_cancelled() {
    let (server, _, stopped) = stuck();
    let client = connect(&server).await;
    let limit = Duration::from_secs(3);
    for (call, expected) in [
        (client.call_tool("x").timeout(limit), (Phase::Total, limit)),
        (client.call_tool("x"), (Phase::Idle, Duration::from_secs(60))),
    ] {
        let error = in_an_hour(call).await.unwrap_err();
        let Error::Timeout { method, phase, after } = &error else { panic!("{error:?}") };
        assert_eq!((&**method, (*phase, *after)), ("tools/call", expected));
        in_an_hour(stopped.notified()).await;
    }
}

// spec: CAN-04
// seed: 16
#[tokio::test(start_paused = true)]
async fn progress_gives_more_time_but_not_more_than_there_is_in_all() {
    let server = InProcess::modern(async |asked: Asked| {
        for step in 1..6 {
            sleep(Duration::from_secs(40)).await;
            asked.progress(step, 5).await;
        }
        Ok(said("done"))
    });
    let client = connect(&server).await;
    assert_eq!(in_an_hour(client.call_tool("x")).await.unwrap().text(), "done");
    assert_eq!(
        in_an_hour(client.call_tool("x").timeout(Duration::ZERO)).await.unwrap().text(),
        "done"
    );
    let mut limits = Deadlines::default();
    limits.total = Some(Duration::from_secs(100));
    for call in [
        client.call_tool("x").deadlines(limits),
        client.call_tool("x").timeout(Duration::from_secs(100)),
    ] {
        let error = in_an_hour(call).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { phase: Phase::Total, .. }), "{error:?}");
    }
}

// spec: CAN-05
#[tokio::test]
async fn a_dropped_call_is_cancelled_and_the_next_one_works() {
    let (server, begun, stopped) = stuck();
    let client = connect(&server).await;
    for _ in 0..2 {
        tokio::select! {
            biased;
            () = deadline(begun.notified()) => {}
            outcome = client.call_tool("x").into_future() => panic!("{outcome:?}"),
        }
        deadline(stopped.notified()).await;
    }
}

#[tokio::test]
async fn nothing_is_sent_before_the_first_poll() {
    let (server, ..) = stuck();
    let client = connect(&server).await;
    drop(client.call_tool("x"));
    drop(client.list_tools().stream());
    assert_eq!(server.record().len(), 1, "only `server/discover`");
}

#[tokio::test(start_paused = true)]
async fn a_limit_without_an_end_is_none() {
    let server = InProcess::modern(|asked: Asked| async move {
        sleep(Duration::from_secs(1)).await;
        Ok(match &*asked.method {
            "tools/list" => json!({"tools": []}),
            _ => json!({"content": []}),
        })
    });
    let client = connect(&server).await;
    in_an_hour(client.call_tool("x").timeout(Duration::MAX)).await.unwrap();
    in_an_hour(client.list_tools().timeout(Duration::MAX)).await.unwrap();
    in_an_hour(client.tools().debounce(Duration::MAX)).await.unwrap();
}
