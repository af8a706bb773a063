//! A tracing span for each call, and its context for the server.

mod context;
mod span;

pub use context::{InvalidTrace, TraceContext};

use crate::{Call, CallService, Reply};
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use mcp_types::{ProtocolVersion, RawJson, keys};
use span::CallSpan;
use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument;

/// A source of the current trace context: a closure, or a bridge to a tracing library.
pub trait TraceSource: Send + Sync + 'static {
    /// The trace context of the current span. Called inside the span of the call.
    fn current(&self) -> Option<TraceContext>;
}

impl<F: Fn() -> Option<TraceContext> + Send + Sync + 'static> TraceSource for F {
    fn current(&self) -> Option<TraceContext> {
        self()
    }
}

/// Makes a `tracing` span for each call, and sends the server its trace context.
///
/// On the wire: `traceparent`, `tracestate` and `baggage` in `_meta`, unless the call already has a `traceparent`.
///
/// The spans have the attributes of client spans in [OpenTelemetry's conventions for MCP][conventions]:
/// `mcp.method.name`, `mcp.protocol.version`, `jsonrpc.request.id`, `gen_ai.operation.name`, `gen_ai.tool.name`,
/// `gen_ai.prompt.name`, `error.type`, `rpc.response.status_code`, and for the bridge from `tracing` to OpenTelemetry
/// `otel.name`, `otel.kind` and `otel.status_code`. Possible secrets are not recorded: no arguments, no results, no
/// error messages, and URIs of resources only on request.
///
/// [conventions]: https://opentelemetry.io/docs/specs/semconv/gen-ai/mcp/
// spec: META-13 TOOL-10
#[derive(Clone, Debug)]
pub struct PropagateTrace<S> {
    inner: S,
    layer: PropagateTraceLayer,
}

/// Makes [`PropagateTrace`] services.
#[derive(Clone, Default)]
pub struct PropagateTraceLayer {
    source: Option<Arc<dyn TraceSource>>,
    version: Option<ProtocolVersion>,
    records_uris: bool,
}

impl PropagateTraceLayer {
    /// Makes spans, and sends the trace context from `source`.
    pub fn new(source: impl TraceSource) -> Self {
        Self { source: Some(Arc::new(source)), ..Self::default() }
    }

    /// Makes spans only: servers get no trace context.
    pub fn spans_only() -> Self {
        Self::default()
    }

    /// Also records the URIs of resources, as `mcp.resource.uri`. They can hold secrets.
    #[must_use]
    pub fn with_resource_uris(self) -> Self {
        Self { records_uris: true, ..self }
    }

    /// Also records this protocol version.
    #[must_use]
    pub fn with_version(self, version: ProtocolVersion) -> Self {
        Self { version: Some(version), ..self }
    }

    /// Adds the trace context to `_meta`.
    fn propagate(&self, call: &mut Call) {
        if call.meta.value(keys::TRACEPARENT).is_some() {
            return;
        }
        let Some(context) = self.source.as_ref().and_then(|source| source.current()) else {
            return;
        };
        for (key, value) in context.entries() {
            if let Ok(value) = RawJson::encode(value) {
                call.meta.insert(key, value);
            }
        }
    }
}

impl<S> Layer<S> for PropagateTraceLayer {
    type Service = PropagateTrace<S>;

    fn layer(&self, inner: S) -> PropagateTrace<S> {
        PropagateTrace { inner, layer: self.clone() }
    }
}

impl<S: CallService> Service<Call> for PropagateTrace<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        let PropagateTraceLayer { version, records_uris, .. } = &self.layer;
        let mut span = CallSpan::open(&call, version.as_ref(), *records_uris);
        let reply = span.as_span().in_scope(|| {
            self.layer.propagate(&mut call);
            self.inner.call(call)
        });
        let reply = reply.instrument(span.as_span().clone());
        Box::pin(async move {
            let outcome = reply.await;
            span.close(&outcome);
            outcome
        })
    }
}

impl fmt::Debug for PropagateTraceLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PropagateTraceLayer")
            .field("propagates", &self.source.is_some())
            .field("version", &self.version)
            .field("records_uris", &self.records_uris)
            .finish()
    }
}
