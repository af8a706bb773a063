//! Nothing is left behind. Counted in a separate process, because other tests start children too.

use super::*;
use conformance::{
    alone::succeeds_alone,
    clean::{Baseline, children},
};

#[test]
fn f47_two_hundred_connections_leave_no_process_descriptor_or_task() {
    let name = "stdio::leaks::f47_two_hundred_connections_leave_no_process_descriptor_or_task";
    succeeds_alone(name, "", || runtime().block_on(connections(200)));
}

async fn connections(count: usize) {
    // The first ones open what the runtime keeps.
    for way in 0..7 {
        connect_and_end(way).await;
    }
    let child = Child::start(sh("read -r line")).await;
    assert_eq!(children().len(), 1, "children can be counted");
    child.close().await.unwrap();
    let baseline = Baseline::take();
    for way in 0..count {
        connect_and_end(way).await;
    }
    baseline.assert_clean().await;
}

/// Connects and ends in one of seven ways.
async fn connect_and_end(way: usize) {
    let script = "read -r line; echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}'; read -r line";
    match way % 7 {
        0 => {
            let child = Child::start(sh(script)).await;
            child.call(1).await;
            child.close().await.unwrap();
        }
        1 => {
            let child = Child::start(sh("sleep 60 & sleep 60")).await;
            let _replies = child.open(1).await;
            child.driver.cut().await;
        }
        2 => drop(deadline(sh(script).connect()).await.unwrap()),
        3 => {
            let mut child = Child::start(sh("sleep 60 & read -r line; exit 3")).await;
            assert!(failure(child.open(1).await).await.is_closed());
            assert!(child.driver.end().await.is_err());
        }
        4 => {
            let mut child = Child::start(sh("kill -KILL $$")).await;
            assert!(child.driver.end().await.is_err());
        }
        5 => {
            let command = sh("trap '' TERM; exec sleep 60");
            let grace = Duration::from_millis(10);
            let command = command.exit_grace(grace).terminate_grace(grace);
            Child::start(command).await.close().await.unwrap();
        }
        _ => assert!(deadline(Command::new("no-such-server").connect()).await.is_err()),
    }
}

#[test]
fn f47_a_child_inherits_no_descriptor_of_another() {
    let name = "stdio::leaks::f47_a_child_inherits_no_descriptor_of_another";
    succeeds_alone(name, "", || {
        runtime().block_on(async {
            let script = "answer({'open': os.listdir('/proc/self/fd')}); serve()";
            let first = Child::start(python(script)).await;
            let second = Child::start(python(script)).await;
            // Both inherit what the tests inherit.
            assert_eq!(first.call(1).await, second.call(1).await);
        });
    });
}
