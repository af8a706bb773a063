//! Handlers that panic, hang, or call back.

use super::{legacy, modern, shake};
use crate::roots;
use crate::script::{Answer, deadline};
use mcp_session::{Call, Error, Options, Session};
use mcp_types::{
    RawJson,
    rpc::{Request, Response},
};
use serde_json::json;
use std::{
    future::pending,
    sync::{Arc, OnceLock},
};

/// What the handler does with a question.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Panic,
    PanicLater,
    Hang,
    CallBack,
}

async fn answer(does: Does, session: Arc<OnceLock<Session>>) -> roots::Answer {
    match does {
        Does::Panic => panic!("the handler panics"),
        Does::PanicLater => {
            tokio::task::yield_now().await;
            panic!("the handler panics");
        }
        Does::Hang => pending().await,
        Does::CallBack => {
            let session = session.get().unwrap().clone();
            session.call_raw(Call::new("tools/list")).await.unwrap();
        }
    }
    roots::no_folders()
}

/// Returns options with a handler, and the session that it may call.
fn options(does: Does) -> (Options, Arc<OnceLock<Session>>) {
    let session = Arc::new(OnceLock::new());
    let known = Arc::clone(&session);
    let mut options = Options::default();
    options.input = roots::answering(move || answer(does, Arc::clone(&known)));
    (options, session)
}

/// Creates a stateless server that asks once per call.
fn asking() -> crate::script::Script {
    modern(|request| {
        let params: serde_json::Value = request.params.as_ref().unwrap().decode().unwrap();
        if request.method == "tools/call" && params["inputResponses"].is_null() {
            let question = json!({"q": {"method": "roots/list"}});
            return Answer::Result(
                json!({"resultType": "input_required", "inputRequests": question}),
            );
        }
        Answer::Result(json!({"resultType": "complete"}))
    })
}

/// Creates a server with a handshake that asks once per call.
fn asking_back() -> crate::script::Script {
    legacy(|request| {
        let done = Response::success(request.id.clone(), RawJson::EMPTY_OBJECT);
        match &*request.method {
            "tools/call" => {
                let question = Request::new("q", "roots/list").into();
                Answer::Say(vec![question, done.into()])
            }
            _ => Answer::Say(vec![done.into()]),
        }
    })
}

// spec: MRTR-11
#[tokio::test(start_paused = true)]
async fn f49_a_handler_that_panics_fails_its_question_alone() {
    deadline(async {
        for does in [Does::Panic, Does::PanicLater] {
            let script = asking();
            let session = script.connect(options(does).0).await.unwrap();
            let error = session.call_raw(Call::new("tools/call")).await.unwrap_err();
            assert!(matches!(error, Error::InputRequired { .. }), "{error}");
            assert!(error.to_string().contains("panicked"), "{error}");
            assert_eq!(script.methods().len(), 3, "no second try is sent");
            session.call_raw(Call::new("tools/list")).await.unwrap();

            let script = asking_back();
            let session = shake(&script, options(does).0).await;
            // The answer may come after the response; it is sent while the session is in use.
            session.call_raw(Call::new("tools/call")).await.unwrap();
            session.call_raw(Call::new("tools/list")).await.unwrap();
        }
        let (session, _driver, mut peer) = crate::wire::open({
            let mut options = options(Does::Panic).0;
            options.mode = mcp_session::Mode::Legacy;
            options
        })
        .await;
        peer.send(json!({"jsonrpc": "2.0", "id": "q", "method": "roots/list"})).await;
        let answer = peer.receive().await;
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!("q"), &json!(-32603)));
        drop(session);
    })
    .await;
}

// spec: CAN-04
#[tokio::test(start_paused = true)]
async fn f50_a_handler_that_hangs_has_a_limit() {
    deadline(async {
        let script = asking();
        let session = script.connect(options(Does::Hang).0).await.unwrap();
        let call = session.call_raw(Call::new("tools/call"));
        let other = session.call_raw(Call::new("tools/list"));
        let (hangs, works) = tokio::join!(call, other);
        works.unwrap();
        let error = hangs.unwrap_err();
        assert!(matches!(error, Error::InputRequired { .. }), "{error}");
        assert!(error.to_string().contains("no answer within"), "{error}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn f50_a_handler_may_call_the_session_that_asks() {
    deadline(async {
        let (options, handler) = options(Does::CallBack);
        let session = asking().connect(options).await.unwrap();
        assert!(handler.set(session.clone()).is_ok());
        session.call_raw(Call::new("tools/call")).await.unwrap();
    })
    .await;
}
