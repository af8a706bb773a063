//! Which test shows which clause: a table for the documentation of each crate.
//!
//! A test names the clauses that it shows in a comment before it: `// spec: STDIO-06 CAN-07`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::{seed, workspace};

/// Each crate, and where its tests are.
pub(crate) const CRATES: [(&str, &[&str]); 4] = [
    ("mcp-types", &["mcp-types/src/", "tests/types/"]),
    ("mcp-transport", &["mcp-transport/src/", "tests/transport/"]),
    ("mcp-session", &["mcp-session/src/", "tests/session/"]),
    ("mcp-client", &["mcp-client/src/", "tests/client/", "tests/interop/"]),
];

/// The comment that names clauses.
const MARK: &str = "// spec: ";

/// Clauses, each with the tests that show it.
type Table = BTreeMap<(String, u32), BTreeSet<String>>;

/// A source file: its path from the root, and its text.
pub(crate) type Source<'a> = (&'a Path, &'a str);

/// Writes the tables.
pub(crate) fn run() -> Result<()> {
    let files = files()?;
    let sources: Vec<Source<'_>> =
        files.iter().map(|(path, text)| (path.as_path(), &**text)).collect();
    for (path, text) in rendered(&sources) {
        fs::write(workspace::root().join(&path), text)
            .with_context(|| format!("cannot write {path}"))?;
        println!("{path}");
    }
    Ok(())
}

/// The paths of the tables that are not what the tests say.
pub(crate) fn stale(sources: &[Source<'_>]) -> Vec<String> {
    let is_stale = |(path, text): &(String, String)| {
        let written = fs::read_to_string(workspace::root().join(path));
        written.ok().as_ref() != Some(text)
    };
    rendered(sources).into_iter().filter(is_stale).map(|(path, _)| path).collect()
}

fn files() -> Result<Vec<(std::path::PathBuf, String)>> {
    let mut files = Vec::new();
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

fn rendered(sources: &[Source<'_>]) -> Vec<(String, String)> {
    let table_of = |folders: &[&str]| {
        let mut table = Table::new();
        for (path, text) in sources {
            if let Some(folder) = folders.iter().find(|folder| path.starts_with(folder)) {
                read(text, &module(path, folder), &mut table);
            }
        }
        table
    };
    let render_crate = |(name, folders): &(&str, &[&str])| {
        (format!("{name}/src/clauses.md"), render(&table_of(folders)))
    };
    CRATES.iter().map(render_crate).chain([seed::rendered(sources)]).collect()
}

/// The module that a file is, as tests are named when they run.
pub(crate) fn module(path: &Path, folder: &str) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    let parts = inside.iter().map(|part| part.to_string_lossy());
    let parts: Vec<_> = parts.filter(|part| *part != "main" && *part != "lib").collect();
    let binary =
        folder.strip_prefix("tests/").map(|binary| binary.trim_end_matches('/').to_owned());
    binary.into_iter().chain(parts.iter().map(ToString::to_string)).collect::<Vec<_>>().join("::")
}

/// Adds the clauses that the tests of a file name.
fn read(text: &str, module: &str, table: &mut Table) {
    for (clause, test) in cited(text, MARK) {
        if let Some((section, number)) = clause.rsplit_once('-')
            && let Ok(number) = number.parse()
        {
            let key = (section.to_owned(), number);
            table.entry(key).or_default().insert(format!("{module}::{test}"));
        }
    }
}

/// What comments that begin with a mark cite, each word with the test that the comment stands before.
pub(crate) fn cited<'a>(text: &'a str, mark: &str) -> Vec<(&'a str, &'a str)> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut cited = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(words) = line.strip_prefix(mark) else { continue };
        let Some(test) = test_after(&lines[at + 1..]) else { continue };
        cited.extend(words.split_whitespace().map(|word| (word, test)));
    }
    cited
}

/// The name of the test that a comment stands before; `None` if it stands before something else.
fn test_after<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let mut is_test = false;
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

fn render(table: &Table) -> String {
    let mut out = String::from(
        "Which tests show which requirement of the specification, by the number of the requirement.\n\n\
         | requirement | tests |\n|---|---|\n",
    );
    for ((section, number), tests) in table {
        let tests: Vec<_> = tests.iter().map(|test| format!("`{test}`")).collect();
        // Writing to a `String` does not fail.
        let _ = writeln!(out, "| {section}-{number:02} | {} |", tests.join("<br>"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_are_found_before_tests_alone() {
        let text = "// spec: A-01 B-12\n#[tokio::test(start_paused = true)]\nasync fn first() {}\n\
                    // spec: A-01\n// More.\n#[test]\nfn second() {}\n// spec: C-03\nfn helper() {}\n";
        let mut table = Table::new();
        read(text, "session::eras", &mut table);
        let found: Vec<_> = table.into_iter().map(|((s, n), tests)| (s, n, tests.len())).collect();
        assert_eq!(found, [("A".to_owned(), 1, 2), ("B".to_owned(), 12, 1)]);
        assert_eq!(
            module(Path::new("tests/session/faults/rows.rs"), "tests/session/"),
            "session::faults::rows"
        );
        assert_eq!(
            module(Path::new("mcp-types/src/rpc/encode.rs"), "mcp-types/src/"),
            "rpc::encode"
        );
    }
}
