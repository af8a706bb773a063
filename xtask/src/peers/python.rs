//! The peers from Python packages, in virtual environments of the machine's Python: one for each version of FastMCP.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Source, printed_by, run_quietly};

pub(super) const PEERS: Source = Source {
    name: "python",
    inputs: &["requirements.txt"],
    machine: || interpreter().unwrap_or_default(),
    missing,
    install: |inputs, folder| install(&inputs.join(PEERS.inputs[0]), folder),
};

pub(super) const FASTMCP2: Source = Source {
    name: "fastmcp2",
    inputs: &["fastmcp2/requirements.txt"],
    machine: || interpreter().unwrap_or_default(),
    missing,
    install: |inputs, folder| install(&inputs.join(FASTMCP2.inputs[0]), folder),
};

/// Fails if Python is too old or cannot create virtual environments.
const DESCRIBE: &str = "import sys, venv, ensurepip; assert sys.version_info >= (3, 10); print(sys.executable, sys.version)";

fn interpreter() -> Option<String> {
    printed_by(Command::new("python3").args(["-c", DESCRIBE]))
}

fn missing() -> Option<&'static str> {
    if interpreter().is_some() {
        return None;
    }
    Some(
        "python3, 3.10 or newer, with venv: install it (Debian and Ubuntu: apt install python3 python3-venv)",
    )
}

fn install(requirements: &Path, folder: &Path) -> Result<()> {
    run_quietly(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    // The file is complete. When resolving, pip might choose a newer version of an extra, whose hash is not listed.
    let pins = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement"];
    let python = folder.join("bin/python");
    run_quietly(Command::new(python).args(options).args(pins).arg(requirements))
}
