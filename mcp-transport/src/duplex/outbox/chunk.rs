//! A run of whole lines that leaves the outbox together.

use super::{CHUNK, LargeLine, MARGIN, Span};
use std::ops::Range;

/// Whole lines that are written together; some of them may have been recalled.
#[derive(Debug, Default)]
pub(in crate::duplex) struct Chunk {
    pub(super) bytes: Vec<u8>,
    /// The only line, in place of the bytes.
    large: Option<LargeLine>,
    /// The offset of the first byte.
    start: u64,
    /// The recalled lines that are still in place; in a chunk that is being written, the last one comes first.
    gaps: Vec<Range<usize>>,
    /// The total size of the gaps.
    missing: usize,
}

impl Chunk {
    /// Creates a chunk that begins at this offset.
    pub(super) fn new(start: u64, room: usize) -> Self {
        Self { bytes: Vec::with_capacity(room), start, ..Self::default() }
    }

    /// Returns the offset of the byte at this index.
    pub(in crate::duplex) fn place(&self, index: usize) -> u64 {
        self.start + index as u64
    }

    pub(in crate::duplex) fn len(&self) -> usize {
        match &self.large {
            None => self.bytes.len(),
            Some(large) => large.len(),
        }
    }

    /// Returns what to write next at `position`: everything up to the next gap. It is either one part or a single line.
    pub(in crate::duplex) fn next(&self, position: usize) -> [&[u8]; 3] {
        if let Some(large) = &self.large {
            return large.after(position);
        }
        let end = self.gaps.last().map_or(self.bytes.len(), |gap| gap.start);
        [&self.bytes[position..end], &[], &[]]
    }

    /// Moves a position past gaps.
    pub(in crate::duplex) fn skip_gaps(&mut self, mut position: usize) -> usize {
        while let Some(gap) = self.gaps.pop_if(|gap| gap.start == position) {
            position = gap.end;
        }
        position
    }

    /// Drops all bytes, and releases a large buffer.
    pub(in crate::duplex) fn clear(&mut self) {
        self.large = None;
        self.bytes.clear();
        if self.bytes.capacity() > CHUNK {
            self.bytes = Vec::new();
        }
        self.gaps.clear();
        self.missing = 0;
    }

    pub(super) fn start(&self) -> u64 {
        self.start
    }

    pub(super) fn end(&self) -> u64 {
        self.place(self.len())
    }

    /// Returns whether the next line belongs in another chunk.
    pub(super) fn is_full(&self) -> bool {
        self.large.is_some() || self.bytes.len() > CHUNK - MARGIN
    }

    /// Makes this line the only one of the chunk.
    pub(super) fn fill(&mut self, line: LargeLine) {
        self.large = Some(line);
    }

    /// Sets the offset of an empty chunk.
    pub(super) fn begin(&mut self, start: u64) {
        self.start = start;
    }

    /// Recalls a line, and returns how many bytes were freed: those of lines at the end are freed at once, all others
    /// when no line is left.
    pub(super) fn recall(&mut self, span: &Span) -> usize {
        let before = self.len();
        if self.large.is_some() {
            self.clear();
            return before;
        }
        let index = |place| (place - self.start) as usize;
        let line = index(span.start)..index(span.end);
        if line.end == before {
            self.bytes.truncate(line.start);
        } else {
            self.missing += line.len();
            self.gaps.push(line);
        }
        if self.missing == self.bytes.len() {
            self.clear();
        }
        before - self.bytes.len()
    }

    /// Sorts the gaps in the order in which they are written.
    pub(super) fn sort_gaps(&mut self) {
        self.gaps.sort_unstable_by_key(|gap| std::cmp::Reverse(gap.start));
    }
}
