//! Which test covers which clause: a table for the documentation of each crate, and the coverage.
//!
//! A test names the clauses that it covers in a comment before it: `// spec: STDIO-06 CAN-07`. Code may cite the clause
//! that it exists for in the same way; that does not count as coverage.

pub(crate) mod coverage;
mod requirements;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

pub(crate) use self::tables::{module, stale};
use crate::workspace;

/// Each crate, and the locations of its tests.
pub(crate) const CRATES: [(&str, &[&str]); 4] = [
    ("mcp-types", &["mcp-types/src/", "tests/types/"]),
    ("mcp-transport", &["mcp-transport/src/", "tests/transport/"]),
    ("mcp-session", &["mcp-session/src/", "tests/session/"]),
    ("mcp-client", &["mcp-client/src/", "tests/client/", "tests/interop/"]),
];

/// The comment that names clauses.
const MARK: &str = "// spec: ";

/// The number of a requirement: `STDIO-06`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Clause {
    section: String,
    number: u32,
}

impl Clause {
    /// Parses a clause number; `None` if it is invalid.
    fn parse(text: &str) -> Option<Self> {
        let (section, number) = text.rsplit_once('-')?;
        let is_section = section.starts_with(|first: char| first.is_ascii_uppercase())
            && section.chars().all(|char| char.is_ascii_uppercase() || char.is_ascii_digit());
        let is_number = number.len() == 2 && number.chars().all(|char| char.is_ascii_digit());
        let number = number.parse().ok().filter(|_| is_section && is_number)?;
        Some(Self { section: section.to_owned(), number })
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{:02}", self.section, self.number)
    }
}

/// Clauses, each with the tests that cover it.
type Table = BTreeMap<Clause, BTreeSet<String>>;

/// A source file: its path from the root, and its text.
pub(crate) type Source<'a> = (&'a Path, &'a str);

/// Writes the tables, and removes covered clauses from the list of missing ones.
pub(crate) fn run() -> Result<()> {
    let files = files()?;
    let sources: Vec<Source<'_>> =
        files.iter().map(|(path, text)| (path.as_path(), &**text)).collect();
    let shortened = coverage::Coverage::read(&sources)?.shorten(&sources)?;
    for (path, text) in tables::rendered(&sources).into_iter().chain([shortened]) {
        fs::write(workspace::root().join(&path), text)
            .with_context(|| format!("cannot write {path}"))?;
        println!("{path}");
    }
    Ok(())
}

fn files() -> Result<Vec<(std::path::PathBuf, String)>> {
    let mut files = Vec::new();
    for path in coverage::READ {
        let text = fs::read_to_string(workspace::root().join(path));
        files.push((path.into(), text.with_context(|| format!("cannot read {path}"))?));
    }
    for folder in CRATES.iter().flat_map(|(_, folders)| *folders) {
        collect(Path::new(folder), &mut files)?;
    }
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<(std::path::PathBuf, String)>) -> Result<()> {
    for entry in fs::read_dir(workspace::root().join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((path, fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}

/// A comment that names clauses, or cases.
struct Citation<'a> {
    /// Counted from 1.
    line: usize,
    words: Vec<&'a str>,
    /// The test after the comment; `None` if something else follows.
    test: Option<&'a str>,
}

/// Returns what comments with a mark cite: each word, with the test that follows the comment.
pub(crate) fn cited<'text>(
    (path, text): Source<'text>,
    mark: &str,
) -> Vec<(&'text str, &'text str)> {
    let tested =
        citations((path, text), mark).into_iter().filter_map(|it| Some((it.words, it.test?)));
    tested.flat_map(|(words, test)| words.into_iter().map(move |word| (word, test))).collect()
}

/// Returns the comments of a file that begin with a mark.
fn citations<'text>((path, text): Source<'text>, mark: &str) -> Vec<Citation<'text>> {
    let is_test = path.starts_with("tests");
    let lines: Vec<&'text str> = text.lines().map(str::trim).collect();
    let cite = |(at, line): (usize, &&'text str)| {
        let words = line.strip_prefix(mark)?.split_whitespace().collect();
        Some(Citation { line: at + 1, words, test: test_after(&lines[at + 1..], is_test) })
    };
    lines.iter().enumerate().filter_map(cite).collect()
}

/// Returns the name of the test after a comment; `None` if something else follows.
///
/// In test files any function counts, including shared ones.
fn test_after<'a>(lines: &[&'a str], mut is_test: bool) -> Option<&'a str> {
    for line in lines {
        if line.starts_with("#[") {
            is_test |= line.contains("test");
        } else if !line.starts_with("//") {
            let (_, signature) = line.split_once("fn ")?;
            let (name, _) = signature.split_once('(')?;
            return is_test.then_some(name);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_are_found_before_tests_alone() {
        let text = "// spec: A-01 B-12\n#[tokio::test(start_paused = true)]\nasync fn first() {}\n\
                    // spec: A-01\n// More.\n#[test]\nfn second() {}\n// spec: C-03\nfn helper() {}\n";
        let found: Vec<_> = citations((Path::new("mcp-types/src/rpc.rs"), text), MARK)
            .into_iter()
            .map(|citation| (citation.line, citation.words.join(" "), citation.test))
            .collect();
        let expected =
            [(1, "A-01 B-12", Some("first")), (4, "A-01", Some("second")), (8, "C-03", None)];
        assert_eq!(found, expected.map(|(line, clauses, test)| (line, clauses.to_owned(), test)));
        let shared =
            citations((Path::new("tests/interop/suite.rs"), "// spec: C-03\nfn shared() {}"), MARK);
        assert_eq!(shared[0].test, Some("shared"));
    }

    #[test]
    fn a_clause_has_a_section_and_two_digits() {
        assert_eq!(Clause::parse("H25-07").unwrap().to_string(), "H25-07");
        for text in ["H25", "H25-7", "h25-07", "-07", "H25-x7", "25-07"] {
            assert_eq!(Clause::parse(text), None, "{text}");
        }
    }
}
