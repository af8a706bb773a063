//! What the crates weigh: how much has to be compiled for them, and how long that takes.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// What is counted: a name, a crate, its features, and how many crates there may be, itself among them.
const TREES: [(&str, &str, &[&str], usize); 4] = [
    ("mcp-types", "mcp-types", &[], 10),
    ("client, stdio", "mcp-client", &["--no-default-features", "--features", "stdio"], 60),
    ("client, HTTP and TLS", "mcp-client", &["--no-default-features", "--features", "http"], 90),
    ("client, default", "mcp-client", &[], 90),
];

const OURS: [&str; 4] = ["mcp-types", "mcp-transport", "mcp-session", "mcp-client"];

pub(super) fn run() -> Result<()> {
    let mut too_many = 0;
    for (name, package, features, limit) in TREES {
        let count = crates(package, features)?;
        println!("{name:<22} {count:>3} crates (at most {limit})");
        too_many += usize::from(count > limit);
    }
    println!("own code, release       {:.1} s", own_build()?);
    if too_many > 0 {
        bail!("{too_many} trees have too many crates");
    }
    println!("weight: {} trees", TREES.len());
    Ok(())
}

/// The crates of a tree on this platform, each version once, without what only builds and tests need.
fn crates(package: &str, features: &[&str]) -> Result<usize> {
    let tree = ["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let mut cargo = workspace::cargo();
    cargo.args(tree).args(["--package", package]).args(features);
    let output = cargo.output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let text = String::from_utf8(output.stdout)?;
    let crates: BTreeSet<_> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    Ok(crates.len())
}

/// The seconds that a clean build of our own code takes when all that it needs is built.
fn own_build() -> Result<f64> {
    let target = workspace::root().join("target/bench");
    let build = |cargo: &mut Command| -> Result<()> {
        let status = cargo.arg("--target-dir").arg(&target).status().context("cannot run cargo")?;
        if status.success() { Ok(()) } else { bail!("cargo ended with {status}") }
    };
    let arguments = ["build", "--locked", "--quiet", "--release", "--package", "mcp-client"];
    build(workspace::cargo().args(arguments))?;
    let clean = ["clean", "--locked", "--quiet", "--release"];
    let packages = OURS.iter().flat_map(|name| ["--package", name]);
    build(workspace::cargo().args(clean).args(packages))?;
    let start = Instant::now();
    build(workspace::cargo().args(arguments))?;
    Ok(start.elapsed().as_secs_f64())
}
