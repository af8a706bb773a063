//! The weight of the crates: how much has to be compiled for them, how long that takes, and how long the command takes
//! to start.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::compiler::{self, Took};
use crate::{crates, workspace};

const OURS: [&str; 4] = ["mcp-types", "mcp-transport", "mcp-session", "mcp-client"];

/// How often the command is started; the fastest start counts, because the others include interference of the machine.
const STARTS: usize = 30;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Time a build of rmcp's own code as well, for proportion
    #[arg(long)]
    rmcp: bool,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let counts = crates::count()?;
    for (name, count) in &counts {
        println!("{name:<16} {count}");
    }
    println!("clean release builds, all that they need is built:");
    for (name, took) in own_build()? {
        println!("{name:<16} {took}");
    }
    if options.rmcp {
        println!("{:<16} {}", "rmcp", rmcp_build()?);
    }
    println!("mcp --help       {:.1} ms", help()?.as_secs_f64() * 1000.0);
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

/// Measures a clean build of our own code with all dependencies built: each crate, and all of them, some of which are
/// compiled in parallel.
fn own_build() -> Result<Vec<(&'static str, Took)>> {
    let build = ["build", "--quiet", "--package", "mcp-client"];
    cargo(&build)?;
    let packages = OURS.iter().flat_map(|name| ["--package", name]);
    cargo(&["clean", "--quiet"].into_iter().chain(packages).collect::<Vec<_>>())?;
    let start = Instant::now();
    let crates = compiler::clock(command(&build).arg("--locked"), succeed)?;
    let wall = start.elapsed();
    let mut took: Vec<_> =
        OURS.into_iter().filter_map(|name| Some((name, *crates.get(name)?))).collect();
    let cpu = took.iter().map(|(_, took)| took.cpu).sum();
    took.push(("all four", Took { wall, cpu }));
    Ok(took)
}

/// Measures the same for rmcp, with the features that its driver needs and without the debug information of the
/// drivers.
fn rmcp_build() -> Result<Took> {
    let folder = workspace::root().join("tests/bench");
    let plain = ["--config", "profile.release.package.rmcp.debug=false"];
    let run = |arguments: &[&str]| {
        let mut cargo = command(arguments);
        cargo.args(plain).current_dir(&folder);
        cargo
    };
    let build = ["build", "--quiet", "--features", "rmcp", "--bin", "rmcp"];
    succeed(&mut run(&build))?;
    succeed(&mut run(&["clean", "--quiet", "--package", "rmcp"]))?;
    let crates = compiler::clock(&mut run(&build), succeed)?;
    crates.get("rmcp").copied().context("rmcp was not compiled")
}

/// Measures how long the released command takes to print its help.
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

/// Runs cargo in release mode, in the directory of the measurements.
fn cargo(arguments: &[&str]) -> Result<()> {
    succeed(command(arguments).arg("--locked"))
}

fn command(arguments: &[&str]) -> Command {
    let mut cargo = workspace::cargo();
    cargo.args(arguments).args(["--release", "--target-dir"]);
    cargo.arg(workspace::root().join("target/bench"));
    cargo
}

fn succeed(cargo: &mut Command) -> Result<()> {
    let status = cargo.status().context("cannot run cargo")?;
    if status.success() { Ok(()) } else { bail!("{cargo:?} ended with {status}") }
}
