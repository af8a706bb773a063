//! Calls that are given up from outside.

use crate::{
    roots,
    script::{Answer, Script, deadline, discovered, initialized},
    wire,
};
use conformance::log::Log;
use futures_util::FutureExt;
use mcp_session::{Call, Cancellation, Error, HonorCancelLayer, Options, Session, mock};
use mcp_transport::Binding;
use serde_json::{Value, json};
use std::{future::pending, sync::Mutex, time::Duration};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tower::{Layer, ServiceExt, limit::ConcurrencyLimitLayer};
use tracing::Level;

fn cancelled(error: Error) -> Option<String> {
    match error {
        Error::Cancelled { method, reason } => {
            assert_eq!(&*method, "tools/call");
            reason.map(Into::into)
        }
        other => panic!("{other}"),
    }
}

/// Creates a server of either era that never answers a tool call.
fn silent(legacy: bool) -> Script {
    Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "server/discover" if legacy => Answer::Refuse(-32601, Value::Null),
        "server/discover" => discovered(&["2026-07-28"]),
        "initialize" => initialized("2025-11-25"),
        _ => Answer::Silence,
    })
}

// spec: CAN-09
#[tokio::test(start_paused = true)]
async fn why_a_call_is_given_up_is_in_the_log() {
    deadline(async {
        let log = Log::default();
        let _recording = log.record(Level::DEBUG);
        let session = silent(false).connect(Options::default()).await.unwrap();
        let cancellation = Cancellation::new();
        let call = Call::new("tools/call").with_extension(cancellation.clone());
        let mut call = Box::pin(session.call_raw(call));
        assert!((&mut call).now_or_never().is_none());
        cancellation.cancel_because("the user left");
        call.await.unwrap_err();
        let late = session.call_raw(Call::new("prompts/get")).await.unwrap_err();
        let text = log.text();
        for reason in ["the user left", &late.to_string()] {
            let line = text.lines().find(|line| line.contains(reason));
            assert!(line.is_some_and(|line| line.contains("given up")), "{reason}: {text}");
        }
    })
    .await;
}

// spec: CAN-05
#[tokio::test(start_paused = true)]
async fn a_cancellation_ends_its_calls_and_no_other_at_once() {
    deadline(async {
        for legacy in [false, true] {
            let script = silent(legacy);
            let session = script.connect(Options::default()).await.unwrap();
            let cancellation = Cancellation::new();
            let mine = || {
                let call = Call::new("tools/call").with_extension(cancellation.clone());
                Box::pin(session.call_raw(call))
            };
            let (mut first, mut second) = (mine(), mine());
            let mut other = Box::pin(session.call_raw(Call::new("tools/call")));
            assert!(
                (&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none()
            );
            assert!((&mut other).now_or_never().is_none());
            cancellation.cancel_because("the user left");
            cancellation.cancel_because("too late to say so");
            assert_eq!(cancelled(first.as_mut().await.unwrap_err()).unwrap(), "the user left");
            assert_eq!(cancelled(second.as_mut().await.unwrap_err()).unwrap(), "the user left");
            // The server has been told, although the futures still exist.
            let dropped = script.log().iter().filter(|line| line.contains("dropped")).count();
            assert_eq!(dropped, 2);
            assert!((&mut other).now_or_never().is_none());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_before_it_begins_is_never_sent() {
    deadline(async {
        let script = silent(false);
        let session = script.connect(Options::default()).await.unwrap();
        let cancellation = Cancellation::new();
        let call = || Call::new("tools/call").with_extension(cancellation.clone());
        let made = session.clone().oneshot(call());
        cancellation.cancel();
        assert_eq!(cancelled(Error::from_layers(made.await.unwrap_err())), None);
        let error = session.call_raw(call()).await.unwrap_err();
        assert!(error.is_cancelled() && error.to_string().contains("by this client"), "{error}");
        assert!(!script.log().iter().any(|line| line.contains("tools/call")));
    })
    .await;
}

// spec: CAN-06 CAN-08
#[tokio::test(start_paused = true)]
async fn a_cancellation_after_the_answer_says_nothing_on_the_wire() {
    for options in [Options::default(), wire::legacy()] {
        let (session, mut driver, mut peer) = wire::open(options).await;
        let cancellation = Cancellation::new();
        let call = Call::new("tools/call").with_extension(cancellation.clone());
        let (outcome, ()) = tokio::join!(session.call_raw(call), async {
            let id = peer.expect("tools/call").await["id"].clone();
            peer.answer(id, json!({"resultType": "complete"})).await;
            // The answer is on its way, but the caller has not seen it.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            cancellation.cancel();
        });
        let is_answered = outcome.is_ok();
        drop(session);
        driver.end().await.unwrap();
        let said: Vec<Value> = peer.rest().await;
        let expected = usize::from(!is_answered);
        assert_eq!(said.len(), expected, "either the answer or the cancellation: {said:?}");
    }
}

// spec: CAN-05 MRTR-11
#[tokio::test(start_paused = true)]
async fn a_call_is_cancelled_while_a_person_thinks() {
    deadline(async {
        let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "server/discover" => discovered(&["2026-07-28"]),
            _ => Answer::Result(json!({
                "resultType": "input_required", "inputRequests": {"q": {"method": "roots/list"}},
            })),
        });
        let (sender, mut gone) = oneshot::channel::<()>();
        let mut options = Options::default();
        // Never answers, and reports when it is dropped.
        let sender = Mutex::new(Some(sender));
        options.input = roots::answering(move || {
            let gone = sender.lock().unwrap().take();
            async move {
                let _gone = gone;
                pending().await
            }
        });
        let session = script.connect(options).await.unwrap();
        let cancellation = Cancellation::new();
        let call = Call::new("tools/call").with_extension(cancellation.clone());
        let (outcome, ()) = tokio::join!(session.call_raw(call), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(
                gone.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty)
            );
            cancellation.cancel();
        });
        cancelled(outcome.unwrap_err());
        assert!(gone.await.is_err(), "the handler was dropped");
        assert_eq!(script.methods(), ["1 connect", "1 server/discover", "1 tools/call"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_layer_of_the_users_is_cancelled_too() {
    deadline(async {
        let script = silent(false);
        let (session, driver) = Session::builder(script.clone())
            .layer(ConcurrencyLimitLayer::new(1))
            .connect()
            .await
            .unwrap();
        let _driver = conformance::script::Background::run(driver);
        let mut first = Box::pin(session.call_raw(Call::new("tools/call")));
        assert!((&mut first).now_or_never().is_none());
        let cancellation = Cancellation::new();
        let call = Call::new("tools/call").with_extension(cancellation.clone());
        let mut second = Box::pin(session.call_raw(call));
        assert!((&mut second).now_or_never().is_none());
        cancellation.cancel();
        cancelled(second.await.unwrap_err());
    })
    .await;
}

#[tokio::test]
async fn honor_cancel_drops_the_call_below_it() {
    deadline(async {
        let (service, mut server) = mock::pair();
        let service = HonorCancelLayer::new().layer(service);
        let token = CancellationToken::new();
        let call = || Call::new("tools/call");
        let sent = call().with_extension(Cancellation::from(token.clone()));
        let (outcome, ()) = tokio::join!(service.clone().oneshot(sent), async {
            let mut asked = server.next().await.unwrap();
            token.cancel();
            asked.abandoned().await;
        });
        cancelled(Error::from_layers(outcome.unwrap_err()));
        // A call without the extension is unaffected.
        let (outcome, ()) = tokio::join!(service.oneshot(call()), async {
            server.next().await.unwrap().reply(&json!({}));
        });
        assert!(outcome.is_ok());
    })
    .await;
}
