//! Exact counts of the cost of one call, and the table to compare them with.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{
    callgrind,
    programs::{self, Profile},
};
use crate::workspace;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write the table instead of comparing with it
    #[arg(long)]
    update: bool,
}

/// By how many percent the instructions may exceed the table.
const TOLERANCE: u64 = 2;

/// The measured cases: a name, and the arguments of the driver.
const CASES: [(&str, &[&str]); 12] = [
    ("encode", &["--over", "process", "--modern", "--work", "encode"]),
    ("decode", &["--over", "process", "--modern", "--work", "decode"]),
    ("dispatch-modern", &["--over", "process", "--modern", "--layer", "dispatch"]),
    ("session-modern", &["--over", "process", "--modern", "--layer", "session"]),
    ("process-legacy", &["--over", "process"]),
    ("process-modern", &["--over", "process", "--modern"]),
    ("stdio-legacy", &["--over", "stdio"]),
    ("stdio-modern", &["--over", "stdio", "--modern"]),
    ("http-legacy", &["--over", "http"]),
    ("http-modern", &["--over", "http", "--modern"]),
    ("sse-modern", &["--over", "sse", "--modern"]),
    ("progress-modern", &["--over", "stdio", "--modern", "--work", "progress"]),
];

/// The table, with the compiler and the machine on which its instructions were counted.
#[derive(Default, Deserialize, Serialize)]
struct Table {
    rustc: String,
    machine: String,
    #[serde(flatten)]
    counts: BTreeMap<String, Counts>,
}

/// The cost of one call.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
struct Counts {
    allocations: u64,
    bytes: u64,
    /// None without valgrind.
    instructions: Option<u64>,
}

#[derive(Deserialize)]
struct Allocations {
    allocations: f64,
    bytes: f64,
}

/// The comparison of a run with the table.
#[derive(Debug, Default, PartialEq)]
struct Verdict {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(f, "counters: {passed} passed, {failed} failed, {skipped} skipped")
    }
}

pub(super) fn run(options: &Options) -> Result<()> {
    programs::build(Profile::Release, &["server", "ours", "allocations"], &[])?;
    let table = count()?;
    if options.update {
        let text = toml::to_string(&table).context("a table of numbers has a form in TOML")?;
        let head = "# What one call costs, by `cargo xtask bench counters --update`.\n\n";
        std::fs::write(path(), format!("{head}{text}"))?;
        println!("counters: wrote {} rows", table.counts.len());
        return Ok(());
    }
    let text = std::fs::read_to_string(path()).context("cannot read the table of counts")?;
    let known: Table = toml::from_str(&text).context("cannot read the table of counts")?;
    let verdict = compare(&known, &table);
    println!("{verdict}");
    if verdict.failed > 0 {
        bail!("a call costs more than it did; if it has to: cargo xtask bench counters --update");
    }
    Ok(())
}

/// Compares with the table; a step of `cargo xtask test`.
pub(crate) fn check() -> Result<()> {
    run(&Options { update: false })
}

fn path() -> PathBuf {
    workspace::root().join("tests/bench/counters.toml")
}

fn count() -> Result<Table> {
    let has_valgrind = callgrind::is_installed();
    if !has_valgrind {
        println!("counters: INSTRUCTIONS ARE NOT COUNTED: valgrind is not installed");
    }
    let mut table = Table { rustc: rustc()?, machine: machine(), ..Table::default() };
    for (name, arguments) in CASES {
        let mut driver = Command::new(programs::path(Profile::Release, "allocations"));
        let (line, _) = programs::output(driver.args(arguments))?;
        let counted: Allocations =
            serde_json::from_str(&line).with_context(|| format!("{name} gave {line:?}"))?;
        let instructions = if has_valgrind {
            Some(callgrind::instructions(&programs::path(Profile::Release, "ours"), arguments)?)
        } else {
            None
        };
        let counts = Counts {
            allocations: counted.allocations.round() as u64,
            bytes: counted.bytes.round() as u64,
            instructions,
        };
        let shown = instructions.map_or_else(|| "-".to_owned(), |count| count.to_string());
        println!(
            "{name:<16} {:>4} allocations {:>7} bytes {shown:>8} instructions",
            counts.allocations, counts.bytes
        );
        table.counts.insert(name.to_owned(), counts);
    }
    Ok(table)
}

/// Returns the version of the compiler: others generate other instructions.
fn rustc() -> Result<String> {
    let (version, _) = programs::output(Command::new("rustc").arg("--version"))?;
    Ok(version.trim().to_owned())
}

/// Returns what the C library selects its functions by: its version and the features of the processor. Different ones
/// execute different instructions.
fn machine() -> String {
    const FLAGS: [&str; 6] = ["avx2", "avx512f", "avx512vl", "erms", "fsrm", "rtm"];
    let libc = programs::output(Command::new("ldd").arg("--version")).ok();
    let libc = libc.and_then(|(text, _)| text.lines().next().map(str::to_owned));
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = cpu.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let flags = flags.split_whitespace().filter(|flag| FLAGS.contains(flag));
    libc.iter().map(String::as_str).chain(flags).collect::<Vec<_>>().join(" ")
}

fn compare(known: &Table, found: &Table) -> Verdict {
    let mut verdict = Verdict::default();
    let is_same = (&known.rustc, &known.machine) == (&found.rustc, &found.machine);
    if !is_same {
        println!(
            "counters: INSTRUCTIONS ARE NOT COMPARED: {}, {} is not {}, {}",
            found.rustc, found.machine, known.rustc, known.machine
        );
    }
    for (name, counts) in &found.counts {
        let Some(before) = known.counts.get(name) else {
            println!("counters: {name} is not in the table");
            verdict.failed += 1;
            continue;
        };
        let before_instructions = before.instructions.filter(|_| is_same);
        verdict.note(name, "allocations", Some((before.allocations, counts.allocations)), 0);
        let pair = before_instructions.zip(counts.instructions);
        verdict.note(name, "instructions", pair, TOLERANCE);
    }
    verdict
}

impl Verdict {
    fn note(&mut self, name: &str, what: &str, pair: Option<(u64, u64)>, tolerance: u64) {
        match pair {
            None => self.skipped += 1,
            Some((before, now)) if now * 100 > before * (100 + tolerance) => {
                println!("counters: {name} takes {now} {what}; it was {before}");
                self.failed += 1;
            }
            Some(_) => self.passed += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(allocations: u64, instructions: Option<u64>) -> Table {
        let counts = Counts { allocations, bytes: 1, instructions };
        let (rustc, machine) = ("rustc 1".to_owned(), "libc 1 avx2".to_owned());
        Table { rustc, machine, counts: [("a".to_owned(), counts)].into() }
    }

    #[test]
    fn a_little_more_instructions_pass_and_one_more_allocation_does_not() {
        let known = table(10, Some(1000));
        let verdict = |passed, failed, skipped| Verdict { passed, failed, skipped };
        assert_eq!(compare(&known, &table(10, Some(1020))), verdict(2, 0, 0));
        assert_eq!(compare(&known, &table(11, Some(1021))), verdict(0, 2, 0));
        assert_eq!(compare(&known, &table(9, None)), verdict(1, 0, 1));
    }

    #[test]
    fn another_compiler_or_machine_is_not_compared_and_a_new_row_fails() {
        let (mut known, found) = (table(10, Some(1000)), table(10, Some(9000)));
        known.machine = "libc 1".to_owned();
        assert_eq!(compare(&known, &found), Verdict { passed: 1, failed: 0, skipped: 1 });
        (known.rustc, known.machine) = ("rustc 2".to_owned(), found.machine.clone());
        assert_eq!(compare(&known, &found), Verdict { passed: 1, failed: 0, skipped: 1 });
        known.counts.clear();
        assert_eq!(compare(&known, &found).failed, 1);
    }
}
