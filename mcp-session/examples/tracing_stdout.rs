//! Spans of calls on standard output, as JSON with the attribute names of OpenTelemetry, and the trace told to the server.

#[path = "in_process/answer.rs"]
mod answer;

use mcp_session::{Call, Error, Options, Params, PropagateTraceLayer, Session, TraceContext};
use mcp_transport::{ClientMessage, Replies, Shared};
use mcp_types::RawJson;
use serde_json::json;
use tracing_subscriber::fmt::format::FmtSpan;

/// A program with a library for tracing asks that for the current span.
fn current_trace() -> Option<TraceContext> {
    TraceContext::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").ok()
}

/// Says which trace it was told.
async fn server(message: ClientMessage) -> Result<Replies, mcp_transport::Error> {
    answer::answer(message, |params| {
        let (_, meta) = Params::split(&params).unwrap_or_default();
        let trace = meta.value("traceparent").map_or_else(String::new, RawJson::to_string);
        Ok(json!({"resultType": "complete", "content": [{"type": "text", "text": trace}]}))
    })
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), Error> {
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_span_events(FmtSpan::CLOSE)
        .with_test_writer()
        .finish();
    let _recording = tracing::subscriber::set_default(subscriber);
    let mut options = Options::default();
    options.trace = Some(PropagateTraceLayer::new(current_trace));
    let builder = Session::builder(Shared::new(tower::service_fn(server)));
    let (session, driver) = builder.options(options).connect().await?;
    let call = Call::new("tools/call").with_params(Params::encode(&json!({"name": "echo"}))?);
    let calls = async {
        let reply = session.call_raw(call).await?;
        assert!(
            reply.result.as_str().contains("0af7651916cd43dd8448eb211c80319c"),
            "the server knows"
        );
        Ok(())
    };
    tokio::select! {
        outcome = calls => outcome,
        _ = driver => Err(Error::NotConnected),
    }
}
