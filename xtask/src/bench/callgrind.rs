//! Counting instructions with valgrind.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::programs;

/// The number of calls of the two runs whose difference is taken.
const CALLS: [u64; 2] = [100, 600];

/// Returns whether valgrind is installed.
pub(super) fn is_installed() -> bool {
    let version = Command::new("valgrind").arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

/// Returns the instructions of one call, from the difference between a run with more calls and one with fewer.
pub(super) fn instructions(program: &Path, arguments: &[&str]) -> Result<u64> {
    let [few, many] = CALLS;
    let fewer = run(program, arguments, few)?;
    let more = run(program, arguments, many)?;
    Ok(more.saturating_sub(fewer) / (many - few))
}

fn run(program: &Path, arguments: &[&str], calls: u64) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(arguments)
        .args(["--calls", &calls.to_string()]);
    let (_, report) = programs::output(&mut valgrind)?;
    collected(&report).context("valgrind did not say what it counted")
}

/// Parses `==1== Collected : 1234` from the output of valgrind.
fn collected(report: &str) -> Option<u64> {
    let (_, count) = report.rsplit_once("Collected :")?;
    count.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::collected;

    #[test]
    fn the_count_is_read_out_of_the_report() {
        let report =
            "==7== Events    : Ir\n==7== Collected : 80427\n==7== \n==7== I refs: 80,427\n";
        assert_eq!(collected(report), Some(80_427));
        assert_eq!(collected("==7== Fatal error"), None);
    }
}
