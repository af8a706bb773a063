//! What the crates weigh: how much has to be compiled for them, how long that takes, and what the command does before it
//! can say anything.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{crates, workspace};

const OURS: [&str; 4] = ["mcp-types", "mcp-transport", "mcp-session", "mcp-client"];

/// How often the command is started; the fastest start is what it takes, the rest is what else the machine did.
const STARTS: usize = 30;

pub(super) fn run() -> Result<()> {
    let counts = crates::count()?;
    for (name, count) in &counts {
        println!("{name:<16} {count}");
    }
    println!("own code, clean release build  {:.1} s", own_build()?.as_secs_f64());
    println!("mcp --help                     {:.1} ms", help()?.as_secs_f64() * 1000.0);
    let table = workspace::root().join(crates::TABLE);
    let table = fs::read_to_string(&table).with_context(|| format!("no {}", table.display()))?;
    let wrong = crates::compare(&table, &counts)?;
    for message in &wrong {
        println!("{message}");
    }
    if !wrong.is_empty() {
        bail!("weight: {} of {} trees have grown", wrong.len(), counts.len());
    }
    println!("weight: {} trees, none has grown", counts.len());
    Ok(())
}

/// How long a clean build of our own code takes when all that it needs is built.
fn own_build() -> Result<Duration> {
    let build = ["build", "--quiet", "--package", "mcp-client"];
    cargo(&build)?;
    let packages = OURS.iter().flat_map(|name| ["--package", name]);
    cargo(&["clean", "--quiet"].into_iter().chain(packages).collect::<Vec<_>>())?;
    let start = Instant::now();
    cargo(&build)?;
    Ok(start.elapsed())
}

/// How long the command takes to print its help, as it is released.
fn help() -> Result<Duration> {
    cargo(&["build", "--quiet", "--package", "mcp-client", "--features", "cli", "--bin", "mcp"])?;
    let program = workspace::root().join("target/bench/release/mcp");
    let start = || {
        let start = Instant::now();
        let mut command = Command::new(&program);
        let status = command.arg("--help").stdout(Stdio::null()).status();
        let status = status.with_context(|| format!("cannot run {}", program.display()))?;
        if status.success() { Ok(start.elapsed()) } else { bail!("mcp --help ended with {status}") }
    };
    let starts = (0..STARTS).map(|_| start()).collect::<Result<Vec<_>>>()?;
    Ok(starts.into_iter().min().unwrap_or_default())
}

/// A cargo command for the release in the folder of the measurements.
fn cargo(arguments: &[&str]) -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo.args(arguments).args(["--locked", "--release", "--target-dir"]);
    let status = cargo.arg(workspace::root().join("target/bench")).status();
    let status = status.context("cannot run cargo")?;
    if status.success() { Ok(()) } else { bail!("cargo {} ended with {status}", arguments[0]) }
}
