//! A run of whole lines that leaves the outbox together.

use super::{CHUNK, LargeLine, MARGIN, Span};
use std::ops::Range;

/// Whole lines that are written together, some of which may have been taken back.
#[derive(Debug, Default)]
pub(in crate::duplex) struct Chunk {
    pub(super) bytes: Vec<u8>,
    /// The only line, in place of the bytes.
    large: Option<LargeLine>,
    /// The place of the first of the bytes.
    start: u64,
    /// The lines that were taken back and are not gone; those of a chunk that is written have the last one first.
    gaps: Vec<Range<usize>>,
    /// The bytes of the gaps.
    missing: usize,
}

impl Chunk {
    /// A chunk that begins at this place.
    pub(super) fn new(start: u64, room: usize) -> Self {
        Self { bytes: Vec::with_capacity(room), start, ..Self::default() }
    }

    /// The place of the byte at this index.
    pub(in crate::duplex) fn place(&self, index: usize) -> u64 {
        self.start + index as u64
    }

    pub(in crate::duplex) fn len(&self) -> usize {
        match &self.large {
            None => self.bytes.len(),
            Some(large) => large.len(),
        }
    }

    /// What is written next by a writer who has come to `position`: all up to the next gap. It is in one part, or else a
    /// single line.
    pub(in crate::duplex) fn next(&self, position: usize) -> [&[u8]; 3] {
        if let Some(large) = &self.large {
            return large.after(position);
        }
        let end = self.gaps.last().map_or(self.bytes.len(), |gap| gap.start);
        [&self.bytes[position..end], &[], &[]]
    }

    /// Where a writer goes on who has come to `position`.
    pub(in crate::duplex) fn skip_gaps(&mut self, mut position: usize) -> usize {
        while let Some(gap) = self.gaps.pop_if(|gap| gap.start == position) {
            position = gap.end;
        }
        position
    }

    /// Forgets all bytes, and gives the buffer back if it is a large one.
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

    /// Whether the next line belongs into another chunk.
    pub(super) fn is_full(&self) -> bool {
        self.large.is_some() || self.bytes.len() > CHUNK - MARGIN
    }

    /// Holds one line and no more.
    pub(super) fn fill(&mut self, line: LargeLine) {
        self.large = Some(line);
    }

    /// Begins at this place; there are no bytes yet.
    pub(super) fn begin(&mut self, start: u64) {
        self.start = start;
    }

    /// Takes a line back, and gives how many bytes are gone: none before the last of all lines goes, but for those at
    /// the end.
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

    /// Puts the gaps in the order in which a writer comes to them.
    pub(super) fn sort_gaps(&mut self) {
        self.gaps.sort_unstable_by_key(|gap| std::cmp::Reverse(gap.start));
    }
}
