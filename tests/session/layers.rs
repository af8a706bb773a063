//! Each middleware alone, between a caller and a mock.

use crate::{
    mock::{around, call, reply},
    script::deadline,
};
use async_trait::async_trait;
use mcp_session::{
    AddMetaLayer, Call, DeadlineLayer, Deadlines, Error, Event, Events, FollowInputLayer,
    InputHandler, Meta, MirrorParamsLayer, Misbehavior, NegotiateVersionLayer, Phase, Question,
    Reply, RequireCompleteLayer,
};
use mcp_transport::{BoxError, MirroredParams};
use mcp_types::{
    ErrorCode, ErrorObject, ProtocolVersion, RawJson,
    capabilities::{ClientCapabilities, ElicitationCapability},
    elicitation::{ElicitAction, ElicitRequest, ElicitResult},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tower::{Layer, ServiceExt, util::BoxCloneSyncService};

fn refusal(code: i64, data: Value) -> Error {
    let error = ErrorObject::new(ErrorCode(code), "refused").with_data(data);
    Error::Rpc { method: "tools/call".into(), error: Box::new(error) }
}

fn misbehavior(error: BoxError) -> Misbehavior {
    match Error::from_layers(error) {
        Error::Misbehaved { misbehavior, .. } => misbehavior,
        other => panic!("{other}"),
    }
}

// spec: META-01 META-05 HTTP-08
#[tokio::test]
async fn add_meta_stamps_stateless_calls_and_leaves_legacy_ones_alone() {
    deadline(async {
        let mut entries = Meta::default();
        entries.insert("io.modelcontextprotocol/logLevel", RawJson::encode("info").unwrap());
        for version in [ProtocolVersion::V2026_07_28, ProtocolVersion::V2025_11_25] {
            let layer = AddMetaLayer::new(version.clone(), entries.clone());
            let (service, mut handle) = around(&layer);
            let mut sent = call("tools/list", json!({}));
            sent.meta.insert("io.modelcontextprotocol/logLevel", RawJson::encode("error").unwrap());
            let answered = tokio::join!(service.oneshot(sent), async {
                let (call, respond) = handle.next_request().await.unwrap();
                assert_eq!(call.extensions.get::<ProtocolVersion>(), Some(&version));
                let level = call.meta.value("io.modelcontextprotocol/logLevel").unwrap();
                assert_eq!(level.as_str(), r#""error""#, "what a call says of itself stays");
                let stamped = call.meta.value("io.modelcontextprotocol/protocolVersion");
                assert_eq!(stamped.is_some(), version.is_modern());
                respond.send_response(reply(json!({})));
            });
            assert!(answered.0.is_ok());
        }
    })
    .await;
}

/// A handler that acquires a capability later.
#[derive(Default)]
struct Learner(AtomicUsize);

impl InputHandler for Learner {
    fn capabilities(&self) -> ClientCapabilities {
        let mut capabilities = ClientCapabilities::default();
        if self.generation() > 0 {
            capabilities.elicitation = Some(ElicitationCapability::default());
        }
        capabilities
    }

    fn generation(&self) -> u64 {
        self.0.load(Ordering::SeqCst) as u64
    }
}

// spec: META-05
#[tokio::test]
async fn add_meta_declares_what_the_handler_can_answer_by_now() {
    const KEY: &str = "io.modelcontextprotocol/clientCapabilities";

    deadline(async {
        let input = Arc::new(Learner::default());
        let handler = Arc::clone(&input) as Arc<dyn InputHandler>;
        let layer = AddMetaLayer::renewed(ProtocolVersion::LATEST, input.clone(), move || {
            let mut meta = Meta::default();
            meta.insert(KEY, RawJson::encode(&handler.capabilities()).unwrap());
            meta
        });
        let (service, mut handle) = around(&layer);
        for (generation, declared) in
            [(0, "{}"), (1, r#"{"elicitation":{}}"#), (2, r#"{"elicitation":{}}"#), (0, "{}")]
        {
            input.0.store(generation, Ordering::SeqCst);
            let answered =
                tokio::join!(service.clone().oneshot(call("tools/list", json!({}))), async {
                    let (call, respond) = handle.next_request().await.unwrap();
                    assert_eq!(call.meta.value(KEY).unwrap().as_str(), declared);
                    respond.send_response(reply(json!({})));
                });
            assert!(answered.0.is_ok());
        }
    })
    .await;
}

// spec: VER-01 VER-02
#[tokio::test]
async fn negotiate_version_tries_once_more_in_a_version_that_is_offered() {
    deadline(async {
        let (service, mut handle) = around(&NegotiateVersionLayer::new());
        let sent = service.oneshot(call("tools/list", json!({"cursor": "c"})));
        let (answer, ()) = tokio::join!(sent, async {
            for _ in 0..2 {
                let (call, respond) = handle.next_request().await.unwrap();
                assert_eq!(call.params.as_raw().as_str(), r#"{"cursor":"c"}"#);
                respond.send_error(refusal(-32022, json!({"supported": ["2026-07-28"]})));
            }
        });
        let error = Error::from_layers(answer.unwrap_err());
        assert_eq!(error.as_rpc().unwrap().code, ErrorCode::UNSUPPORTED_PROTOCOL_VERSION);
    })
    .await;
}

// spec: CAN-02 CAN-04
#[tokio::test(start_paused = true)]
async fn deadline_starts_again_with_progress_but_not_for_ever() {
    deadline(async {
        let mut limits = Deadlines::default();
        limits.idle = Some(Duration::from_secs(10));
        limits.total = Some(Duration::from_secs(35));
        let (service, mut handle) = around(&DeadlineLayer::new(limits));
        let start = tokio::time::Instant::now();
        let (answer, ()) = tokio::join!(service.oneshot(call("tools/call", json!({}))), async {
            let (call, respond) = handle.next_request().await.unwrap();
            for step in 1..=4 {
                tokio::time::sleep(Duration::from_secs(9)).await;
                let progress = serde_json::from_value(json!({"progress": step})).unwrap();
                call.events.emit(&Event::Progress(progress)).await;
            }
            drop(respond);
        });
        let Error::Timeout { phase, after, .. } = Error::from_layers(answer.unwrap_err()) else {
            panic!("a timeout")
        };
        assert_eq!((phase, after), (Phase::Total, Duration::from_secs(35)));
        assert!(start.elapsed() >= Duration::from_secs(35));
    })
    .await;
}

// spec: CAN-01 CAN-03 CAN-05
#[tokio::test(start_paused = true)]
async fn deadline_ends_a_silent_call_and_drops_it() {
    deadline(async {
        let (dropped, is_dropped) = tokio::sync::oneshot::channel::<()>();
        let dropped = Arc::new(std::sync::Mutex::new(Some(dropped)));
        let silent = tower::service_fn(move |_: Call| {
            let guard = dropped.lock().unwrap().take();
            async move {
                let _guard = guard;
                std::future::pending::<Result<Reply, BoxError>>().await
            }
        });
        let service = DeadlineLayer::default().layer(BoxCloneSyncService::new(silent));
        let own = Deadlines::total(Duration::from_secs(3));
        let sent = call("tools/call", json!({})).with_extension(own);
        let answer = service.oneshot(sent).await;
        assert!(Error::from_layers(answer.unwrap_err()).is_timeout());
        assert!(is_dropped.await.is_err(), "the sender is dropped with the call");
    })
    .await;
}

// spec: CAN-01
#[tokio::test(start_paused = true)]
async fn each_call_ends_at_its_own_time_whatever_others_wait_for() {
    deadline(async {
        let silent = tower::service_fn(|_: Call| std::future::pending::<Result<Reply, BoxError>>());
        let service = DeadlineLayer::default().layer(BoxCloneSyncService::new(silent));
        // One second apart, so that they meet timers in all states.
        let calls = [600_000, 60_000, 60_000, 500, 1_000, 30_000, 4_000, 60_000, 2_500, 45_000];
        let calls = calls.into_iter().enumerate().map(|(index, limit)| {
            let (service, limit) = (service.clone(), Duration::from_millis(limit));
            let own = Deadlines::total(limit);
            async move {
                tokio::time::sleep(Duration::from_secs(index as u64)).await;
                let start = tokio::time::Instant::now();
                let sent = call("tools/call", json!({})).with_extension(own);
                let error = Error::from_layers(service.oneshot(sent).await.unwrap_err());
                assert!(error.is_timeout());
                let late = start.elapsed().checked_sub(limit).expect("no call ends early");
                assert!(late <= Duration::from_millis(1), "{limit:?} and {late:?}");
            }
        });
        futures_util::future::join_all(calls).await;
    })
    .await;
}

/// Declines every question, once all questions of the round have arrived.
struct Counting {
    barrier: tokio::sync::Barrier,
    asked: AtomicUsize,
}

impl Counting {
    fn new(at_a_time: usize) -> Arc<Self> {
        let barrier = tokio::sync::Barrier::new(at_a_time);
        Arc::new(Self { barrier, asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl InputHandler for Counting {
    fn capabilities(&self) -> ClientCapabilities {
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(ElicitationCapability::default());
        capabilities
    }

    async fn elicit(&self, _: Question<ElicitRequest>) -> Result<ElicitResult, ErrorObject> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.barrier.wait().await;
        Ok(ElicitResult::new(ElicitAction::Decline))
    }
}

fn question() -> Value {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let params = json!({"mode": "form", "message": "?", "requestedSchema": schema});
    json!({"method": "elicitation/create", "params": params})
}

// spec: MRTR-01 MRTR-03 MRTR-04 MRTR-05 MRTR-08
#[tokio::test(start_paused = true)]
async fn follow_input_answers_all_at_once_and_echoes_the_state_byte_for_byte() {
    deadline(async {
        let layer = FollowInputLayer::new(Counting::new(2), 10);
        let (service, mut handle) = around(&layer);
        let sent = service.oneshot(call("tools/call", json!({"name": "t", "arguments": {"x": 1}})));
        let (answer, ()) = tokio::join!(sent, async {
            let (_, respond) = handle.next_request().await.unwrap();
            let state = r#""\u0041 \/ ä""#;
            let ask = format!(
                r#"{{"resultType":"input_required","inputRequests":{{"q":{0},"r":{0}}},"requestState":{state}}}"#,
                question()
            );
            respond.send_response(Reply::new(RawJson::parse(ask).unwrap()));
            let (call, respond) = handle.next_request().await.unwrap();
            let params = call.params.as_raw().as_str();
            let declined = r#"{"q":{"action":"decline"},"r":{"action":"decline"}}"#;
            let expected = format!(
                r#"{{"name":"t","arguments":{{"x":1}},"inputResponses":{declined},"requestState":{state}}}"#
            );
            assert_eq!(params, expected);
            let ask = json!({"resultType": "input_required", "requestState": "next"});
            respond.send_response(reply(ask));
            let (call, respond) = handle.next_request().await.unwrap();
            let params = call.params.as_raw().as_str();
            assert!(params.contains(r#""requestState":"next""#), "{params}");
            assert!(!params.contains("inputResponses"), "answers are for one try: {params}");
            respond.send_response(reply(json!({"content": []})));
        });
        assert_eq!(answer.unwrap().result.as_str(), r#"{"content":[]}"#);
    })
    .await;
}

// spec: MSG-14 MRTR-09 MRTR-10
// seed: 57
#[tokio::test(start_paused = true)]
async fn follow_input_refuses_what_a_server_may_not_ask() {
    deadline(async {
        let ask =
            |requests: Value| json!({"resultType": "input_required", "inputRequests": requests});
        let sampling = json!({"q": {"method": "sampling/createMessage", "params": {}}});
        let cases = [
            ("tools/list", ask(json!({})), Misbehavior::InputRequiredOnOtherMethod),
            (
                "tools/call",
                json!({"resultType": "input_required"}),
                Misbehavior::InputRequiredWithoutContent,
            ),
            ("tools/call", ask(sampling), Misbehavior::UndeclaredInputRequest),
            ("tools/call", ask(json!(7)), Misbehavior::InvalidResult),
        ];
        for (method, result, expected) in cases {
            let (service, mut handle) = around(&FollowInputLayer::new(Counting::new(1), 3));
            let (answer, ()) = tokio::join!(service.oneshot(call(method, json!({}))), async {
                let (_, respond) = handle.next_request().await.unwrap();
                respond.send_response(reply(result));
            });
            assert_eq!(misbehavior(answer.unwrap_err()), expected);
        }

        let handler = Counting::new(1);
        let (service, mut handle) = around(&FollowInputLayer::new(handler.clone(), 3));
        let (answer, ()) = tokio::join!(service.oneshot(call("prompts/get", json!({}))), async {
            for _ in 0..4 {
                let (_, respond) = handle.next_request().await.unwrap();
                respond.send_response(reply(ask(json!({"q": question()}))));
            }
        });
        assert!(matches!(Error::from_layers(answer.unwrap_err()), Error::InputRequired { .. }));
        assert_eq!(handler.asked.load(Ordering::Relaxed), 3);
    })
    .await;
}

// spec: MSG-12 MSG-13
#[tokio::test]
async fn require_complete_lets_nothing_else_through() {
    deadline(async {
        for (result, passes) in [
            (json!({}), true),
            (json!({"resultType": "complete"}), true),
            (json!({"resultType": "task"}), false),
            (json!({"resultType": "Complete"}), false),
            (json!({"resultType": 7}), false),
        ] {
            let (service, mut handle) = around(&RequireCompleteLayer::new());
            let (answer, ()) = tokio::join!(service.oneshot(Call::new("tools/list")), async {
                let (_, respond) = handle.next_request().await.unwrap();
                respond.send_response(reply(result.clone()));
            });
            assert_eq!(answer.is_ok(), passes, "{result}");
        }
    })
    .await;
}

// spec: HDR-21 HDR-22 HDR-23
#[tokio::test]
async fn mirror_params_lists_the_tools_again_when_headers_are_missed() {
    deadline(async {
        let (service, mut handle) = around(&MirrorParamsLayer::new());
        let sent = call("tools/call", json!({"name": "t", "arguments": {"region": "eu"}}));
        let (answer, ()) = tokio::join!(service.oneshot(sent), async {
            let (call, respond) = handle.next_request().await.unwrap();
            assert_eq!(call.extensions.get::<MirroredParams>(), None, "no schema, no headers");
            respond.send_error(refusal(-32020, Value::Null));
            let (call, respond) = handle.next_request().await.unwrap();
            assert_eq!(call.method, "tools/list");
            let region = json!({"type": "string", "x-mcp-header": "Region"});
            let schema = json!({"type": "object", "properties": {"region": region}});
            respond.send_response(reply(json!({"tools": [{"name": "t", "inputSchema": schema}]})));
            let (call, respond) = handle.next_request().await.unwrap();
            let mirrored = MirroredParams(vec![("Region".into(), "eu".into())]);
            assert_eq!(call.extensions.get(), Some(&mirrored));
            respond.send_response(reply(json!({})));
        });
        assert!(answer.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_slow_listener_stalls_its_call_and_loses_nothing() {
    deadline(async {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let events = Events::channel(sender);
        let emit = async {
            for step in 0..100 {
                let progress = serde_json::from_value(json!({"progress": step})).unwrap();
                events.emit(&Event::Progress(progress)).await;
            }
        };
        let (_, seen) = tokio::join!(emit, async {
            let mut seen = 0;
            while seen < 100 && receiver.recv().await.is_some() {
                seen += 1;
            }
            seen
        });
        assert_eq!(seen, 100);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_never_ends_is_none() {
    deadline(async {
        let slow = tower::service_fn(|_: Call| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, BoxError>(Reply::new(RawJson::EMPTY_OBJECT))
        });
        let service = DeadlineLayer::default().layer(BoxCloneSyncService::new(slow));
        let mut both = Deadlines::total(Duration::MAX);
        both.idle = Some(Duration::MAX);
        for limits in [Deadlines::total(Duration::MAX), both] {
            let sent = call("tools/call", json!({})).with_extension(limits);
            service.clone().oneshot(sent).await.unwrap();
        }
    })
    .await;
}
