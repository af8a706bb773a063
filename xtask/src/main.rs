//! Project automation, run as `cargo xtask <command>`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Project automation")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {}
}
