//! Tries every real server and prints what works: the table of `docs/interop.md`, which the tests check as well.

use anyhow::{Context, Result, bail};

use crate::{peers, workspace};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write the table into docs/interop.md
    #[arg(long)]
    write: bool,
}

/// Makes the test write; see `tests/interop/matrix/document.rs`.
const WRITE: &str = "MCP_INTEROP_WRITE";

const TEST: [&str; 8] =
    ["test", "--workspace", "--all-features", "--test", "interop", "--", "matrix", "--nocapture"];

pub(crate) fn run(options: &Options) -> Result<()> {
    peers::install()?;
    let mut cargo = workspace::cargo();
    cargo.args(TEST).env(WRITE, if options.write { "1" } else { "0" });
    let status = cargo.status().context("cannot run cargo")?;
    if status.success() { Ok(()) } else { bail!("cargo ended with {status}") }
}
