//! The table in `docs/conformance.md`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::report::Report;
use crate::workspace;

const BEGIN: &str = "<!-- written by `cargo xtask conformance --write` -->\n";
const END: &str = "<!-- end -->\n";

/// Writes the table of a report into the document.
pub(super) fn write(report: &Report) -> Result<()> {
    let (path, text) = read()?;
    fs::write(&path, replaced(&text, &report.table())?)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Fails if the table in the document differs from that of a report.
pub(super) fn check(report: &Report) -> Result<()> {
    let (path, text) = read()?;
    if replaced(&text, &report.table())? != text {
        bail!("{} has another table: run `cargo xtask conformance --write`", path.display());
    }
    Ok(())
}

fn read() -> Result<(PathBuf, String)> {
    let path = workspace::root().join("docs/conformance.md");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok((path, text))
}

fn replaced(text: &str, table: &str) -> Result<String> {
    let parts =
        text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.context("docs/conformance.md has no place for the table")?;
    Ok(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_takes_the_place_of_the_last_one() {
        let text = format!("before\n{BEGIN}\nold\n{END}after\n");
        let new = replaced(&text, "| a |\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\n| a |\n\n{END}after\n"));
        assert_eq!(replaced(&new, "| a |\n").unwrap(), new);
        assert!(replaced("nothing", "").is_err());
    }
}
