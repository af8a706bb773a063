//! What a run costs: time, CPU and memory of this process alone.

use crate::plan::Plan;
use anyhow::Result;
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use serde::Serialize;
use std::time::{Duration, Instant};

/// What came of a run; the last line of a driver, in JSON.
#[derive(Debug, Serialize)]
pub struct Outcome {
    pub calls: u64,
    pub seconds: f64,
    pub calls_per_second: f64,
    /// User and system time of this process for one call.
    pub cpu_us: f64,
    /// The largest size of this process in memory.
    pub peak_kb: i64,
    /// The same, beyond what it was when the run began.
    pub grown_kb: i64,
    /// The middle of the times of single calls, where calls are made one after the other.
    pub p50_us: Option<f64>,
}

/// Counts the time and the calls of a run.
pub struct Meter {
    start: Instant,
    cpu_us: i64,
    peak_kb: i64,
    limit: Limit,
}

#[derive(Clone, Copy)]
enum Limit {
    Calls(u64),
    Time(Duration),
}

impl Meter {
    /// Begins a run: after the warm-up, with what the plan says.
    pub fn start(plan: &Plan) -> Result<Self> {
        let limit = match plan.calls {
            Some(calls) => Limit::Calls(calls),
            None => Limit::Time(plan.duration()),
        };
        Self::begin(limit)
    }

    /// Begins the warm-up.
    pub fn warm_up(plan: &Plan) -> Result<Self> {
        Self::begin(match plan.calls {
            Some(_) => Limit::Calls(plan.in_flight.max(8)),
            None => Limit::Time(plan.duration() / 10),
        })
    }

    fn begin(limit: Limit) -> Result<Self> {
        let (cpu_us, peak_kb) = usage()?;
        Ok(Self { start: Instant::now(), cpu_us, peak_kb, limit })
    }

    /// Whether there are more calls to make, after so many.
    pub fn goes_on(&self, begun: u64) -> bool {
        match self.limit {
            Limit::Calls(calls) => begun < calls,
            Limit::Time(time) => self.start.elapsed() < time,
        }
    }

    pub fn outcome(self, calls: u64, mut times: Vec<Duration>) -> Result<Outcome> {
        let seconds = self.start.elapsed().as_secs_f64();
        let (cpu_us, peak_kb) = usage()?;
        times.sort_unstable();
        let p50_us = times.get(times.len() / 2).map(|time| time.as_secs_f64() * 1e6);
        Ok(Outcome {
            calls,
            seconds,
            calls_per_second: calls as f64 / seconds,
            cpu_us: (cpu_us - self.cpu_us) as f64 / calls.max(1) as f64,
            peak_kb,
            grown_kb: peak_kb - self.peak_kb,
            p50_us,
        })
    }
}

fn usage() -> Result<(i64, i64)> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let cpu = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok((cpu, usage.max_rss()))
}
