//! The goals of the measurements, as ratios within one run.

use std::collections::BTreeMap;
use std::fmt;

use super::rounds::{Medians, Outcome};

/// The medians of all scenarios in a run.
pub(super) type All = BTreeMap<&'static str, Medians>;

/// One goal: what is measured, how, and its bound.
struct Goal {
    what: &'static str,
    measure: fn(&Run<'_>) -> Option<f64>,
    bound: Bound,
}

enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

use Bound::{AtLeast, AtMost};

/// A payload of 16 MiB, in kB.
const PAYLOAD_KB: f64 = 16.0 * 1024.0;
/// The number of calls in the largest scenario, beyond those of the one it is compared with.
const CALLS: f64 = 65_536.0 - 64.0;
/// The size of one small request of 2026-07-28, in kB. Requests wait in the client, because a pipe takes 64 kB.
const REQUEST_KB: f64 = 284.0 / 1024.0;
const SESSIONS: f64 = 200.0;

/// One driver's view of a run.
struct Run<'a> {
    all: &'a All,
    driver: &'static str,
}

const fn goal(what: &'static str, measure: fn(&Run<'_>) -> Option<f64>, bound: Bound) -> Goal {
    Goal { what, measure, bound }
}

const GOALS: &[Goal] = &[
    goal(
        "64 in flight, stdio: calls/s of raw",
        |run| run.rate("conc-64-stdio", "raw"),
        AtLeast(0.5),
    ),
    goal(
        "64 in flight, stdio: calls/s of rmcp",
        |run| run.rate("conc-64-stdio", "rmcp"),
        AtLeast(6.0),
    ),
    goal(
        "64 in flight, stdio, 2025-11-25: calls/s of rmcp",
        |run| run.rate("conc-64-stdio-legacy", "rmcp"),
        AtLeast(6.0),
    ),
    goal("64 in flight, stdio: CPU of raw", |run| run.cpu("conc-64-stdio"), AtMost(2.0)),
    goal(
        "64 in flight, HTTP: calls/s of raw",
        |run| run.rate("conc-64-http", "raw"),
        AtLeast(0.85),
    ),
    goal("one at a time, stdio: p50 of raw", |run| run.p50("seq-stdio"), AtMost(1.3)),
    goal("one at a time, HTTP: p50 of raw", |run| run.p50("seq-http"), AtMost(1.2)),
    goal(
        "one at a time, stdio, threads, in a task: p50 of raw",
        |run| run.p50("seq-stdio-threads"),
        AtMost(1.0),
    ),
    goal(
        "one at a time, stdio, threads, in main: p50 of raw",
        |run| run.p50("seq-stdio-main"),
        AtMost(1.0),
    ),
    goal("348 kB as a type: CPU of raw", |run| run.cpu("structured-stdio"), AtMost(1.05)),
    goal("233 kB of arguments: CPU of raw", |run| run.cpu("arguments-stdio"), AtMost(1.1)),
    goal("1,000 tools: CPU of raw", |run| run.cpu("list-stdio"), AtMost(1.0)),
    goal("progress: calls/s of raw", |run| run.rate("progress-stdio", "raw"), AtLeast(0.6)),
    goal("16 MiB over stdio: MB/s of raw", |run| run.rate("text-16-stdio", "raw"), AtLeast(0.6)),
    goal("16 MiB over HTTP: MB/s of raw", |run| run.rate("text-16-http", "raw"), AtLeast(0.6)),
    goal(
        "16 MiB over stdio: peak of the payload",
        |run| run.peak("text-16-stdio", "seq-stdio"),
        AtMost(1.3),
    ),
    goal(
        "16 MiB in base64 over stdio: peak of the payload",
        |run| run.peak("blob-16-stdio", "seq-stdio"),
        AtMost(1.3),
    ),
    goal(
        "16 MiB over HTTP: peak of the payload",
        |run| run.peak("text-16-http", "seq-http"),
        AtMost(1.5),
    ),
    goal(
        "from nothing to a result, stdio: ms more than raw",
        |run| run.later("connect-stdio"),
        AtMost(1.0),
    ),
    goal(
        "from nothing to a result, HTTP: ms more than raw",
        |run| run.later("connect-http"),
        AtMost(1.0),
    ),
    goal("from nothing to a result, HTTP: p50 of raw", |run| run.p50("connect-http"), AtMost(2.0)),
    goal("65,536 in flight: CPU of 64 in flight", |run| run.growth(), AtMost(1.1)),
    goal("65,536 in flight: kB for a call, all that it takes", |run| run.held(), AtMost(1.0)),
    goal(
        "65,536 in flight: kB for a call, less the 0.28 of its request",
        |run| Some(run.held()? - REQUEST_KB),
        AtMost(1.0),
    ),
    goal(
        "65,536 in flight: kB for a call, less its request and the task that waits",
        |run| Some(run.held()? - REQUEST_KB - run.task()?),
        AtMost(1.0),
    ),
    goal("an idle session, stdio: kB", |run| run.idle("idle-200-stdio"), AtMost(40.0)),
    goal("an idle session, HTTP: kB", |run| run.idle("idle-200-http"), AtMost(40.0)),
];

/// Reports the goals that a run has measured, one line each. If the minimal client misses a bound, no client with typed
/// calls can be expected to meet it.
pub(super) fn lines(all: &All) -> String {
    let line = |goal: &Goal| {
        let [ours, minimal] =
            ["ours", "minimal"].map(|driver| (goal.measure)(&Run { all, driver }));
        let ours = ours?;
        let minimal = minimal.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        let verdict = if goal.bound.holds(ours) { "reached" } else { "MISSED" };
        Some(format!("| {} | {} | {ours:.2} | {minimal} | {verdict} |\n", goal.what, goal.bound))
    };
    let lines: String = GOALS.iter().filter_map(line).collect();
    if lines.is_empty() {
        return lines;
    }
    format!("\n| goal | bound | ours | minimal | ours is |\n|---|---|---|---|---|\n{lines}")
}

impl<'a> Run<'a> {
    fn of(&self, scenario: &str, driver: &str) -> Option<&'a Outcome> {
        self.all.get(scenario)?.get(driver)
    }

    fn own(&self, scenario: &str) -> Option<&'a Outcome> {
        self.of(scenario, self.driver)
    }

    /// Returns a number as a multiple of another driver's.
    fn ratio(&self, scenario: &str, other: &str, read: fn(&Outcome) -> f64) -> Option<f64> {
        let [own, other] = [self.own(scenario)?, self.of(scenario, other)?].map(read);
        (other > 0.0).then(|| own / other)
    }

    fn rate(&self, scenario: &str, other: &str) -> Option<f64> {
        self.ratio(scenario, other, |it| it.calls_per_second)
    }

    fn cpu(&self, scenario: &str) -> Option<f64> {
        self.ratio(scenario, "raw", |it| it.cpu_us)
    }

    fn p50(&self, scenario: &str) -> Option<f64> {
        self.ratio(scenario, "raw", |it| it.p50_us.unwrap_or_default())
    }

    fn later(&self, scenario: &str) -> Option<f64> {
        Some((self.own(scenario)?.p50_us? - self.of(scenario, "raw")?.p50_us?) / 1000.0)
    }

    /// Returns the peak beyond that of small calls, as a multiple of the payload.
    fn peak(&self, scenario: &str, small: &str) -> Option<f64> {
        Some((self.own(scenario)?.peak_kb - self.own(small)?.peak_kb) / PAYLOAD_KB)
    }

    fn growth(&self) -> Option<f64> {
        Some(self.own("conc-65536-stdio")?.cpu_us / self.own("conc-64-stdio")?.cpu_us)
    }

    /// Returns the memory per call in flight, including its task, its request and its answer.
    fn held(&self) -> Option<f64> {
        let many = self.own("conc-65536-stdio")?.peak_kb;
        Some((many - self.own("conc-64-stdio")?.peak_kb) / CALLS)
    }

    /// Returns the memory per task that waits without calling.
    fn task(&self) -> Option<f64> {
        let many = self.of("tasks-65536", "minimal")?.peak_kb;
        Some((many - self.of("tasks-64", "minimal")?.peak_kb) / CALLS)
    }

    fn idle(&self, scenario: &str) -> Option<f64> {
        Some(self.own(scenario)?.grown_kb / SESSIONS)
    }
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
        let few = Medians::from([
            ("ours", outcome(60.0, 3.0, 100.0)),
            ("minimal", outcome(80.0, 2.5, 50.0)),
            ("raw", outcome(100.0, 1.0, 9.0)),
        ]);
        let many = Medians::from([("ours", outcome(50.0, 3.1, 100.0 + CALLS * 1.5))]);
        let [task, tasks] = [50.0, 50.0 + CALLS * 0.5]
            .map(|peak_kb| Medians::from([("minimal", outcome(90.0, 0.1, peak_kb))]));
        let lines = lines(&All::from([
            ("conc-64-stdio", few),
            ("conc-65536-stdio", many),
            ("tasks-64", task),
            ("tasks-65536", tasks),
        ]));
        let lines: Vec<_> = lines.lines().skip(3).collect();
        assert_eq!(
            lines,
            [
                "| 64 in flight, stdio: calls/s of raw | at least 0.5 | 0.60 | 0.80 | reached |",
                "| 64 in flight, stdio: CPU of raw | at most 2 | 3.00 | 2.50 | MISSED |",
                "| 65,536 in flight: CPU of 64 in flight | at most 1.1 | 1.03 | - | reached |",
                "| 65,536 in flight: kB for a call, all that it takes | at most 1 | 1.50 | - | MISSED |",
                "| 65,536 in flight: kB for a call, less the 0.28 of its request | at most 1 | 1.22 | - | MISSED |",
                "| 65,536 in flight: kB for a call, less its request and the task that waits | at most 1 | 0.72 | - | reached |",
            ]
        );
        assert_eq!(super::lines(&All::new()), "");
    }
}
