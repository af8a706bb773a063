//! What happens to standard error.

use super::*;
use conformance::alone::{alone, succeeds_alone};
use mcp_transport::stdio::Stderr;
use serde_json::json;
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing_subscriber::util::SubscriberInitExt;

// spec: STDIO-05
#[tokio::test]
async fn f45_a_flood_on_standard_error_blocks_nobody() {
    let script = "
for _ in range(100): sys.stderr.write('x' * 100_000)
sys.stderr.write('\\nlast line\\n')
answer({})
os._exit(3)
";
    for (policy, tail) in [
        (Stderr::Capture, Some("last line")),
        (Stderr::lines(|_| ()), Some("last line")),
        (Stderr::Null, None),
    ] {
        let child = Child::start(python(script).stderr(policy)).await;
        assert_eq!(child.call(1).await, json!({}));
        assert_eq!(child.lost().await.stderr_tail(), tail);
    }
}

impl Child {
    /// Returns the error of a child that exits by itself.
    pub(super) async fn lost(mut self) -> Error {
        self.driver.end().await.unwrap_err()
    }
}

const COMPLAINT: &str = "
sys.stderr.write('one\\ntwo \\x1b[31m\\n' + 'x' * 1500 + '\\nlast')
sys.stderr.flush()
answer({})
os._exit(3)
";

// seed: 32
#[tokio::test]
async fn each_line_goes_to_a_function() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    let policy = Stderr::lines(move |line| seen.lock().unwrap().push(line.to_owned()));
    let child = Child::start(python(COMPLAINT).stderr(policy)).await;
    assert_eq!(child.call(1).await, json!({}));
    let error = child.lost().await;
    assert!(error.stderr_tail().unwrap().ends_with("last"));
    let expected = ["one", "two [31m", &"x".repeat(1024), &"x".repeat(476), "last"];
    let lines = lines.lock().unwrap();
    let whole: String = lines.iter().skip(2).map(String::as_str).collect();
    assert_eq!((&lines[..2], whole), (&expected.map(str::to_owned)[..2], expected[2..].concat()));
    assert!(lines.iter().all(|line| line.len() <= 1024));
}

/// A log that a test can read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_line_is_an_event_of_level_debug() {
    // In a separate process, because concurrent tests would affect whether this is logged.
    succeeds_alone("stdio::stderr::each_line_is_an_event_of_level_debug", "", || {
        runtime().block_on(events());
    });
}

async fn events() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false);
    // Single-threaded, so everything that runs here is logged here.
    let guard = subscriber.with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG).finish();
    let guard = guard.set_default();
    let child = Child::start(python(COMPLAINT).env("TOKEN", "hunter2")).await;
    child.call(1).await;
    child.lost().await;
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for line in ["stderr=\"one\"", "stderr=\"two [31m\"", "stderr=\"last\""] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.contains("DEBUG") && text.contains("server=\"python3\""), "{text}");
    assert!(!text.contains("hunter2") && !text.contains('\u{1b}'), "{text}");
}

#[tokio::test]
async fn a_function_that_panics_costs_no_call() {
    let policy = Stderr::lines(|line| assert!(line.is_empty(), "as the test wants it"));
    let child = Child::start(python(COMPLAINT).stderr(policy)).await;
    assert_eq!(child.call(1).await, json!({}));
    assert_eq!(child.lost().await.server_exit().and_then(|exit| exit.code()), Some(3));
}

// seed: 32
#[tokio::test]
async fn a_file_is_appended_to() {
    let path = std::env::temp_dir().join(format!("mcp-stderr-{}.log", std::process::id()));
    let script = "sys.stderr.write('line\\n'); sys.stderr.flush(); answer({})";
    for _ in 0..2 {
        let command = python(script).stderr(Stderr::File(path.clone()));
        let child = Child::start(command).await;
        child.call(1).await;
        assert_eq!(child.lost().await.stderr_tail(), None);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "line\nline\n");
    fs::remove_file(&path).unwrap();
    let nowhere = python(script).stderr(Stderr::File("/no/such/file".into()));
    let error = deadline(nowhere.connect()).await.unwrap_err();
    assert!(error.is_connect() && error.to_string().contains("/no/such/file"), "{error}");
}

// seed: 32
#[test]
fn inherited_standard_error_is_that_of_the_parent() {
    let name = "stdio::stderr::inherited_standard_error_is_that_of_the_parent";
    let output = alone(name, "", || {
        runtime().block_on(async {
            let command = python("sys.stderr.write('from the child'); answer({})");
            let child = Child::start(command.stderr(Stderr::Inherit)).await;
            child.call(1).await;
            assert_eq!(child.lost().await.stderr_tail(), None);
        });
    });
    if let Some(output) = output {
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("from the child"));
    }
}

#[tokio::test]
async fn no_more_than_the_tail_is_kept() {
    let script = "sys.stderr.write('first\\n' * 100 + 'last\\n'); sys.stderr.flush(); receive()";
    let child = Child::start(python(script).stderr_tail(8)).await;
    let error = failure(child.open(1).await).await;
    assert_eq!(error.stderr_tail(), Some("last"));
    let child = Child::start(python(script).stderr_tail(0)).await;
    assert_eq!(failure(child.open(1).await).await.stderr_tail(), None);
}
