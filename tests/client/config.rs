//! Files of servers: what is read from them, what is wrong with them, and what becomes of their servers.

mod connect;
mod discover;
mod edit;
mod files;
mod goose;
mod members;
mod tools;

use mcp_client::config::{
    Auth, Config, ConfigError, RemoteProtocol, RemoteServer, ServerConfig, ServerTransport,
    Severity, StdioServer,
};
use std::time::Duration;

fn parse(text: &str) -> Config {
    Config::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn names(config: &Config) -> Vec<&str> {
    config.servers().map(|(name, _)| name).collect()
}

fn stdio(server: &ServerConfig) -> &StdioServer {
    match &server.transport {
        ServerTransport::Stdio(stdio) => stdio,
        other => panic!("{other:?}"),
    }
}

fn remote(server: &ServerConfig) -> &RemoteServer {
    match &server.transport {
        ServerTransport::Remote(remote) => remote,
        other => panic!("{other:?}"),
    }
}

/// Returns the problems of a text, as a person reads them.
fn complaints(text: &str) -> Vec<String> {
    let error = Config::parse(text).expect_err(text);
    error.problems().iter().map(ToString::to_string).collect()
}

// seed: 60
#[test]
fn every_shape_of_file_is_read() {
    let server = r#"{"command": "run", "args": ["a"], "env": {"K": "v"}, "cwd": "/srv"}"#;
    for text in [
        format!(r#"{{"mcpServers": {{"a": {server}}}}}"#),
        format!(r#"{{"servers": {{"a": {server}}}, "inputs": [{{"id": "k"}}]}}"#),
        format!(r#"{{"editor.size": 2, "mcp": {{"servers": {{"a": {server}}}}}}}"#),
        format!(r#"{{"$schema": "x", "a": {server}}}"#),
        format!("\u{feff}// A comment.\r\n{{\"mcpServers\": {{\"a\": {server},}},}}\r\n"),
    ] {
        let config = parse(&text);
        assert_eq!(names(&config), ["a"], "{text}");
        let server = stdio(config.server("a").unwrap());
        assert_eq!(
            (server.command.as_str(), server.args.as_slice()),
            ("run", &["a".to_owned()][..])
        );
        assert_eq!((server.env["K"].as_str(), server.cwd.as_deref()), ("v", Some("/srv")));
        assert!(config.problems().is_empty(), "{:?}", config.problems());
    }
}

// seed: 60
#[test]
fn stdio_and_remote_servers_keep_their_order() {
    let config = parse(
        r#"{"mcpServers": {
            "z": {"command": "z"}, "a": {"url": "https://example.com/mcp"}, "m": {"command": "m"}
        }}"#,
    );
    assert_eq!(names(&config), ["z", "a", "m"]);
    assert_eq!(remote(config.server("a").unwrap()).auth, None, "there is no auth by default");
}

// seed: 60
#[test]
fn what_is_spoken_at_a_url_is_honoured() {
    for (members, protocol) in [
        (r#""url": "https://a/mcp""#, RemoteProtocol::Auto),
        (r#""url": "https://a/mcp", "transport": "http""#, RemoteProtocol::Http),
        (r#""url": "https://a/mcp", "type": "streamable-http""#, RemoteProtocol::Http),
        (r#""url": "https://a/mcp", "type": "streamableHttp""#, RemoteProtocol::Http),
        (r#""url": "https://a/mcp", "type": "sse", "transport": "sse""#, RemoteProtocol::HttpSse),
        (r#""url": "wss://a/mcp", "type": "ws""#, RemoteProtocol::WebSocket),
        (r#""httpUrl": "https://a/sse""#, RemoteProtocol::Http),
        (r#""serverUrl": "https://a/sse""#, RemoteProtocol::Auto),
    ] {
        let config = parse(&format!(r#"{{"mcpServers": {{"a": {{{members}}}}}}}"#));
        assert_eq!(remote(config.server("a").unwrap()).protocol, protocol, "{members}");
    }
}

// seed: 60
#[test]
fn a_command_wins_over_a_url_unless_the_type_says_otherwise() {
    let both = r#""command": "run", "url": "https://a/mcp""#;
    let config = parse(&format!(r#"{{"mcpServers": {{"a": {{{both}}}}}}}"#));
    assert_eq!(stdio(config.server("a").unwrap()).command, "run");
    assert_eq!(config.problems()[0].severity, Severity::Warning);
    let config = parse(&format!(r#"{{"mcpServers": {{"a": {{{both}, "type": "http"}}}}}}"#));
    assert_eq!(remote(config.server("a").unwrap()).protocol, RemoteProtocol::Http);
}

// seed: 60
#[test]
fn members_of_both_kinds_are_read() {
    let config = parse(
        r#"{"mcpServers": {
            "token": {"url": "https://a/sse", "type": "sse", "auth": "secret", "keep_alive": true},
            "oauth": {"url": "https://a/mcp", "auth": "oauth", "timeout": 1500, "initTimeout": 0},
            "off": {"command": "a", "disabled": true, "description": "Off for now."},
            "off too": {"command": "a", "enabled": false, "env": {"PORT": 80, "NONE": null}}
        }}"#,
    );
    let server = |name| config.server(name).unwrap();
    assert_eq!(remote(server("token")).auth, Some(Auth::Bearer("secret".to_owned())));
    assert!(server("token").keep_alive && !server("token").disabled);
    assert_eq!(remote(server("oauth")).auth, Some(Auth::OAuth));
    assert_eq!(server("oauth").timeout, Some(Duration::from_millis(1500)));
    assert_eq!(server("oauth").init_timeout, Some(Duration::ZERO));
    assert!(server("off").disabled && server("off too").disabled);
    assert_eq!(server("off").description.as_deref(), Some("Off for now."));
    assert_eq!(stdio(server("off too")).env.iter().collect::<Vec<_>>().len(), 1);
    assert_eq!(stdio(server("off too")).env["PORT"], "80");
    assert!(!format!("{config:?}").contains("secret"));
}

// seed: 60
#[test]
fn other_text_than_ascii_is_read_and_kept() {
    let text = "{\"mcpServers\": {\"w\u{e9}tter\": {\"command\": \"\u{5929}\u{6c17}\", \"x\": \"\u{1f327}\"}}}";
    let config = parse(text);
    assert_eq!(stdio(config.server("w\u{e9}tter").unwrap()).command, "\u{5929}\u{6c17}");
    assert_eq!(config.text(), text);
}

// seed: 60
#[test]
fn members_that_nobody_knows_are_kept_and_told() {
    let text = r#"{
  "theme": "dark",
  "mcpServers": {
    "a": {
      "comand": "typo",
      "command": "run",
      "alwaysAllow": ["x"],
      "oauth": {}
    }
  }
}"#;
    let config = parse(text);
    let told: Vec<_> = config.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "5:7: warning: mcpServers.a.comand: is not known here, and has no effect; \
             did you mean \"command\"?",
            "8:7: warning: mcpServers.a.oauth: has no effect for a server with a command",
        ]
    );
    assert_eq!(config.text(), text);
}

#[test]
fn all_that_is_wrong_is_told_with_its_line_and_column() {
    let text = r#"{
  "mcpServers": {
    "a": {"command": 5, "args": "x", "timeout": "5s"},
    "b": {"args": []},
    "c": "npx",
    "d": {"url": "example.com", "headers": {"X": ["y"]}},
    "e": {"url": "ftp://example.com", "type": "carrier pigeon"},
    "f": {"url": "https://a/", "auth": "t", "headers": {"authorization": "u"}},
    "g": {"command": " "},
    "h": {"command": "a", "type": "stdio", "transport": "http"},
    "g": {"command": "again"}
  }
}"#;
    assert_eq!(
        complaints(text),
        [
            "3:22: mcpServers.a.command: must be a string, and is a number",
            "3:33: mcpServers.a.args: must be an array of strings, and is a string",
            "3:49: mcpServers.a.timeout: must be a whole number of milliseconds, and is a string",
            "4:10: mcpServers.b: needs `command` or `url`",
            "5:10: mcpServers.c: is no server: a server is an object",
            "6:18: mcpServers.d.url: is no usable URL: it has no scheme, as in https://example.com/mcp",
            "6:50: mcpServers.d.headers.X: must be a string, and is an array",
            "7:18: mcpServers.e.url: has the scheme \"ftp\": use http or https",
            "7:47: mcpServers.e.type: is none of `stdio`, `http`, `streamable-http`, `sse`, `ws`",
            "8:32: mcpServers.f.auth: and the header `Authorization` are both there: keep one of them",
            "9:22: mcpServers.g.command: is empty",
            "10:44: mcpServers.h.transport: says something else than `type`, which means the same",
            "11:5: mcpServers.g: is there twice: give one of them another name",
        ]
    );
}

#[test]
fn a_server_that_is_wrong_harms_no_other_where_that_is_asked_for() {
    let text = r#"{"mcpServers": {"bad": {"command": 1}, "good": {"command": "run"}}}"#;
    let config = Config::parse_lossy(text).unwrap();
    assert_eq!(names(&config), ["good"]);
    assert_eq!(config.problems().len(), 1);
    assert_eq!(config.problems()[0].severity, Severity::Error);
}

#[test]
fn text_that_is_not_json_is_told_where_it_breaks() {
    for (text, complaint) in [
        ("{\n  \"mcpServers\": {\n    \"a\" 1\n  }\n}", "3:9: is not JSON: Expected colon"),
        ("{\"mcpServers\": {'a': {}}}", "1:17: is not JSON: Single-quoted"),
        ("{\"mcpServers\": {\"a\": {}", "1:16: is not JSON: Unterminated object"),
        ("[1]", "1:1: must be an object"),
        ("{\"mcpServers\": []}", "1:16: mcpServers: must be an object"),
    ] {
        let told = complaints(text);
        assert!(told[0].starts_with(complaint), "{told:?}");
    }
    let deep = format!("{{\"mcpServers\": {}", "[".repeat(1_000_000));
    assert!(complaints(&deep)[0].contains("nesting depth"), "a deep text does no harm");
}

// seed: 60
#[test]
fn a_text_without_servers_is_told_as_such() {
    for text in ["", "  \n", "{}", "{\"a\": 1}", "// Nothing yet."] {
        let error = Config::parse(text).expect_err(text);
        assert_eq!(
            error.to_string(),
            "no MCP servers are defined in the text: they belong into `mcpServers`",
            "{text:?}"
        );
    }
    assert_eq!(parse("{\"mcpServers\": {}}").servers().len(), 0, "an empty map is one");
    // At the root, everything beside servers has to be a server.
    let stray = r#"{"a": {"command": "run"}, "theme": "dark"}"#;
    assert_eq!(complaints(stray), ["1:36: theme: is no server: a server is an object"]);
}

#[test]
fn a_name_that_no_server_has_is_told_with_names_like_it() {
    let config =
        parse(r#"{"mcpServers": {"weather": {"command": "w"}, "files": {"command": "f"}}}"#);
    let error = config.server("wether").unwrap_err();
    assert_eq!(error.to_string(), r#"there is no server "wether"; did you mean "weather"?"#);
    assert!(matches!(error, ConfigError::NoSuchServer { near, .. } if near == ["weather"]));
}

#[test]
fn seconds_where_milliseconds_are_meant_are_noticed() {
    let config = parse(r#"{"mcpServers": {"a": {"command": "a", "timeout": 30}}}"#);
    assert!(config.problems()[0].message.contains("milliseconds"), "{:?}", config.problems());
}
