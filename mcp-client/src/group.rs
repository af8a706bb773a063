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

/// Many servers as one client: named members, each a [`Client`] with options and an era of its own.
///
/// Tools and prompts have the name of their member before their own, `{member}_{name}`, and resources have it in their
/// URI, `scheme://{member}/path`: a call goes to the member that its name says, without a list. [`Naming`] changes that.
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
/// Members are connected at the same time. With [`Policy::Tolerant`] one that fails does no harm to the others: calls of
/// it fail with the reason, lists tell that it is missing, and it is tried again, ever more rarely, for as long as the
/// group is connected. So is one whose connection is lost. [`state`](Self::state) and [`changes`](Self::changes) tell how
/// they are.
///
/// # Holding
///
/// Making a group does no IO. [`GroupConnection`]s are counted, like connections of a client: the first connects the
/// members, the last closes them. A member that somebody else holds too stays open for them.
///
/// A group is a [`CallService`](mcp_session::CallService) too, around which layers can be put, and a [`Target`]: a
/// `Client::new(group)` is one client of all members.
#[derive(Clone)]
pub struct Group(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    slot: Arc<Slot<Open>>,
}

/// What a group is made of.
struct Shared {
    members: Vec<Member>,
    routes: Routes,
    policy: Policy,
    backoff: Backoff,
    max_name: usize,
}

impl Shared {
    /// Whether names alone do not say whose they are.
    fn needs_lists(&self) -> bool {
        *self.routes.naming() == Naming::Bare && self.members.len() > 1
    }

    /// How many characters a name of a kind may have.
    fn max_name(&self, kind: Kind) -> Option<usize> {
        matches!(kind, Kind::Tool | Kind::Prompt).then_some(self.max_name)
    }
}

/// What becomes of a group when a member cannot be connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// The others are used meanwhile; connecting fails only if all members do.
    #[default]
    Tolerant,
    /// Connecting fails, and members that were connected are closed again. What is lost later is connected again, as ever.
    Strict,
}

impl Group {
    /// Begins to configure a group.
    pub fn builder() -> GroupBuilder {
        GroupBuilder::new()
    }

    fn new(shared: Shared) -> Self {
        Self(Arc::new(Inner { shared: Arc::new(shared), slot: Arc::default() }))
    }

    /// Connects the members, or joins where they are connected or connecting. Ready when each of them is connected or has
    /// failed.
    ///
    /// # Errors
    ///
    /// All members failed; with [`Policy::Strict`], one did; or there are none.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future is as if it had not been called: others who wait are not disturbed, and what only this one
    /// wanted is closed.
    pub async fn connect(&self) -> Result<GroupConnection, Error> {
        self.connect_as(&format!("a group of {}", self.0.shared.members.len())).await
    }

    /// The same, with what an error calls the group.
    async fn connect_as(&self, name: &str) -> Result<GroupConnection, Error> {
        let Inner { shared, slot } = &*self.0;
        let hold = slot.hold(|| Live::begin(open::open(Arc::clone(shared)), None));
        hold.live().ready(name).await?;
        Ok(GroupConnection { group: self.clone(), hold })
    }

    /// Closes the members for everyone who holds the group, and waits until they are closed.
    pub async fn close(&self) {
        if let Some(live) = self.0.slot.take() {
            live.close().await;
        }
    }

    /// Whether the group is connected, which each of its members may be or not.
    pub fn is_connected(&self) -> bool {
        self.connected().is_ok()
    }

    /// The names of the members, in their order.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.shared.members.iter().map(|member| &*member.name)
    }

    /// The client of one member, for what a group does not do, and for its tools without prefix.
    pub fn member(&self, name: &str) -> Option<&Client> {
        self.find(name).map(|member| &member.client)
    }

    /// How one member is now.
    pub fn state(&self, name: &str) -> Option<MemberState> {
        self.find(name).map(|member| member.state.borrow().clone())
    }

    /// How members are, each first as it is now and then whenever that changes. One who does not keep up misses what was
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

    /// What the group is made of, if it is connected.
    fn connected(&self) -> Result<&Shared, Error> {
        self.0.slot.current().ok_or(Error::NotConnected)?.session()?;
        Ok(&self.0.shared)
    }

    /// A client that is never connected, for calls that are refused before they are sent.
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

/// Holds the members of a [`Group`] connected.
///
/// Dereferences to the group. A clone holds the members too.
///
/// # Cancel safety
///
/// Dropping it gives the group up: the last one closes the members in the background, in good order.
/// [`close`](Self::close) waits for the end.
#[must_use = "the members are closed when the last connection is dropped"]
pub struct GroupConnection {
    group: Group,
    hold: Hold<Open>,
}

impl GroupConnection {
    /// Gives the group up; if this was the last connection, waits until the members are closed.
    pub async fn close(self) {
        let Self { hold, .. } = self;
        let live = Arc::clone(hold.live());
        drop(hold);
        live.closed_if_unused().await;
    }
}

/// One more holder of the same group.
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
