//! What must hold after every fault.
//!
//! That nothing hangs is checked by [`deadline`]; that other calls are answered, by each test. The rest is counted
//! here: tasks always, and resources of the whole process when a test runs alone in it.

use crate::{alone::is_alone, script::deadline};
use serde_json::Value;
use std::{collections::HashSet, fs, time::Duration};
use tokio::runtime::Handle;

const MIB: u64 = 1024 * 1024;
/// The total of the limits of a connection.
const LIMITS: u64 = 64 * MIB;
/// How much more memory than the limits may be held.
const SLACK: u64 = 16 * MIB;

/// What there was before.
#[derive(Clone, Copy, Debug)]
pub struct Baseline {
    tasks: usize,
    process: Option<Process>,
}

/// The resources of the whole process.
#[derive(Clone, Copy, Debug)]
struct Process {
    descriptors: usize,
    threads: usize,
    peak_memory: u64,
}

impl Process {
    fn now() -> Self {
        Self {
            descriptors: entries("/proc/self/fd"),
            threads: entries("/proc/self/task"),
            peak_memory: peak_memory(),
        }
    }
}

impl Baseline {
    /// Counts what there is, in a runtime.
    pub fn take() -> Self {
        Self { tasks: tasks(), process: is_alone().then(Process::now) }
    }

    /// Asserts that nothing is left: no task, and in a process alone no child, no zombie, no descriptor and no thread,
    /// and that memory stayed within limits.
    ///
    /// # Panics
    ///
    /// When something is left.
    pub async fn assert_clean(self) {
        settles("tasks", || tasks() <= self.tasks).await;
        let Some(before) = self.process else { return };
        settles("children", || children().is_empty()).await;
        settles("descriptors", || Process::now().descriptors <= before.descriptors).await;
        settles("threads", || Process::now().threads <= before.threads).await;
        self.assert_memory(LIMITS);
    }

    /// Asserts that memory grew by little more than so many bytes, in a process alone.
    ///
    /// # Panics
    ///
    /// When it grew by more.
    pub fn assert_memory(self, most: u64) {
        let Some(before) = self.process else { return };
        let grown = peak_memory().saturating_sub(before.peak_memory);
        assert!(grown < most + SLACK, "memory grew by {grown} bytes");
    }
}

/// Asserts that a client wrote nothing but what the rules allow: JSON-RPC messages, each request once, each cancelled
/// once at most and after it was made, and no answer to anything.
///
/// # Panics
///
/// When it wrote anything else.
pub fn assert_clean_wire(written: &[Value]) {
    let (mut asked, mut cancelled) = (HashSet::new(), HashSet::new());
    for message in written {
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        let method = message["method"].as_str();
        assert!(method.is_some(), "nothing is answered: {message}");
        if let Some(id) = message.get("id") {
            assert!(asked.insert(id.to_string()), "an id is used once: {message}");
        }
        if method == Some("notifications/cancelled") {
            let id = message["params"]["requestId"].to_string();
            assert!(asked.contains(&id), "nothing is cancelled before it was asked: {message}");
            assert!(cancelled.insert(id), "nothing is cancelled twice: {message}");
        }
    }
}

/// The children of this process, zombies included.
///
/// # Panics
///
/// Without a `/proc` file system.
pub fn children() -> Vec<String> {
    let mut children = Vec::new();
    for thread in fs::read_dir("/proc/self/task").expect("a list of threads").flatten() {
        let Ok(pids) = fs::read_to_string(thread.path().join("children")) else { continue };
        children.extend(pids.split_whitespace().map(str::to_owned));
    }
    children
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

fn entries(directory: &str) -> usize {
    fs::read_dir(directory).map_or(0, Iterator::count)
}

/// Returns the peak memory of this process.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace()
        .next()
        .and_then(|size| size.parse().ok())
        .map_or(0, |kib: u64| kib * 1024)
}

async fn settles(what: &str, holds: impl Fn() -> bool) {
    let waited = deadline(async {
        for _ in 0..1000 {
            if holds() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        false
    });
    assert!(waited.await, "{what} are left");
}
