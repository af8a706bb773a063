//! The command `mcp`, at real servers.

use crate::run::within_deadline;
use conformance::peers::{self, Program};
use mcp_client::cli::{Terminal, run};
use serde_json::{Value, json};
use std::{
    ffi::OsString,
    io::{self, Write},
    sync::{Arc, Mutex},
};

/// The captured output.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The outcome of a command.
#[derive(Debug)]
struct Outcome {
    code: u8,
    out: String,
    err: String,
}

impl Outcome {
    /// Returns the output of a successful command.
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// Returns the error output of a failed command.
    #[track_caller]
    fn failed(self, code: u8) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.err
    }

    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }
}

/// Runs the command, with the command line of a server at its end if there is one.
#[track_caller]
fn mcp(words: &[&str], program: Option<&Program>) -> Outcome {
    let words = std::iter::once("mcp").chain(words.iter().copied()).map(OsString::from);
    let program = program.into_iter().flat_map(|program| {
        let path = program.program.clone().into_os_string();
        ["--".into(), path].into_iter().chain(program.arguments.clone())
    });
    let (out, err) = (Buffer::default(), Buffer::default());
    let terminal = Terminal::new(out.clone(), err.clone());
    let code = within_deadline(run(words.chain(program), &terminal));
    Outcome { code, out: out.text(), err: err.text() }
}

fn everything() -> Option<Program> {
    peers::or_skip(peers::everything_stdio())
}

// seed: 67
#[test]
fn what_a_server_has_is_listed_in_lines_or_as_json() {
    let Some(server) = everything() else { return };
    let listed = mcp(&["list"], Some(&server)).ok();
    for part in [
        "Tools:\n",
        "  get-sum(a: number, b: number)\n      Returns the sum of two numbers\n",
        "  get-structured-content(location: \"New York\" | \"Chicago\" | \"Los Angeles\") -> {temperature: number, ",
        "\nPrompts:\n",
        "  args-prompt(city, state?)\n",
        "\nResource templates:\n",
    ] {
        assert!(listed.contains(part), "{part:?} is not in\n{listed}");
    }
    let json = mcp(&["list", "--prompts", "--json"], Some(&server)).json();
    assert!(json["prompts"].as_array().unwrap().len() > 2);
    assert_eq!(json.as_object().unwrap().len(), 1, "only what was asked for");
}

// seed: 67
#[test]
fn a_tool_is_called_with_arguments_of_the_types_that_it_wants() {
    let Some(server) = everything() else { return };
    for words in
        [&["call", "get-sum", "a=2", "b=3"][..], &["call", "get-sum", r#"{"a": 2, "b": 3}"#]]
    {
        assert_eq!(mcp(words, Some(&server)).ok(), "The sum of 2 and 3 is 5.\n");
    }
    let echoed = mcp(&["call", "echo", "message=12", "--json"], Some(&server)).json();
    assert_eq!(echoed["content"], json!([{"type": "text", "text": "Echo: 12"}]));
    let image = mcp(&["call", "get-tiny-image"], Some(&server)).ok();
    assert!(image.contains("[image: image/png, "), "{image}");
    let words = ["call", "trigger-long-running-operation", "duration=0.3", "steps=3"];
    let outcome = mcp(&words, Some(&server));
    assert!(outcome.err.contains("[1/3]") && outcome.err.contains("[3/3]"), "{outcome:?}");
    assert!(outcome.ok().contains("completed"));
}

// seed: 67
#[test]
fn what_is_wrong_with_a_call_is_told_and_is_the_exit_code() {
    let Some(server) = everything() else { return };
    for (words, expected) in [
        (
            &["call", "get-sum", "a=2"][..],
            "missing arguments: b\n  get-sum(a: number, b: number)\n",
        ),
        (&["call", "get-sum", "a=two", "b=3"], "the argument \"a\" must be a number, not \"two\""),
        (&["call", "get-summ"], "the server has no tool \"get-summ\"; did you mean \"get-sum\"?"),
        (&["call", "get-sum", r#"{"a": "two", "b": 3}"#], "Invalid arguments for tool get-sum"),
        (&["prompt", "args-prompt"], "missing arguments: city"),
        (&["prompt", "arg-prompt"], "did you mean \"args-prompt\"?"),
        (&["read", "demo://no/such"], "error: "),
        (&["read", "no uri"], "is not a URI"),
    ] {
        let outcome = mcp(words, Some(&server));
        assert!(outcome.out.is_empty(), "{outcome:?}");
        let err = outcome.failed(1);
        assert!(err.contains(expected), "{expected:?} is not in {err}");
    }
}

#[test]
fn a_question_is_declined_where_there_is_nobody_to_ask() {
    let Some(server) = everything() else { return };
    let outcome = mcp(&["call", "trigger-elicitation-request"], Some(&server));
    assert!(outcome.err.contains("there is nobody to ask: declined"), "{outcome:?}");
    assert!(outcome.ok().contains("declined"));
}

#[test]
fn resources_prompts_and_proposals_are_shown() {
    let Some(server) = everything() else { return };
    let read = mcp(&["read", "demo://resource/dynamic/text/7"], Some(&server)).ok();
    assert!(read.starts_with("Resource 7: "), "{read}");
    let prompt = mcp(&["prompt", "args-prompt", "city=Oslo"], Some(&server)).ok();
    assert_eq!(prompt, "user: What's weather in Oslo?\n");
    let proposals = mcp(&["complete", "completable-prompt", "department", "S"], Some(&server)).ok();
    assert_eq!(proposals, "Sales\nSupport\n");
    let outcome = mcp(&["ping", "-v"], Some(&server));
    assert!(outcome.err.contains("mcp-servers/everything"), "{outcome:?}");
    assert!(outcome.ok().contains("protocol 2025-11-25, answered after "));
}

#[test]
fn code_is_generated_of_a_server_and_of_what_was_saved() {
    let saved = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/typed/everything.tools.json");
    let code = mcp(&["generate", saved, "--struct", "Everything"], None).ok();
    assert!(code == include_str!("typed/everything.rs.in"), "it is the code that is kept");
    let Some(server) = peers::or_skip(peers::fastmcp_stdio()) else { return };
    let code = mcp(&["generate", "--skip", "echo", "--rename", "add=sum"], Some(&server)).ok();
    assert!(code.contains("pub fn sum(") && code.contains("pub type Output = i64;"), "{code}");
    assert!(!code.contains("pub fn echo("));
}

#[test]
fn a_stateless_server_is_one_like_any_other() {
    let Some(server) = peers::or_skip(peers::fastmcp_stdio()) else { return };
    assert_eq!(mcp(&["call", "add", "a=2", "b=3"], Some(&server)).ok(), "5\n");
    let ping = mcp(&["ping", "--json"], Some(&server)).json();
    assert_eq!(ping["protocolVersion"], "2026-07-28");
    let err = mcp(&["call", "fail", "message=it broke"], Some(&server)).failed(1);
    assert!(err.contains("it broke"), "{err}");
    let err = mcp(&["call", "slow", "seconds=9", "--timeout", "0.2"], Some(&server)).failed(1);
    assert!(err.contains("error: "), "{err}");
}

// seed: 67
#[test]
fn a_target_is_a_url_a_config_or_a_name() {
    let Some(peer) = peers::or_skip(peers::everything_http()) else { return };
    let sum =
        mcp(&["call", peer.url(), "get-sum", "a=1", "b=1", "--header", "X-Key: a"], None).ok();
    assert!(sum.ends_with("is 2.\n"), "{sum}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("servers.json");
    let servers =
        json!({"mcpServers": {"one": {"url": peer.url()}, "two": {"command": "no-such-program"}}});
    std::fs::write(&path, servers.to_string()).unwrap();
    let path = path.to_str().unwrap();
    let err = mcp(&["ping", path], None).failed(1);
    assert!(err.contains("name one of its servers with --server: one, two"), "{err}");
    assert!(mcp(&["ping", path, "--server", "one"], None).ok().contains("everything"));
    let err = mcp(&["ping", path, "--server", "two"], None).failed(1);
    assert!(err.contains("no-such-program"), "{err}");
    let err = mcp(&["ping", "no-such-server-anywhere"], None).failed(1);
    assert!(err.contains("is no URL and no file"), "{err}");
}

#[test]
fn a_command_line_that_is_none_is_told_so() {
    assert!(mcp(&["--help"], None).ok().contains("Usage: mcp"));
    assert!(mcp(&["call", "--help"], None).ok().contains("mcp call [OPTIONS] <TARGET> <TOOL>"));
    for words in [
        &["list"][..],
        &["call", "x"],
        &["lst"],
        &[],
        &["read", "a", "b", "c"],
        &["list", "--timeout", "x"],
        &["ping", "--"],
    ] {
        let outcome = mcp(words, None);
        assert!(outcome.out.is_empty(), "{words:?}: {outcome:?}");
        assert!(!outcome.failed(2).is_empty());
    }
}
