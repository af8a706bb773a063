//! The driver of the client of this repository.

use clap::Parser;
use mcp_bench::{
    drive,
    ours::{Below, Ours},
    plan::{Layer, Plan},
};

fn main() -> anyhow::Result<()> {
    let plan = Plan::parse();
    match plan.layer {
        Layer::Client => drive::main::<Ours>(&plan),
        Layer::Session | Layer::Dispatch => drive::main::<Below>(&plan),
    }
}
