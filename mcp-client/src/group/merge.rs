//! Merging the lists of members.

use super::{Shared, routes::Kind};
use crate::{
    Client, Error,
    join_boxed::join_boxed,
    lists::{Items, ListRequest, PageRequest, TakePage, read_pages},
    offer::{self, Offer},
    operation::Caller,
    pages::Limits,
};
use futures_util::future::BoxFuture;
use mcp_session::Deadlines;
use mcp_types::{
    ErrorCode, ListPromptsRequest, ListResourceTemplatesRequest, ListResourcesRequest,
    ListToolsRequest, Prompt, Resource, ResourceTemplate, Tool,
};
use serde::Serialize;
use std::{collections::HashMap, fmt, sync::Arc};

/// A list of a group: the items of all members, in the order of the members, and what is missing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Merged<T> {
    /// The items, with their names in the group.
    pub items: Vec<T>,
    /// What is missing, and why.
    pub missing: Vec<Missing>,
}

impl<T> Merged<T> {
    /// The items, if nothing is missing.
    ///
    /// # Errors
    ///
    /// The first of the missing items.
    pub fn complete(mut self) -> Result<Vec<T>, Missing> {
        if self.missing.is_empty() { Ok(self.items) } else { Err(self.missing.swap_remove(0)) }
    }
}

impl<T> IntoIterator for Merged<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

/// Something that is missing from a list of a group.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Missing {
    /// All items of a member.
    Member {
        /// The member.
        member: Box<str>,
        /// Why.
        error: Arc<Error>,
    },
    /// An item whose name in the group is taken by another one.
    Taken {
        /// The member whose item it is.
        member: Box<str>,
        /// The name in the group. Untrusted.
        name: Box<str>,
        /// The member that has the name.
        by: Box<str>,
    },
    /// An item whose name in the group is too long.
    TooLong {
        /// The member whose item it is.
        member: Box<str>,
        /// The name in the group. Untrusted.
        name: Box<str>,
        /// How many characters a name may have.
        limit: usize,
    },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member { member, error } => {
                write!(f, "the list of the member {member:?} is missing: {error}")
            }
            Self::Taken { member, name, by } if member == by => {
                write!(f, "the member {member:?} has {name:?} twice")
            }
            Self::Taken { member, name, by } => write!(
                f,
                "{name:?} of the member {member:?} is left out: that is what one of {by:?} is called"
            ),
            Self::TooLong { member, name, limit } => write!(
                f,
                "{name:?} of the member {member:?} is left out: it has more than {limit} characters"
            ),
        }
    }
}

impl std::error::Error for Missing {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Member { error, .. } => Some(error),
            Self::Taken { .. } | Self::TooLong { .. } => None,
        }
    }
}

/// A list that members of a group have, with the names of its items.
pub(super) trait Merge: ListRequest<Item: Serialize> {
    const KIND: Kind;
    /// The member of the protocol's result.
    const ITEMS: &str;

    fn name(item: &mut Self::Item) -> &mut String;
}

/// Implements [`Merge`].
macro_rules! merge {
    ($($request:ident: $kind:ident, $items:literal, $item:ident.$name:ident;)+) => {$(
        impl Merge for $request {
            const KIND: Kind = Kind::$kind;
            const ITEMS: &str = $items;

            fn name(item: &mut $item) -> &mut String {
                &mut item.$name
            }
        }
    )+};
}

merge! {
    ListToolsRequest: Tool, "tools", Tool.name;
    ListPromptsRequest: Prompt, "prompts", Prompt.name;
    ListResourcesRequest: Resource, "resources", Resource.uri;
    ListResourceTemplatesRequest: ResourceTemplate, "resourceTemplates", ResourceTemplate.uri_template;
}

/// The list of a member, whatever its items.
trait MemberList: TakePage {
    /// Drops the items whose name is not wanted; the callback may change the name.
    fn retain(&mut self, is_wanted: &mut dyn FnMut(&mut String) -> bool);
}

impl<R: Merge> MemberList for Items<R> {
    fn retain(&mut self, is_wanted: &mut dyn FnMut(&mut String) -> bool) {
        self.0.retain_mut(|item| is_wanted(R::name(item)));
    }
}

impl Kind {
    /// Returns how the list is requested, and an empty one.
    fn list(self) -> (PageRequest, Box<dyn MemberList>) {
        fn of<R: Merge>() -> (PageRequest, Box<dyn MemberList>) {
            (PageRequest::of::<R>(), Box::new(Items::<R>::default()))
        }
        match self {
            Self::Tool => of::<ListToolsRequest>(),
            Self::Prompt => of::<ListPromptsRequest>(),
            Self::Resource => of::<ListResourcesRequest>(),
            Self::ResourceTemplate => of::<ListResourceTemplatesRequest>(),
        }
    }
}

impl Shared {
    /// Reads a list from all members concurrently, and merges the results.
    pub(super) async fn merged<R: Merge>(&self, limits: Option<Deadlines>) -> Merged<R::Item> {
        let mut lists = Vec::new();
        lists.resize_with(self.members.len(), Items::<R>::default);
        let of_members = lists.iter_mut().map(|list| list as &mut dyn MemberList).collect();
        let missing = self.merge(R::KIND, PageRequest::of::<R>(), limits, of_members).await;
        let mut items = Vec::new();
        for Items(its) in &mut lists {
            items.append(its);
        }
        Merged { items, missing }
    }

    /// Reads the lists of all members, leaves in each what the merged list takes, and reports what is missing.
    fn merge<'a>(
        &'a self,
        kind: Kind,
        request: PageRequest,
        limits: Option<Deadlines>,
        mut lists: Vec<&'a mut dyn MemberList>,
    ) -> BoxFuture<'a, Vec<Missing>> {
        Box::pin(async move {
            let members = self.members.iter().zip(&mut lists).enumerate();
            let reading = members.map(|(index, (member, list))| {
                self.read(index, member.ready(), limits, (kind, request), &mut **list)
            });
            let outcomes = join_boxed(reading.collect()).await;
            let mut merging = Merging { shared: self, owners: HashMap::new(), missing: Vec::new() };
            for (index, (outcome, list)) in outcomes.into_iter().zip(lists).enumerate() {
                list.retain(&mut |name| outcome.is_ok() && merging.takes(index, kind, name));
                if let Err(error) = outcome {
                    merging.lacks(index, error);
                }
            }
            merging.missing
        })
    }

    /// Records what a member has of a kind.
    pub(super) async fn learn(
        &self,
        index: usize,
        client: &Client,
        kind: Kind,
    ) -> Result<(), Error> {
        let (request, mut list) = kind.list();
        self.read(index, Ok(client), None, (kind, request), &mut *list).await
    }

    /// Reads a list of one member, and records the names in it. If a member has no such list, it counts as empty.
    fn read<'a>(
        &'a self,
        index: usize,
        client: Result<&'a Client, Error>,
        limits: Option<Deadlines>,
        (kind, request): (Kind, PageRequest),
        list: &'a mut dyn MemberList,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let read = match caller(client?, request.method(), limits) {
                Ok(caller) => read_pages(caller, Limits::default(), request, list).await.map(drop),
                Err(error) => Err(error),
            };
            match read {
                Err(error) if is_without(&error) => list.retain(&mut |_| false),
                read => read?,
            }
            let mut names = Vec::new();
            list.retain(&mut |name| {
                names.push(name.clone());
                true
            });
            self.routes.learn(index, kind, names);
            Ok(())
        })
    }
}

/// Returns the caller that reads a list of a member within these limits.
fn caller(
    client: &Client,
    method: &'static str,
    limits: Option<Deadlines>,
) -> Result<Caller, Error> {
    let caller = Caller::new(client)?;
    if let Some(offer) = Offer::of(method) {
        offer::require(caller.server(), method, offer)?;
    }
    Ok(match limits {
        Some(limits) => caller.with_limits(limits),
        None => caller,
    })
}

/// Whether a server has no list of this kind at all.
fn is_without(error: &Error) -> bool {
    match error {
        Error::NotOffered { .. } => true,
        Error::Rpc { error, .. } => error.code == ErrorCode::METHOD_NOT_FOUND,
        _ => false,
    }
}

/// A merged list under construction.
struct Merging<'a> {
    shared: &'a Shared,
    /// The member that owns each name in the list.
    owners: HashMap<String, usize>,
    missing: Vec<Missing>,
}

impl Merging<'_> {
    /// Gives an item of a member its name in the group; returns whether the list takes it.
    fn takes(&mut self, index: usize, kind: Kind, slot: &mut String) -> bool {
        let name = self.shared.routes.exposed(index, kind, slot);
        let max = self.shared.max_name(kind);
        if let Some(limit) = max.filter(|limit| name.chars().count() > *limit) {
            let (member, name) = (self.member(index), name.into());
            self.missing.push(Missing::TooLong { member, name, limit });
            return false;
        }
        if let Some(by) = self.owners.get(&name) {
            let (member, name, by) = (self.member(index), name.into(), self.member(*by));
            self.missing.push(Missing::Taken { member, name, by });
            return false;
        }
        slot.clone_from(&name);
        self.owners.insert(name, index);
        true
    }

    fn lacks(&mut self, index: usize, error: Error) {
        let member = self.member(index);
        self.missing.push(Missing::Member { member, error: Arc::new(error) });
    }

    fn member(&self, index: usize) -> Box<str> {
        self.shared.members[index].name.clone()
    }
}
