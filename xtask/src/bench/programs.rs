//! The server and the drivers: building and running them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A cargo profile of `tests/bench`.
#[derive(Clone, Copy)]
pub(super) enum Profile {
    Release,
    /// Optimized across all crates when it is linked.
    Lto,
}

impl Profile {
    /// Returns its name, which is also that of its directory.
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Lto => "lto",
        }
    }
}

/// Builds programs of `tests/bench`, optimized. Not with `--locked`, because the dependencies of our crates may have
/// changed.
pub(super) fn build(profile: Profile, names: &[&str], features: &[&str]) -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo.current_dir(workspace::root().join("tests/bench"));
    cargo.args(["build", "--quiet", "--profile", profile.name(), "--target-dir"]).arg(target());
    cargo.args(names.iter().flat_map(|name| ["--bin", name]));
    cargo.args(features.iter().flat_map(|feature| ["--features", feature]));
    match cargo.status().context("cannot run cargo")? {
        status if status.success() => Ok(()),
        status => bail!("cargo ended with {status}"),
    }
}

/// Returns the path of a built program.
pub(super) fn path(profile: Profile, name: &str) -> PathBuf {
    target().join(profile.name()).join(name)
}

fn target() -> PathBuf {
    workspace::root().join("target/bench")
}

/// Runs a program to its end, and returns its standard output and standard error.
pub(super) fn output(command: &mut Command) -> Result<(String, String)> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    if !output.status.success() {
        bail!("{command:?} ended with {}: {}", output.status, stderr.trim());
    }
    Ok((stdout, stderr))
}
