//! Calls that take several rounds, side by side.

use crate::{
    roots,
    script::{Answer, Script, deadline, discovered},
};
use futures_util::stream;
use mcp_session::{Call, Deadlines, Error, Options, Params, Phase};
use mcp_transport::{Binding, Replies};
use mcp_types::{
    RawJson,
    rpc::{Message, Request, Response},
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::Barrier,
    time::{Instant, sleep},
};

fn params(request: &Request) -> Value {
    request.params.as_ref().unwrap().decode().unwrap()
}

/// Asks each call under a key and with a state of its own; a call that brings no answers to a tool `plain` just ends.
fn answer(request: &Request) -> Answer {
    let params = params(request);
    let name = params["name"].as_str().unwrap_or_default().to_owned();
    let done = json!({"resultType": "complete", "content": [], "echo": params});
    if name == "plain" || !params["inputResponses"].is_null() {
        return Answer::Result(done);
    }
    Answer::Result(json!({
        "resultType": "input_required", "requestState": format!("state of {name}"),
        "inputRequests": {format!("question of {name}"): {"method": "roots/list"}},
    }))
}

// spec: MRTR-07
#[tokio::test(start_paused = true)]
async fn what_a_call_is_asked_is_in_its_own_next_try_and_in_no_other_request() {
    deadline(async {
        let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "server/discover" => discovered(&["2026-07-28"]),
            _ => answer(request),
        });
        let mut options = Options::default();
        // Answers when both calls have asked, so that their rounds overlap.
        let together = Arc::new(Barrier::new(2));
        options.input = roots::answering(move || {
            let together = Arc::clone(&together);
            async move {
                together.wait().await;
                roots::no_folders()
            }
        });
        let session = script.connect(options).await.unwrap();
        let call = async |name: &str| {
            let params = Params::encode(&json!({"name": name})).unwrap();
            let reply =
                session.call_raw(Call::new("tools/call").with_params(params)).await.unwrap();
            let mut echo = reply.decode::<Value>().unwrap()["echo"].clone();
            echo.as_object_mut().unwrap().remove("_meta");
            echo
        };
        let (a, b, plain) = tokio::join!(call("a"), call("b"), call("plain"));
        for (name, echo) in [("a", a), ("b", b)] {
            let answers = json!({format!("question of {name}"): {"roots": []}});
            let state = format!("state of {name}");
            let expected = json!({"name": name, "inputResponses": answers, "requestState": state});
            assert_eq!(echo, expected);
        }
        assert_eq!(plain, json!({"name": "plain"}));
        assert_eq!(call("plain").await, json!({"name": "plain"}), "nor in a later one");
    })
    .await;
}

/// Asks in each of these many rounds, and takes 4 s for each answer of its own.
fn slow(rounds: usize) -> Script {
    let asked = Mutex::new(0);
    Script::new(Binding::ByteStream, move |_, request| {
        if request.method == "server/discover" {
            return discovered(&["2026-07-28"]);
        }
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        let result = match *asked > rounds {
            true => json!({"resultType": "complete", "content": []}),
            false => {
                json!({"resultType": "input_required", "inputRequests": {"q": {"method": "roots/list"}}})
            }
        };
        let response = Response::success(request.id.clone(), RawJson::encode(&result).unwrap());
        Answer::Stream(Replies::new(stream::once(async move {
            sleep(Duration::from_secs(4)).await;
            Ok(Message::from(response))
        })))
    })
}

/// A call of that server with an answer of a person that takes a minute, within this limit; and how long it took.
async fn within(rounds: usize, limits: Deadlines, own: bool) -> (Result<(), Error>, Duration) {
    let mut options = Options::default();
    options.input = roots::answering(async || {
        sleep(Duration::from_secs(60)).await;
        roots::no_folders()
    });
    let mut call = Call::new("tools/call");
    if own {
        call = call.with_extension(limits);
    } else {
        options.deadlines = limits;
    }
    let session = slow(rounds).connect(options).await.unwrap();
    let start = Instant::now();
    let outcome = session.call_raw(call).await.map(drop);
    (outcome, start.elapsed())
}

// spec: MRTR-10 CAN-04
#[tokio::test(start_paused = true)]
async fn all_rounds_share_the_time_of_the_server_and_a_person_takes_none_of_it() {
    deadline(async {
        let limit = Duration::from_secs(10);
        for own in [false, true] {
            let (outcome, _) = within(1, Deadlines::total(limit), own).await;
            outcome.unwrap();
            let (outcome, took) = within(2, Deadlines::total(limit), own).await;
            let error = outcome.unwrap_err();
            let Error::Timeout { phase: Phase::Total, after, .. } = error else {
                panic!("{error}");
            };
            assert_eq!(
                (after, took.as_secs()),
                (limit, 10 + 2 * 60),
                "the limit is the one that was set"
            );
        }
        // Nothing is left when the first answer is there: nobody is asked.
        let (outcome, took) = within(9, Deadlines::total(Duration::from_secs(4)), true).await;
        assert!(matches!(outcome, Err(Error::Timeout { .. })), "{outcome:?}");
        assert_eq!(took.as_secs(), 4);
        let (outcome, _) = within(9, Deadlines::NONE, true).await;
        outcome.unwrap();
    })
    .await;
}
