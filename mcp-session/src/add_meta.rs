//! What every request says about itself.

use crate::{Call, Meta};
use mcp_types::{ProtocolVersion, RawJson, keys};
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// Stamps calls with the revision of the protocol and, for stateless revisions, with who asks and what it can do.
///
/// On the wire: the members `protocolVersion`, `clientInfo`, `clientCapabilities` and `logLevel` of `_meta`
/// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#meta)). The revision travels as an
/// extension too, for bindings that mirror it in a header. A legacy revision adds nothing to `_meta`.
///
/// A call that brings a [`ProtocolVersion`] extension keeps it.
// spec: META-01 META-02 META-03 META-04 META-05
#[derive(Clone, Debug)]
pub struct AddMeta<S> {
    inner: S,
    stamp: Arc<Stamp>,
}

/// Makes [`AddMeta`] services.
#[derive(Clone, Debug)]
pub struct AddMetaLayer(Arc<Stamp>);

#[derive(Debug)]
struct Stamp {
    version: ProtocolVersion,
    encoded_version: RawJson,
    entries: Meta,
}

impl AddMetaLayer {
    /// Stamps calls with `version` and, if it is stateless, with `entries`.
    pub fn new(version: ProtocolVersion, entries: Meta) -> Self {
        let encoded_version = encode_version(&version);
        Self(Arc::new(Stamp { version, encoded_version, entries }))
    }
}

impl<S> Layer<S> for AddMetaLayer {
    type Service = AddMeta<S>;

    fn layer(&self, inner: S) -> AddMeta<S> {
        AddMeta { inner, stamp: Arc::clone(&self.0) }
    }
}

impl<S: Service<Call>> Service<Call> for AddMeta<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call) -> S::Future {
        let Stamp { version, encoded_version, entries } = &*self.stamp;
        let (version, encoded) = match call.extensions.get::<ProtocolVersion>() {
            Some(own) => (own.clone(), encode_version(own)),
            None => (version.clone(), encoded_version.clone()),
        };
        if version.is_modern() {
            call.meta.insert(keys::PROTOCOL_VERSION, encoded);
            for (key, value) in entries.shared() {
                // What a call says about itself, like its log level, goes before what all calls say.
                if call.meta.value(&key).is_none() {
                    call.meta.insert(key, value);
                }
            }
        }
        call.extensions.insert(version);
        self.inner.call(call)
    }
}

fn encode_version(version: &ProtocolVersion) -> RawJson {
    RawJson::from_joined(serde_json::Value::from(version.as_str()).to_string())
}
