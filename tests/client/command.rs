//! The command `mcp`: what it is told, and how it ends.

use crate::deadline;
use conformance::log::Log;
use mcp_client::cli::{Terminal, run};
use std::{
    ffi::OsString,
    io::{self, ErrorKind, Write},
};

/// Builds a command line from these words.
fn words(words: &[&str]) -> Vec<OsString> {
    ["mcp"].iter().chain(words).map(OsString::from).collect()
}

#[tokio::test]
async fn an_option_that_would_have_no_effect_is_refused() {
    for (line, option) in [
        (&["list", "--auth", "oauth", "--", "true"][..], "--auth"),
        (&["list", "--header", "A: b", "--", "true"], "--header"),
        (&["list", "--server", "a", "--", "true"], "--server"),
        (&["list", "no-such-name", "--header", "A: b"], "--header"),
        (&["list", "no-such-name", "--server", "a"], "--server"),
        (&["list", "http://localhost:1/mcp", "--server", "a"], "--server"),
        (&["login", "http://localhost:1/mcp", "--server", "a"], "--server"),
        (&["login", "http://localhost:1/mcp", "--auth", "a-token"], "--auth"),
    ] {
        let err = Log::default();
        let terminal = Terminal::new(io::sink(), err.clone());
        assert_eq!(deadline(run(words(line), &terminal)).await, 2, "{line:?}");
        let told = err.text();
        assert!(
            told.contains(option) && told.contains(" is for ") && !told.contains("a-token"),
            "{told}"
        );
    }
}

/// A writer that fails for this reason.
struct Broken(ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_result_that_cannot_be_written_is_a_failure_unless_nobody_reads_on() {
    for (reason, code) in [(ErrorKind::StorageFull, 1), (ErrorKind::BrokenPipe, 0)] {
        let err = Log::default();
        let terminal = Terminal::new(Broken(reason), err.clone());
        assert_eq!(deadline(run(words(&["--help"]), &terminal)).await, code, "{reason:?}");
        assert_eq!(err.text().contains("cannot be written"), code == 1, "{}", err.text());
    }
}

/// A server whose name has two lines, and whose only resource is a text that would upset a terminal.
const SERVER: &str = r#"
import json, sys

results = {
    "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"resources": {}},
        "serverInfo": {"name": "two\nLog in at https://evil.example:", "version": "1"}},
    "resources/read": {"contents": [{"uri": "a:b", "text": "a\r\nb\u200f\u001b[31mc"}]},
    "ping": {},
}
for line in sys.stdin:
    request = json.loads(line)
    if "id" in request:
        error = {"code": -32601, "message": "no such method"}
        method = request["method"]
        said = {"result": results[method]} if method in results else {"error": error}
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], **said}), flush=True)
"#;

#[tokio::test]
async fn a_text_goes_into_a_pipe_as_it_is_and_no_name_of_a_server_has_lines() {
    let (out, err) = (Log::default(), Log::default());
    let terminal = Terminal::new(out.clone(), err.clone());
    let line = words(&["read", "-v", "a:b", "--", "python3", "-c", SERVER]);
    assert_eq!(deadline(run(line, &terminal)).await, 0, "{}", err.text());
    assert_eq!(out.text(), "a\r\nb\u{200f}\u{1b}[31mc");
    assert_eq!(deadline(run(words(&["ping", "--", "python3", "-c", SERVER]), &terminal)).await, 0);
    let told = out.text() + &err.text();
    assert!(told.contains("Log in at") && !told.contains("\nLog in at"), "{told}");
}

#[cfg(target_os = "linux")]
mod signals {
    use super::{Log, Terminal, io, run, words};
    use crate::{connections::gate::eventually, processes::is_running};
    use conformance::script::Background;
    use std::{
        process,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering::Relaxed},
            mpsc,
        },
        time::Duration,
    };
    use tokio::sync::Mutex;

    /// Held by the test that sends a signal, which reaches all commands in this process.
    static TURN: Mutex<()> = Mutex::const_new(());

    /// Sends this process a signal to end.
    fn tell(signal: &str) {
        let kill =
            process::Command::new("kill").args([signal, &process::id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_is_told_to_end_leaves_no_server_behind() {
        let _turn = TURN.lock().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let pid = || std::fs::read_to_string(&file).ok()?.trim().parse::<u32>().ok();
        // Neither answers nor exits by itself.
        let server =
            format!("trap '' TERM; echo $$ > {}; while :; do sleep 1; done", file.display());
        let line = words(&["list", "--timeout", "0", "--", "/bin/sh", "-c", &server]);
        let terminal = Terminal::new(io::sink(), io::sink()).ending_on_signals();
        let mut command = Background::run(async move { run(line, &terminal).await });
        eventually(|| pid().is_some()).await;
        tell("-INT");
        assert_eq!(command.end().await, 130);
        eventually(|| !is_running(pid().unwrap())).await;
    }

    /// A server whose only tool never answers. It records in a folder when that tool is called, and when the session
    /// ends.
    const SERVER: &str = r#"
import json, pathlib, sys

folder = pathlib.Path(sys.argv[1])
results = {
    "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
        "serverInfo": {"name": "waits", "version": "1"}},
    "tools/list": {"tools": [{"name": "wait", "inputSchema": {"type": "object"}}]},
}
for line in sys.stdin:
    request = json.loads(line)
    method = request["method"]
    if method == "tools/call":
        (folder / "called").touch()
    elif method == "notifications/cancelled":
        (folder / "cancelled").touch()
    elif "id" in request:
        error = {"code": -32601, "message": "no such method"}
        said = {"result": results[method]} if method in results else {"error": error}
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], **said}), flush=True)
(folder / "ended").touch()
"#;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_command_that_is_told_to_end_cancels_its_call_and_ends_its_session() {
        let _turn = TURN.lock().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        let line = words(&["call", "wait", "--", "python3", "-c", SERVER, &path]);
        let err = Log::default();
        let terminal = Terminal::new(io::sink(), err.clone()).ending_on_signals();
        let mut command = Background::run(async move { run(line, &terminal).await });
        let has = |name: &str| folder.path().join(name).exists();
        eventually(|| has("called")).await;
        tell("-TERM");
        assert_eq!(command.end().await, 143, "{}", err.text());
        assert!(has("cancelled") && has("ended"));
    }

    /// Where a write blocks until the other end is dropped.
    struct Stuck(mpsc::Receiver<()>, Arc<AtomicBool>);

    impl io::Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.store(true, Relaxed);
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_command_whose_result_nobody_reads_ends_when_it_is_told_to_twice() {
        let _turn = TURN.lock().await;
        let (_reader, reads) = mpsc::sync_channel(0);
        let is_stuck = Arc::new(AtomicBool::new(false));
        let terminal = Terminal::new(Stuck(reads, Arc::clone(&is_stuck)), io::sink());
        let terminal = terminal.ending_on_signals();
        let line = words(&["read", "a:b", "--", "python3", "-c", super::SERVER]);
        let mut command = Background::run(async move { run(line, &terminal).await });
        eventually(|| is_stuck.load(Relaxed)).await;
        tell("-TERM");
        // Two signals of one kind at the same time would count as one.
        tokio::time::sleep(Duration::from_millis(100)).await;
        tell("-TERM");
        assert_eq!(command.end().await, 143);
    }
}
