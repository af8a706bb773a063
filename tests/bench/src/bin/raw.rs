//! The driver without a library.

use anyhow::{Result, bail};
use clap::Parser;
use mcp_bench::{
    drive,
    plan::{Over, Plan},
    raw::{http::Http, stream},
};
use std::io::Write;

fn main() -> Result<()> {
    let plan = Plan::parse();
    let outcome = match plan.over {
        Over::Stdio | Over::Memory => drive::runtime(&plan)?.block_on(stream::run(&plan))?,
        Over::Http | Over::Sse => return drive::main::<Http>(&plan),
        Over::Process => bail!("there is nothing between a program and itself"),
    };
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&outcome)?)?;
    Ok(())
}
