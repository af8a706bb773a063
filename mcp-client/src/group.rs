//! Groups: many servers as one client.

mod builder;
mod calls;
#[cfg(feature = "config")]
mod configured;
mod keep;
mod lists;
mod member;
mod merge;
mod naming;
mod open;
mod routes;
mod service;
mod subscribe;
mod target;
mod tasks;

pub use builder::{GroupBuilder, InvalidGroup};
pub use lists::ListMembers;
pub use member::MemberState;
pub use merge::{Merged, Missing};
pub use naming::Naming;

use crate::{
    Client, Error, Target,
    live::{Hold, Live, Slot},
};
use futures_core::Stream;
use futures_util::stream::{self, StreamExt};
use member::{Backoff, Member};
use open::Open;
use routes::{Kind, Routes};
use std::{
    fmt,
    ops::Deref,
    sync::{Arc, LazyLock},
};

/// Many servers as one client: named members, each a [`Client`] with its own options and its own protocol revision.
///
/// Tools and prompts are prefixed with the name of their member, `{member}_{name}`, and resources have it in their URI,
/// `scheme://{member}/path`. So the name of a call says which member it goes to, and no list is needed. [`Naming`]
/// changes that.
///
/// ```
/// use mcp_client::{Client, Group, mock};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Members are clients of anything: of a URL, a script, or as here of a server in this process.
/// let weather = mock::Server::new().tool("now", |arguments| Ok(json!(format!("rain in {}", arguments["city"]))));
/// let files = mock::Server::new().tool("read", |_| Ok(json!("a b c")));
/// let group = Group::builder()
///     .member("weather", Client::new(&weather))
///     .member("files", Client::new(&files))
///     .build()?;
/// let connection = group.connect().await?;
/// let weather = connection.call_tool("weather_now").argument("city", "Oslo").await?;
/// assert_eq!(weather.text(), "rain in \"Oslo\"");
/// # Ok(())
/// # }
/// ```
///
/// # Members that fail
///
/// Members are connected concurrently. With [`Policy::Tolerant`], one that fails does not affect the others: calls to
/// it fail with the reason, lists report it as missing, and it is retried with growing pauses for as long as the group
/// is connected. The same happens to one whose connection is lost. [`state`](Self::state) and
/// [`changes`](Self::changes) report the state of the members.
///
/// # Holding
///
/// Making a group does no IO. [`GroupConnection`]s are counted, like connections of a client: the first one connects
/// the members, and the last one closes them. A member that is also held elsewhere stays open.
///
/// A group is also a [`CallService`](mcp_session::CallService), so it can be wrapped in layers, and a [`Target`]:
/// `Client::new(group)` is one client of all members.
#[derive(Clone)]
pub struct Group(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    slot: Arc<Slot<Open>>,
}

/// The shared state of a group.
struct Shared {
    members: Vec<Member>,
    routes: Routes,
    policy: Policy,
    backoff: Backoff,
    max_name: usize,
}

impl Shared {
    /// Whether names alone do not identify the member.
    fn needs_lists(&self) -> bool {
        *self.routes.naming() == Naming::Bare && self.members.len() > 1
    }

    /// Returns the maximum length, in characters, of a name of this kind.
    fn max_name(&self, kind: Kind) -> Option<usize> {
        matches!(kind, Kind::Tool | Kind::Prompt).then_some(self.max_name)
    }
}

/// What happens to a group when a member cannot be connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// The others are used; connecting fails only if all members fail.
    #[default]
    Tolerant,
    /// Connecting fails, and members that were connected are closed again. Members that are lost later are reconnected.
    Strict,
}

impl Group {
    /// Starts configuring a group.
    pub fn builder() -> GroupBuilder {
        GroupBuilder::new()
    }

    fn new(shared: Shared) -> Self {
        Self(Arc::new(Inner { shared: Arc::new(shared), slot: Arc::default() }))
    }

    /// Connects the members, or joins the connection that is open or opening. Ready when each member is connected or
    /// has failed.
    ///
    /// # Errors
    ///
    /// All members failed; with [`Policy::Strict`], one did; or there are none.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future undoes the call: other waiters are not disturbed, and connections that only this caller
    /// wanted are closed.
    pub async fn connect(&self) -> Result<GroupConnection, Error> {
        self.connect_as(&format!("a group of {}", self.0.shared.members.len())).await
    }

    /// Connects, with a name for the group in errors.
    async fn connect_as(&self, name: &str) -> Result<GroupConnection, Error> {
        let Inner { shared, slot } = &*self.0;
        let hold = slot.hold(|| Live::begin(open::open(Arc::clone(shared)), None));
        hold.live().ready(name).await?;
        Ok(GroupConnection { group: self.clone(), hold })
    }

    /// Closes the members for all holders of the group, and waits until they are closed.
    pub async fn close(&self) {
        if let Some(live) = self.0.slot.take() {
            live.close().await;
        }
    }

    /// Whether the group is connected. Single members may still be down; see [`state`](Self::state).
    pub fn is_connected(&self) -> bool {
        self.connected().is_ok()
    }

    /// The names of the members, in order.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.shared.members.iter().map(|member| &*member.name)
    }

    /// The client of one member, for what a group does not offer, and for calls without the prefix.
    pub fn member(&self, name: &str) -> Option<&Client> {
        self.find(name).map(|member| &member.client)
    }

    /// The current state of one member.
    pub fn state(&self, name: &str) -> Option<MemberState> {
        self.find(name).map(|member| member.state.borrow().clone())
    }

    /// The states of the members: first the current state of each, then every change. A slow reader misses states in
    /// between.
    pub fn changes(&self) -> impl Stream<Item = (Box<str>, MemberState)> + Send + use<> {
        let members = self.0.shared.members.iter().map(|member| {
            let mut state = member.state.subscribe();
            state.mark_changed();
            let states = stream::unfold((member.name.clone(), state), async |(name, mut state)| {
                state.changed().await.ok()?;
                let now = state.borrow_and_update().clone();
                Some(((name.clone(), now), (name, state)))
            });
            states.boxed()
        });
        stream::select_all(members.collect::<Vec<_>>())
    }

    fn find(&self, name: &str) -> Option<&Member> {
        self.0.shared.members.iter().find(|member| &*member.name == name)
    }

    /// Returns the shared state, if the group is connected.
    fn connected(&self) -> Result<&Shared, Error> {
        self.0.slot.current().ok_or(Error::NotConnected)?.session()?;
        Ok(&self.0.shared)
    }

    /// Returns a client that is never connected, for calls that are refused before they are sent.
    fn nowhere(&self) -> &Client {
        static NOWHERE: LazyLock<Client> = LazyLock::new(|| {
            Client::new(Target::invalid("no member", "it is no member of a group"))
        });
        &NOWHERE
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("members", &self.0.shared.members)
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}

/// Keeps the members of a [`Group`] connected.
///
/// Dereferences to the group. A clone holds the members too.
///
/// # Cancel safety
///
/// Dropping the last connection closes the members gracefully in the background. [`close`](Self::close) waits for that.
#[must_use = "the members are closed when the last connection is dropped"]
pub struct GroupConnection {
    group: Group,
    hold: Hold<Open>,
}

impl GroupConnection {
    /// Releases the group; if this was the last connection, waits until the members are closed.
    pub async fn close(self) {
        let Self { hold, .. } = self;
        let live = Arc::clone(hold.live());
        drop(hold);
        live.closed_if_unused().await;
    }
}

/// Adds a holder of the same group.
impl Clone for GroupConnection {
    fn clone(&self) -> Self {
        Self { group: self.group.clone(), hold: self.hold.another() }
    }
}

impl Deref for GroupConnection {
    type Target = Group;

    fn deref(&self) -> &Group {
        &self.group
    }
}

impl fmt::Debug for GroupConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupConnection").field("group", &self.group).finish_non_exhaustive()
    }
}
