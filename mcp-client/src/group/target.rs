//! A group as a target that a client connects to.

use super::{Group, GroupConnection, Shared};
use crate::{
    Error, Options, Target,
    dial::{Connecting, Dial, Dialed, Plan},
    live::Wrap,
};
use futures_util::future::BoxFuture;
use mcp_session::{BoxCallService, Call, Era, KnownEra, Mode};
use mcp_transport::{ClientMessage, Replies, Transport};
use mcp_types::{
    ErrorCode, ErrorObject, ProtocolVersion, RawJson, keys, object,
    rpc::{Message, Request, Response},
};
use serde_json::{Map, Value};
use std::{future::ready, sync::Arc};
use tower::ServiceExt;

/// The methods that a group serves, by capability.
const SERVED: [(&str, &[&str]); 4] = [
    ("completions", &["completion/complete"]),
    ("prompts", &["prompts/list", "prompts/get"]),
    ("resources", &["resources/list", "resources/templates/list", "resources/read"]),
    ("tools", &["tools/list", "tools/call"]),
];

/// The servers of a group behind one [`Client`](crate::Client).
///
/// The client offers what all members offer together, is stateless if each member is, and connects and closes the group
/// with its session. Its subscriptions and tasks are those of the group. Options and handlers of the members are those
/// that the members were built with.
impl From<Group> for Target {
    fn from(group: Group) -> Self {
        let name = format!("a group of {}", group.members().len());
        Self::dialing(name, move |_: &Options| Ok(group.clone()))
    }
}

impl Target {
    /// Builds a target that is a group, created when dialed with the options of the client.
    pub(super) fn dialing(
        name: String,
        group: impl Fn(&Options) -> Result<Group, Error> + Send + Sync + 'static,
    ) -> Self {
        Self::dialed_by(name, Together(group))
    }
}

/// Dials the members of a group as one.
struct Together<F>(F);

impl<F: Fn(&Options) -> Result<Group, Error> + Send + Sync> Dial for Together<F> {
    fn dial(&self, plan: Plan) -> BoxFuture<'static, Dialed> {
        let group = (self.0)(&plan.options);
        Box::pin(async move { dial(group?, plan).await })
    }
}

async fn dial(group: Group, mut plan: Plan) -> Dialed {
    let connection = group.connect_as("its members").await?;
    if let Some(pause) = plan.pause.take() {
        pause.connected.cancel();
        pause.over.cancelled().await;
    }
    // Innermost, so that the user's layers see the calls of the group.
    plan.wrap.push(routing(group.clone()));
    plan.upstream = Some(Arc::new(group.clone()));
    // The members have already been configured with these. Nothing is left to choose here.
    let options = &mut plan.options;
    (options.mode, options.prior, options.known_era) = (Mode::Auto, None, KnownEra::new());
    let introduction = mcp_transport::Shared::new(introduction(&group.0.shared));
    let (session, driver) = Connecting::new(introduction).dial(plan).await?;
    let driver = driver.map(|driver| async move {
        let outcome = driver.await;
        GroupConnection::close(connection).await;
        outcome
    });
    Ok((session, driver))
}

/// Routes the methods that a group serves directly to the group, so that nothing of its members' replies and errors is
/// lost.
fn routing(group: Group) -> Wrap {
    Arc::new(move |rest: BoxCallService| {
        let group = group.clone();
        BoxCallService::new(tower::service_fn(move |call: Call| {
            let is_served = SERVED.iter().any(|(_, methods)| methods.contains(&&*call.method));
            let (group, rest) = (group.clone(), rest.clone());
            async move { if is_served { group.oneshot(call).await } else { rest.oneshot(call).await } }
        }))
    })
}

/// Creates a transport that introduces the group, in its era, and has no other methods.
fn introduction(shared: &Shared) -> impl Transport + use<> {
    let About { is_modern, capabilities } = About::of(shared);
    let capabilities = Value::Object(capabilities);
    let info = object([("name", "group".into()), ("version", env!("CARGO_PKG_VERSION").into())]);
    let discovered = object([
        ("resultType", "complete".into()),
        ("supportedVersions", vec![ProtocolVersion::LATEST.as_str()].into()),
        ("capabilities", capabilities.clone()),
        ("ttlMs", 0.into()),
        ("cacheScope", "private".into()),
        ("_meta", object([(keys::SERVER_INFO, info.clone())])),
    ]);
    let initialized = object([
        ("protocolVersion", ProtocolVersion::LATEST_LEGACY.as_str().into()),
        ("capabilities", capabilities),
        ("serverInfo", info),
    ]);
    let [discovered, initialized] =
        [discovered, initialized].map(|result| RawJson::from_joined(result.to_string()));
    let answer = move |Request { id, method, .. }: Request| match &*method {
        "server/discover" if is_modern => Response::success(id, discovered.clone()),
        "initialize" if !is_modern => Response::success(id, initialized.clone()),
        "ping" if !is_modern => Response::success(id, RawJson::EMPTY_OBJECT),
        _ => {
            let error = ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "a group has no such method");
            Response::failure(id, error)
        }
    };
    tower::service_fn(move |message: ClientMessage| {
        ready(Ok(match message.body {
            Message::Request(request) => Replies::once(answer(request)),
            _ => Replies::empty(),
        }))
    })
}

/// Merges the notifications that a member offers for a capability with those of the others.
fn add_told(together: &mut Value, name: &str, its: Option<&Value>) {
    let flags: &[&str] = match name {
        "tools" | "prompts" => &["listChanged"],
        "resources" => &["listChanged", "subscribe"],
        _ => &[],
    };
    for flag in flags {
        if its.is_none_or(|its| its[*flag] == true) {
            together[*flag] = true.into();
        }
    }
}

/// The combined server information of a group's members.
struct About {
    is_modern: bool,
    capabilities: Map<String, Value>,
}

impl About {
    /// A member that is not connected may offer anything later.
    fn of(shared: &Shared) -> Self {
        let (mut is_modern, mut capabilities) = (true, Map::new());
        for member in &shared.members {
            let server = member.client.server().ok();
            is_modern &= server.as_ref().is_none_or(|server| server.era == Era::Modern);
            let offered = server.map(|server| RawJson::encode(&server.capabilities));
            let offered = offered.and_then(Result::ok).and_then(|raw| raw.to_value().ok());
            for (name, _) in SERVED {
                if offered.as_ref().is_none_or(|offered| offered.get(name).is_some()) {
                    let together = capabilities.entry(name).or_insert_with(|| object([]));
                    let its = offered.as_ref().map(|offered| &offered[name]);
                    add_told(together, name, its);
                }
            }
        }
        Self { is_modern, capabilities }
    }
}
