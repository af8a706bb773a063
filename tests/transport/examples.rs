//! The example of the crate works.

#[path = "../../mcp-transport/examples/auth_layer.rs"]
mod auth_layer;

use std::{sync::mpsc, thread, time::Duration};

#[test]
fn a_layer_of_ones_own_takes_a_new_token_when_the_server_refuses_the_old_one() {
    // It creates its own runtime.
    let (done, ended) = mpsc::sync_channel(1);
    let _example = thread::spawn(move || done.send(auth_layer::main()));
    ended.recv_timeout(Duration::from_secs(60)).expect("the example hangs or panics").unwrap();
}
