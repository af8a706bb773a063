//! Measurements: exact counts that CI checks, rates compared with other clients, and the weight of the crates.
//!
//! The measured programs are a separate workspace in `tests/bench`.

mod callgrind;
mod compiler;
mod counters;
mod goals;
mod programs;
mod rounds;
mod scenarios;
mod table;
mod weight;

use anyhow::Result;
use clap::{Args, Subcommand};

pub(crate) use compiler::run_as_compiler;
pub(crate) use counters::check as check_counters;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    only: Option<Only>,
    #[command(flatten)]
    rounds: rounds::Rounds,
}

#[derive(Subcommand)]
enum Only {
    /// Count instructions and allocations of one call, and compare them with the table
    Counters(counters::Options),
    /// Count crates, and time a build of our own code and a start of the command
    Weight(weight::Options),
}

pub(crate) fn run(options: Options) -> Result<()> {
    match options.only {
        Some(Only::Counters(options)) => counters::run(&options),
        Some(Only::Weight(options)) => weight::run(&options),
        None => rounds::run(&options.rounds),
    }
}
