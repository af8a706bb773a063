//! The driver without a library.

use anyhow::{Result, bail};
use clap::Parser;
use mcp_bench::{
    drive,
    plan::{Over, Plan},
    raw::{http::Http, stream},
};

fn main() -> Result<()> {
    let plan = Plan::parse();
    match plan.over {
        Over::Stdio | Over::Memory => drive::print(&plan.clone(), stream::run(plan)),
        Over::Http | Over::Sse => drive::main::<Http>(&plan),
        Over::Process => bail!("there is nothing between a program and itself"),
    }
}
