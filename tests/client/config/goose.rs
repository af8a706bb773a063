//! The file of Goose.

use mcp_client::{
    Config, ServerConfig,
    config::{ConfigError, RemoteProtocol, ServerTransport, Severity, discover},
};
use std::{fs, time::Duration};

const TEXT: &str = r#"GOOSE_PROVIDER: anthropic
# Comments are passed over.
extensions:
  developer:
    bundled: true
    enabled: true
    name: developer
    timeout: 300
    type: builtin
  fetch:
    available_tools: []
    bundled: null
    args: ["-y", mcp-server-fetch]
    cmd: uvx
    description: Fetches pages
    enabled: true
    env_keys: [TOKEN, LEVEL]
    envs:
      LEVEL: debug
      DEPTH: 3
    name: fetch
    timeout: 300
    type: stdio
  remote:
    enabled: false
    headers: {X-Key: "${KEY}"}
    type: streamable_http
    uri: https://example.com/mcp
    available_tools: [search]
  old:
    type: sse
    uri: https://example.com/events
"#;

#[test]
fn extensions_of_goose_are_servers() {
    let config = Config::parse_goose(TEXT).unwrap();
    let names: Vec<_> = config.servers().map(|(name, _)| name).collect();
    assert_eq!(names, ["fetch", "remote", "old"]);

    let fetch = config.server("fetch").unwrap();
    let ServerTransport::Stdio(stdio) = &fetch.transport else { panic!("{fetch:?}") };
    assert_eq!(
        (&*stdio.command, &stdio.args[..]),
        ("uvx", &["-y", "mcp-server-fetch"].map(String::from)[..])
    );
    let values = ["LEVEL", "DEPTH", "TOKEN"].map(|name| &*stdio.env[name]);
    assert_eq!(values, ["debug", "3", "${TOKEN}"], "what is said goes before what is passed on");
    assert_eq!(fetch.timeout, Some(Duration::from_secs(300)));
    assert_eq!(fetch.description.as_deref(), Some("Fetches pages"));
    assert!(!fetch.disabled && fetch.tools.include.is_empty());

    let remote = config.server("remote").unwrap();
    let ServerTransport::Remote(http) = &remote.transport else { panic!("{remote:?}") };
    assert_eq!((&*http.url, http.protocol), ("https://example.com/mcp", RemoteProtocol::Http));
    assert_eq!(http.headers["X-Key"], "${KEY}");
    assert!(remote.disabled);
    assert_eq!(remote.tools.include, ["search"]);
    let old = config.server("old").unwrap();
    let ServerTransport::Remote(sse) = &old.transport else { panic!("{old:?}") };
    assert_eq!(sse.protocol, RemoteProtocol::HttpSse);

    // A part of Goose is reported, and nothing else is wrong.
    let [note] = config.problems() else { panic!("{:?}", config.problems()) };
    assert_eq!((note.severity, &*note.path), (Severity::Warning, "extensions.developer"));
    assert!(note.message.contains("`builtin`"), "{note}");
}

#[test]
fn what_is_wrong_in_yaml_is_told_with_its_place() {
    let text = "extensions:\n  a:\n    type: stdio\n    cmd: [x]\n    timeout: soon\n  b:\n    type: sse\n  c: 1\n";
    let error = Config::parse_goose(text).unwrap_err();
    let told: Vec<_> = error.problems().iter().map(|it| (it.line, it.column, &*it.path)).collect();
    assert_eq!(
        told,
        [
            (4, 10, "extensions.a.cmd"),
            (5, 14, "extensions.a.timeout"),
            (7, 5, "extensions.b"),
            (8, 6, "extensions.c"),
        ],
        "{error}"
    );
    let broken = Config::parse_goose("extensions:\n  a: [x\n").unwrap_err();
    assert!(broken.to_string().contains("is not YAML"), "{broken}");
    assert!(broken.problems()[0].line > 1, "{broken}");
    let odd = "extensions:\n  a:\n    type: stdio\n    cmd: x\n    env_keys: [\"a b\"]\n";
    let odd = Config::parse_goose(odd).unwrap_err();
    assert!(odd.to_string().contains("no name of a variable"), "{odd}");
    for text in ["", "GOOSE_MODE: auto\n", "extensions:\n"] {
        let none = Config::parse_goose(text).unwrap_err();
        assert!(matches!(none, ConfigError::NoServers { .. }), "{none}");
    }
    assert_eq!(Config::parse_goose("extensions: {}\n").unwrap().servers().len(), 0);
}

#[test]
fn yaml_is_read_and_not_changed() {
    let mut config = Config::parse_goose(TEXT).unwrap();
    let server = ServerConfig::command("x");
    for outcome in [
        config.add_server("new", &server),
        config.update_server("fetch", &server),
        config.remove_server("fetch"),
    ] {
        let error = outcome.unwrap_err();
        assert!(matches!(error, ConfigError::ReadOnly), "{error}");
        assert!(error.to_string().contains("YAML"), "{error}");
    }
    assert_eq!(config.text(), TEXT);
}

#[test]
fn the_file_of_goose_is_found() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(".config/goose/config.yaml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("\u{feff}{TEXT}")).unwrap();
    let found = discover(Some(home.path()), home.path());
    assert!(found.failed.is_empty(), "{:?}", found.failed);
    assert!(found.server("goose:fetch").is_ok());
    assert_eq!(Config::from_file(&path).unwrap().servers().len(), 3);
    assert_eq!(Config::from_file_lossy(&path).unwrap().servers().len(), 3);
}
