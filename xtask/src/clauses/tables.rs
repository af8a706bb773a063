//! The tables in the documentation of the crates.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::{CRATES, Clause, MARK, Source, Table, cited};
use crate::{seed, workspace};

/// Returns the paths of outdated tables.
pub(crate) fn stale(sources: &[Source<'_>]) -> Vec<String> {
    let is_stale = |(path, text): &(String, String)| {
        let written = fs::read_to_string(workspace::root().join(path));
        written.ok().as_ref() != Some(text)
    };
    rendered(sources).into_iter().filter(is_stale).map(|(path, _)| path).collect()
}

/// Returns the path and the text of each table.
pub(super) fn rendered(sources: &[Source<'_>]) -> Vec<(String, String)> {
    let render_crate = |(name, folders): &(&str, &[&str])| {
        (format!("{name}/src/clauses.md"), render(&table(sources, folders)))
    };
    CRATES.iter().map(render_crate).chain([seed::rendered(sources)]).collect()
}

/// Returns the clauses covered by the tests in some directories.
pub(super) fn table(sources: &[Source<'_>], folders: &[&str]) -> Table {
    let mut table = Table::new();
    for (path, text) in sources {
        if let Some(folder) = folders.iter().find(|folder| path.starts_with(folder)) {
            read((path, text), &module(path, folder), &mut table);
        }
    }
    table
}

/// Returns the module of a file, as in the names of its tests.
pub(crate) fn module(path: &Path, folder: &str) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    let parts = inside.iter().map(|part| part.to_string_lossy());
    let parts: Vec<_> = parts.filter(|part| *part != "main" && *part != "lib").collect();
    let binary =
        folder.strip_prefix("tests/").map(|binary| binary.trim_end_matches('/').to_owned());
    binary.into_iter().chain(parts.iter().map(ToString::to_string)).collect::<Vec<_>>().join("::")
}

/// Adds the clauses that the tests of a file cite.
fn read(source: Source<'_>, module: &str, table: &mut Table) {
    for (clause, test) in cited(source, MARK) {
        if let Some(clause) = Clause::parse(clause) {
            table.entry(clause).or_default().insert(format!("{module}::{test}"));
        }
    }
}

fn render(table: &Table) -> String {
    let mut out = String::from(
        "Which tests show which requirement of the specification, by the number of the requirement.\n\n\
         | requirement | tests |\n|---|---|\n",
    );
    for (clause, tests) in table {
        let tests: Vec<_> = tests.iter().map(|test| format!("`{test}`")).collect();
        // Writing to a `String` does not fail.
        let _ = writeln!(out, "| {clause} | {} |", tests.join("<br>"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_has_all_tests_that_name_it() {
        let text =
            "// spec: A-01 B-12\n#[test]\nfn first() {}\n// spec: A-01\n#[test]\nfn second() {}\n";
        let sources = [(Path::new("tests/session/eras.rs"), text)];
        let table = table(&sources, &["tests/session/"]);
        let found: Vec<_> =
            table.into_iter().map(|(c, tests)| (c.to_string(), tests.len())).collect();
        assert_eq!(found, [("A-01".to_owned(), 2), ("B-12".to_owned(), 1)]);
    }

    #[test]
    fn modules_are_named_as_tests_are() {
        let path = Path::new("tests/session/faults/rows.rs");
        assert_eq!(module(path, "tests/session/"), "session::faults::rows");
        let path = Path::new("mcp-types/src/rpc/encode.rs");
        assert_eq!(module(path, "mcp-types/src/"), "rpc::encode");
    }
}
