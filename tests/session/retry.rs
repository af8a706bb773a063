//! What is sent again, and what is not.

use crate::{
    mock::{answer, around, call, fail, refusal},
    script::{Answer, Script, deadline, discovered},
};
use mcp_session::{Call, Deadlines, Error, Options, RetryLayer, RetryOptions, Session};
use mcp_transport::{Binding, Delivery};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;
use tower::{Service, ServiceExt};

fn lost(delivery: Delivery) -> mcp_transport::Error {
    mcp_transport::Error::closed("gone", delivery)
}

fn status(status: u16) -> mcp_transport::Error {
    let error = mcp_transport::Error::other("refused", Delivery::Delivered);
    error.with_status(http::StatusCode::from_u16(status).unwrap())
}

fn layer(change: impl FnOnce(&mut RetryOptions)) -> RetryLayer {
    let mut options = RetryOptions::default();
    change(&mut options);
    RetryLayer::new(options)
}

/// How often a call is sent that fails this way each time.
async fn tries(sent: Call, error: &mcp_transport::Error) -> usize {
    let (service, mut mock) = around(&layer(|_| ()));
    let (outcome, tries) = tokio::join!(service.oneshot(sent), async {
        let mut tries = 0;
        while let Some((_, respond)) = mock.next_request().await {
            tries += 1;
            respond.send_error(error.clone());
        }
        tries
    });
    assert!(Error::from_layers(outcome.unwrap_err()).as_transport().is_some());
    tries
}

#[tokio::test(start_paused = true)]
async fn what_the_server_has_not_seen_is_sent_three_times_and_what_may_be_done_twice_once() {
    deadline(async {
        let unknown = lost(Delivery::Unknown);
        for (method, params, error, expected) in [
            ("tools/call", json!({"name": "t"}), &lost(Delivery::NotSent), 3),
            ("tools/call", json!({"name": "t"}), &unknown, 1),
            ("tools/call", json!({"name": "t"}), &status(429), 3),
            ("tools/call", json!({"name": "t"}), &status(503), 1),
            ("tools/list", json!({}), &unknown, 3),
            ("resources/read", json!({"uri": "a:b"}), &unknown, 3),
            ("resources/read", json!({"uri": "a:b", "requestState": "s"}), &unknown, 1),
            ("prompts/get", json!({"name": "p"}), &status(503), 3),
            ("tools/list", json!({}), &status(500), 1),
            ("tools/list", json!({}), &status(401), 1),
            ("tools/list", json!({}), &lost(Delivery::Delivered), 1),
            ("com.example/any", json!({}), &unknown, 1),
        ] {
            assert_eq!(tries(call(method, params), error).await, expected, "{method}: {error:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_never_a_reason_to_ask_again() {
    deadline(async {
        let timeout = Error::Timeout {
            method: "tools/list".into(),
            phase: mcp_session::Phase::Idle,
            after: Duration::from_secs(1),
        };
        for error in [refusal(-32603), timeout] {
            let (service, mut mock) = around(&layer(|_| ()));
            let (outcome, _) = tokio::join!(
                service.oneshot(call("tools/list", json!({}))),
                fail(&mut mock, error)
            );
            assert!(outcome.is_err());
            assert!(mock.next_request().await.is_none());
        }
    })
    .await;
}

// spec: TOOL-01
#[tokio::test(start_paused = true)]
async fn annotations_count_only_for_servers_that_are_trusted_and_as_listed_last() {
    deadline(async {
        for trusted in [false, true] {
            let (mut service, mut mock) = around(&layer(|o| o.trust_annotations = trusted));
            for (hint, again) in [("idempotentHint", trusted), ("destructiveHint", false)] {
                let tools = json!({"tools": [{"name": "t", "annotations": {hint: true}}]});
                let listed = service.ready().await.unwrap().call(Call::new("tools/list"));
                let (listed, _) = tokio::join!(listed, answer(&mut mock, tools));
                listed.unwrap();
                let called = call("tools/call", json!({"name": "t"}));
                let called = service.ready().await.unwrap().call(called);
                let (outcome, ()) = tokio::join!(called, async {
                    fail(&mut mock, lost(Delivery::Unknown)).await;
                    if again {
                        answer(&mut mock, json!({"content": []})).await;
                    }
                });
                assert_eq!(outcome.is_ok(), again, "{hint}, trusted: {trusted}");
            }
        }
    })
    .await;
}

// spec: CAN-04
#[tokio::test(start_paused = true)]
async fn all_tries_share_the_total_time() {
    deadline(async {
        let (service, mut mock) = around(&layer(|_| ()));
        let total = Duration::from_secs(10);
        let sent = call("tools/list", json!({})).with_extension(Deadlines::total(total));
        let begun = Instant::now();
        let (outcome, ()) = tokio::join!(service.oneshot(sent), async {
            let (_, respond) = mock.next_request().await.unwrap();
            tokio::time::sleep(Duration::from_secs(4)).await;
            respond.send_error(lost(Delivery::Unknown));
            let (call, respond) = mock.next_request().await.unwrap();
            let left = call.extensions.get::<Deadlines>().unwrap().total.unwrap();
            assert!(left <= total - Duration::from_secs(4) && left >= Duration::from_secs(5));
            let asks = status(503).with_retry_after(Duration::from_secs(6));
            respond.send_error(asks);
        });
        assert!(outcome.is_err(), "there is no time left to wait for");
        assert!(begun.elapsed() < total);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_server_says_how_long_to_wait_up_to_a_limit() {
    deadline(async {
        for (asked, again) in [(30, true), (61, false), (u64::MAX, false)] {
            let (service, mut mock) = around(&layer(|_| ()));
            let begun = Instant::now();
            let sent = service.oneshot(call("tools/call", json!({"name": "t"})));
            let (outcome, ()) = tokio::join!(sent, async {
                fail(&mut mock, status(429).with_retry_after(Duration::from_secs(asked))).await;
                if again {
                    answer(&mut mock, json!({})).await;
                    assert!(begun.elapsed() >= Duration::from_secs(asked));
                }
            });
            assert_eq!(outcome.is_ok(), again);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_uses_the_budget_up_and_success_fills_it() {
    deadline(async {
        let (mut service, mut mock) = around(&layer(|options| options.budget = 10));
        let mut tries = Vec::new();
        for _ in 0..3 {
            let sent = service.ready().await.unwrap().call(call("tools/list", json!({})));
            let mut sent = std::pin::pin!(sent);
            let mut number = 0;
            loop {
                tokio::select! {
                    outcome = &mut sent => break assert!(outcome.is_err()),
                    next = mock.next_request() => {
                        number += 1;
                        next.unwrap().1.send_error(lost(Delivery::NotSent));
                    }
                }
            }
            tries.push(number);
        }
        assert_eq!(tries, [3, 1, 1], "ten tokens are two retries");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_a_session_a_call_that_is_sent_again_has_a_new_id() {
    deadline(async {
        for retry in [None, Some(RetryOptions::default())] {
            let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
                "server/discover" => discovered(&["2026-07-28"]),
                _ => Answer::Fail(lost(Delivery::Unknown)),
            });
            let mut options = Options::default();
            options.retry = retry;
            let session: Session = script.connect(options).await.unwrap();
            assert!(session.call_raw(Call::new("tools/list")).await.is_err());
            let ids: Vec<_> = script.log().iter().filter_map(|line| id_of(line)).collect();
            assert_eq!(ids, if retry.is_some() { vec![2, 3, 4] } else { vec![2] });
        }
    })
    .await;
}

fn id_of(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("1 tools/list ")?;
    rest.split(' ').next()?.parse().ok()
}
