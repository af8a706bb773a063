//! Project automation, run as `cargo xtask <command>`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod bench;
mod clauses;
mod codegen;
mod conformance;
mod count;
mod crates;
mod interop;
mod peers;
mod schema;
mod seed;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Project automation")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure: counts that must not grow, rates beside other clients, and the weight of the crates
    Bench(bench::Options),
    /// Write which tests show which clause of the specification and which case of the seed, for the documentation
    Clauses,
    /// Generate the types of `mcp-types` from the facts in `mcp-types/schema/`
    Codegen(codegen::Options),
    /// Run the official conformance suite against the client
    Conformance(conformance::Options),
    /// Try every real server, and print what works with which
    Interop(interop::Options),
    /// The servers that the tests talk to
    #[command(subcommand)]
    Peers(peers::Command),
    /// The schema files
    #[command(subcommand)]
    Schema(schema::SchemaCommand),
    /// Run everything that a change must pass
    Test(test::Options),
    /// Check the rules of the repository that no other tool checks
    Tidy,
}

fn main() -> ExitCode {
    if let Some(code) = bench::run_as_compiler() {
        return code;
    }
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Bench(options) => bench::run(options),
        Command::Clauses => clauses::run(),
        Command::Codegen(options) => codegen::run(options),
        Command::Conformance(options) => conformance::run(&options),
        Command::Interop(options) => interop::run(&options),
        Command::Peers(command) => peers::run(&command),
        Command::Schema(command) => schema::run(command),
        Command::Test(options) => test::run(&options),
        Command::Tidy => tidy::run(),
    }
}
