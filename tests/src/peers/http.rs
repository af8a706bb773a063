//! A peer that listens on its own port as long as its owner lives.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Error, Program};

/// Generous: interpreters start slowly on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// What a peer prints, followed by its address, when it accepts connections.
const READY: &str = "listening on ";

/// Runs a program until it ends or stdin does, and then kills the whole process group.
///
/// The end of stdin is the one signal that comes even if the process of the tests is killed.
const SUPERVISE: &str = r#"
exec 3<&0
"$@" 3<&- </dev/null & peer=$!
{ read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 &
exec 3<&-
wait "$peer"
"#;

/// A running server. Dropping it kills it, with every process that it started.
#[derive(Debug)]
pub struct HttpPeer {
    url: String,
    stderr: Tail,
    /// Held open as long as the peer should live.
    lifeline: Option<ChildStdin>,
    supervisor: Child,
    /// They end when all processes of the peer have closed their output.
    readers: Vec<JoinHandle<()>>,
}

impl HttpPeer {
    /// Starts a program and waits until it prints its address; `path` is where it serves MCP there.
    pub(super) fn start(program: &Program, path: &str) -> Result<Self, Error> {
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISE, "sh"])
            .arg(&program.program)
            .args(&program.arguments)
            .envs(program.environment.iter().cloned())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = Tail::default();
        let (announce, origin) = sync_channel(1);
        let readers = [
            supervisor.stdout.take().map(|pipe| thread::spawn(|| find_origin(pipe, announce))),
            supervisor.stderr.take().map(|pipe| stderr.follow(pipe)),
        ];
        let readers = readers.into_iter().flatten().collect();
        let lifeline = supervisor.stdin.take();
        let mut peer = Self { url: String::new(), stderr, lifeline, supervisor, readers };

        match origin.recv_timeout(READY_WITHIN) {
            Ok(origin) => peer.url = format!("{origin}{path}"),
            Err(RecvTimeoutError::Timeout) => return Err(peer.not_ready("said nothing")),
            Err(RecvTimeoutError::Disconnected) => return Err(peer.not_ready("ended")),
        }
        Ok(peer)
    }

    /// The URL of its MCP endpoint.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The end of what it has written to stderr.
    #[must_use]
    pub fn stderr_tail(&self) -> String {
        self.stderr.text()
    }

    fn not_ready(&mut self, what: &'static str) -> Error {
        self.stop();
        Error::NotReady { what, stderr_tail: self.stderr.text() }
    }

    /// Waits until all processes of the peer are gone, with a limit.
    fn stop(&mut self) {
        drop(self.lifeline.take());
        wait_until(|| !matches!(self.supervisor.try_wait(), Ok(None)));
        let _ = self.supervisor.kill();
        let _ = self.supervisor.wait();
        wait_until(|| self.readers.iter().all(JoinHandle::is_finished));
    }
}

impl Drop for HttpPeer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns whether the condition became true within some seconds.
fn wait_until(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Sends the first address that the peer announces, and keeps reading, so that the peer never blocks on its output.
fn find_origin(stdout: ChildStdout, announce: SyncSender<String>) {
    let mut announce = Some(announce);
    for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if let Some(origin) = line.strip_prefix(READY)
            && let Some(announce) = announce.take()
        {
            let _ = announce.send(origin.trim_end().to_owned());
        }
    }
}

/// The last bytes of a stream.
#[derive(Debug, Clone, Default)]
struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    const BYTES: usize = 8 * 1024;

    /// Reads the stream to its end, on a separate thread.
    fn follow(&self, mut stream: impl Read + Send + 'static) -> JoinHandle<()> {
        let tail = Arc::clone(&self.0);
        thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
                tail.extend_from_slice(&buffer[..length]);
                let excess = tail.len().saturating_sub(Self::BYTES);
                tail.drain(..excess);
            }
        })
    }

    fn text(&self) -> String {
        let tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&tail).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::super::{everything_http, everything_sse, fastmcp_http, or_skip};
    use super::*;

    fn address(peer: &HttpPeer) -> String {
        let rest = peer.url().strip_prefix("http://").unwrap();
        rest.split('/').next().unwrap().to_owned()
    }

    fn shell(script: &str) -> Program {
        Program::new("sh".into(), &[&"-c", &script])
    }

    #[test]
    fn every_peer_accepts_connections_until_it_is_dropped() {
        for start in [everything_http, everything_sse, fastmcp_http] {
            let Some(peer) = or_skip(start()) else { return };
            let address = address(&peer);
            TcpStream::connect(&address).unwrap();
            drop(peer);
            assert!(wait_until(|| TcpStream::connect(&address).is_err()));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_peer_started_dies_with_it() {
        let script = "sleep 600 & echo listening on $!; wait";
        let peer = HttpPeer::start(&shell(script), "").unwrap();
        let grandchild = format!("/proc/{}/stat", peer.url());
        assert!(is_alive(&grandchild));
        drop(peer);
        assert!(wait_until(|| !is_alive(&grandchild)));
    }

    /// A process that has not been reaped still has its files, with `Z` as its state.
    #[cfg(target_os = "linux")]
    fn is_alive(stat: &str) -> bool {
        std::fs::read_to_string(stat).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn a_peer_that_ends_early_is_an_error_with_its_stderr() {
        let error = HttpPeer::start(&shell("echo no such port >&2; exit 3"), "").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("ended before it was ready"), "{text}");
        assert!(text.contains("no such port"), "{text}");
    }

    #[test]
    fn a_peer_that_talks_a_lot_is_not_held_up() {
        let script = "echo listening on it; yes | head -c 1000000; echo done >&2; exec sleep 600";
        let peer = HttpPeer::start(&shell(script), "").unwrap();
        assert!(wait_until(|| peer.stderr_tail() == "done\n"));
    }
}
