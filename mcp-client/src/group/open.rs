//! Connecting the members of a group, all together.

use super::{
    Policy, Shared,
    member::{Member, MemberState},
    routes::Kind,
};
use crate::{Connection, Error};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use mcp_transport::Driver;
use std::sync::Arc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// That the members of a group are connected. They are closed when the last clone is gone.
#[derive(Clone)]
pub(super) struct Open {
    released: CancellationToken,
    /// The members are closed when it is dropped.
    _guard: Arc<DropGuard>,
}

impl Open {
    /// Cancelled when the members are closed.
    pub(super) fn released(&self) -> CancellationToken {
        self.released.clone()
    }
}

/// Connects the members as the policy has it; the driver keeps them connected.
pub(super) async fn open(shared: Arc<Shared>) -> Result<(Open, Driver), Error> {
    if shared.members.is_empty() {
        return Err(Error::InvalidTarget { reason: "the group has no members".into() });
    }
    let resting = Resting(Arc::clone(&shared));
    for member in &shared.members {
        member.state.send_replace(MemberState::Connecting);
    }
    let connections = match shared.policy {
        Policy::Strict => all(&shared).await?,
        Policy::Tolerant => some(&shared).await?,
    };
    let released = CancellationToken::new();
    let guard = Arc::new(released.clone().drop_guard());
    let open = Open { released: released.clone(), _guard: guard };
    let driver = Driver::new(async move {
        let shared = &*resting.0;
        let members = shared.members.iter().enumerate().zip(connections);
        let kept = members.map(|((index, member), connection)| {
            member.keep(connection, shared.backoff, &released, move || shared.greet(index))
        });
        join_all(kept).await;
        released.cancelled().await;
        Ok(())
    });
    Ok((open, driver))
}

/// Connects all members. If one fails, those that were connected are closed again.
async fn all(shared: &Shared) -> Result<Vec<Option<Connection>>, Error> {
    let connecting = shared
        .members
        .iter()
        .enumerate()
        .map(async |(index, member)| (index, member.connect(|| shared.greet(index)).await));
    let mut connecting: FuturesUnordered<_> = connecting.collect();
    let mut connections: Vec<_> = shared.members.iter().map(|_| None).collect();
    let mut failed = None;
    while let Some((index, outcome)) = connecting.next().await {
        match outcome {
            Ok(connection) => connections[index] = Some(connection),
            Err(error) => {
                failed = Some((index, error));
                break;
            }
        }
    }
    // Gives up those that are still connecting.
    drop(connecting);
    let Some((index, source)) = failed else { return Ok(connections) };
    join_all(connections.into_iter().flatten().map(Connection::close)).await;
    Err(failure(&shared.members[index], source))
}

/// Connects the members that can be connected, which is one at least.
async fn some(shared: &Shared) -> Result<Vec<Option<Connection>>, Error> {
    let connecting = shared.members.iter().enumerate();
    let outcomes =
        join_all(connecting.map(|(index, member)| member.connect(move || shared.greet(index))));
    let outcomes = outcomes.await;
    if outcomes.iter().all(Result::is_err)
        && let Some((Err(source), member)) = outcomes.iter().zip(&shared.members).next()
    {
        return Err(failure(member, Arc::clone(source)));
    }
    Ok(outcomes.into_iter().map(Result::ok).collect())
}

fn failure(member: &Member, source: Arc<Error>) -> Error {
    Error::Connect { target: format!("the member {:?}", member.name).into(), source }
}

impl Shared {
    /// Reads the lists of a member, where names alone do not say whose they are.
    async fn greet(&self, index: usize) {
        if !self.needs_lists() {
            return;
        }
        let client = &self.members[index].client;
        for kind in [Kind::Tool, Kind::Prompt, Kind::Resource, Kind::ResourceTemplate] {
            if let Err(error) = self.learn(index, client, kind).await {
                let member = &*self.members[index].name;
                tracing::warn!(member, %error, "cannot read a list of a member of a group");
            }
        }
    }
}

/// Lets members be idle when it is dropped.
struct Resting(Arc<Shared>);

impl Drop for Resting {
    fn drop(&mut self) {
        for member in &self.0.members {
            member.state.send_replace(MemberState::Idle);
        }
    }
}
