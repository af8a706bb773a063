//! The program driven by the suite: `tests/src/bin/conformance-client.rs`.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::workspace;

/// The same packages and features as in `cargo xtask test`, so that nothing is built twice.
const BUILD: [&str; 7] = [
    "test",
    "--workspace",
    "--all-features",
    "--test",
    "client",
    "--no-run",
    "--message-format=json-render-diagnostics",
];

/// A message of cargo about an artifact.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Builds the program, and returns its path.
pub(super) fn build() -> Result<PathBuf> {
    let mut cargo = workspace::cargo();
    let output = cargo.args(BUILD).stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo ended with {}", output.status);
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    find(&messages).context("cargo built no program for the conformance suite")
}

fn find(messages: &str) -> Option<PathBuf> {
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    let mut programs = artifacts.filter(|artifact| {
        artifact.target.name == "conformance-client" && artifact.target.kind == ["bin"]
    });
    programs.find_map(|artifact| artifact.executable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_what_cargo_built() {
        let messages = r#"
{"reason": "compiler-artifact", "target": {"name": "conformance", "kind": ["lib"]}, "executable": null}
{"reason": "compiler-artifact", "target": {"name": "conformance-client", "kind": ["bin"]}, "executable": "/a/b"}
{"reason": "build-finished", "success": true}
"#;
        assert_eq!(find(messages), Some(PathBuf::from("/a/b")));
        assert_eq!(find("{}"), None);
    }
}
