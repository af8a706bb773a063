//! The examples of the crate do what they say.
#![expect(clippy::duplicate_mod, reason = "each example is a program, and has its server")]

#[path = "../../mcp-session/examples/custom_auth_layer.rs"]
mod custom_auth_layer;
#[path = "../../mcp-session/examples/custom_retry.rs"]
mod custom_retry;
#[path = "../../mcp-session/examples/load_balance.rs"]
mod load_balance;
#[path = "../../mcp-session/examples/tracing_stdout.rs"]
mod tracing_stdout;

use std::{sync::mpsc, thread, time::Duration};

/// Runs an example, which creates its own runtime, under a deadline.
fn run<E: std::fmt::Debug + Send + 'static>(main: fn() -> Result<(), E>) {
    let (done, ended) = mpsc::sync_channel(1);
    let _example = thread::spawn(move || done.send(main()));
    ended.recv_timeout(Duration::from_secs(60)).expect("the example hangs or panics").unwrap();
}

#[test]
fn a_layer_of_ones_own_renews_a_token() {
    run(custom_auth_layer::main);
}

#[test]
fn a_policy_of_ones_own_asks_again() {
    run(custom_retry::main);
}

#[test]
fn spans_go_to_standard_output() {
    run(tracing_stdout::main);
}

#[test]
fn three_replicas_share_the_calls() {
    run(load_balance::main);
}
