//! Installs the servers for the tests, and the official conformance suite, into `target/peers/`, from the lock files in
//! `tests/peers/`.

mod node;
mod python;
mod stamp;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::workspace;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Install what is missing or out of date
    Install,
    /// Print the folder that they are installed in
    Path,
}

/// One ecosystem with peers.
struct Source {
    /// Its directory in `target/peers/`.
    name: &'static str,
    /// The files in `tests/peers/` that determine what is installed.
    inputs: &'static [&'static str],
    /// What else determines it: the machine, an interpreter.
    machine: fn() -> String,
    /// What the machine lacks, with advice on what to install.
    missing: fn() -> Option<&'static str>,
    /// Installs into an empty directory; the inputs are read from the first one.
    install: fn(inputs: &Path, folder: &Path) -> Result<()>,
}

const SOURCES: [Source; 4] = [node::PEERS, python::PEERS, python::FASTMCP2, node::SUITE];

pub(crate) fn run(command: &Command) -> Result<()> {
    match command {
        Command::Install => install(),
        Command::Path => {
            println!("{}", folder().display());
            Ok(())
        }
    }
}

/// Installs every peer whose inputs have changed since the last installation.
pub(crate) fn install() -> Result<()> {
    let inputs = workspace::root().join("tests/peers");
    let folder = folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let _lock = lock(&folder)?;

    let mut outdated = Vec::new();
    for source in &SOURCES {
        let stamp = stamp::Stamp::new(&folder, &inputs, source)?;
        if !stamp.is_current() {
            outdated.push((source, stamp));
        }
    }
    if outdated.is_empty() {
        println!("peers are up to date in {}", folder.display());
        return Ok(());
    }
    let missing: Vec<_> = outdated.iter().filter_map(|(source, _)| (source.missing)()).collect();
    if !missing.is_empty() {
        bail!(
            "this machine lacks what the peers need:\n  {}\nor do without them: cargo xtask test --without-peers",
            missing.join("\n  ")
        );
    }
    for (source, stamp) in outdated {
        install_one(source, &stamp, &inputs, &folder.join(source.name))?;
    }
    Ok(())
}

/// The stamp is removed first and written last, so that an interrupted installation is repeated.
fn install_one(source: &Source, stamp: &stamp::Stamp, inputs: &Path, folder: &Path) -> Result<()> {
    let start = Instant::now();
    println!("installing {} peers into {}", source.name, folder.display());
    stamp.remove()?;
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    (source.install)(inputs, folder)
        .with_context(|| format!("cannot install the {} peers", source.name))?;
    stamp.write()?;
    println!("installed {} peers in {:.0?}", source.name, start.elapsed());
    Ok(())
}

/// Returns the directory of the official conformance suite, and the Node that runs it.
pub(crate) fn suite() -> (PathBuf, PathBuf) {
    let folder = folder().join(node::SUITE.name);
    let node = node::binary(&folder).unwrap_or_else(|| "node".into());
    (folder, node)
}

/// Not in `CARGO_TARGET_DIR`: the tests look for the peers here, wherever they were built.
fn folder() -> PathBuf {
    workspace::root().join("target/peers")
}

/// Locks the directory while installing, so that concurrent runs do not interfere.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// Runs a program to its end, and shows its output only if it fails.
fn run_quietly(process: &mut Process) -> Result<()> {
    let output = process.output().with_context(|| format!("cannot start {process:?}"))?;
    if !output.status.success() {
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{process:?} failed with {}:\n{stdout}{stderr}", output.status);
    }
    Ok(())
}

/// Returns the output of a program, if it can be run and succeeds.
fn printed_by(process: &mut Process) -> Option<String> {
    let output = process.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
