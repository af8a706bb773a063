//! Interleaved rounds: the drivers take turns, so that all of them meet the same conditions.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{
    goals::{self, All},
    programs::{self, Profile},
    scenarios::{SCENARIOS, Scenario},
    table,
};
use crate::workspace;

#[derive(clap::Args)]
pub(super) struct Rounds {
    /// What to measure, by the beginning of its name; everything if nothing is named
    scenarios: Vec<String>,
    /// How often each driver runs
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each run takes, in milliseconds
    #[arg(long, default_value_t = 1000)]
    millis: u64,
    /// Optimize all programs across crates when they are linked, which takes minutes
    #[arg(long)]
    lto: bool,
    /// Leave out rmcp, which takes long to build
    #[arg(long)]
    without_rmcp: bool,
}

impl Rounds {
    fn profile(&self) -> Profile {
        if self.lto { Profile::Lto } else { Profile::Release }
    }
}

/// The output of a driver, as far as the table shows it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Outcome {
    pub(super) calls: u64,
    pub(super) calls_per_second: f64,
    pub(super) cpu_us: f64,
    pub(super) peak_kb: f64,
    pub(super) grown_kb: f64,
    pub(super) p50_us: Option<f64>,
}

/// The medians of a scenario, by driver.
pub(super) type Medians = BTreeMap<&'static str, Outcome>;

pub(super) fn run(options: &Rounds) -> Result<()> {
    let wanted = |scenario: &&Scenario| {
        let names = &options.scenarios;
        names.is_empty() || names.iter().any(|name| scenario.name.starts_with(name.as_str()))
    };
    let scenarios: Vec<_> = SCENARIOS.iter().filter(wanted).collect();
    if scenarios.is_empty() {
        bail!("there is no such scenario; there are {}", names().join(", "));
    }
    let (mut programs, mut features) = (vec!["server", "ours", "minimal", "raw"], vec![]);
    if !options.without_rmcp {
        programs.push("rmcp");
        features.push("rmcp");
    }
    programs::build(options.profile(), &programs, &features)?;
    let mut all = All::new();
    println!("{}", table::HEAD);
    for scenario in scenarios {
        let medians = measure(scenario, options)?;
        print!("{}", table::rows(scenario.name, &medians));
        all.insert(scenario.name, medians);
    }
    print!("{}", goals::lines(&all));
    let path = workspace::root().join("target/bench/rounds.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&all)?)?;
    println!("bench: {} scenarios, in {}", all.len(), path.display());
    Ok(())
}

fn names() -> Vec<&'static str> {
    SCENARIOS.iter().map(|scenario| scenario.name).collect()
}

fn measure(scenario: &Scenario, options: &Rounds) -> Result<Medians> {
    let drivers =
        scenario.drivers.iter().filter(|driver| !(options.without_rmcp && **driver == "rmcp"));
    let drivers: Vec<_> = drivers.copied().collect();
    let mut outcomes: BTreeMap<&'static str, Vec<Outcome>> = BTreeMap::new();
    for _ in 0..options.rounds.max(1) {
        for driver in &drivers {
            let mut command = Command::new(programs::path(options.profile(), driver));
            command.args(scenario.arguments).args(["--millis", &options.millis.to_string()]);
            let (line, _) = programs::output(&mut command)?;
            let outcome =
                serde_json::from_str(&line).with_context(|| format!("{driver} gave {line:?}"))?;
            outcomes.entry(driver).or_default().push(outcome);
        }
    }
    Ok(outcomes.into_iter().map(|(driver, outcomes)| (driver, medians(&outcomes))).collect())
}

/// Returns the median of each number separately.
fn medians(outcomes: &[Outcome]) -> Outcome {
    let of = |read: fn(&Outcome) -> f64| median(outcomes.iter().map(read));
    let times: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.p50_us).collect();
    Outcome {
        calls: of(|it| it.calls as f64) as u64,
        calls_per_second: of(|it| it.calls_per_second),
        cpu_us: of(|it| it.cpu_us),
        peak_kb: of(|it| it.peak_kb),
        grown_kb: of(|it| it.grown_kb),
        p50_us: (!times.is_empty()).then(|| median(times.iter().copied())),
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert_eq!(median([9.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median(std::iter::empty()), 0.0);
    }
}
