//! Tests that need their own process, because they count its resources, or change what it inherits.

use std::{
    env,
    process::{Command, Output},
};

const ALONE: &str = "MCP_TESTS_ALONE";

/// Runs the body of a test in a process of its own, and gives what came of it; nothing in that process.
///
/// `name` is the path of the calling test. `prepare` is shell code that runs before, for example `ulimit -n 32`; it may
/// start the test by itself, which is `"$@"`.
///
/// # Panics
///
/// When the process cannot be started.
pub fn alone(name: &str, prepare: &str, body: impl FnOnce()) -> Option<Output> {
    if is_alone() {
        body();
        return None;
    }
    // This path works even when a build has just replaced the file.
    let place = format!("/proc/{}/exe", std::process::id());
    let test = format!("set -- {place} --exact {name} --test-threads=1 --nocapture");
    let script = format!("{test}\n{prepare}\nexec \"$@\"");
    let output = Command::new("/bin/sh").args(["-c", &script]).env(ALONE, "1").output();
    Some(output.expect("a shell"))
}

/// The same for a body that has to succeed.
///
/// # Panics
///
/// When it did not, with what it said.
pub fn succeeds_alone(name: &str, prepare: &str, body: impl FnOnce()) {
    if let Some(output) = alone(name, prepare, body) {
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}{complained}");
        assert!(said.contains("1 passed"), "there is no test of this name: {said}");
    }
}

/// Whether this process runs one test alone.
pub fn is_alone() -> bool {
    env::var_os(ALONE).is_some()
}
