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
    // Only HTTP has headers, and only there may a tool be left out for them.
    let mirror = (binding == Binding::Http).then(MirrorParamsLayer::new);
    // Outside of extensions, whose results they may hold back: a task, for example.
    let extend = ExtendLayer::new(&options.extensions, dispatch.peer());
    let complete = extend.is_none().then(RequireCompleteLayer::new);
    // Each sees the calls that those before it send.
    let follow = Nested::new(mirror, NegotiateVersionLayer::new());
    let follow = Nested::new(complete, Nested::new(input, follow));
    ServiceBuilder::new()
        .layer(Outermost { trace: trace(options, &version), reuse: reuse(options), extend })
        // Outside of what counts the time: a person who answers does not use up the server's.
        .layer(follow)
        // Outside of that as well, so that each try has what is left; inside the questions, which are not asked again.
        .option_layer(retry(options).map(BoxCloneSyncServiceLayer::new))
        // Inside of what changes the revision, so that the second try is stamped afresh.
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
        // Adds nothing to `_meta` of a legacy revision; the binding learns the revision from it.
        .layer(AddMetaLayer::new(version, Meta::default()))
        .service(dispatch.with_deadlines(options.deadlines))
}

/// Erases the type of a stack, and puts around it what is off by default: what is off takes no room in a call.
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
            // Outside of all that knows a result type, so that what is left is a mistake.
            let complete = RequireCompleteLayer::new().layer(extend.layer(service));
            service = BoxCloneSyncService::new(complete);
        }
        // Where only finished results pass. One cache for each session: no server sees another's.
        if let Some(reuse) = &self.reuse {
            service = BoxCloneSyncService::new(reuse.layer(service));
        }
        // A span holds all that is done about a call.
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

/// Trying again within the time limits of the session.
fn retry(options: &Options) -> Option<RetryLayer> {
    let mut retry = options.retry?;
    retry.deadlines = options.deadlines;
    Some(RetryLayer::new(retry))
}

/// What every request to a stateless server says of the client, as it is at the time.
fn add_meta(version: ProtocolVersion, options: &Options) -> AddMetaLayer {
    let (input, options) = (Arc::clone(&options.input), options.clone());
    AddMetaLayer::renewed(version, input, move || stamp(&options))
}

/// What every request to a stateless server says of the client.
pub(crate) fn stamp(options: &Options) -> Meta {
    let mut meta = Meta::default();
    let mut capabilities = options.input.capabilities();
    if let Some(roots) = &mut capabilities.roots {
        // Stateless servers ask when they want to know; nobody tells them of changes.
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
