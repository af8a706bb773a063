//! The examples of the crate do what they say.

#[path = "../../mcp-client/examples/agent.rs"]
mod agent;
#[path = "../../mcp-client/examples/many_servers.rs"]
mod many_servers;
#[path = "../../mcp-client/examples/middleware.rs"]
mod middleware;

use std::{sync::mpsc, thread, time::Duration};

/// Runs an example, which creates its own runtime, under a deadline.
fn run<E: std::fmt::Debug + Send + 'static>(main: fn() -> Result<(), E>) {
    let (done, ended) = mpsc::sync_channel(1);
    let _example = thread::spawn(move || done.send(main()));
    ended.recv_timeout(Duration::from_secs(60)).expect("the example hangs or panics").unwrap();
}

#[test]
fn an_agent_comes_to_an_answer_after_a_tool_has_failed() {
    run(agent::main);
}

#[test]
fn many_servers_are_one_client_and_a_missing_one_is_told() {
    run(many_servers::main);
}

#[test]
fn a_middleware_of_ones_own_sees_every_call() {
    run(middleware::main);
}
