//! A middleware between a caller and a mock.

use mcp_session::{Call, Error, Params, Reply};
use mcp_transport::BoxError;
use mcp_types::{ErrorCode, ErrorObject, RawJson};
use serde_json::Value;
use std::sync::Arc;
use tower::{Layer, Service, ServiceExt, util::BoxCloneSyncService};
use tower_test::mock::{self, Handle};

pub(crate) type Mock = Handle<Call, Reply>;

/// Wraps a mock in a layer; `tower_test`'s own mock is not `Sync`, so it stays behind a lock until it has taken the
/// call.
pub(crate) fn around<L>(layer: &L) -> (L::Service, Mock)
where
    L: Layer<BoxCloneSyncService<Call, Reply, BoxError>>,
{
    let (service, handle) = mock::pair::<Call, Reply>();
    let service = Arc::new(tokio::sync::Mutex::new(service));
    let inner = tower::service_fn(move |call: Call| {
        let service = Arc::clone(&service);
        async move {
            let reply = service.lock().await.ready().await?.call(call);
            reply.await
        }
    });
    (layer.layer(BoxCloneSyncService::new(inner)), handle)
}

pub(crate) fn reply(result: Value) -> Reply {
    Reply::new(RawJson::encode(&result).unwrap())
}

pub(crate) fn call(method: &'static str, params: Value) -> Call {
    Call::new(method).with_params(Params::encode(&params).unwrap())
}

/// Creates an error of the server.
pub(crate) fn refusal(code: i64) -> Error {
    let error = ErrorObject::new(ErrorCode(code), "refused");
    Error::Rpc { method: "any".into(), error: Box::new(error) }
}

/// Answers the next call, which must arrive.
pub(crate) async fn answer(mock: &mut Mock, result: Value) -> Call {
    let (call, respond) = mock.next_request().await.unwrap();
    respond.send_response(reply(result));
    call
}

/// Fails the next call, which must arrive.
pub(crate) async fn fail(mock: &mut Mock, error: impl Into<BoxError>) -> Call {
    let (call, respond) = mock.next_request().await.unwrap();
    respond.send_error(error);
    call
}
