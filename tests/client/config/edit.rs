//! Changing a text, and writing it.

use super::{names, parse};
use mcp_client::config::{
    Auth, Config, ConfigError, RemoteProtocol, ServerConfig, ServerTransport, ToolRules,
};
use mcp_client::{ArgumentTransform, ToolTransform};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, time::Duration};

const TEXT: &str = r#"{
  // The look.
  "theme": "dark",
  "mcpServers": {
    /* The weather. */
    "weather": {
      "httpUrl": "https://example.com/mcp", // Its URL.
      "headers": {
        "X-Key": "${KEY}" // A key.
      },
      "icon": "sun.png",
    },
    "files": {"command": "npx", "args": ["-y", "files"]}
  },
  "last": 1.50
}
"#;

#[test]
fn an_added_server_changes_nothing_else() {
    let mut config = parse(TEXT);
    let server = ServerConfig::command("run").arg("x").env("K", "v");
    config.add_server("new", &server).unwrap();
    assert_eq!(names(&config), ["weather", "files", "new"]);
    assert_eq!(config.server("new").unwrap(), &server);
    let (before, after) = config.text().split_once("\"new\": {").unwrap();
    assert!(TEXT.starts_with(before.trim_end().trim_end_matches(',')), "{before}");
    assert!(TEXT.ends_with(after.split_once("\n  },").unwrap().1), "{after}");
    let error = config.add_server("new", &server).unwrap_err();
    assert_eq!(error.to_string(), "there is a server \"new\" already");
}

#[test]
fn an_update_writes_what_differs_and_keeps_all_else() {
    let mut config = parse(TEXT);
    let mut server = config.server("weather").unwrap().clone().timeout(Duration::from_secs(5));
    let ServerTransport::Remote(remote) = &mut server.transport else { panic!("{server:?}") };
    remote.headers.insert("X-Other".to_owned(), "o".to_owned());
    config.update_server("weather", &server).unwrap();
    assert_eq!(config.server("weather").unwrap(), &server);
    for kept in [
        "// The look.",
        "/* The weather. */",
        "\"httpUrl\": \"https://example.com/mcp\", // Its URL.",
        "\"X-Key\": \"${KEY}\"",
        "// A key.",
        "\"icon\": \"sun.png\"",
        "\"last\": 1.50",
    ] {
        assert!(config.text().contains(kept), "{kept} is lost:\n{}", config.text());
    }
    assert!(config.text().contains("\"timeout\": 5000"), "{}", config.text());
}

#[test]
fn an_update_that_changes_nothing_writes_nothing() {
    let mut config = parse(TEXT);
    for name in ["weather", "files"] {
        let same = config.server(name).unwrap().clone();
        config.update_server(name, &same).unwrap();
    }
    assert_eq!(config.text(), TEXT);
    let error = config.update_server("wether", &ServerConfig::command("a")).unwrap_err();
    assert!(matches!(error, ConfigError::NoSuchServer { .. }), "{error}");
}

#[test]
fn a_server_may_become_one_of_the_other_kind() {
    let mut config = parse(TEXT);
    let server = ServerConfig::url("https://example.com/files");
    config.update_server("files", &server).unwrap();
    assert_eq!(config.server("files").unwrap(), &server);
    // The URL had a name that states the protocol.
    let ServerTransport::Remote(mut remote) = config.server("weather").unwrap().transport.clone()
    else {
        panic!("{config:?}")
    };
    remote.protocol = RemoteProtocol::Auto;
    let mut server = config.server("weather").unwrap().clone();
    server.transport = ServerTransport::Remote(remote);
    config.update_server("weather", &server).unwrap();
    assert_eq!(config.server("weather").unwrap(), &server);
    assert!(config.text().contains("sun.png"));
}

#[test]
fn a_removed_server_takes_nothing_with_it() {
    let mut config = parse(TEXT);
    config.remove_server("weather").unwrap();
    assert_eq!(names(&config), ["files"]);
    assert!(
        config.text().contains("\"files\": {\"command\": \"npx\", \"args\": [\"-y\", \"files\"]}")
    );
    assert!(config.text().contains("// The look."));
    assert!(matches!(config.remove_server("weather"), Err(ConfigError::NoSuchServer { .. })));
}

#[test]
fn a_server_that_is_wrong_can_be_removed_and_is_never_doubled() {
    let text = r#"{"mcpServers": {"bad": {"command": 1}}}"#;
    let mut config = Config::parse_lossy(text).unwrap();
    let add = config.add_server("bad", &ServerConfig::command("a"));
    assert!(matches!(add, Err(ConfigError::Exists { .. })));
    config.remove_server("bad").unwrap();
    config.add_server("bad", &ServerConfig::command("a")).unwrap();
    assert_eq!(names(&parse(config.text())), ["bad"]);
}

#[test]
fn servers_of_one_project_are_changed_in_their_place() {
    let text =
        r#"{"mcpServers": {"all": {"command": "a"}}, "projects": {"/srv/p": {"mcpServers": {}}}}"#;
    let mut config = Config::parse_at(text, ["projects", "/srv/p", "mcpServers"]).unwrap();
    config.add_server("mine", &ServerConfig::command("m")).unwrap();
    let value: Value = serde_json::from_str(config.text()).unwrap();
    assert_eq!(value["projects"]["/srv/p"]["mcpServers"]["mine"], json!({"command": "m"}));
    assert_eq!(value["mcpServers"], json!({"all": {"command": "a"}}));
}

#[test]
fn a_file_is_replaced_as_a_whole_and_keeps_its_permissions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/mcp.json");
    let mut config = Config::new();
    config.add_server("a", &ServerConfig::command("run")).unwrap();
    config.write_to(&path).unwrap();
    let read = Config::from_file(&path).unwrap();
    assert_eq!(
        read.text(),
        "{\n  \"mcpServers\": {\n    \"a\": {\n      \"command\": \"run\"\n    }\n  }\n}\n"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600, "a new file may hold keys");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link.json");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut config = Config::from_file(&link).unwrap();
        config.remove_server("a").unwrap();
        config.write_to(&link).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "a link stays one");
        assert_eq!(Config::from_file(&path).unwrap().servers().len(), 0);
        assert_eq!(mode(&path), 0o640);
    }
    let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(left, 1, "no file is left beside it");
}

// seed: 60
#[test]
fn files_that_are_missing_blank_or_no_text_are_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mcp.json");
    let error = Config::from_file(&path).unwrap_err().to_string();
    assert_eq!(error, format!("cannot read {}", path.display()));
    fs::write(&path, "  ").unwrap();
    let error = Config::from_file(&path).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("no MCP servers are defined in {}: they belong into `mcpServers`", path.display())
    );
    fs::write(&path, b"{\"mcpServers\": {\"\xff\": {}}}").unwrap();
    assert!(matches!(Config::from_file(&path), Err(ConfigError::Read { .. })));
    fs::write(&path, "{\"mcpServers\": {\"a\": {}}}").unwrap();
    let error = Config::from_file(&path).unwrap_err().to_string();
    let expected = "1:22: mcpServers.a: needs `command` or `url`";
    assert!(error.contains(&path.display().to_string()) && error.contains(expected), "{error}");
}

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_ \"\\\\/\u{e9}$\\{\\}.-]{1,8}"
}

/// Generates an unknown member.
fn unknown() -> impl Strategy<Value = (String, Value)> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        word().prop_map(Value::from),
        prop::collection::vec(word(), 0..3).prop_map(Value::from),
        prop::collection::btree_map(word(), any::<i32>(), 0..3).prop_map(|map| json!(map)),
    ];
    (word().prop_map(|word| format!("x-{word}")), value)
}

fn server() -> impl Strategy<Value = ServerConfig> {
    let map = || prop::collection::btree_map("[A-Z]{1,4}", word(), 0..3);
    let command = || word().prop_map(|word| format!("c{word}"));
    let stdio =
        (command(), prop::collection::vec(word(), 0..3), map(), proptest::option::of(word()))
            .prop_map(|(command, args, env, cwd)| {
                let mut server = ServerConfig::command(command);
                if let ServerTransport::Stdio(stdio) = &mut server.transport {
                    (stdio.args, stdio.env, stdio.cwd) = (args, env, cwd);
                }
                server
            });
    let protocol = prop_oneof![
        Just(RemoteProtocol::Auto),
        Just(RemoteProtocol::Http),
        Just(RemoteProtocol::HttpSse),
    ];
    let auth = prop_oneof![
        Just(None),
        Just(Some(Auth::OAuth)),
        word().prop_map(|token| Some(Auth::Bearer(format!("t{token}")))),
    ];
    let remote =
        ("[a-z]{1,5}", map(), protocol, auth).prop_map(|(host, headers, protocol, auth)| {
            let mut server = ServerConfig::url(format!("https://{host}.test/mcp"));
            if let ServerTransport::Remote(remote) = &mut server.transport {
                (remote.headers, remote.protocol, remote.auth) = (headers, protocol, auth);
            }
            server
        });
    let limit = || proptest::option::of((0..100_000_u64).prop_map(Duration::from_millis));
    let rest = (limit(), limit(), any::<[bool; 2]>(), proptest::option::of(word()));
    let names = || prop::collection::vec(word(), 0..2);
    let tools = (names(), names(), names(), proptest::option::of((word(), word(), any::<i32>())));
    let tools = tools.prop_map(|(include, exclude, tags, transform)| {
        let mut rules = ToolRules::default();
        (rules.include, rules.exclude, rules.include_tags) = (include, exclude, tags);
        if let Some((tool, name, value)) = transform {
            let transform = ToolTransform::new()
                .rename(name.clone())
                .argument(name.clone(), ArgumentTransform::fix(value))
                .argument("other", ArgumentTransform::new().rename(name));
            rules.transforms.insert(tool, transform);
        }
        rules
    });
    (prop_oneof![stdio, remote], rest, tools).prop_map(|(mut server, rest, tools)| {
        server.tools = tools;
        let [disabled, keep_alive];
        (server.timeout, server.init_timeout, [disabled, keep_alive], server.description) = rest;
        (server.disabled, server.keep_alive) = (disabled, keep_alive);
        server
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_is_changed_nothing_unknown_is_lost(
        servers in prop::collection::btree_map(word(), (server(), prop::collection::vec(unknown(), 0..3)), 1..4),
        changed in server(),
        beside in prop::collection::btree_map("y-[a-z]{1,4}", any::<i32>(), 0..3),
        pick in any::<prop::sample::Index>(),
    ) {
        // Built by adding servers, and then given unknown members.
        let mut config = Config::new();
        for (name, (server, _)) in &servers {
            config.add_server(name, server).unwrap();
            prop_assert_eq!(config.server(name).unwrap(), server);
        }
        let mut value: Value = serde_json::from_str(config.text()).unwrap();
        for (name, (_, unknown)) in &servers {
            value["mcpServers"][name].as_object_mut().unwrap().extend(unknown.iter().cloned());
        }
        value.as_object_mut().unwrap().extend(beside.iter().map(|(key, it)| (key.clone(), json!(it))));
        let mut config = Config::parse(&serde_json::to_string_pretty(&value).unwrap()).unwrap();

        let names: Vec<_> = servers.keys().collect();
        let name = names[pick.index(names.len())];
        config.update_server(name, &changed).unwrap();
        prop_assert_eq!(config.server(name).unwrap(), &changed);
        config.add_server("x new", &changed).unwrap();
        config.remove_server("x new").unwrap();
        let after: Value = serde_json::from_str(config.text()).unwrap();
        for (key, expected) in &beside {
            prop_assert_eq!(&after[key], expected);
        }
        for (server, (was, unknown)) in &servers {
            // A duplicate name has its last value.
            for (key, expected) in unknown.iter().cloned().collect::<BTreeMap<_, _>>() {
                prop_assert_eq!(&after["mcpServers"][server][&key], &expected, "{}", config.text());
            }
            if server != name {
                prop_assert_eq!(config.server(server).unwrap(), was);
            }
        }
    }

    #[test]
    fn no_text_does_harm(text in "[\\[\\]{}:,\"'/*\\\\a-c0-9 \n\u{e9}]{0,40}") {
        let _ = Config::parse(&text);
        let in_place = format!("{{\"mcpServers\": {{\"a\": {text}}}}}");
        if let Ok(mut config) = Config::parse_lossy(&in_place) {
            config.add_server("b", &ServerConfig::command("c")).unwrap();
            prop_assert!(config.server("b").is_ok());
        }
    }
}
