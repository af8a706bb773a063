//! The servers, and what each of them has.

use super::offers::{Offers, Tool};
use crate::{everything, fastmcp, rmcp, run};
use conformance::peers::{self, HttpPeer, Program, reference, sdks};
use mcp_client::{Client, Era, Mode, Target};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

/// A server over one binding and in one era.
pub(super) struct Row {
    pub(super) server: &'static str,
    pub(super) binding: &'static str,
    pub(super) era: Era,
    pub(super) client: Client,
    pub(super) offers: Offers,
}

type Peer = LazyLock<Result<HttpPeer, peers::Error>>;

/// All rows, or none in a run without peers.
pub(super) fn all() -> Option<Vec<Row>> {
    let mut rows = everything_rows()?;
    rows.extend(reference_rows()?);
    rows.extend(fastmcp_rows()?);
    rows.extend(fastmcp2_rows()?);
    rows.extend(typescript_rows()?);
    rows.extend(lowlevel_rows()?);
    rows.extend(rmcp_rows());
    Some(rows)
}

/// A row whose client detects the era.
fn row(
    (server, binding): (&'static str, &'static str),
    era: Era,
    target: impl Into<Target>,
    offers: Offers,
) -> Row {
    Row { server, binding, era, client: run::client(target).build(), offers }
}

/// A row for each era, for a server that has both; a client has to ask for the older one.
fn both(
    name: (&'static str, &'static str),
    target: impl Into<Target>,
    modern: Offers,
    legacy: Offers,
) -> [Row; 2] {
    let target = target.into();
    let client = run::client(target.clone()).mode(Mode::Legacy).build();
    let (server, binding) = name;
    let older = Row { server, binding, era: Era::Legacy, client, offers: legacy };
    [row(name, Era::Modern, target, modern), older]
}

fn stdio(program: Result<Program, peers::Error>) -> Option<Target> {
    peers::or_skip(program).map(|program| run::command(program).into())
}

fn http(peer: &'static Peer) -> Option<Target> {
    run::once(peer).map(|peer| peer.url().into())
}

fn everything_rows() -> Option<Vec<Row>> {
    const NAME: &str = "server-everything (TypeScript SDK 1)";
    let offers = || Offers::of(&everything::EXPECTED);
    let sse = everything::http_sse::http_sse_peer()?.url();
    Some(vec![
        row((NAME, "stdio"), Era::Legacy, everything::stdio_target()?, offers()),
        row((NAME, "HTTP"), Era::Legacy, everything::http_peer()?.url(), offers()),
        row((NAME, "HTTP+SSE"), Era::Legacy, sse, offers()),
    ])
}

fn reference_rows() -> Option<Vec<Row>> {
    let folder = folder();
    let file = folder.join("hello.txt").display().to_string();
    let files = Offers {
        call: Some(Tool::new("read_text_file", format!("{{\"path\": {file:?}}}"), "hello")),
        failing: Some(Tool::new("read_text_file", r#"{"path": "/etc/passwd"}"#, "denied")),
        ping: true,
        ..Offers::default()
    };
    let graph = Offers {
        call: Some(Tool::new("read_graph", "{}", "entities")),
        ping: true,
        ..Offers::default()
    };
    let clock = |ping| Offers {
        call: Some(Tool::new("get_current_time", r#"{"timezone": "UTC"}"#, "UTC")),
        failing: Some(Tool::new("get_current_time", r#"{"timezone": "Nowhere"}"#, "Nowhere")),
        ping,
        ..Offers::default()
    };
    let status = format!("{{\"repo_path\": {:?}}}", folder.display().to_string());
    let repository = |ping| Offers {
        call: Some(Tool::new("git_status", &*status, "hello.txt")),
        failing: Some(Tool::new("git_status", r#"{"repo_path": "/"}"#, "")),
        ping,
        ..Offers::default()
    };
    let memory = folder.join("memory.json");
    let mut rows = vec![
        row(
            ("server-filesystem", "stdio"),
            Era::Legacy,
            stdio(reference::filesystem(&folder))?,
            files,
        ),
        row(("server-memory", "stdio"), Era::Legacy, stdio(reference::memory(&memory))?, graph),
    ];
    let time = stdio(reference::time())?;
    rows.extend(both(("mcp-server-time", "stdio"), time, clock(false), clock(true)));
    let git = stdio(reference::git(&folder))?;
    rows.extend(both(("mcp-server-git", "stdio"), git, repository(false), repository(true)));
    Some(rows)
}

fn fastmcp_rows() -> Option<Vec<Row>> {
    const NAME: &str = "FastMCP 4 (Python SDK 2)";
    let modern = || Offers {
        changes: Some(Tool::new("change", r#"{"what": "tools"}"#, "published")),
        ..Offers::of(&fastmcp::EXPECTED)
    };
    let legacy = || Offers::of(&fastmcp::LEGACY);
    let mut rows = Vec::new();
    rows.extend(both((NAME, "stdio"), fastmcp::stdio_target()?, modern(), legacy()));
    rows.extend(both((NAME, "HTTP"), fastmcp::http_peer()?.url(), modern(), legacy()));
    Some(rows)
}

fn fastmcp2_rows() -> Option<Vec<Row>> {
    static HTTP: Peer = LazyLock::new(sdks::fastmcp2_http);
    static SSE: Peer = LazyLock::new(sdks::fastmcp2_sse);
    const NAME: &str = "FastMCP 2 (Python SDK 1)";
    let offers = || Offers {
        task: Some(Tool::new("work", r#"{"seconds": 0.1}"#, "worked")),
        completion: None,
        ..Offers::of(&fastmcp::LEGACY)
    };
    Some(vec![
        row((NAME, "stdio"), Era::Legacy, stdio(sdks::fastmcp2_stdio())?, offers()),
        row((NAME, "HTTP"), Era::Legacy, http(&HTTP)?, offers()),
        row((NAME, "HTTP+SSE"), Era::Legacy, http(&SSE)?, offers()),
    ])
}

fn typescript_rows() -> Option<Vec<Row>> {
    static HTTP: Peer = LazyLock::new(sdks::typescript_http);
    const NAME: &str = "a server of the TypeScript SDK 2";
    let offers =
        |ping| Offers { failing: Some(Tool::new("fail", "{}", "it broke")), ping, ..simple() };
    let mut rows = Vec::new();
    let program = stdio(sdks::typescript_stdio())?;
    rows.extend(both((NAME, "stdio"), program, offers(false), offers(true)));
    rows.extend(both((NAME, "HTTP"), http(&HTTP)?, offers(false), offers(true)));
    Some(rows)
}

fn lowlevel_rows() -> Option<Vec<Row>> {
    static HTTP: Peer = LazyLock::new(sdks::lowlevel_http);
    const NAME: &str = "a low-level server of the Python SDK 2";
    let offers = |ping| Offers {
        failing: Some(Tool::new("no-such-tool", "{}", "no tool")),
        ping,
        ..simple()
    };
    let mut rows = Vec::new();
    let program = stdio(sdks::lowlevel_stdio())?;
    rows.extend(both((NAME, "stdio"), program, offers(false), offers(true)));
    rows.extend(both((NAME, "HTTP"), http(&HTTP)?, offers(false), offers(true)));
    Some(rows)
}

fn rmcp_rows() -> Vec<Row> {
    const NAME: &str = "a server of rmcp 3";
    let offers = || (Offers::of(&rmcp::EXPECTED), Offers::of(&rmcp::LEGACY));
    let (modern, legacy) = offers();
    let mut rows = Vec::new();
    rows.extend(both((NAME, "byte stream"), rmcp::target(), modern, legacy));
    let (modern, legacy) = offers();
    rows.extend(both((NAME, "HTTP"), rmcp::http::url(), modern, legacy));
    rows
}

/// Returns what the servers of the SDKs have in common.
fn simple() -> Offers {
    Offers {
        call: Some(Tool::new("echo", r#"{"text": "hello"}"#, "hello")),
        slow: Some(Tool::new("slow", r#"{"seconds": 8}"#, "done")),
        resource: Some(("test://hello", "hello")),
        prompt: Some(("greet", "name", "Bob", "Greet Bob.")),
        ..Offers::default()
    }
}

/// A folder with a file and a repository, for the servers that need one.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop-matrix");
    fs::create_dir_all(&folder).unwrap();
    let folder = folder.canonicalize().unwrap();
    fs::write(folder.join("hello.txt"), "hello").unwrap();
    let status = Command::new("git").args(["init", "--quiet"]).current_dir(&folder).status();
    assert!(status.unwrap().success(), "git init");
    folder
}
