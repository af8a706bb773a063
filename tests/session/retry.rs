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

/// Returns how often a call is sent that fails this way each time.
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
async fn f33_a_wait_that_the_server_asks_one_call_for_holds_for_all_calls_that_can_wait() {
    deadline(async {
        for code in [429, 503] {
            let (mut service, mut mock) = around(&layer(|_| ()));
            // This call is not retried after a 503, but others still respect it.
            let sent =
                service.ready().await.unwrap().call(call("tools/call", json!({"name": "t"})));
            let asked = status(code).with_retry_after(Duration::from_secs(30));
            let mut first = Box::pin(sent);
            assert!(tokio::time::timeout(Duration::ZERO, &mut first).await.is_err());
            fail(&mut mock, asked).await;
            let begun = Instant::now();
            let ended = tokio::time::timeout(Duration::from_millis(1), &mut first).await;
            assert_eq!(ended.is_err(), code == 429);
            let hurried = call("tools/list", json!({}))
                .with_extension(Deadlines::total(Duration::from_secs(20)));
            let error = service.ready().await.unwrap().call(hurried).await.unwrap_err();
            let error = Error::from_layers(error);
            let transport = error.as_transport().unwrap();
            assert_eq!(transport.status().unwrap().as_u16(), code);
            assert_eq!(transport.delivery(), Delivery::NotSent);
            assert!(error.retry_after().is_some_and(|left| left <= Duration::from_secs(30)));
            assert!(begun.elapsed() < Duration::from_secs(1), "it fails at once");
            let patient = Deadlines::total(Duration::from_secs(100));
            let waiting: futures_util::stream::FuturesUnordered<_> = (0..20)
                .map(|_| call("tools/list", json!({})).with_extension(patient))
                .map(|call| service.clone().oneshot(call))
                .collect();
            let dropped = service.clone().oneshot(call("prompts/list", json!({})));
            assert!(tokio::time::timeout(Duration::from_secs(1), dropped).await.is_err());
            let served = async {
                let mut times = Vec::new();
                let expected = if code == 429 { 21 } else { 20 };
                while times.len() < expected {
                    let call = answer(&mut mock, json!({"tools": []})).await;
                    assert_ne!(call.method, "prompts/list", "it was given up");
                    let left = call.extensions.get::<Deadlines>().and_then(|it| it.total);
                    assert!(call.method != "tools/list" || left <= Some(Duration::from_secs(72)));
                    times.push(begun.elapsed());
                }
                times
            };
            let (outcomes, times, _) =
                tokio::join!(futures_util::StreamExt::collect::<Vec<_>>(waiting), served, async {
                    if code == 429 { Some(first.await) } else { None }
                });
            assert!(outcomes.iter().all(Result::is_ok));
            assert!(times.iter().all(|at| *at >= Duration::from_secs(30)), "{times:?}");
            assert!(times.last() > times.first(), "not all at once: {times:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn f33_no_server_shuts_a_session_up_for_longer_than_the_limit() {
    deadline(async {
        let (service, mut mock) = around(&layer(|_| ()));
        let begun = Instant::now();
        let (outcome, _) = tokio::join!(
            service.clone().oneshot(call("tools/list", json!({}))),
            fail(&mut mock, status(429).with_retry_after(Duration::MAX))
        );
        assert!(outcome.is_err());
        let (outcome, _) = tokio::join!(
            service.clone().oneshot(call("tools/list", json!({}))),
            answer(&mut mock, json!({}))
        );
        outcome.unwrap();
        let waited = begun.elapsed();
        assert!(
            waited >= Duration::from_secs(60) && waited < Duration::from_secs(61),
            "{waited:?}"
        );
        // A server that keeps asking for patience is not waited for indefinitely, even without a limit.
        let sent = call("tools/list", json!({})).with_extension(Deadlines::NONE);
        let mut sent = std::pin::pin!(service.oneshot(sent));
        let outcome = loop {
            tokio::select! {
                outcome = &mut sent => break outcome,
                next = mock.next_request() => {
                    let wait = Duration::from_secs(50);
                    next.unwrap().1.send_error(status(429).with_retry_after(wait));
                }
            }
        };
        assert!(outcome.is_err());
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
