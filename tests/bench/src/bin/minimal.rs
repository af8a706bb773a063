//! The driver of the least that a client of typed calls does.

use anyhow::{Result, bail};
use clap::Parser;
use mcp_bench::{
    drive,
    minimal::{http::Http, stream::Stream},
    plan::{Over, Plan, Work},
    tasks::Tasks,
};

fn main() -> Result<()> {
    let plan = Plan::parse();
    match (plan.work, plan.over) {
        (Work::Wait, _) => drive::main::<Tasks>(&plan),
        (_, Over::Stdio | Over::Memory) => drive::main::<Stream>(&plan),
        (_, Over::Http | Over::Sse) => drive::main::<Http>(&plan),
        (_, Over::Process) => bail!("there is nothing between a program and itself"),
    }
}
