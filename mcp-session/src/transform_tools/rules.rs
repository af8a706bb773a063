//! Which tools are shown, and how they are changed.

use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};
use wildmatch::WildMatch;

/// The maximum number of tools remembered as hidden by a tag; any beyond that can be called by name.
const MAX_HIDDEN: usize = 10_000;

/// How one tool is shown.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ToolTransform {
    /// A new name.
    pub name: Option<String>,
    /// A new title.
    pub title: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// New tags.
    pub tags: Option<Vec<String>>,
    /// Whether the tool is hidden.
    pub is_hidden: bool,
    /// How its arguments are shown, by their names at the server.
    pub arguments: BTreeMap<String, ArgumentTransform>,
}

/// How one argument of a tool is shown.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ArgumentTransform {
    /// A new name.
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// The value that is sent if the caller gives none, which makes the argument optional.
    pub default: Option<Value>,
    /// Whether the argument is hidden: then the default is always sent, if there is one.
    pub is_hidden: bool,
}

impl ToolTransform {
    /// Starts with no change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets another name.
    #[must_use]
    pub fn rename(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Sets another title.
    #[must_use]
    pub fn title(self, title: impl Into<String>) -> Self {
        Self { title: Some(title.into()), ..self }
    }

    /// Sets another description.
    #[must_use]
    pub fn describe(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }

    /// Sets other tags.
    #[must_use]
    pub fn tags<T: Into<String>>(self, tags: impl IntoIterator<Item = T>) -> Self {
        Self { tags: Some(tags.into_iter().map(Into::into).collect()), ..self }
    }

    /// Hides the tool.
    #[must_use]
    pub fn hide(self) -> Self {
        Self { is_hidden: true, ..self }
    }

    /// Changes how one argument is shown. `name` is its name at the server.
    #[must_use]
    pub fn argument(mut self, name: impl Into<String>, transform: ArgumentTransform) -> Self {
        self.arguments.insert(name.into(), transform);
        self
    }
}

impl ArgumentTransform {
    /// Starts with no change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Hides the argument, and always sends this value.
    pub fn fix(value: impl Into<Value>) -> Self {
        Self { default: Some(value.into()), is_hidden: true, ..Self::default() }
    }

    /// Sets another name.
    #[must_use]
    pub fn rename(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Sets another description.
    #[must_use]
    pub fn describe(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }

    /// Sets a value that is sent if the caller gives none.
    #[must_use]
    pub fn with_default(self, value: impl Into<Value>) -> Self {
        Self { default: Some(value.into()), ..self }
    }

    /// Hides the argument, and does not send it.
    #[must_use]
    pub fn hide(self) -> Self {
        Self { is_hidden: true, ..self }
    }
}

/// Which tools are shown, and how. Clones share what was learned from tags.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    include: Vec<WildMatch>,
    exclude: Vec<WildMatch>,
    include_tags: Vec<String>,
    exclude_tags: Vec<String>,
    tools: HashMap<String, ToolTransform>,
    /// The server's names of renamed tools, by their new names.
    renamed: HashMap<String, String>,
    /// The tools hidden by their tags, as far as they were listed.
    hidden: Arc<Mutex<HashSet<String>>>,
}

impl Rules {
    pub(super) fn include(&mut self, pattern: &str) {
        self.include.push(WildMatch::new(pattern));
    }

    pub(super) fn exclude(&mut self, pattern: &str) {
        self.exclude.push(WildMatch::new(pattern));
    }

    pub(super) fn include_tag(&mut self, tag: String) {
        self.include_tags.push(tag);
    }

    pub(super) fn exclude_tag(&mut self, tag: String) {
        self.exclude_tags.push(tag);
    }

    pub(super) fn transform(&mut self, name: String, transform: ToolTransform) {
        self.renamed.retain(|_, original| *original != name);
        if let Some(shown) = &transform.name {
            self.renamed.insert(shown.clone(), name.clone());
        }
        self.tools.insert(name, transform);
    }

    /// Returns the transform of a tool, by its name at the server.
    pub(super) fn of(&self, original: &str) -> Option<&ToolTransform> {
        self.tools.get(original)
    }

    /// Returns the server's name of a tool shown under this name; `None` if there is none.
    pub(super) fn original<'a>(&'a self, shown: &'a str) -> Option<&'a str> {
        match self.renamed.get(shown) {
            Some(original) => Some(original),
            None => self.tools.get(shown).is_none_or(|tool| tool.name.is_none()).then_some(shown),
        }
    }

    /// Whether any tools are shown or hidden by name or tag.
    pub(super) fn has_filter(&self) -> bool {
        let patterns = self.include.len() + self.exclude.len();
        patterns + self.include_tags.len() + self.exclude_tags.len() > 0
    }

    /// Whether a tool may be called, by its name at the server.
    pub(super) fn may_call(&self, original: &str) -> bool {
        self.is_named(original) && !self.hidden().contains(original)
    }

    /// Whether a listed tool is shown.
    pub(super) fn shows(&self, original: &str, tags: &[&str]) -> bool {
        // Its name is taken by another tool.
        let is_taken = self.renamed.get(original).is_some_and(|other| other != original)
            && self.of(original).is_none_or(|tool| tool.name.is_none());
        let own = self.of(original).and_then(|tool| tool.tags.as_deref());
        let is_tagged = match own {
            Some(own) => self.is_tagged(own.iter().map(String::as_str)),
            None => self.is_tagged(tags.iter().copied()),
        };
        let mut hidden = self.hidden();
        if is_tagged {
            hidden.remove(original);
        } else if hidden.len() < MAX_HIDDEN {
            hidden.insert(original.to_owned());
        }
        is_tagged && !is_taken && self.is_named(original)
    }

    /// Whether a tool is shown as far as its name is concerned.
    fn is_named(&self, original: &str) -> bool {
        let fits = |patterns: &[WildMatch]| patterns.iter().any(|it| it.matches(original));
        let is_hidden = self.of(original).is_some_and(|tool| tool.is_hidden);
        !is_hidden && (self.include.is_empty() || fits(&self.include)) && !fits(&self.exclude)
    }

    fn is_tagged<'a>(&self, mut tags: impl Iterator<Item = &'a str> + Clone) -> bool {
        let is_one_of = |known: &[String], tag: &str| known.iter().any(|known| known == tag);
        let is_excluded = tags.clone().any(|tag| is_one_of(&self.exclude_tags, tag));
        let is_included =
            self.include_tags.is_empty() || tags.any(|tag| is_one_of(&self.include_tags, tag));
        is_included && !is_excluded
    }

    fn hidden(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.hidden.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
