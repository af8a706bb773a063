//! Collecting problems with their positions.

use super::{Problem, Severity};
use jsonc_parser::common::Range;

/// The maximum number of errors, and of warnings, reported.
const MOST: usize = 100;

/// The problems found in a text so far.
pub(super) struct Report<'a> {
    text: &'a str,
    path: Vec<String>,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl<'a> Report<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, path: Vec::new(), errors: Vec::new(), warnings: Vec::new() }
    }

    /// Reports on a member of the current subject.
    pub(super) fn within<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(name.to_owned());
        let value = read(self);
        self.path.pop();
        value
    }

    pub(super) fn error(&mut self, at: Range, message: impl Into<String>) {
        let problem = self.problem(Severity::Error, at, message.into());
        self.errors.extend(problem);
    }

    pub(super) fn warning(&mut self, at: Range, message: impl Into<String>) {
        let problem = self.problem(Severity::Warning, at, message.into());
        self.warnings.extend(problem);
    }

    /// Returns the number of errors so far.
    pub(super) fn errors(&self) -> usize {
        self.errors.len()
    }

    /// Returns all problems, in the order of the text.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.errors;
        problems.extend(self.warnings);
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems
    }

    fn problem(&self, severity: Severity, at: Range, message: String) -> Option<Problem> {
        let told = if severity == Severity::Error { &self.errors } else { &self.warnings };
        if told.len() >= MOST {
            return None;
        }
        let (line, column) = place(self.text, at.start);
        Some(Problem { severity, line, column, path: self.path.join("."), message })
    }
}

/// Returns the line and column of a byte offset, counted from 1.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let text = "ab\r\n\u{e9}\u{e9}x\n";
        assert_eq!(place(text, 0), (1, 1));
        assert_eq!(place(text, 1), (1, 2));
        assert_eq!(place(text, 4), (2, 1));
        assert_eq!(place(text, 8), (2, 3));
        assert_eq!(place(text, text.len()), (3, 1));
        assert_eq!(place(text, 99), (3, 1));
    }
}
