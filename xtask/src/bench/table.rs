//! The medians, for a person to read.

use super::rounds::{Medians, Outcome};

pub(super) const HEAD: &str = "\
| scenario | driver | calls/s | of raw | CPU/call, µs | of raw | p50, µs | peak, kB | grown, kB |
|---|---|---|---|---|---|---|---|---|";

/// The rows of one scenario.
pub(super) fn rows(scenario: &str, medians: &Medians) -> String {
    let raw = medians.get("raw");
    let row = |(driver, outcome): (&&str, &Outcome)| {
        let of_raw = |read: fn(&Outcome) -> f64| match raw {
            Some(raw) if read(raw) > 0.0 => format!("{:.2}", read(outcome) / read(raw)),
            _ => "-".to_owned(),
        };
        let p50 = outcome.p50_us.map_or_else(|| "-".to_owned(), |time| format!("{time:.1}"));
        format!(
            "| {scenario} | {driver} | {:.0} | {} | {:.2} | {} | {p50} | {:.0} | {:.0} |\n",
            outcome.calls_per_second,
            of_raw(|it| it.calls_per_second),
            outcome.cpu_us,
            of_raw(|it| it.cpu_us),
            outcome.peak_kb,
            outcome.grown_kb,
        )
    };
    medians.iter().map(row).collect()
}
