//! Sets of revisions.

use crate::schema::{REVISIONS, TASKS_EXTENSION};

/// A set of sources: revisions, or the extension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Revisions(pub(crate) u8);

/// Where a definition comes from: an index into the revisions, or one past them for the extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Source(pub(crate) usize);

impl Source {
    pub(crate) const EXTENSION: Self = Self(REVISIONS.len());

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..=REVISIONS.len()).map(Self)
    }

    pub(crate) fn name(self) -> &'static str {
        REVISIONS.get(self.0).copied().unwrap_or(TASKS_EXTENSION)
    }

    pub(crate) fn is_extension(self) -> bool {
        self == Self::EXTENSION
    }
}

impl Revisions {
    pub(crate) fn insert(&mut self, source: Source) {
        self.0 |= 1 << source.0;
    }

    pub(crate) fn contains(self, source: Source) -> bool {
        self.0 & (1 << source.0) != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn sources(self) -> impl Iterator<Item = Source> {
        Source::all().filter(move |source| self.contains(*source))
    }

    /// Returns the last revision, whose pages of the specification are the most detailed.
    pub(crate) fn last(self) -> Option<Source> {
        self.sources().filter(|source| !source.is_extension()).last()
    }

    /// Names the revisions that something is in, out of those that it could be in; none if it is in all of them.
    pub(crate) fn describe(self, among: Self) -> Option<String> {
        if self.0 & among.0 == among.0 {
            return None;
        }
        let runs = self.runs(among);
        let words = runs.iter().map(|(first, last)| match (first, last) {
            (None, Some(last)) if among.sources().next() == Some(*last) => {
                format!("in {} only", last.name())
            }
            (None, Some(last)) => format!("until {}", last.name()),
            (Some(first), None) => format!("since {}", first.name()),
            (Some(first), Some(last)) if first == last => format!("in {} only", first.name()),
            (Some(first), Some(last)) => format!("from {} to {}", first.name(), last.name()),
            (None, None) => String::new(),
        });
        Some(words.collect::<Vec<_>>().join(" and "))
    }

    /// Returns consecutive runs; a run that begins or ends with the possible revisions is open at that end.
    fn runs(self, among: Self) -> Vec<(Option<Source>, Option<Source>)> {
        let possible: Vec<Source> = among.sources().collect();
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (index, source) in possible.iter().enumerate() {
            if !self.contains(*source) {
                continue;
            }
            match runs.last_mut() {
                Some((_, end)) if *end + 1 == index => *end = index,
                _ => runs.push((index, index)),
            }
        }
        let open = |(first, last): (usize, usize)| {
            let start = (first > 0).then(|| possible[first]);
            let end = (last + 1 < possible.len()).then(|| possible[last]);
            (start, end)
        };
        runs.into_iter().map(open).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Revisions;

    #[test]
    fn sets_are_told_by_their_edges() {
        let all = Revisions(0b11111);
        let told = |set: u8| Revisions(set).describe(all);
        assert_eq!(told(0b11111), None);
        assert_eq!(told(0b11000).as_deref(), Some("since 2025-11-25"));
        assert_eq!(told(0b01111).as_deref(), Some("until 2025-11-25"));
        assert_eq!(told(0b00001).as_deref(), Some("in 2024-11-05 only"));
        assert_eq!(told(0b01000).as_deref(), Some("in 2025-11-25 only"));
        assert_eq!(told(0b10111).as_deref(), Some("until 2025-06-18 and since 2026-07-28"));
    }
}
