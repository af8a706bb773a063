//! Runs the official conformance suite against the client, and applies strict rules: see `docs/conformance.md`.

mod client;
mod document;
mod pairs;
mod report;
mod suite;
mod verdict;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail, ensure};

use self::pairs::Pair;
use self::report::{Outcome, Report};
use self::suite::Suite;
use crate::count::Count;
use crate::peers;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run this scenario alone
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// Run at this revision alone
    #[arg(long, value_name = "REV")]
    revision: Option<String>,
    /// How many scenarios run at a time
    #[arg(long, value_name = "N", default_value_t = JOBS)]
    jobs: usize,
    /// Write the table into docs/conformance.md
    #[arg(long, conflicts_with_all = ["scenario", "revision"])]
    write: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { scenario: None, revision: None, jobs: JOBS, write: false }
    }
}

const JOBS: usize = 2;

/// How many pairs of a scenario and a revision the suite has. A different number means that an update of the suite has
/// to be reviewed.
pub(crate) const PAIRS: usize = 79;

/// Runs the selected pairs, and ends with a line that counts them.
///
/// An error before any pair counts as one failure, so that the last line never looks like success.
pub(crate) fn run(options: &Options) -> ! {
    let mut count = Count::default();
    let outcome = peers::install().and_then(|()| run_pairs(options, &mut count));
    if let Err(error) = &outcome {
        eprintln!("\nerror: {error:#}");
        count.failed = count.failed.max(1);
    }
    println!("\n{count}");
    std::process::exit(i32::from(outcome.is_err()))
}

/// Runs the selected pairs with the installed suite, and adds them to the count.
pub(crate) fn run_pairs(options: &Options, count: &mut Count) -> Result<()> {
    let suite = Suite::new(client::build()?)?;
    let all = suite.pairs()?;
    ensure!(all.len() == PAIRS, "the suite has {} pairs, not {PAIRS}", all.len());
    let chosen: Vec<_> = all.iter().filter(|pair| options.chooses(pair)).cloned().collect();
    if chosen.is_empty() {
        bail!("no scenario of that name at that revision; cargo xtask conformance runs them all");
    }
    let report = Report::new(run_all(&suite, &chosen, options.jobs)?);
    report.write_json(suite.version())?;
    print!("\n{}", report.table());
    report.count(count);
    let is_whole = chosen.len() == all.len();
    if is_whole {
        for (revision, required) in suite.requirements()? {
            println!("{}", report.required(&revision, &required));
        }
    }
    print!("{}", report.failures());
    if options.write {
        document::write(&report)?;
    }
    match report.failed() {
        0 if is_whole => document::check(&report),
        0 => Ok(()),
        failed => bail!("{failed} of {} pairs failed", chosen.len()),
    }
}

/// Runs pairs in parallel; the outcomes are in the order of the pairs.
fn run_all(suite: &Suite, pairs: &[Pair], jobs: usize) -> Result<Vec<Outcome>> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    let work = || -> Result<()> {
        while let Some((index, pair)) = take(&next, pairs) {
            let outcome = Outcome::new(pair, &suite.run(pair)?);
            println!("{outcome}");
            if let Ok(mut outcomes) = outcomes.lock() {
                outcomes.push((index, outcome));
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    let mut outcomes = outcomes.into_inner().unwrap_or_default();
    outcomes.sort_by_key(|(index, _)| *index);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

fn take<'a>(next: &AtomicUsize, pairs: &'a [Pair]) -> Option<(usize, &'a Pair)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, pairs.get(index)?))
}

impl Options {
    fn chooses(&self, pair: &Pair) -> bool {
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == value)
        };
        is(&self.scenario, &pair.scenario) && is(&self.revision, &pair.revision)
    }
}
