//! The table as text, and the document that contains it.

use super::{Outcome, operations};
use std::{fmt::Write, fs, path::Path};

const BEGIN: &str = "<!-- written by `cargo xtask interop --write` -->\n";
const END: &str = "<!-- end -->\n";

pub(super) fn table(outcomes: &[Outcome]) -> String {
    let names: Vec<_> = operations::ALL.iter().map(|operation| operation.name).collect();
    let mut out = format!("| server | binding | revision | {} |\n", names.join(" | "));
    let _ = writeln!(out, "|{}", " --- |".repeat(3 + names.len()));
    for Outcome { server, binding, revision, cells } in outcomes {
        let cells: Vec<_> = cells.iter().map(cell).collect();
        let _ = writeln!(out, "| {server} | {binding} | {revision} | {} |", cells.join(" | "));
    }
    out
}

fn cell(outcome: &Option<Result<(), String>>) -> &'static str {
    match outcome {
        Some(Ok(())) => "yes",
        Some(Err(_)) => "**no**",
        None => "",
    }
}

/// What does not work, by server and operation.
pub(super) fn failures(outcome: &Outcome) -> Vec<String> {
    let Outcome { server, binding, revision, cells } = outcome;
    let names = operations::ALL.iter().map(|operation| operation.name);
    let failed = cells.iter().zip(names.chain(std::iter::repeat("?")));
    let failed = failed.filter_map(|(cell, name)| Some((cell.as_ref()?.as_ref().err()?, name)));
    let message = |(error, name)| format!("{server}, {binding}, {revision}: {name}: {error}");
    failed.map(message).collect()
}

/// Compares the table with the one in the document, or writes it there.
pub(super) fn check_or_write(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/interop.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let new = format!("{before}{BEGIN}\n{table}\n{END}{after}");
    if std::env::var_os("MCP_INTEROP_WRITE").is_some_and(|value| value == "1") {
        fs::write(&path, new).unwrap();
    } else {
        assert_eq!(new, text, "docs/interop.md is out of date: run `cargo xtask interop --write`");
    }
}
