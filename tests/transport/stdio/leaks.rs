//! Nothing is left behind. The counting happens in a process of its own, because other tests start children too.

use super::*;

const ALONE: &str = "MCP_TESTS_COUNT_ALONE";
const NAME: &str = "stdio::leaks::f47_fifty_connections_leave_no_process_and_no_descriptor";

#[test]
fn f47_fifty_connections_leave_no_process_and_no_descriptor() {
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(fifty_connections());
    }
    // Under this name it is there even when a build has just replaced the file.
    let status = std::process::Command::new("/proc/self/exe")
        .args(["--exact", NAME, "--test-threads=1"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
}

async fn fifty_connections() {
    // The first ones open what the runtime keeps.
    for way in 0..5 {
        connect_and_end(way).await;
    }
    no_children().await;
    let child = Child::start(sh("read -r line")).await;
    assert_eq!(children().len(), 1, "children can be counted");
    child.close().await.unwrap();
    let before = descriptors();
    for way in 0..50 {
        connect_and_end(way).await;
    }
    no_children().await;
    assert_eq!(descriptors(), before);
}

async fn no_children() {
    deadline(async {
        while !children().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Connects and ends in one of five ways.
async fn connect_and_end(way: usize) {
    let script = "read -r line; echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}'; read -r line";
    match way % 5 {
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
        _ => assert!(deadline(Command::new("no-such-server").connect()).await.is_err()),
    }
}

/// How many descriptors are open.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The children of this process, zombies included.
fn children() -> Vec<String> {
    let mut children = Vec::new();
    // One thread: it is the parent of all of them.
    for thread in fs::read_dir("/proc/self/task").unwrap() {
        let Ok(pids) = fs::read_to_string(thread.unwrap().path().join("children")) else {
            continue;
        };
        children.extend(pids.split_whitespace().map(str::to_owned));
    }
    children
}
