//! The group builder.

use super::{
    Group, Naming, Policy, Shared,
    member::{Backoff, Member},
    routes::Routes,
};
use crate::Client;
use std::{collections::HashSet, fmt, time::Duration};

/// The maximum length, in characters, of a tool or prompt name.
// spec: TOOL-11
const MAX_NAME: usize = 128;

/// Configures a [`Group`].
#[must_use = "nothing happens before `build`"]
pub struct GroupBuilder {
    members: Vec<(Box<str>, Client)>,
    naming: Naming,
    policy: Policy,
    backoff: Backoff,
    max_name: usize,
}

impl GroupBuilder {
    pub(super) fn new() -> Self {
        Self {
            members: Vec::new(),
            naming: Naming::default(),
            policy: Policy::default(),
            backoff: Backoff::default(),
            max_name: MAX_NAME,
        }
    }

    /// Adds a member. Each is a client with its own options, layers and protocol revision.
    pub fn member(mut self, name: impl Into<Box<str>>, client: Client) -> Self {
        self.members.push((name.into(), client));
        self
    }

    /// Sets how tools, prompts and resources are named. Default: prefixed with the name of their member.
    pub fn naming(self, naming: Naming) -> Self {
        Self { naming, ..self }
    }

    /// Sets what happens when a member cannot be connected. Default: [`Policy::Tolerant`].
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Sets the first and the longest wait before a failed member is retried; it doubles with each failure. Default:
    /// 0.5 s and 30 s.
    pub fn backoff(self, first: Duration, most: Duration) -> Self {
        Self { backoff: Backoff { first, most }, ..self }
    }

    /// Limits the length of prefixed names of tools and prompts, in characters. Items with longer names are left out of
    /// lists, and reported. Default: 128, as in the protocol; some models take 64.
    pub fn max_name(self, characters: usize) -> Self {
        Self { max_name: characters, ..self }
    }

    /// Builds the group, which is not connected yet.
    ///
    /// # Errors
    ///
    /// Two members have the same name, or a name is empty.
    pub fn build(self) -> Result<Group, InvalidGroup> {
        let Self { members, naming, policy, backoff, max_name } = self;
        let mut seen = HashSet::new();
        for (name, _) in &members {
            if name.is_empty() {
                return Err(InvalidGroup("a member of a group needs a name".to_owned()));
            }
            if !seen.insert(name.clone()) {
                return Err(InvalidGroup(format!("two members of a group are called {name:?}")));
            }
        }
        let routes = Routes::new(naming, members.iter().map(|(name, _)| name.clone()).collect());
        let is_one = members.len() == 1 && *routes.naming() == Naming::Bare;
        let members = members.into_iter().map(|(name, client)| {
            let task_prefix = (!is_one).then(|| Naming::task_prefix(&name).into_boxed_str().into());
            Member::new(name, client, task_prefix)
        });
        let members = members.collect();
        Ok(Group::new(Shared { members, routes, policy, backoff, max_name }))
    }
}

impl fmt::Debug for GroupBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.members.iter().map(|(name, _)| name).collect();
        f.debug_struct("GroupBuilder")
            .field("members", &names)
            .field("naming", &self.naming)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// The names of members are ambiguous.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidGroup(String);
