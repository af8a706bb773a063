//! The medians as a table.

use super::rounds::{Medians, Outcome};

pub(super) const HEAD: &str = "\
| scenario | driver | calls/s | of raw | of minimal | CPU/call, µs | of raw | of minimal | p50, µs | peak, kB | grown, kB |
|---|---|---|---|---|---|---|---|---|---|---|";

/// Returns the rows of one scenario.
pub(super) fn rows(scenario: &str, medians: &Medians) -> String {
    let row = |(driver, outcome): (&&str, &Outcome)| {
        let of = |other: &str, read: fn(&Outcome) -> f64| match medians.get(other) {
            Some(other) if read(other) > 0.0 => format!("{:.2}", read(outcome) / read(other)),
            _ => "-".to_owned(),
        };
        let measured =
            |read: fn(&Outcome) -> f64| [of("raw", read), of("minimal", read)].join(" | ");
        let p50 = outcome.p50_us.map_or_else(|| "-".to_owned(), |time| format!("{time:.1}"));
        format!(
            "| {scenario} | {driver} | {:.0} | {} | {:.2} | {} | {p50} | {:.0} | {:.0} |\n",
            outcome.calls_per_second,
            measured(|it| it.calls_per_second),
            outcome.cpu_us,
            measured(|it| it.cpu_us),
            outcome.peak_kb,
            outcome.grown_kb,
        )
    };
    medians.iter().map(row).collect()
}
