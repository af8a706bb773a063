//! Which tools of a configured server are shown, and how.

use super::{complaints, parse};
use crate::deadline;
use conformance::http_server::{Answer, HttpServer, Recorded};
use mcp_client::{Client, Error, Group, ToolTransform};
use serde_json::{Value, json};

/// Starts a server over HTTP with two tools, which return what they were called with.
async fn start() -> HttpServer {
    let answer = |request: &Recorded| {
        let message = request.json();
        let schema =
            json!({"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a", "b"]});
        let tool = |name: &str, tag: &str| json!({"name": name, "inputSchema": schema, "_meta": {"fastmcp": {"tags": [tag]}}});
        let result = match message["method"].as_str().unwrap() {
            "server/discover" => json!({
                "resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private",
            }),
            "tools/list" => {
                json!({"resultType": "complete", "tools": [tool("add", "math"), tool("drop", "risky")]})
            }
            _ if message["params"]["name"] == "sleep" => return Answer::silence(),
            _ => {
                let text =
                    format!("{} {}", message["params"]["name"], message["params"]["arguments"]);
                json!({"resultType": "complete", "content": [{"type": "text", "text": text}]})
            }
        };
        Answer::result(request, &result)
    };
    HttpServer::start(answer).await.unwrap()
}

fn config(servers: &[(&str, &HttpServer, Value)]) -> mcp_client::Config {
    let servers: serde_json::Map<_, _> = servers
        .iter()
        .map(|(name, server, more)| {
            let mut entry = json!({"url": server.url()});
            entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            ((*name).to_owned(), entry)
        })
        .collect();
    parse(&json!({"mcpServers": servers}).to_string())
}

fn transforms() -> Value {
    json!({
        "tools": {"add": {"name": "plus", "arguments": {"a": {"default": 1, "hide": true}, "b": {"name": "to"}}}},
        "exclude_tags": ["risky"],
    })
}

// seed: 61
#[tokio::test]
async fn one_server_is_filtered_and_transformed() {
    let server = start().await;
    let config = config(&[("math", &server, transforms())]);
    let direct = Client::new(&config);
    let built = config.server("math").unwrap().client().build();
    for client in [direct, built] {
        let connection = deadline(client.connect()).await.unwrap();
        let tools = deadline(connection.list_tools()).await.unwrap();
        assert_eq!(tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["plus"]);
        let schema = serde_json::to_value(&tools[0].input_schema).unwrap();
        assert_eq!(schema["required"], json!(["to"]));
        let result = deadline(connection.call_tool("plus").argument("to", 2)).await.unwrap();
        assert_eq!(result.text(), r#""add" {"b":2,"a":1}"#);
        let error = deadline(connection.call_tool("drop")).await.unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{error:?}");
        deadline(connection.close()).await;
    }
}

// seed: 61
#[tokio::test]
async fn servers_of_a_group_are_filtered_and_transformed_and_have_their_time_limits() {
    let (one, two) = (start().await, start().await);
    let limited = json!({"includeTools": ["*d*"], "excludeTools": ["drop"], "timeout": 150});
    let config = config(&[("x", &one, transforms()), ("y", &two, limited)]);
    let group = deadline(Group::from_config(&config).build().unwrap().connect()).await.unwrap();
    let tools = deadline(group.list_tools()).await.unwrap();
    assert_eq!(
        tools.items.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(),
        ["x_plus", "y_add"]
    );
    let result = deadline(group.call_tool("x_plus").argument("to", 2)).await.unwrap();
    assert_eq!(result.text(), r#""add" {"b":2,"a":1}"#);
    assert!(matches!(deadline(group.call_tool("y_drop")).await, Err(Error::Denied { .. })));
    // It is not in the list, and matches no pattern that excludes it.
    let config = config_of_sleeper(&two);
    let client = Client::new(&config);
    let connection = deadline(client.connect()).await.unwrap();
    let late = deadline(connection.call_tool("sleep")).await.unwrap_err();
    assert!(late.is_timeout(), "{late}");
}

// seed: 61
#[tokio::test]
async fn one_client_of_a_config_has_all_its_servers_each_by_its_rules() {
    let (one, two) = (start().await, start().await);
    let limited = json!({"includeTools": ["*"], "timeout": 150});
    let off = json!({"disabled": true});
    let config = config(&[("x", &one, transforms()), ("y", &two, limited), ("z", &one, off)]);
    let client = Client::new(config);
    for _ in 0..2 {
        let connection = deadline(client.connect()).await.unwrap();
        let tools = deadline(connection.list_tools()).await.unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
        assert!(names.starts_with(&["x_plus", "y_add"]), "{names:?}");
        assert!(!names.contains(&"x_drop") && names.contains(&"y_drop"), "{names:?}");
        let result = deadline(connection.call_tool("x_plus").argument("to", 2)).await.unwrap();
        assert_eq!(result.text(), r#""add" {"b":2,"a":1}"#);
        let denied = deadline(connection.call_tool("x_drop")).await.unwrap_err();
        assert!(matches!(denied, Error::Denied { .. }), "{denied:?}");
        let late = deadline(connection.call_tool("y_sleep")).await.unwrap_err();
        assert!(late.is_timeout(), "{late}");
        deadline(connection.close()).await;
    }
}

fn config_of_sleeper(server: &HttpServer) -> mcp_client::Config {
    config(&[("s", server, json!({"timeout": 150}))])
}

#[test]
fn rules_are_read_in_each_form_and_what_is_wrong_is_told() {
    let config = parse(
        r#"{"mcpServers": {
            "a": {"command": "a", "tools": ["x", "y*"], "exclude_tools": ["z"]},
            "b": {"command": "b", "tools": {"t": {"enabled": false}, "u": {"title": "U", "tags": ["v"]}}}
        }}"#,
    );
    let rules = |name| config.server(name).unwrap().tools.clone();
    assert_eq!(
        (rules("a").include, rules("a").exclude),
        (vec!["x".into(), "y*".into()], vec!["z".into()])
    );
    assert_eq!(rules("b").transforms["t"], ToolTransform::new().hide());
    assert_eq!(rules("b").transforms["u"], ToolTransform::new().title("U").tags(["v"]));
    assert!(!rules("b").is_empty());

    let text = r#"{"mcpServers": {"a": {"command": "a",
        "tools": {"t": {"name": 1, "arguments": {"x": {"hide": "yes"}, "y": 2}, "nmae": "t"}, "u": []},
        "includeTools": "x"
    }}}"#;
    assert_eq!(
        complaints(text),
        [
            "2:33: mcpServers.a.tools.t.name: must be a string, and is a number",
            "2:64: mcpServers.a.tools.t.arguments.x.hide: must be `true` or `false`, and is a string",
            "2:77: mcpServers.a.tools.t.arguments.y: must be an object, and is a number",
            "2:81: warning: mcpServers.a.tools.t.nmae: is not known here, and has no effect; did you mean \"name\"?",
            "2:100: mcpServers.a.tools.u: must be an object, and is an array",
            "3:25: mcpServers.a.includeTools: must be an array of strings, and is a string",
        ]
    );
}
