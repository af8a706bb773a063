//! Stamping every request with `_meta`: protocol version, client and capabilities.

use crate::{Call, InputHandler, Meta};
use mcp_transport::Extensions;
use mcp_types::{ProtocolVersion, RawJson, keys};
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// Stamps calls with the revision of the protocol and, for stateless revisions, with the client's name and
/// capabilities.
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
    version: Version,
    is_modern: bool,
    /// The entries common to all calls, including the revision.
    entries: Meta,
    renewal: Option<Renewal>,
}

/// The revision, attached to each call.
#[derive(Debug)]
enum Version {
    /// A revision that this library knows: attaching it needs no reference counting.
    Known(&'static ProtocolVersion),
    Other(Arc<ProtocolVersion>),
}

impl Version {
    fn of(version: ProtocolVersion) -> Self {
        static KNOWN: [ProtocolVersion; 5] = ProtocolVersion::KNOWN;
        let known = KNOWN.iter().find(|known| **known == version);
        known.map_or_else(|| Self::Other(Arc::new(version)), Self::Known)
    }

    #[inline]
    fn add_to(&self, extensions: &mut Extensions) {
        match self {
            Self::Known(version) => extensions.insert_static(*version),
            Self::Other(version) => extensions.insert_shared(Arc::clone(version)),
        }
    }
}

/// Rebuilds the entries when the handler's capabilities have changed.
struct Renewal {
    input: Arc<dyn InputHandler>,
    make: Box<dyn Fn() -> Meta + Send + Sync>,
    /// The handler's generation when the first entries were built.
    generation: u64,
    newest: RwLock<(u64, Meta)>,
}

impl Renewal {
    /// Returns the entries that replace the first ones, if the capabilities have changed.
    #[inline]
    fn changed(&self) -> Option<Meta> {
        let generation = self.input.generation();
        if generation == self.generation {
            return None;
        }
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner);
        if newest.0 == generation {
            return Some(newest.1.clone());
        }
        drop(newest);
        let entries = (self.make)();
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) =
            (generation, entries.clone());
        Some(entries)
    }
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl AddMetaLayer {
    /// Stamps calls with `version` and, if it is stateless, with `entries`.
    pub fn new(version: ProtocolVersion, entries: Meta) -> Self {
        Self::made_of(version, entries, None)
    }

    /// Stamps calls with what `make` gives, and asks for it again when the capabilities of the handler have changed.
    pub fn renewed(
        version: ProtocolVersion,
        input: Arc<dyn InputHandler>,
        make: impl Fn() -> Meta + Send + Sync + 'static,
    ) -> Self {
        // Read before the entries are built, so that a change in between is not missed.
        let generation = input.generation();
        let entries = make();
        let of = version.clone();
        let make = Box::new(move || stamp(&of, make()));
        let newest = RwLock::new((generation, stamp(&version, entries.clone())));
        let renewal = Renewal { input, make, generation, newest };
        Self::made_of(version, entries, Some(renewal))
    }

    fn made_of(version: ProtocolVersion, entries: Meta, renewal: Option<Renewal>) -> Self {
        let (entries, is_modern) = (stamp(&version, entries), version.is_modern());
        Self(Arc::new(Stamp { version: Version::of(version), is_modern, entries, renewal }))
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
        let Stamp { version, is_modern, entries, renewal } = &*self.stamp;
        let own = call.extensions.get::<ProtocolVersion>().cloned();
        if own.as_ref().map_or(*is_modern, ProtocolVersion::is_modern) {
            let changed = renewal.as_ref().and_then(Renewal::changed);
            call.meta.remove(keys::PROTOCOL_VERSION);
            if let Some(own) = &own {
                call.meta.insert(keys::PROTOCOL_VERSION, encode_version(own));
            }
            // What a call says itself, such as its log level, precedes what all calls say.
            call.meta.add_stamp(changed.as_ref().unwrap_or(entries));
        }
        if own.is_none() {
            version.add_to(&mut call.extensions);
        }
        self.inner.call(call)
    }
}

/// Returns the entries that all calls of a revision carry.
fn stamp(version: &ProtocolVersion, entries: Meta) -> Meta {
    entries.into_stamp(keys::PROTOCOL_VERSION, encode_version(version))
}

fn encode_version(version: &ProtocolVersion) -> RawJson {
    RawJson::from_joined(serde_json::Value::from(version.as_str()).to_string())
}
