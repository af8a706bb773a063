//! The span of a call, and the trace that the server is told.

use crate::{
    mock::{answer, around, call, fail, refusal},
    script::{Answer, Script, deadline, discovered, initialized},
};
use mcp_session::{Call, Options, PropagateTraceLayer, TraceContext};
use mcp_transport::{Binding, BoxError, Delivery};
use mcp_types::{RawJson, keys};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tower::{Service, ServiceExt};
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The closed spans, as JSON.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<u8>>>);

impl Spans {
    /// Records the spans of this thread.
    fn record(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_span_events(FmtSpan::CLOSE)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Returns the last span of a call.
    fn last(&self) -> Value {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut calls = lines.filter(|line| line["span"]["name"] == "mcp.client");
        calls.next_back().unwrap()["span"].clone()
    }
}

impl std::io::Write for Spans {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Spans {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn traced() -> PropagateTraceLayer {
    PropagateTraceLayer::new(|| {
        TraceContext::new(PARENT).ok()?.with_state("a=1").ok()?.with_baggage("user=x").ok()
    })
}

// spec: META-13
// seed: 67
#[tokio::test]
async fn the_server_is_told_the_trace_unless_the_call_brings_its_own() {
    deadline(async {
        let (mut service, mut mock) = around(&traced());
        let mut own = Call::new("tools/list");
        let parent = RawJson::encode("00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
        own.meta.insert(keys::TRACEPARENT, parent.unwrap());
        for (sent, expected) in [(Call::new("tools/list"), [true; 3]), (own, [false; 3])] {
            let outcome = service.ready().await.unwrap().call(sent);
            let (_, sent) = tokio::join!(outcome, answer(&mut mock, json!({})));
            let told =
                [(keys::TRACEPARENT, PARENT), (keys::TRACESTATE, "a=1"), (keys::BAGGAGE, "user=x")]
                    .map(|(key, value)| {
                        sent.meta
                            .value(key)
                            .is_some_and(|told| told.as_str() == format!("{value:?}"))
                    });
            assert_eq!(told, expected);
        }
    })
    .await;
}

// spec: TOOL-10
// seed: 67
#[tokio::test]
async fn a_span_says_what_was_called_and_how_it_ended_but_no_secrets() {
    let spans = Spans::default();
    let _recording = spans.record();
    deadline(async {
        let (mut service, mut mock) = around(&PropagateTraceLayer::spans_only());
        let secret = json!({"name": "weather", "arguments": {"key": "hunter2"}});
        let status = mcp_transport::Error::other("hunter2", Delivery::Delivered)
            .with_status(http::StatusCode::BAD_GATEWAY);
        let endings: [(Result<Value, BoxError>, Option<&str>); 5] = [
            (Ok(json!({"content": [{"type": "text", "text": "hunter2"}]})), None),
            (Ok(json!({"content": [], "isError": true})), Some("tool_error")),
            (Err(refusal(-32602).into()), Some("-32602")),
            (Err(status.into()), Some("502")),
            (Err("hunter2".into()), Some("_OTHER")),
        ];
        for (ending, error_type) in endings {
            let outcome = service.ready().await.unwrap().call(call("tools/call", secret.clone()));
            let sent = async {
                match ending {
                    Ok(result) => answer(&mut mock, result).await,
                    Err(error) => fail(&mut mock, error).await,
                }
            };
            let (_, sent) = tokio::join!(outcome, sent);
            assert!(sent.meta.is_empty(), "nothing is told without a source");
            let span = spans.last();
            assert_eq!(span["otel.name"], "tools/call weather");
            assert_eq!(span["otel.kind"], "client");
            assert_eq!(span["mcp.method.name"], "tools/call");
            assert_eq!(span["gen_ai.operation.name"], "execute_tool");
            assert_eq!(span["gen_ai.tool.name"], "weather");
            assert_eq!(span["error.type"].as_str(), error_type);
            assert_eq!(span["otel.status_code"].as_str(), error_type.map(|_| "ERROR"));
        }
        assert!(!spans.text().contains("hunter2"));
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_given_up_says_so_and_names_cannot_trick_a_terminal() {
    let spans = Spans::default();
    let _recording = spans.record();
    deadline(async {
        let (service, _mock) = around(&PropagateTraceLayer::spans_only());
        let name = format!("\u{1b}[31m\u{202e}x{}", "y".repeat(500));
        drop(service.oneshot(call("prompts/get", json!({"name": name}))));
        let (mut service, _mock) = around(&PropagateTraceLayer::spans_only());
        drop(service.call(call("prompts/get", json!({"name": name}))));
        let span = spans.last();
        assert_eq!(span["error.type"], "cancelled");
        let recorded = span["gen_ai.prompt.name"].as_str().unwrap();
        assert!(recorded.starts_with("\u{fffd}[31m\u{fffd}xy"), "{recorded}");
        assert_eq!(recorded.chars().count(), 128);
    })
    .await;
}

#[tokio::test]
async fn uris_are_recorded_on_demand() {
    let spans = Spans::default();
    let _recording = spans.record();
    deadline(async {
        for (layer, recorded) in [
            (PropagateTraceLayer::spans_only(), None),
            (PropagateTraceLayer::spans_only().with_resource_uris(), Some("file:///a?key=1")),
        ] {
            let (service, mut mock) = around(&layer);
            let read = call("resources/read", json!({"uri": "file:///a?key=1"}));
            let _ = tokio::join!(service.oneshot(read), answer(&mut mock, json!({})));
            let span = spans.last();
            assert_eq!(span["otel.name"], "resources/read");
            assert_eq!(span["mcp.resource.uri"].as_str(), recorded);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_a_session_a_span_has_the_version_and_the_id_of_the_request() {
    let spans = Spans::default();
    let _recording = spans.record();
    deadline(async {
        for (version, id) in [("2026-07-28", "2"), ("2025-11-25", "3")] {
            let script = Script::new(Binding::ByteStream, move |_, request| {
                match (&*request.method, version) {
                    ("server/discover", "2026-07-28") => discovered(&["2026-07-28"]),
                    ("server/discover", _) => Answer::Refuse(-32601, Value::Null),
                    ("initialize", _) => initialized(version),
                    _ => Answer::Result(json!({"tools": []})),
                }
            });
            let mut options = Options::default();
            options.trace = Some(traced());
            let session = script.connect(options).await.unwrap();
            session.call_raw(Call::new("tools/list")).await.unwrap();
            let span = spans.last();
            assert_eq!(span["mcp.protocol.version"], version);
            assert_eq!(span["jsonrpc.request.id"], id);
            assert!(script.log().last().unwrap().contains(PARENT));
        }
    })
    .await;
}
