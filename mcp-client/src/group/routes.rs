//! The routing table: which member a name belongs to.

use super::Naming;
use crate::suggest::near;
use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A kind of named item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Tool,
    Prompt,
    Resource,
    ResourceTemplate,
}

/// A member, by its index in the group, and the member's name for the item.
pub(super) type Route = (usize, String);

/// Finds the member that a name belongs to: by its prefix, and by what members have listed.
#[derive(Debug)]
pub(super) struct Routes {
    naming: Naming,
    members: Vec<Box<str>>,
    /// What each member has last listed, in the order of the members.
    listed: Mutex<Vec<Listed>>,
}

/// What a member has of a kind, under its own names.
#[derive(Debug)]
struct Listed {
    member: usize,
    kind: Kind,
    names: HashSet<String>,
}

impl Routes {
    pub(super) fn new(naming: Naming, members: Vec<Box<str>>) -> Self {
        Self { naming, members, listed: Mutex::default() }
    }

    pub(super) fn naming(&self) -> &Naming {
        &self.naming
    }

    /// Records everything that a member has of a kind.
    pub(super) fn learn(&self, member: usize, kind: Kind, names: Vec<String>) {
        let names = names.into_iter().collect();
        let mut listed = self.listed();
        match listed.binary_search_by_key(&(member, kind), |it| (it.member, it.kind)) {
            Ok(place) => listed[place].names = names,
            Err(place) => listed.insert(place, Listed { member, kind, names }),
        }
    }

    /// Returns the group's name for an item of a member.
    pub(super) fn exposed(&self, member: usize, kind: Kind, name: &str) -> String {
        let member = self.members.get(member).map_or("", |member| member);
        match kind {
            Kind::Tool | Kind::Prompt => self.naming.name(member, name),
            Kind::Resource | Kind::ResourceTemplate => self.naming.uri(member, name),
        }
    }

    /// Finds the member that a name of the group belongs to. Of several candidates, one that has listed it wins, the
    /// first of those as in lists; if none has, the one with the longest name wins.
    pub(super) fn find(&self, kind: Kind, name: &str) -> Option<Route> {
        let members = self.members.iter().enumerate();
        let candidates: Vec<Route> = members
            .filter_map(|(index, member)| Some((index, self.name_at(kind, member, name)?)))
            .collect();
        let listed = self.listed();
        let has = |(member, name): &Route| {
            of_kind(&listed, kind).any(|it| it.member == *member && it.names.contains(name))
        };
        if let Some(known) = candidates.iter().find(|route| has(route)) {
            return Some(known.clone());
        }
        let is_prefixed = self.naming != Naming::Bare;
        let longest = |(member, _): &Route| self.members[*member].len();
        match candidates.into_iter().filter(|_| is_prefixed).max_by_key(longest) {
            Some(route) => Some(route),
            None if self.is_of_one(kind) => Some((0, name.to_owned())),
            None => self.owner(&listed, kind, name),
        }
    }

    /// Whether an unchanged member name can belong to only one member.
    fn is_of_one(&self, kind: Kind) -> bool {
        let is_resource = matches!(kind, Kind::Resource | Kind::ResourceTemplate);
        self.members.len() == 1 && (is_resource || self.naming == Naming::Bare)
    }

    /// Returns similar names that the group has.
    pub(super) fn near(&self, kind: Kind, name: &str) -> Vec<Box<str>> {
        let listed = self.listed();
        let mut known = Vec::new();
        for Listed { member, names, .. } in of_kind(&listed, kind) {
            known.extend(names.iter().map(|name| self.exposed(*member, kind, name)));
        }
        known.sort_unstable();
        known.dedup();
        near(name, known.iter().map(String::as_str)).into_iter().map(Into::into).collect()
    }

    fn name_at(&self, kind: Kind, member: &str, name: &str) -> Option<String> {
        match kind {
            Kind::Tool | Kind::Prompt => self.naming.name_at(member, name).map(str::to_owned),
            Kind::Resource | Kind::ResourceTemplate => self.naming.uri_at(member, name),
        }
    }

    /// Returns the member that itself uses this URI for a resource: links in a tool's result are as the member wrote
    /// them.
    fn owner(&self, listed: &[Listed], kind: Kind, name: &str) -> Option<Route> {
        if !matches!(kind, Kind::Resource | Kind::ResourceTemplate) {
            return None;
        }
        let mut owners = of_kind(listed, kind).filter(|it| it.names.contains(name));
        let owner = owners.next().filter(|_| owners.next().is_none());
        let owner = owner.map(|it| it.member).or_else(|| of_template(listed, kind, name));
        owner.map(|member| (member, name.to_owned()))
    }

    fn listed(&self) -> MutexGuard<'_, Vec<Listed>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_kind(listed: &[Listed], kind: Kind) -> impl Iterator<Item = &Listed> {
    listed.iter().filter(move |it| it.kind == kind)
}

/// Returns the member whose template shares the longest prefix with a URI; of several, the last.
fn of_template(listed: &[Listed], kind: Kind, uri: &str) -> Option<usize> {
    if kind != Kind::Resource {
        return None;
    }
    let (mut longest, mut owner) = (1, None);
    for Listed { member, names, .. } in of_kind(listed, Kind::ResourceTemplate) {
        for template in names {
            let start = template.split('{').next().unwrap_or("");
            if start.len() >= longest && uri.starts_with(start) {
                (longest, owner) = (start.len(), Some(*member));
            }
        }
    }
    owner
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(naming: Naming, members: &[&str]) -> Routes {
        Routes::new(naming, members.iter().map(|name| (*name).into()).collect())
    }

    fn learn(routes: &Routes, member: usize, kind: Kind, names: &[&str]) {
        routes.learn(member, kind, names.iter().map(|name| (*name).to_owned()).collect());
    }

    fn route(member: usize, name: &str) -> Option<Route> {
        Some((member, name.to_owned()))
    }

    #[test]
    fn a_prefix_is_enough_and_what_was_listed_decides() {
        let routes = routes(Naming::default(), &["a", "a_b"]);
        assert_eq!(routes.find(Kind::Tool, "a_x"), route(0, "x"));
        assert_eq!(routes.find(Kind::Tool, "a_b_c"), route(1, "c"), "the longest name");
        learn(&routes, 0, Kind::Tool, &["b_c"]);
        assert_eq!(routes.find(Kind::Tool, "a_b_c"), route(0, "b_c"), "the one that has it");
        learn(&routes, 1, Kind::Tool, &["c"]);
        assert_eq!(routes.find(Kind::Tool, "a_b_c"), route(0, "b_c"), "the first, as in the list");
        assert_eq!(routes.find(Kind::Tool, "c_x"), None);
        assert_eq!(routes.near(Kind::Tool, "a_b"), ["a_b_c".into()]);
    }

    #[test]
    fn bare_names_belong_to_who_listed_them() {
        let bare = routes(Naming::Bare, &["a", "b"]);
        assert_eq!(bare.find(Kind::Tool, "x"), None);
        learn(&bare, 1, Kind::Tool, &["x"]);
        assert_eq!(bare.find(Kind::Tool, "x"), route(1, "x"));
        assert_eq!(bare.find(Kind::Prompt, "x"), None, "another kind");
        assert_eq!(routes(Naming::Bare, &["a"]).find(Kind::Tool, "x"), route(0, "x"));
        let one = routes(Naming::default(), &["a"]);
        assert_eq!(one.find(Kind::Tool, "x"), None, "the prefix is missing");
        assert_eq!(one.find(Kind::Resource, "y://x"), route(0, "y://x"));
    }

    #[test]
    fn a_resource_is_found_by_the_uri_of_the_group_or_of_its_member() {
        let routes = routes(Naming::default(), &["a", "b"]);
        assert_eq!(routes.find(Kind::Resource, "x://b/path"), route(1, "x://path"));
        assert_eq!(routes.find(Kind::Resource, "x://path"), None);
        learn(&routes, 1, Kind::Resource, &["x://path", "urn:1"]);
        assert_eq!(routes.find(Kind::Resource, "x://path"), route(1, "x://path"));
        assert_eq!(routes.find(Kind::Resource, "urn:1"), route(1, "urn:1"));
        learn(&routes, 0, Kind::Resource, &["urn:1"]);
        assert_eq!(routes.find(Kind::Resource, "urn:1"), None, "two have it");
        learn(&routes, 0, Kind::ResourceTemplate, &["y://things/{id}", "{all}"]);
        assert_eq!(routes.find(Kind::Resource, "y://things/7"), route(0, "y://things/7"));
    }
}
