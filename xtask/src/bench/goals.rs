//! What the measurements are meant to come to, as ratios of one run.

use std::collections::BTreeMap;
use std::fmt;

use super::rounds::{Medians, Outcome};

/// The medians of all scenarios of a run.
pub(super) type All = BTreeMap<&'static str, Medians>;

/// One goal: what is measured, how, and its bound.
struct Goal {
    what: &'static str,
    measure: fn(&All) -> Option<f64>,
    bound: Bound,
}

enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

use Bound::{AtLeast, AtMost};

/// A payload of 16 MiB, in kB.
const PAYLOAD_KB: f64 = 16.0 * 1024.0;
/// The calls of the largest scenario, beyond those of the one that it is compared with.
const CALLS: f64 = 65_536.0 - 64.0;
const SESSIONS: f64 = 200.0;

const fn goal(what: &'static str, measure: fn(&All) -> Option<f64>, bound: Bound) -> Goal {
    Goal { what, measure, bound }
}

const GOALS: &[Goal] = &[
    goal(
        "64 in flight, stdio: calls/s of raw",
        |all| rate(all, "conc-64-stdio", "raw"),
        AtLeast(0.5),
    ),
    goal(
        "64 in flight, stdio: calls/s of rmcp",
        |all| rate(all, "conc-64-stdio", "rmcp"),
        AtLeast(6.0),
    ),
    goal("64 in flight, stdio: CPU of raw", |all| cpu(all, "conc-64-stdio"), AtMost(2.0)),
    goal(
        "64 in flight, HTTP: calls/s of raw",
        |all| rate(all, "conc-64-http", "raw"),
        AtLeast(0.85),
    ),
    goal("one at a time, stdio: p50 of raw", |all| p50(all, "seq-stdio"), AtMost(1.3)),
    goal("one at a time, HTTP: p50 of raw", |all| p50(all, "seq-http"), AtMost(1.2)),
    goal(
        "one at a time, stdio, threads: p50 of raw",
        |all| p50(all, "seq-stdio-threads"),
        AtMost(1.0),
    ),
    goal("348 kB as a type: CPU of raw", |all| cpu(all, "structured-stdio"), AtMost(1.05)),
    goal("233 kB of arguments: CPU of raw", |all| cpu(all, "arguments-stdio"), AtMost(1.1)),
    goal("1,000 tools: CPU of raw", |all| cpu(all, "list-stdio"), AtMost(1.0)),
    goal("progress: calls/s of raw", |all| rate(all, "progress-stdio", "raw"), AtLeast(0.6)),
    goal("16 MiB over stdio: MB/s of raw", |all| rate(all, "text-16-stdio", "raw"), AtLeast(0.6)),
    goal("16 MiB over HTTP: MB/s of raw", |all| rate(all, "text-16-http", "raw"), AtLeast(0.6)),
    goal(
        "16 MiB over stdio: peak of the payload",
        |all| peak(all, "text-16-stdio", "seq-stdio"),
        AtMost(1.3),
    ),
    goal(
        "16 MiB in base64 over stdio: peak of the payload",
        |all| peak(all, "blob-16-stdio", "seq-stdio"),
        AtMost(1.3),
    ),
    goal(
        "16 MiB over HTTP: peak of the payload",
        |all| peak(all, "text-16-http", "seq-http"),
        AtMost(1.5),
    ),
    goal(
        "from nothing to a result, stdio: ms more than raw",
        |all| later(all, "connect-stdio"),
        AtMost(1.0),
    ),
    goal(
        "from nothing to a result, HTTP: ms more than raw",
        |all| later(all, "connect-http"),
        AtMost(1.0),
    ),
    goal("from nothing to a result, HTTP: p50 of raw", |all| p50(all, "connect-http"), AtMost(2.0)),
    goal("65,536 in flight: CPU of 64 in flight", growth, AtMost(1.1)),
    goal("65,536 in flight: kB for a call", held, AtMost(1.0)),
    goal("an idle session, stdio: kB", |all| idle(all, "idle-200-stdio"), AtMost(40.0)),
    goal("an idle session, HTTP: kB", |all| idle(all, "idle-200-http"), AtMost(40.0)),
];

/// What a run says of the goals, a line each; of those that it has measured.
pub(super) fn lines(all: &All) -> String {
    let line = |goal: &Goal| {
        let value = (goal.measure)(all)?;
        let verdict = if goal.bound.holds(value) { "reached" } else { "MISSED" };
        Some(format!("| {} | {} | {value:.2} | {verdict} |\n", goal.what, goal.bound))
    };
    let lines: String = GOALS.iter().filter_map(line).collect();
    if lines.is_empty() {
        return lines;
    }
    format!("\n| goal | bound | ours | |\n|---|---|---|---|\n{lines}")
}

fn outcome<'a>(all: &'a All, scenario: &str, driver: &str) -> Option<&'a Outcome> {
    all.get(scenario)?.get(driver)
}

/// A number of ours as a multiple of another driver's.
fn ratio(all: &All, scenario: &str, driver: &str, of: fn(&Outcome) -> f64) -> Option<f64> {
    let [ours, other] = [outcome(all, scenario, "ours")?, outcome(all, scenario, driver)?].map(of);
    (other > 0.0).then(|| ours / other)
}

fn rate(all: &All, scenario: &str, driver: &str) -> Option<f64> {
    ratio(all, scenario, driver, |it| it.calls_per_second)
}

fn cpu(all: &All, scenario: &str) -> Option<f64> {
    ratio(all, scenario, "raw", |it| it.cpu_us)
}

fn p50(all: &All, scenario: &str) -> Option<f64> {
    ratio(all, scenario, "raw", |it| it.p50_us.unwrap_or_default())
}

fn later(all: &All, scenario: &str) -> Option<f64> {
    let [ours, raw] = [outcome(all, scenario, "ours")?, outcome(all, scenario, "raw")?];
    Some((ours.p50_us? - raw.p50_us?) / 1000.0)
}

/// The peak beyond that of small calls, as a multiple of the payload.
fn peak(all: &All, scenario: &str, small: &str) -> Option<f64> {
    let [large, small] = [outcome(all, scenario, "ours")?, outcome(all, small, "ours")?];
    Some((large.peak_kb - small.peak_kb) / PAYLOAD_KB)
}

fn growth(all: &All) -> Option<f64> {
    let many = outcome(all, "conc-65536-stdio", "ours")?;
    Some(many.cpu_us / outcome(all, "conc-64-stdio", "ours")?.cpu_us)
}

/// Memory for each call in flight, its task and its own bytes with it.
fn held(all: &All) -> Option<f64> {
    let many = outcome(all, "conc-65536-stdio", "ours")?;
    Some((many.peak_kb - outcome(all, "conc-64-stdio", "ours")?.peak_kb) / CALLS)
}

fn idle(all: &All, scenario: &str) -> Option<f64> {
    Some(outcome(all, scenario, "ours")?.grown_kb / SESSIONS)
}

impl Bound {
    fn holds(&self, value: f64) -> bool {
        match self {
            AtLeast(bound) => value >= *bound,
            AtMost(bound) => value <= *bound,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AtLeast(bound) => write!(f, "at least {bound}"),
            AtMost(bound) => write!(f, "at most {bound}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(calls_per_second: f64, cpu_us: f64, peak_kb: f64) -> Outcome {
        let (calls, grown_kb, p50_us) = (1, 0.0, None);
        Outcome { calls, calls_per_second, cpu_us, peak_kb, grown_kb, p50_us }
    }

    #[test]
    fn what_was_measured_is_compared_and_nothing_else() {
        let few =
            Medians::from([("ours", outcome(60.0, 3.0, 100.0)), ("raw", outcome(100.0, 1.0, 9.0))]);
        let many = Medians::from([("ours", outcome(50.0, 3.1, 100.0 + CALLS * 2.0))]);
        let lines = lines(&All::from([("conc-64-stdio", few), ("conc-65536-stdio", many)]));
        let lines: Vec<_> = lines.lines().skip(3).collect();
        assert_eq!(
            lines,
            [
                "| 64 in flight, stdio: calls/s of raw | at least 0.5 | 0.60 | reached |",
                "| 64 in flight, stdio: CPU of raw | at most 2 | 3.00 | MISSED |",
                "| 65,536 in flight: CPU of 64 in flight | at most 1.1 | 1.03 | reached |",
                "| 65,536 in flight: kB for a call | at most 1 | 2.00 | MISSED |",
            ]
        );
        assert_eq!(super::lines(&All::new()), "");
    }
}
