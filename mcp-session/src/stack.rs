//! The default stacks: one expression per era, outermost first.

use crate::{
    AddMetaLayer, BoxCallService, CallService, Dispatch, FollowInputLayer, Meta, MirrorParamsLayer,
    NegotiateVersionLayer, Options, RequireCompleteLayer, RetryLayer, extension::ExtendLayer,
    followed::Nested,
};
use mcp_transport::{Binding, Transport};
use mcp_types::{ProtocolVersion, RawJson, is_extension_id, keys};
use std::sync::Arc;
use tower::{
    ServiceBuilder,
    util::{BoxCloneSyncService, BoxCloneSyncServiceLayer},
};
use tower_layer::{Identity, Layer};

/// The stack for stateless servers.
pub fn modern<T: Transport>(
    dispatch: Dispatch<T>,
    version: ProtocolVersion,
    binding: Binding,
    options: &Options,
) -> BoxCallService {
    let input = FollowInputLayer::new(Arc::clone(&options.input), options.input_rounds)
        .with_peer(dispatch.peer().clone())
        .with_deadlines(options.deadlines);
    // Only HTTP has headers, so only there may a tool be left out because of them.
    let mirror = (binding == Binding::Http).then(MirrorParamsLayer::new);
    // Outside of extensions, whose results they may hold back: a task, for example.
    let extend = ExtendLayer::new(&options.extensions, dispatch.peer());
    let complete = extend.is_none().then(RequireCompleteLayer::new);
    // Each sees the calls sent by those before it.
    let follow = Nested::new(mirror, NegotiateVersionLayer::new());
    let follow = Nested::new(complete, Nested::new(input, follow));
    ServiceBuilder::new()
        .layer(Outermost { trace: trace(options, &version), reuse: reuse(options), extend })
        // Outside the deadline: a person's answer does not use up the server's time.
        .layer(follow)
        // Also outside the deadline, so that each attempt gets the remaining time; inside the questions, which are not
        // asked again.
        .option_layer(retry(options).map(BoxCloneSyncServiceLayer::new))
        // Inside whatever changes the revision, so that a second attempt is stamped afresh.
        .layer(add_meta(version, options))
        .service(dispatch.with_deadlines(options.deadlines))
}

/// The stack for servers with a handshake.
pub fn legacy<T: Transport>(
    dispatch: Dispatch<T>,
    version: ProtocolVersion,
    options: &Options,
) -> BoxCallService {
    ServiceBuilder::new()
        .layer(Outermost { trace: trace(options, &version), reuse: None::<Identity>, extend: None })
        .option_layer(retry(options).map(BoxCloneSyncServiceLayer::new))
        // Adds nothing to `_meta` for a legacy revision; the binding learns the revision from it.
        .layer(AddMetaLayer::new(version, Meta::default()))
        .service(dispatch.with_deadlines(options.deadlines))
}

/// Erases the type of a stack, and wraps it in the layers that are off by default, so that they cost nothing when off.
struct Outermost<R> {
    trace: Option<crate::PropagateTraceLayer>,
    reuse: Option<R>,
    extend: Option<ExtendLayer>,
}

impl<S, R> Layer<S> for Outermost<R>
where
    S: CallService,
    R: Layer<BoxCallService, Service: CallService>,
{
    type Service = BoxCallService;

    fn layer(&self, inner: S) -> BoxCallService {
        let mut service = BoxCloneSyncService::new(inner);
        if let Some(extend) = &self.extend {
            // Outside every layer that knows a result type, so that any other type is an error.
            let complete = RequireCompleteLayer::new().layer(extend.layer(service));
            service = BoxCloneSyncService::new(complete);
        }
        // Where only complete results pass. Each session has its own cache: no server sees another's.
        if let Some(reuse) = &self.reuse {
            service = BoxCloneSyncService::new(reuse.layer(service));
        }
        // The span covers everything done for a call.
        if let Some(trace) = &self.trace {
            service = BoxCloneSyncService::new(trace.layer(service));
        }
        service
    }
}

fn trace(options: &Options, version: &ProtocolVersion) -> Option<crate::PropagateTraceLayer> {
    Some(options.trace.clone()?.with_version(version.clone()))
}

#[cfg(feature = "cache")]
fn reuse(options: &Options) -> Option<crate::ReuseReplyLayer> {
    options.reuse.map(crate::ReuseReplyLayer::new)
}

#[cfg(not(feature = "cache"))]
fn reuse(_: &Options) -> Option<Identity> {
    None
}

/// Creates the retry layer, within the session's time limits.
fn retry(options: &Options) -> Option<RetryLayer> {
    let mut retry = options.retry?;
    retry.deadlines = options.deadlines;
    Some(RetryLayer::new(retry))
}

/// Returns the layer that adds what every request to a stateless server says about the client at the time.
fn add_meta(version: ProtocolVersion, options: &Options) -> AddMetaLayer {
    let (input, options) = (Arc::clone(&options.input), options.clone());
    AddMetaLayer::renewed(version, input, move || stamp(&options))
}

/// Returns what every request to a stateless server says about the client.
pub(crate) fn stamp(options: &Options) -> Meta {
    let mut meta = Meta::default();
    let mut capabilities = options.input.capabilities();
    if let Some(roots) = &mut capabilities.roots {
        // Stateless servers ask when they need the roots; nobody notifies them of changes.
        roots.list_changed = None;
    }
    for extension in options.extensions.iter().filter(|extension| is_extension_id(extension.id())) {
        let declared = capabilities.extensions.get_or_insert_default();
        declared.insert(extension.id().to_owned(), extension.settings().into());
    }
    let entries = [
        (keys::CLIENT_INFO, RawJson::encode(&options.client_info)),
        (keys::CLIENT_CAPABILITIES, RawJson::encode(&capabilities)),
    ];
    for (key, value) in entries {
        // Both are trees of strings and maps with string keys, which always have a JSON form.
        if let Ok(value) = value {
            meta.insert(key, value);
        }
    }
    if let Some(Ok(level)) = options.log_level.as_ref().map(RawJson::encode) {
        meta.insert(keys::LOG_LEVEL, level);
    }
    meta
}
