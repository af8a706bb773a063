//! Connecting all members at the same time.

use super::{
    Policy, Shared,
    member::{Member, MemberState},
};
use crate::{Connection, Error, join_boxed::join_boxed};
use futures_util::{FutureExt, StreamExt, future::join_all, stream::FuturesUnordered};
use mcp_transport::Driver;
use std::sync::Arc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Keeps the members of a group connected.
pub(super) struct Open {
    released: CancellationToken,
    /// Dropping it closes the members.
    _guard: DropGuard,
}

impl Open {
    /// Cancelled when the members are closed.
    pub(super) fn released(&self) -> CancellationToken {
        self.released.clone()
    }
}

/// Connects the members according to the policy; the driver keeps them connected.
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
    let guard = released.clone().drop_guard();
    let open = Open { released: released.clone(), _guard: guard };
    let close = released.clone();
    let driver = Driver::new(async move {
        let shared = &*resting.0;
        let members = connections.into_iter().enumerate();
        let kept = members.map(|(index, connection)| shared.keep(index, connection, &released));
        join_all(kept.collect::<Vec<_>>()).await;
        released.cancelled().await;
        Ok(())
    });
    Ok((open, driver.with_shut_down(move || close.cancel())))
}

/// Connects all members. If one fails, those already connected are closed again.
async fn all(shared: &Shared) -> Result<Vec<Option<Connection>>, Error> {
    let members = 0..shared.members.len();
    let connecting =
        members.map(|index| shared.connect(index).map(move |outcome| (index, outcome)));
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
    // Abandons those that are still connecting.
    drop(connecting);
    let Some((index, source)) = failed else { return Ok(connections) };
    let closing = connections.into_iter().flatten().map(|connection| connection.close().boxed());
    join_all(closing.collect::<Vec<_>>()).await;
    Err(failure(&shared.members[index], source))
}

/// Connects all members that can be connected; at least one is required.
async fn some(shared: &Shared) -> Result<Vec<Option<Connection>>, Error> {
    let members = 0..shared.members.len();
    let outcomes = join_boxed(members.map(|index| shared.connect(index)).collect()).await;
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

/// Sets the members to idle when dropped.
struct Resting(Arc<Shared>);

impl Drop for Resting {
    fn drop(&mut self) {
        for member in &self.0.members {
            member.state.send_replace(MemberState::Idle);
        }
    }
}
