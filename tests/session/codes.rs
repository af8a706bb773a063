//! Error codes: what those of servers mean here, and which ones this side says.

use crate::roots;
use crate::script::{Answer, Script, deadline, discovered, initialized};
use futures_util::stream;
use mcp_session::{Call, Deadlines, Error, Options, Session};
use mcp_transport::{Binding, Delivery, Replies};
use mcp_types::{
    RawJson, RequestId,
    rpc::{Message, Request, Response},
};
use serde_json::{Value, json};
use std::time::Duration;

/// Opens a session with a stateless server that answers every call like this.
async fn stateless(answer: impl Fn() -> Answer + Send + Sync + 'static) -> (Script, Session) {
    let script = Script::new(Binding::Http, move |_, request| match &*request.method {
        "server/discover" => discovered(&["2026-07-28"]),
        _ => answer(),
    });
    let session = script.connect(Options::default()).await.unwrap();
    (script, session)
}

// spec: ERR-01
#[tokio::test(start_paused = true)]
async fn a_code_of_the_old_range_means_nothing() {
    deadline(async {
        for code in (-32019..=-32000).filter(|code| *code != -32002) {
            let (script, session) = stateless(move || Answer::Refuse(code, json!({}))).await;
            let error = session.call_raw(Call::new("tools/call")).await.unwrap_err();
            assert_eq!(error.as_rpc().unwrap().code.0, code);
            let judged = [error.is_closed(), error.is_timeout(), error.is_retryable()];
            assert_eq!(judged, [false; 3], "{code}");
            assert!(!error.is_resource_not_found(), "{code}");
            // Repeated neither with headers nor in a new session.
            assert_eq!(script.methods(), ["1 connect", "1 server/discover", "1 tools/call"]);
        }
    })
    .await;
}

// spec: ERR-05 RES-01
#[tokio::test(start_paused = true)]
async fn a_resource_that_is_not_there_is_known_by_both_codes() {
    deadline(async {
        for (code, method, expected) in [
            (-32002, "resources/read", true),
            (-32602, "resources/read", true),
            (-32602, "tools/call", false),
            (-32603, "resources/read", false),
        ] {
            let (_, session) = stateless(move || Answer::Refuse(code, Value::Null)).await;
            let error = session.call_raw(Call::new(method)).await.unwrap_err();
            assert_eq!(error.is_resource_not_found(), expected, "{code} to {method}");
        }
    })
    .await;
}

// spec: ERR-07 ERR-08
#[tokio::test(start_paused = true)]
async fn what_fails_on_this_side_is_no_error_of_the_server() {
    deadline(async {
        let (_, session) = stateless(|| Answer::Silence).await;
        let call = Call::new("tools/call").with_extension(Deadlines::total(Duration::from_secs(1)));
        let timeout = session.call_raw(call).await.unwrap_err();
        assert!(matches!(timeout, Error::Timeout { .. }), "{timeout:?}");

        let lost = || mcp_transport::Error::closed("the line is dead", Delivery::Unknown);
        let (_, session) = stateless(move || Answer::Fail(lost())).await;
        let closed = session.call_raw(Call::new("tools/call")).await.unwrap_err();
        assert!(closed.is_closed() && matches!(closed, Error::Transport(_)), "{closed:?}");

        let broken = move || Answer::Stream(Replies::new(stream::empty()));
        let (_, session) = stateless(broken).await;
        let misbehaved = session.call_raw(Call::new("tools/call")).await.unwrap_err();
        assert!(matches!(misbehaved, Error::Misbehaved { .. }), "{misbehaved:?}");

        let other = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "server/discover" => Answer::Refuse(-32601, Value::Null),
            _ => initialized("1999-01-01"),
        });
        let version = other.server().await.unwrap_err();
        assert!(matches!(version, Error::NoCommonVersion { .. }), "{version:?}");

        for error in [timeout, closed, misbehaved, version] {
            assert!(error.as_rpc().is_none(), "the server said nothing of the kind: {error:?}");
        }
    })
    .await;
}

// spec: ERR-02 ERR-03 ERR-04 ERR-06 ERR-09 ROOT-05 SAMP-05
#[tokio::test(start_paused = true)]
async fn the_codes_that_this_side_says_are_those_of_json_rpc() {
    deadline(async {
        let ask = |id: &RequestId| {
            let asked = |number: i64, method: &'static str, params: &str| -> Message {
                let params = RawJson::parse(params.to_owned()).unwrap();
                Request::new(number, method).with_params(params).into()
            };
            let mut messages = vec![
                asked(1, "no/such", "{}"),
                asked(2, "sampling/createMessage", "{}"),
                asked(3, "elicitation/create", r#"{"mode": "form"}"#),
                asked(4, "roots/list", "{}"),
                asked(5, "roots/list", r#"{"_meta": 7}"#),
                asked(6, "tasks/get", r#"{"taskId": "x"}"#),
            ];
            messages.extend((7..60).map(|number| asked(number, "no/such", "{}")));
            messages.push(Response::success(id.clone(), RawJson::EMPTY_OBJECT).into());
            messages
        };
        let script = Script::new(Binding::ByteStream, move |_, request| match &*request.method {
            "server/discover" => Answer::Refuse(-32601, Value::Null),
            "initialize" => initialized("2025-11-25"),
            _ => Answer::Say(ask(&request.id)),
        });
        let mut options = Options::default();
        options.input = roots::answering(async || panic!("the handler is broken"));
        let session = script.connect(options).await.unwrap();
        session.call_raw(Call::new("tools/call")).await.unwrap();

        let log = script.log();
        let answers: Vec<_> = log.iter().filter(|line| line.contains(" response ")).collect();
        assert_eq!(answers.len(), 59);
        for answer in answers {
            let (message, code) = answer.rsplit_once(" (code ").unwrap();
            let code: i64 = code.trim_end_matches(')').parse().unwrap();
            assert!([-32601, -32602, -32603].contains(&code), "{answer}");
            assert!(message.len() < 120, "one short sentence: {answer}");
        }
    })
    .await;
}
