//! Everything that a change must pass, in one command: what `.ci/run` calls.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::count::Count;
use crate::{bench, conformance, peers, tidy, workspace};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leave out the tests that need the servers of tests/peers, and the official conformance suite
    #[arg(long)]
    without_peers: bool,
    /// Leave out the counters of what a call costs, which are of an optimized build
    #[arg(long)]
    without_counters: bool,
}

/// Makes the tests skip what needs a peer; see `tests/src/peers.rs`.
const WITHOUT_PEERS: &str = "MCP_TESTS_WITHOUT_PEERS";

/// The crates without any of their features.
const WITHOUT_FEATURES: [&str; 13] = [
    "clippy",
    "-p",
    "mcp-types",
    "-p",
    "mcp-transport",
    "-p",
    "mcp-session",
    "-p",
    "mcp-client",
    "--no-default-features",
    "--",
    "-D",
    "warnings",
];

/// Runs the steps up to the first that fails, and ends with a line that counts the tests.
///
/// A step that fails outside of tests counts as one failure, so that the last line never looks like success.
pub(crate) fn run(options: &Options) -> ! {
    let mut count = Count::default();
    let outcome = run_steps(options, &mut count);
    if let Err(error) = &outcome {
        eprintln!("\nerror: {error:#}");
        count.failed = count.failed.max(1);
    }
    println!("\n{count}");
    std::process::exit(i32::from(outcome.is_err()))
}

fn run_steps(options: &Options, count: &mut Count) -> Result<()> {
    if !options.without_peers {
        step("peers", "cargo xtask peers install", peers::install)?;
    }
    cargo_step("format", &["fmt", "--all", "--", "--check"], &[])?;
    let lints =
        ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    cargo_step("lints", &lints, &[])?;
    cargo_step("features", &WITHOUT_FEATURES, &[])?;
    step("codegen", "cargo xtask codegen --check", check_generated_code)?;
    step("tidy", "cargo xtask tidy", tidy::run)?;
    let docs = ["doc", "--workspace", "--no-deps", "--all-features"];
    cargo_step("docs", &docs, &[("RUSTDOCFLAGS", "-D warnings")])?;
    let tests = ["test", "--workspace", "--all-features", "--no-fail-fast"];
    let variables: &[_] = if options.without_peers { &[(WITHOUT_PEERS, "1")] } else { &[] };
    step("tests", &shown(&tests, variables), || run_tests(&tests, variables, count))?;
    if options.without_peers {
        count.skip(conformance::PAIRS);
    } else {
        let options = conformance::Options::default();
        let run = || conformance::run_pairs(&options, count);
        step("conformance", "cargo xtask conformance", run)?;
    }
    let example = ["run", "--package", "mcp-client", "--example", "quickstart"];
    cargo_step("quickstart", &example, &[])?;
    if !options.without_counters {
        step("counters", "cargo xtask bench counters", bench::check_counters)?;
    }
    check_dependencies()
}

fn check_generated_code() -> Result<()> {
    let status = Command::new(std::env::current_exe()?).args(["codegen", "--check"]).status()?;
    if status.success() { Ok(()) } else { bail!("it ended with {status}") }
}

/// Checks licences, sources and duplicates. Advisories are left out, because they change independently of this
/// repository.
fn check_dependencies() -> Result<()> {
    let installed = workspace::cargo().args(["deny", "--version"]).output();
    if installed.is_ok_and(|output| output.status.success()) {
        return cargo_step(
            "deny",
            &["deny", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"],
            &[],
        );
    }
    println!("\n==> deny: not run, since cargo-deny is not installed (cargo install cargo-deny)");
    Ok(())
}

/// Runs one step, and reports what it is and how long it took.
fn step(name: &str, command: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n==> {name}: {command}");
    let start = Instant::now();
    let outcome = work();
    let verdict = if outcome.is_ok() { "passed" } else { "failed" };
    println!("    {name} {verdict} in {:.1} s", start.elapsed().as_secs_f64());
    outcome.with_context(|| format!("step `{name}` failed"))
}

fn cargo_step(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    step(name, &shown(arguments, variables), || {
        let mut cargo = workspace::cargo();
        let status = cargo.args(arguments).envs(variables.iter().copied()).status();
        match status.context("cannot run cargo")? {
            status if status.success() => Ok(()),
            status => bail!("cargo ended with {status}"),
        }
    })
}

/// Runs the tests, forwards their output, and adds up their results.
fn run_tests(arguments: &[&str], variables: &[(&str, &str)], count: &mut Count) -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo.args(arguments).envs(variables.iter().copied()).stdout(Stdio::piped());
    let status = pass_on(&mut cargo, |line| count.read(line)).context("cannot run the tests")?;
    if !status.success() {
        bail!("cargo test ended with {status}");
    }
    if count.passed == 0 {
        bail!("no test ran");
    }
    Ok(())
}

fn pass_on(command: &mut Command, mut see: impl FnMut(&str)) -> Result<std::process::ExitStatus> {
    let mut child = command.spawn()?;
    let pipe = child.stdout.take().context("its output is not piped")?;
    let mut stdout = std::io::stdout().lock();
    for line in BufReader::new(pipe).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        see(&line);
        writeln!(stdout, "{line}")?;
    }
    Ok(child.wait()?)
}

/// Returns the command line of a cargo step, as one would type it.
fn shown(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let quoted =
        |value: &str| if value.contains(' ') { format!("'{value}'") } else { value.to_owned() };
    let variables = variables.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
    let words = arguments.iter().map(|argument| quoted(argument));
    variables.chain(["cargo".to_owned()]).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_shown_as_one_would_type_it() {
        let line = shown(&["doc", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")]);
        assert_eq!(line, "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }
}
