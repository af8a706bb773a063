//! A server that does not work is given a rest.

use crate::{
    mock::{Mock, answer, around, call, fail, refusal},
    script::deadline,
};
use futures_util::FutureExt;
use mcp_session::{Call, CallService, CircuitBreakLayer, CircuitOptions, Error, Phase};
use mcp_transport::{BoxError, Delivery};
use serde_json::json;
use std::time::Duration;
use tower::ServiceExt;

fn tool(name: &str) -> Call {
    call("tools/call", json!({"name": name}))
}

fn lost() -> BoxError {
    mcp_transport::Error::closed("gone", Delivery::Unknown).into()
}

/// Makes ten calls of a tool that end with this error.
async fn ten(service: &impl CallService, mock: &mut Mock, error: impl Fn() -> BoxError) {
    for _ in 0..10 {
        let _ = tokio::join!(service.clone().oneshot(tool("t")), fail(mock, error()));
    }
}

fn open_for(outcome: Result<mcp_session::Reply, BoxError>) -> Duration {
    match Error::from_layers(outcome.unwrap_err()) {
        error @ Error::CircuitOpen { .. } => error.retry_after().unwrap(),
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn calls_are_held_back_for_a_while_and_then_one_finds_out() {
    deadline(async {
        let (service, mut mock) = around(&CircuitBreakLayer::new(CircuitOptions::default()));
        ten(&service, &mut mock, lost).await;
        let held_back = service.clone().oneshot(tool("t")).await;
        assert_eq!(open_for(held_back), Duration::from_secs(15));
        let other = service.clone().oneshot(tool("other"));
        assert!(
            tokio::join!(other, answer(&mut mock, json!({}))).0.is_ok(),
            "a circuit of its own"
        );

        tokio::time::advance(Duration::from_secs(15)).await;
        let probe = service.clone().oneshot(tool("t"));
        let (outcome, ()) = tokio::join!(probe, async {
            let (_, respond) = mock.next_request().await.unwrap();
            open_for(service.clone().oneshot(tool("t")).await);
            respond.send_error(lost());
        });
        assert!(outcome.is_err());
        assert_eq!(open_for(service.clone().oneshot(tool("t")).await), Duration::from_secs(15));

        tokio::time::advance(Duration::from_secs(15)).await;
        for _ in 0..2 {
            let sent = service.clone().oneshot(tool("t"));
            assert!(tokio::join!(sent, answer(&mut mock, json!({}))).0.is_ok());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_lets_the_next_find_out() {
    deadline(async {
        let (service, mut mock) = around(&CircuitBreakLayer::default());
        ten(&service, &mut mock, lost).await;
        tokio::time::advance(Duration::from_secs(15)).await;
        let mut probe = service.clone().oneshot(tool("t"));
        assert!((&mut probe).now_or_never().is_none());
        drop(probe);
        assert!(mock.next_request().await.is_some(), "it was sent, and then given up");
        let next = service.clone().oneshot(tool("t"));
        assert!(tokio::join!(next, answer(&mut mock, json!({}))).0.is_ok());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn answers_are_no_failures_and_deadlines_are() {
    deadline(async {
        let status = |status: u16| -> BoxError {
            let error = mcp_transport::Error::other("refused", Delivery::Delivered);
            error.with_status(http::StatusCode::from_u16(status).unwrap()).into()
        };
        let timeout = || -> BoxError {
            let after = Duration::from_secs(1);
            Error::Timeout { method: "tools/call".into(), phase: Phase::Idle, after }.into()
        };
        let cases: [(&dyn Fn() -> BoxError, bool); 6] = [
            (&|| refusal(-32603).into(), false),
            (&|| status(404), false),
            (&|| "a layer of the user's".into(), false),
            (&|| status(503), true),
            (&timeout, true),
            (&lost, true),
        ];
        for (error, opens) in cases {
            let (service, mut mock) = around(&CircuitBreakLayer::default());
            ten(&service, &mut mock, error).await;
            let next = service.clone().oneshot(tool("t"));
            let is_open = tokio::select! {
                biased;
                outcome = next => { open_for(outcome); true }
                _ = mock.next_request() => false,
            };
            assert_eq!(is_open, opens, "{}", error());
        }
    })
    .await;
}
