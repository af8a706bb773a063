//! Pagination: when a list ends, and when it never will.

use mcp_session::Endless;
use std::collections::HashSet;

/// How much of a list is read before it counts as endless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) pages: usize,
    pub(crate) items: usize,
    pub(crate) bytes: usize,
}

/// The size of a page.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    pub(crate) items: usize,
    pub(crate) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pages: 1_000, items: 100_000, bytes: 256 * 1024 * 1024 }
    }
}

/// The position in a list, and all earlier ones.
#[derive(Debug)]
pub(crate) struct Pages {
    limits: Limits,
    pages: usize,
    size: Size,
    seen: HashSet<String>,
}

impl Pages {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, pages: 0, size: Size::default(), seen: HashSet::new() }
    }

    /// Whether no page has been turned yet.
    pub(crate) fn is_first(&self) -> bool {
        self.pages == 0
    }

    /// Records a page, and returns the cursor of the next, if there is one. Any text is a cursor, even an empty one.
    // spec: PAG-02 PAG-04 PAG-05 PAG-07
    pub(crate) fn turn(
        &mut self,
        page: Size,
        next: Option<String>,
    ) -> Result<Option<String>, Endless> {
        self.pages += 1;
        self.size.items = self.size.items.saturating_add(page.items);
        self.size.bytes = self.size.bytes.saturating_add(page.bytes);
        if self.size.items > self.limits.items {
            return Err(Endless::Items(self.limits.items));
        }
        if self.size.bytes > self.limits.bytes {
            return Err(Endless::Bytes(self.limits.bytes));
        }
        let Some(cursor) = next else { return Ok(None) };
        if self.pages >= self.limits.pages {
            return Err(Endless::Pages(self.limits.pages));
        }
        if !self.seen.insert(cursor.clone()) {
            return Err(Endless::RepeatedCursor);
        }
        Ok(Some(cursor))
    }
}
