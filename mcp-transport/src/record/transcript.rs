//! A whole transcript.

use super::{
    entry::Entry,
    format::{self, BadLine},
};
use std::{error, fmt, str::FromStr};

/// A recording, as a list of entries. `Display` writes it as text, and [`parse`](Self::parse) reads it.
#[derive(Clone, Debug, Default)]
pub struct Transcript(Vec<Entry>);

impl Transcript {
    /// Parses the text of a transcript.
    ///
    /// # Errors
    ///
    /// The text is not a transcript of a supported version; the error names the line.
    pub fn parse(text: &str) -> Result<Self, TranscriptError> {
        let mut lines = text.trim_start_matches('\u{feff}').lines().zip(1..);
        let lines = lines.by_ref().filter(|(line, _)| !line.trim().is_empty());
        let mut entries = Vec::new();
        let mut has_header = false;
        for (line, number) in lines {
            let read = if has_header {
                format::read_line(line)
            } else {
                has_header = true;
                format::read_header(line).map(|()| None)
            };
            entries.extend(read.map_err(|bad| TranscriptError { line: number, bad })?);
        }
        if has_header {
            Ok(Self(entries))
        } else {
            Err(TranscriptError { line: 1, bad: BadLine::Shape("text is empty") })
        }
    }

    /// The entries.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The entries, by value.
    pub fn into_entries(self) -> Vec<Entry> {
        self.0
    }
}

impl FromIterator<Entry> for Transcript {
    fn from_iter<T: IntoIterator<Item = Entry>>(entries: T) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl FromStr for Transcript {
    type Err = TranscriptError;

    fn from_str(text: &str) -> Result<Self, TranscriptError> {
        Self::parse(text)
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", format::header())?;
        self.0.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

/// A text is not a valid transcript.
#[derive(Debug)]
pub struct TranscriptError {
    line: usize,
    bad: BadLine,
}

impl TranscriptError {
    /// The line that is wrong, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for TranscriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the transcript: ", self.line)?;
        match &self.bad {
            BadLine::Shape(what) => f.write_str(what),
            BadLine::Json(_) if self.line == 1 => f.write_str(format::NO_HEADER),
            BadLine::Json(_) => f.write_str("not an entry"),
            BadLine::Message(_) => f.write_str("its message is not a message"),
            BadLine::Version(version) => write!(f, "version {version} of the format is not known"),
        }
    }
}

impl error::Error for TranscriptError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.bad {
            BadLine::Json(source) => Some(source),
            BadLine::Message(source) => Some(source),
            BadLine::Shape(_) | BadLine::Version(_) => None,
        }
    }
}
