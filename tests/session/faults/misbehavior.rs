//! Each rule that a server can break, broken once.

use super::modern;
use crate::{
    script::{Answer, Script, deadline, initialized},
    wire,
};
use conformance::script::Peer;
use futures_util::{FutureExt, StreamExt};
use mcp_session::{Call, Error, Misbehavior, Mode, Options, Session};
use mcp_transport::Binding;
use mcp_types::{
    ProtocolVersion, RawJson, RequestId,
    rpc::{Message, Notification, Request, Response},
    subscriptions::SubscriptionFilter,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::DuplexStream;

fn response(id: &RequestId) -> Message {
    Response::success(id.clone(), RawJson::EMPTY_OBJECT).into()
}

fn notification(method: &'static str, params: Value) -> Message {
    Notification::new(method).with_params(RawJson::encode(&params).unwrap()).into()
}

/// Returns the rule that a server breaks with this answer, as an incident and, if there is one, as the error of the
/// call.
async fn broken_by(
    method: &'static str,
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> (Option<Misbehavior>, Option<Misbehavior>) {
    let options = Options::default();
    let mut incidents = Box::pin(options.diagnostics.subscribe());
    let session = modern(answer).connect(options).await.unwrap();
    let outcome = session.call_raw(Call::new(method)).await;
    let error = outcome.err().and_then(|error| match error {
        Error::Misbehaved { misbehavior, .. } => Some(misbehavior),
        _ => None,
    });
    let incident = incidents.next().now_or_never().flatten();
    let incident = incident.map(|incident| incident.misbehavior);
    assert!(error.is_none() || incident == error, "an error is told too: {incident:?} {error:?}");
    assert!(incidents.next().now_or_never().is_none(), "once");
    (incident, error)
}

// spec: MSG-07 MSG-08 MSG-13 MSG-14 MRTR-09
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_against_the_rules_fails_the_call_and_names_the_rule() {
    deadline(async {
        let result = |value: Value| move |_: &Request| Answer::Result(value.clone());
        let failed = async |method, answer| broken_by(method, answer).await.1.unwrap();
        let question = json!({"resultType": "input_required", "inputRequests": {"q": {"method": "roots/list"}}});
        for (method, value, expected) in [
            ("tools/call", json!({"resultType": "surprise"}), Misbehavior::UnknownResultType),
            ("tools/call", json!({"resultType": 7}), Misbehavior::InvalidResult),
            ("tools/list", question.clone(), Misbehavior::InputRequiredOnOtherMethod),
            ("tools/call", json!({"resultType": "input_required"}), Misbehavior::InputRequiredWithoutContent),
            ("tools/call", question, Misbehavior::UndeclaredInputRequest),
        ] {
            assert_eq!(failed(method, result(value)).await, expected);
        }
        let (_, error) = broken_by("tools/call", |_| Answer::Say(vec![])).await;
        assert_eq!(error, Some(Misbehavior::NoResponse));
        let (_, error) = broken_by("tools/call", |_| Answer::Say(vec![response(&9.into())])).await;
        assert_eq!(error, Some(Misbehavior::ResponseForOtherId));
    })
    .await;
}

// spec: MSG-15 PROG-05
#[tokio::test(start_paused = true)]
async fn a_rule_that_is_broken_beside_the_answer_is_an_incident_and_the_call_goes_on() {
    deadline(async {
        let said: [(fn(&Request) -> Vec<Message>, Misbehavior); 3] = [
            (|_| vec![Request::new("q", "roots/list").into()], Misbehavior::RequestOnModernStream),
            (
                |request| {
                    let step = json!({"progressToken": request.id, "progress": 1});
                    vec![notification("notifications/progress", step); 2]
                },
                Misbehavior::ProgressNotIncreasing,
            ),
            (
                |_| vec![notification("notifications/progress", json!({"progress": "half"}))],
                Misbehavior::InvalidNotification,
            ),
        ];
        for (said, expected) in said {
            let (incident, error) = broken_by("tools/call", move |request| {
                let mut said = said(request);
                said.push(response(&request.id));
                Answer::Say(said)
            })
            .await;
            assert_eq!((incident, error), (Some(expected), None));
        }
    })
    .await;
}

// spec: PROG-05
#[tokio::test(start_paused = true)]
async fn in_a_strict_session_an_incident_is_the_error_of_the_call_and_told_once() {
    deadline(async {
        let script = modern(|request| {
            let step = json!({"progressToken": request.id, "progress": 1});
            let step = notification("notifications/progress", step);
            Answer::Say(vec![step.clone(), step, response(&request.id)])
        });
        let mut options = Options::default();
        options.diagnostics = options.diagnostics.strict();
        let mut incidents = Box::pin(options.diagnostics.subscribe());
        let session = script.connect(options).await.unwrap();
        let error = session.call_raw(Call::new("tools/call")).await.unwrap_err();
        let expected = Misbehavior::ProgressNotIncreasing;
        assert!(matches!(error, Error::Misbehaved { misbehavior, .. } if misbehavior == expected));
        assert_eq!(incidents.next().await.unwrap().misbehavior, expected);
        assert!(incidents.next().now_or_never().is_none());
    })
    .await;
}

// spec: SUB-03 SUB-05
#[tokio::test(start_paused = true)]
async fn a_rule_of_subscriptions_that_is_broken_is_an_incident() {
    deadline(async {
        let acknowledge = |id: &Value| {
            json!({"notifications": {"toolsListChanged": true},
                "_meta": {"io.modelcontextprotocol/subscriptionId": id}})
        };
        let options = Options::default();
        let incidents = options.diagnostics.subscribe();
        let script = modern(move |request| {
            let id = serde_json::to_value(&request.id).unwrap();
            let of = |id: &Value| json!({"_meta": {"io.modelcontextprotocol/subscriptionId": id}});
            Answer::Say(vec![
                notification("notifications/tools/list_changed", of(&id)),
                notification("notifications/subscriptions/acknowledged", acknowledge(&id)),
                notification("notifications/tools/list_changed", of(&json!("other"))),
                notification("notifications/prompts/list_changed", of(&id)),
                response(&request.id),
            ])
        });
        let session = script.connect(options).await.unwrap();
        let mut filter = SubscriptionFilter::default();
        filter.tools_list_changed = Some(true);
        let subscription = session.subscribe(filter).await.unwrap();
        assert_eq!(subscription.count().await, 0);
        let expected = [
            Misbehavior::AcknowledgeNotFirst,
            Misbehavior::NotificationForOtherSubscription,
            Misbehavior::NotificationNotSubscribed,
        ];
        let incidents: Vec<_> = incidents.take(3).map(|it| it.misbehavior).collect().await;
        assert_eq!(incidents, expected);
    })
    .await;
}

/// Returns the first incident after a server on a byte stream has sent something.
async fn said(say: impl AsyncFnOnce(&mut Peer<DuplexStream>)) -> Misbehavior {
    let options = Options::default();
    let mut incidents = Box::pin(options.diagnostics.subscribe());
    let (session, _driver, mut peer) = wire::open(options).await;
    say(&mut peer).await;
    let incident = incidents.next().await.unwrap();
    drop::<Session>(session);
    incident.misbehavior
}

// spec: STDIO-05 MSG-08
#[tokio::test]
async fn what_a_server_should_not_write_is_an_incident() {
    deadline(async {
        let nobody = said(async |peer| peer.answer(99, json!({})).await).await;
        assert_eq!(nobody, Misbehavior::ResponseForNobody);
        let noise = said(async |peer| peer.send_raw("listening on port 7\n").await).await;
        assert_eq!(noise, Misbehavior::NotAMessage);
        let question = json!({"jsonrpc": "2.0", "id": 1, "method": "roots/list"});
        let asked = said(async |peer| peer.send(question).await).await;
        assert_eq!(asked, Misbehavior::RequestOnModernStream);
        let large = said(async |peer| {
            peer.send_raw(r#"{"jsonrpc": "2.0", "method": "x", "params": {"a": ""#).await;
            let part = "a".repeat(1024 * 1024);
            for _ in 0..65 {
                peer.send_raw(&part).await;
            }
            peer.send_raw("\"}}\n").await;
        });
        assert_eq!(large.await, Misbehavior::MessageTooLarge);
    })
    .await;
}

// spec: LIFE-06
#[tokio::test(start_paused = true)]
async fn a_revision_that_nobody_asked_for_is_an_incident_and_no_session() {
    deadline(async {
        for version in ["1.0", "2026-07-28"] {
            let mut options = Options::default();
            options.mode = Mode::Legacy;
            let mut incidents = Box::pin(options.diagnostics.subscribe());
            let script = Script::new(Binding::ByteStream, move |_, _| initialized(version));
            let error = script.connect(options).await.unwrap_err();
            assert!(matches!(error, Error::NoCommonVersion { .. }), "{error}");
            let incident = incidents.next().await.unwrap();
            assert_eq!(incident.misbehavior, Misbehavior::UnsupportedInitializeVersion);
        }
    })
    .await;
}

/// Returns the incident, if any, when the answer to a call comes in a batch, in this revision.
async fn batched(version: ProtocolVersion) -> Option<Misbehavior> {
    let mut options = Options::default();
    options.mode = Mode::Pinned(version.clone());
    let mut incidents = Box::pin(options.diagnostics.subscribe());
    let (session, _driver, mut peer) = wire::open(options).await;
    let (reply, ()) = tokio::join!(session.call_raw(Call::new("tools/list")), async {
        let id = peer.expect("tools/list").await["id"].clone();
        let note = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {}});
        let answer = json!({"jsonrpc": "2.0", "id": id, "result": {"resultType": "complete"}});
        peer.send(json!([note, answer])).await;
    });
    reply.unwrap();
    let told = tokio::time::timeout(Duration::from_millis(100), incidents.next()).await;
    assert!(peer.received().iter().all(Value::is_object), "none is ever sent");
    told.ok().flatten().map(|incident| incident.misbehavior)
}

// spec: OLD-01 HTTP-03 HTTP-04
#[tokio::test(start_paused = true)]
async fn a_batch_is_taken_in_every_revision_and_is_an_incident_in_all_but_one() {
    deadline(async {
        for version in ProtocolVersion::KNOWN {
            let expected = (version != ProtocolVersion::V2025_03_26).then_some(Misbehavior::Batch);
            assert_eq!(batched(version.clone()).await, expected, "{version:?}");
        }
    })
    .await;
}
