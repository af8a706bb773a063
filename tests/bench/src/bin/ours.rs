//! The driver of the client of this repository.

use clap::Parser;

fn main() -> anyhow::Result<()> {
    mcp_bench::drive::main::<mcp_bench::ours::Ours>(&mcp_bench::plan::Plan::parse())
}
