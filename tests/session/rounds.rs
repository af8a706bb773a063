//! Calls that take several rounds, side by side.

use crate::{
    roots,
    script::{Answer, Script, deadline, discovered},
};
use futures_util::stream;
use mcp_session::{Call, Deadlines, Error, Misbehavior, Options, Params, Phase};
use mcp_transport::{Binding, Replies};
use mcp_types::{
    ErrorCode, ErrorObject, RawJson,
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

/// Asks each call under its own key and state; a call of the tool `plain` without answers completes at once.
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
        // Answers once both calls have asked, so that their rounds overlap.
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

/// Asks for this many rounds, and takes 4 s for each of its own answers.
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

/// Makes a call to that server, with a person who takes a minute to answer, within this limit; returns its outcome and
/// duration.
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
        // No time is left after the first answer: nobody is asked.
        let (outcome, took) = within(9, Deadlines::total(Duration::from_secs(4)), true).await;
        assert!(matches!(outcome, Err(Error::Timeout { .. })), "{outcome:?}");
        assert_eq!(took.as_secs(), 4);
        let (outcome, _) = within(9, Deadlines::NONE, true).await;
        outcome.unwrap();
    })
    .await;
}

/// Answers the calls of a tool in turn with these results and errors, each after 4 s.
fn in_turn(binding: Binding, answers: Vec<Result<Value, (i64, Value)>>) -> Script {
    let answers = Mutex::new(answers.into_iter());
    Script::new(binding, move |_, request| {
        let outcome = match &*request.method {
            "server/discover" => return discovered(&["2026-07-28"]),
            "tools/call" => answers.lock().unwrap().next().expect("no more calls"),
            _ => Ok(json!({"resultType": "complete", "tools": [], "ttlMs": 0})),
        };
        let id = request.id.clone();
        let response = match outcome {
            Ok(result) => Response::success(id, RawJson::encode(&result).unwrap()),
            Err((code, data)) => {
                let error = ErrorObject::new(ErrorCode(code), "refused").with_data(data);
                Response::failure(id, error)
            }
        };
        Answer::Stream(Replies::new(stream::once(async move {
            sleep(Duration::from_secs(4)).await;
            Ok(Message::from(response))
        })))
    })
}

fn refused_revision() -> Result<Value, (i64, Value)> {
    Err((-32022, json!({"supported": ["2026-07-28"]})))
}

fn complete() -> Result<Value, (i64, Value)> {
    Ok(json!({"resultType": "complete", "content": []}))
}

// spec: VER-01 CAN-04 HDR-20
#[tokio::test(start_paused = true)]
async fn a_second_try_has_what_the_first_has_left_of_the_time_of_the_call() {
    deadline(async {
        let refusals = [
            (Binding::ByteStream, refused_revision()),
            (Binding::Http, refused_revision()),
            (Binding::Http, Err((-32020, Value::Null))),
        ];
        for (binding, refusal) in refusals {
            for (seconds, own) in [(6, false), (6, true), (9, false)] {
                let limits = Deadlines::total(Duration::from_secs(seconds));
                let script = in_turn(binding, vec![refusal.clone(), complete()]);
                let (mut options, mut call) = (Options::default(), Call::new("tools/call"));
                match own {
                    true => call = call.with_extension(limits),
                    false => options.deadlines = limits,
                }
                let session = script.connect(options).await.unwrap();
                let start = Instant::now();
                let outcome = session.call_raw(call).await;
                assert_eq!(start.elapsed().as_secs(), seconds.min(8));
                match outcome {
                    Ok(_) => assert_eq!(seconds, 9),
                    Err(Error::Timeout { phase: Phase::Total, after, .. }) => {
                        assert_eq!((after.as_secs(), seconds), (seconds, 6), "what was set");
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    })
    .await;
}

// spec: VER-01 HDR-20 MRTR-01 MSG-13
#[tokio::test(start_paused = true)]
async fn what_comes_of_a_call_that_was_sent_again_is_dealt_with_as_of_the_first() {
    deadline(async {
        let question = json!({"inputRequests": {"q": {"method": "roots/list"}}});
        let ask = || {
            let mut result = question.clone();
            result["resultType"] = "input_required".into();
            Ok(result)
        };
        let mismatch = || Err((-32020, Value::Null));
        let (again, unknown) = (refused_revision, || Ok(json!({"resultType": "unheard-of"})));
        for (answers, is_complete) in [
            (vec![again(), ask(), complete()], true),
            (vec![ask(), again(), complete()], true),
            (vec![mismatch(), again(), ask(), again(), mismatch(), complete()], true),
            (vec![again(), mismatch(), complete()], true),
            (vec![mismatch(), ask(), unknown()], false),
            (vec![again(), unknown()], false),
        ] {
            let count = answers.len();
            let script = in_turn(Binding::Http, answers);
            let mut options = Options::default();
            options.input = roots::answering(async || roots::no_folders());
            let session = script.connect(options).await.unwrap();
            let outcome = session.call_raw(Call::new("tools/call")).await;
            match outcome {
                Ok(_) => assert!(is_complete),
                Err(Error::Misbehaved { misbehavior, .. }) => {
                    assert_eq!((misbehavior, is_complete), (Misbehavior::UnknownResultType, false));
                }
                Err(error) => panic!("{error}"),
            }
            let calls = script.methods().iter().filter(|line| line.ends_with("tools/call")).count();
            assert_eq!(calls, count);
        }
    })
    .await;
}
