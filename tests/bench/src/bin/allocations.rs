//! The same driver under an allocator that counts: how much one call allocates, exactly.

use anyhow::{Context, Result};
use clap::Parser;
use mcp_bench::{
    drive::{self, Driver},
    ours::{Below, Ours},
    plan::{Layer, Plan},
};
use std::io::Write;

/// How many calls are counted.
const CALLS: u64 = 1000;

fn main() -> Result<()> {
    let plan = Plan::parse();
    match plan.layer {
        Layer::Client => count::<Ours>(&plan),
        Layer::Session | Layer::Dispatch => count::<Below>(&plan),
    }
}

fn count<D: Driver>(plan: &Plan) -> Result<()> {
    let runtime = drive::runtime(plan)?;
    let driver = runtime.block_on(D::connect(plan.clone()))?;
    let call = |count: u64| {
        runtime.block_on(async {
            for _ in 0..count {
                driver.call(plan.work).await?;
            }
            anyhow::Ok(())
        })
    };
    let calls = plan.calls.unwrap_or(CALLS);
    call(calls)?;
    let mut outcome = None;
    let counted = allocation_counter::measure(|| outcome = Some(call(calls)));
    outcome.context("nothing ran")??;
    let line = serde_json::json!({
        "allocations": counted.count_total as f64 / calls as f64,
        "bytes": counted.bytes_total as f64 / calls as f64,
        "peak": counted.bytes_max,
    });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}
