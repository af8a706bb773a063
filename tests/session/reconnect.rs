//! Losing the connection, and making it again.

use crate::{
    roots,
    script::{Answer, Script, deadline, discovered, initialized},
};
use conformance::script::Background;
use futures_util::{StreamExt, future::join_all, stream};
use mcp_session::{Call, Options, Reconnect, Session};
use mcp_transport::{Binding, Delivery, Error, Replies};
use mcp_types::rpc::Request;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

fn modern() -> Script {
    Script::new(Binding::ByteStream, |_, request| match &*request.method {
        "server/discover" => discovered(&["2026-07-28"]),
        _ => Answer::Result(json!({})),
    })
}

async fn connect(script: &Script, reconnect: Reconnect) -> Session {
    let mut options = Options::default();
    options.reconnect = reconnect;
    script.connect(options).await.unwrap()
}

async fn call(session: &Session) -> Result<(), mcp_session::Error> {
    session.call_raw(Call::new("tools/list")).await.map(drop)
}

// spec: STDIO-10
#[tokio::test(start_paused = true)]
async fn without_a_policy_a_lost_connection_stays_lost_and_says_why() {
    deadline(async {
        let script = modern();
        let session = connect(&script, Reconnect::default()).await;
        script.lose().await;
        let error = call(&session).await.unwrap_err();
        assert_eq!(error.as_transport().unwrap().delivery(), Delivery::NotSent);
        assert!(error.is_closed() && error.to_string().contains("the script ends here"), "{error}");
        assert_eq!(script.connections(), 1);
    })
    .await;
}

// spec: STDIO-11 VER-12 META-14
#[tokio::test(start_paused = true)]
async fn the_next_call_connects_again_and_goes_over_the_new_connection() {
    deadline(async {
        let script = modern();
        let session = connect(&script, Reconnect::on_call()).await;
        script.lose().await;
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!(script.connections(), 1, "nobody has called");
        call(&session).await.unwrap();
        let expected = ["1 connect", "1 server/discover", "2 connect", "2 tools/list"];
        assert_eq!(script.methods(), expected);
    })
    .await;
}

// spec: STDIO-11 LIFE-01 LIFE-04
#[tokio::test(start_paused = true)]
async fn a_legacy_server_is_shaken_hands_with_again() {
    deadline(async {
        let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "initialize" => initialized("2025-06-18"),
            "tools/list" => Answer::Result(json!({})),
            _ => Answer::Refuse(-32601, Value::Null),
        });
        let session = connect(&script, Reconnect::at_once()).await;
        script.lose().await;
        assert_eq!(script.connections(), 2);
        call(&session).await.unwrap();
        let second = ["2 connect", "2 initialize", "2 notifications/initialized", "2 tools/list"];
        assert_eq!(script.methods()[4..], second);
        assert!(script.log()[5].contains("2025-06-18"), "the version that was agreed");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn f48_a_server_that_keeps_failing_is_given_up() {
    deadline(async {
        let script = modern();
        let session = connect(&script, Reconnect::at_once()).await;
        for _ in 0..8 {
            script.lose().await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        let error = call(&session).await.unwrap_err();
        assert!(error.is_closed());
        assert_eq!(script.connections(), 6, "the first, and five more within a minute");
    })
    .await;
}

// spec: H25-15 H25-16
#[tokio::test(start_paused = true)]
async fn a_forgotten_session_is_begun_anew_once_for_all_calls() {
    deadline(async {
        let script = Script::new(Binding::Http, |connection, request| match &*request.method {
            "initialize" => initialized("2025-11-25"),
            "tools/list" if connection == 1 => {
                let expired = Error::closed("session has expired", Delivery::NotSent);
                Answer::Fail(expired.with_status(http::StatusCode::NOT_FOUND))
            }
            "tools/list" => Answer::Result(json!({})),
            _ => Answer::Refuse(-32601, Value::Null),
        });
        let session = connect(&script, Reconnect::default()).await;
        for outcome in join_all((0..20).map(|_| call(&session))).await {
            outcome.unwrap();
        }
        assert_eq!(script.connections(), 2);
        let handshakes =
            script.methods().iter().filter(|line| line.ends_with("initialize")).count();
        assert_eq!(handshakes, 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_nobody_holds_is_not_connected_again() {
    deadline(async {
        let script = modern();
        let options = Options::default();
        let (session, driver) =
            Session::builder(script.clone()).options(options).connect().await.unwrap();
        drop(session);
        script.lose().await;
        // The script's connection ends with an error, which only the caller of the driver sees.
        assert!(driver.await.is_err());
        assert_eq!(script.connections(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_connecting_that_never_ends_is_none() {
    deadline(async {
        let mut options = Options::default();
        options.connect_timeout = Some(Duration::MAX);
        options.init_timeout = Some(Duration::MAX);
        options.probe_timeout = Duration::MAX;
        options.reconnect = Reconnect::at_once();
        options.reconnect.window = Duration::MAX;
        let script = modern();
        let session = script.connect(options).await.unwrap();
        script.lose().await;
        call(&session).await.unwrap();
    })
    .await;
}

// spec: H25-16
#[tokio::test(start_paused = true)]
async fn an_answer_to_a_question_over_a_lost_connection_goes_to_no_other() {
    deadline(async {
        let script = Script::new(Binding::Http, |_, request| match &*request.method {
            "initialize" => initialized("2025-11-25"),
            "tools/call" => {
                let ask = Request::new("q", "roots/list").into();
                // A stream of its own, which does not end with the session.
                Answer::Stream(Replies::new(stream::iter([Ok(ask)]).chain(stream::pending())))
            }
            "tools/list" => Answer::Result(json!({})),
            _ => Answer::Refuse(-32601, Value::Null),
        });
        for is_replaced_first in [true, false] {
            let gate = Arc::new(Semaphore::new(0));
            let mut options = Options::default();
            options.reconnect = Reconnect::on_call();
            let opened = Arc::clone(&gate);
            options.input = roots::answering(move || {
                let gate = Arc::clone(&opened);
                async move {
                    gate.acquire().await.unwrap().forget();
                    roots::no_folders()
                }
            });
            let session = script.connect(options).await.unwrap();
            let asking = session.clone();
            let _call =
                Background::run(async move { asking.call_raw(Call::new("tools/call")).await });
            tokio::time::sleep(Duration::from_millis(1)).await;
            script.lose().await;
            if !is_replaced_first {
                // The answer is ready before there is a connection to send it over.
                gate.add_permits(1);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            call(&session).await.unwrap();
            gate.add_permits(1);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let log = script.log();
        assert!(!log.iter().any(|line| line.contains("response")), "{log:?}");
        assert_eq!(script.connections(), 4);
    })
    .await;
}

// spec: STDIO-11
#[tokio::test(start_paused = true)]
async fn calls_that_waited_for_one_connection_do_not_bring_about_the_next() {
    deadline(async {
        let script = modern();
        let session = connect(&script, Reconnect::on_call()).await;
        script.lose().await;
        for outcome in join_all((0..3).map(|_| call(&session))).await {
            outcome.unwrap();
        }
        script.lose().await;
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!(script.connections(), 2, "nobody has called");
    })
    .await;
}
