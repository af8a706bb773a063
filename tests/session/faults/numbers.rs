//! Many calls at once, and calls that are dropped.

use super::modern;
use crate::{
    script::{Answer, deadline},
    wire,
};
use conformance::{
    in_process::{Asked, InProcess},
    script::Background,
};
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use mcp_session::{Call, Events, Mode, Options, Params, Session};
use mcp_transport::{Delivery, Shared};
use mcp_types::rpc::Request;
use serde_json::{Value, json};
use std::{future::Future, pin::pin, task::Poll, time::Duration};

const MANY: usize = 10_000;

fn echo(request: &Request) -> Answer {
    let params: Value = request.params.as_ref().unwrap().decode().unwrap();
    Answer::Result(json!({"resultType": "complete", "n": params["n"]}))
}

fn numbered(n: usize) -> Call {
    Call::new("tools/call").with_params(Params::encode(&json!({"n": n})).unwrap())
}

async fn all_are_answered() {
    let session = modern(echo).connect(Options::default()).await.unwrap();
    let call = |n| {
        let session = session.clone();
        async move { (n, session.call_raw(numbered(n)).await.unwrap().decode::<Value>().unwrap()) }
    };
    let mut calls: FuturesUnordered<_> = (0..MANY).map(call).collect();
    let mut count = 0;
    while let Some((n, result)) = calls.next().await {
        assert_eq!(result["n"], n);
        count += 1;
    }
    assert_eq!(count, MANY);
}

#[tokio::test(start_paused = true)]
async fn f55_ten_thousand_calls_at_once_are_each_answered_on_one_thread() {
    deadline(all_are_answered()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f55_ten_thousand_calls_at_once_are_each_answered_on_many_threads() {
    deadline(all_are_answered()).await;
}

/// Starts a server on a byte stream that answers every call, and records what it receives.
async fn busy() -> (Session, Background<Result<(), mcp_transport::Error>>, Background<Vec<Value>>) {
    let (session, driver, mut peer) = wire::open(Options::default()).await;
    let server = Background::run(async move {
        let mut heard = Vec::new();
        while let Some(line) = peer.line().await {
            let message: Value = serde_json::from_str(&line).unwrap();
            if let Some(id) = message.get("id") {
                peer.answer(id.clone(), json!({"resultType": "complete"})).await;
            }
            heard.push(message);
        }
        heard
    });
    (session, driver, server)
}

/// Checks that calls were cancelled only after they were sent, each at most once.
fn check(heard: &[Value]) -> usize {
    let mut sent = std::collections::HashSet::new();
    let mut cancelled = std::collections::HashSet::new();
    for message in heard {
        if message["method"] == "notifications/cancelled" {
            let id = message["params"]["requestId"].to_string();
            assert!(sent.contains(&id), "cancelled before it was sent: {id}");
            assert!(cancelled.insert(id), "cancelled twice");
        } else {
            assert!(sent.insert(message["id"].to_string()));
        }
    }
    cancelled.len()
}

// spec: CAN-05 CAN-06
#[tokio::test]
async fn f51_a_call_that_is_dropped_at_any_poll_disturbs_no_other() {
    deadline(async {
        let (session, mut driver, mut server) = busy().await;
        for polls in 0..20 {
            {
                let mut call = pin!(session.call_raw(numbered(polls)));
                for _ in 0..polls {
                    let ready =
                        std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
                    if ready.is_ready() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
            session.call_raw(Call::new("tools/list")).await.unwrap();
        }
        drop(session);
        driver.end().await.unwrap();
        check(&server.end().await);
    })
    .await;
}

// spec: CAN-06 CAN-08
#[tokio::test]
async fn f56_a_storm_of_dropped_calls_loses_no_other_call() {
    deadline(async {
        let (session, mut driver, mut server) = busy().await;
        let mut seed = 7_u64;
        for round in 0..100 {
            let mut calls: Vec<_> =
                (0..100).map(|n| session.call_raw(numbered(n)).boxed()).collect();
            let canary = session.call_raw(Call::new("tools/list"));
            for call in &mut calls {
                let _ = std::future::poll_fn(|cx| Poll::Ready(call.poll_unpin(cx))).await;
            }
            calls.retain(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round);
                seed >> 63 == 0
            });
            let kept = async {
                for call in calls {
                    call.await.unwrap();
                }
            };
            let (canary, ()) = tokio::join!(canary, kept);
            canary.unwrap();
        }
        drop(session);
        driver.end().await.unwrap();
        let heard = server.end().await;
        check(&heard);
    })
    .await;
}

// spec: STDIO-08
#[tokio::test(start_paused = true)]
async fn f52_dropping_the_driver_fails_calls_and_subscriptions_with_a_cause() {
    deadline(async {
        let (session, driver, mut peer) = wire::open(Options::default()).await;
        let call = session.call_raw(Call::new("tools/call"));
        let cut = async {
            peer.expect("tools/call").await;
            driver.cut().await;
        };
        let (called, ()) = tokio::join!(call, cut);
        assert!(called.unwrap_err().is_closed());
        let later = session.call_raw(Call::new("tools/call"));
        let later = tokio::time::timeout(Duration::from_secs(1), later).await.unwrap();
        assert!(later.unwrap_err().is_closed());
    })
    .await;
}

/// A service in this process has no connection that could break, but its session ends like any other.
#[tokio::test(start_paused = true)]
async fn f52_dropping_the_driver_fails_calls_to_a_service_in_this_process_with_a_cause() {
    deadline(async {
        for legacy in [false, true] {
            let (given_up, mut is_given_up) = tokio::sync::mpsc::channel::<()>(1);
            let answer = move |asked: Asked| {
                let given_up = given_up.clone();
                async move {
                    asked.progress(1, 2).await;
                    let _held = given_up;
                    std::future::pending::<Result<(), _>>().await
                }
            };
            let server = if legacy { InProcess::legacy(answer) } else { InProcess::modern(answer) };
            let mut options = Options::default();
            options.mode = if legacy { Mode::Legacy } else { Mode::Auto };
            let builder = Session::builder(Shared::new(server.transport())).options(options);
            let (session, driver) = builder.connect().await.unwrap();
            let driver = Background::run(driver);
            let (sender, mut heard) = tokio::sync::mpsc::channel(1);
            let call = Call::new("tools/call").with_events(Events::channel(sender));
            let cut = async {
                heard.recv().await.unwrap();
                driver.cut().await;
            };
            let (called, ()) = tokio::join!(session.call_raw(call), cut);
            let error = called.unwrap_err();
            assert!(error.is_closed(), "{error:?}");
            let cause = error.as_transport().unwrap();
            assert!(cause.to_string().contains("driver"), "{cause}");
            assert_eq!(cause.delivery(), Delivery::Unknown);
            let later = session.call_raw(Call::new("tools/call")).await.unwrap_err();
            assert!(later.is_closed(), "{later:?}");
            assert_eq!(later.as_transport().unwrap().delivery(), Delivery::NotSent);
            assert_eq!(server.sent("tools/call").len(), 1);
            drop((session, server));
            assert!(is_given_up.recv().await.is_none(), "what the service did was dropped");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_driver_of_a_service_in_this_process_ends_with_the_last_use_of_the_session() {
    deadline(async {
        let server = InProcess::modern(|_| async { Ok(json!({"resultType": "complete"})) });
        let builder = Session::builder(Shared::new(server.transport()));
        let (session, driver) = builder.connect().await.unwrap();
        let mut driver = Background::run(driver);
        session.call_raw(Call::new("tools/list")).await.unwrap();
        drop(session);
        driver.end().await.unwrap();
    })
    .await;
}
