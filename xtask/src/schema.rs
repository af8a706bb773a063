//! `cargo xtask schema import`: reduces the official schema files to the facts in `mcp-types/schema/`.
//!
//! What a program can check is kept: names, types, required members, enumerations, constants, formats, defaults and
//! bounds. All prose is dropped. The result is still JSON Schema 2020-12, so that tests can validate messages against
//! it.

mod document;
mod model;

pub(crate) use document::{Document, directory};
pub(crate) use model::{Additional, Schema, Types};

use anyhow::{Context, Result};
use clap::Subcommand;
use std::{fs, path::PathBuf};

/// The sources in chronological order; the name of a source is its directory upstream and its file here.
pub(crate) const REVISIONS: [&str; 5] =
    ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

/// The tasks extension, which belongs to the last revision.
pub(crate) const TASKS_EXTENSION: &str = "ext-tasks";

/// What to do with the schema files.
#[derive(Subcommand)]
pub(crate) enum SchemaCommand {
    /// Reduces the official files to facts: `DIR/<revision>/schema.json` to `mcp-types/schema/<revision>.json`.
    Import {
        /// The directory with one directory per revision, and `ext-tasks`.
        dir: PathBuf,
    },
}

pub(crate) fn run(command: SchemaCommand) -> Result<()> {
    let SchemaCommand::Import { dir } = command;
    for source in REVISIONS.into_iter().chain([TASKS_EXTENSION]) {
        let path = dir.join(source).join("schema.json");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let document = Document::official(&text)
            .with_context(|| format!("cannot reduce {}", path.display()))?;
        let target = directory().join(format!("{source}.json"));
        fs::write(&target, document.to_text()?)
            .with_context(|| format!("cannot write {}", target.display()))?;
        println!("{}: {} definitions", target.display(), document.definitions.len());
    }
    Ok(())
}
