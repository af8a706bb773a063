//! The table of what exists in which revision.

use crate::schemas::{EXTENSION, SOURCES, definitions, typed};
use mcp_types::{
    ProtocolVersion, Request,
    revision::{
        Direction, Kind, exists, field_exists, field_is_required, methods, type_exists, types,
    },
    tools::CallToolRequest,
};
use serde_json::Value;

/// Returns the revisions in which a message exists.
fn when(kind: Kind, method: &str, direction: Direction) -> Vec<String> {
    let known = ProtocolVersion::KNOWN.into_iter();
    known
        .filter(|known| exists(known, kind, method, direction))
        .map(|known| known.to_string())
        .collect()
}

const ALL: [&str; 5] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

#[test]
fn requests_exist_when_the_specification_says() {
    use Direction::{ClientToServer, Input, ServerToClient};
    let request = |method, direction| when(Kind::Request, method, direction);
    assert_eq!(request("ping", ClientToServer), ALL[..4]);
    assert_eq!(request("ping", ServerToClient), ALL[..4]);
    assert_eq!(request("initialize", ClientToServer), ALL[..4]);
    assert_eq!(request("server/discover", ClientToServer), ALL[4..]);
    assert_eq!(request("server/discover", ServerToClient), ALL[..0]);
    assert_eq!(request("subscriptions/listen", ClientToServer), ALL[4..]);
    assert_eq!(request("resources/subscribe", ClientToServer), ALL[..4]);
    assert_eq!(request("logging/setLevel", ClientToServer), ALL[..4]);
    assert_eq!(request("tools/call", ClientToServer), ALL);
    assert_eq!(request("tools/call", ServerToClient), ALL[..0]);
    assert_eq!(request("roots/list", ServerToClient), ALL[..4]);
    assert_eq!(request("roots/list", Input), ALL[4..]);
    assert_eq!(request("sampling/createMessage", ServerToClient), ALL[..4]);
    assert_eq!(request("sampling/createMessage", Input), ALL[4..]);
    assert_eq!(request("elicitation/create", ServerToClient), ALL[2..4]);
    assert_eq!(request("elicitation/create", Input), ALL[4..]);
    assert_eq!(request("tasks/get", ClientToServer), ALL[3..4]);
    assert_eq!(request("tasks/get", ServerToClient), ALL[3..4]);
    assert_eq!(request("tasks/update", ClientToServer), ALL[..0]);
}

#[test]
fn notifications_exist_when_the_specification_says() {
    use Direction::{ClientToServer, ServerToClient};
    let notification = |method, direction| when(Kind::Notification, method, direction);
    assert_eq!(notification("notifications/initialized", ClientToServer), ALL[..4]);
    assert_eq!(notification("notifications/cancelled", ClientToServer), ALL);
    assert_eq!(notification("notifications/cancelled", ServerToClient), ALL);
    assert_eq!(notification("notifications/progress", ClientToServer), ALL[..4]);
    assert_eq!(notification("notifications/progress", ServerToClient), ALL);
    assert_eq!(notification("notifications/roots/list_changed", ClientToServer), ALL[..4]);
    assert_eq!(notification("notifications/elicitation/complete", ServerToClient), ALL[3..4]);
    assert_eq!(notification("notifications/subscriptions/acknowledged", ServerToClient), ALL[4..]);
    assert_eq!(when(Kind::Request, "notifications/progress", ServerToClient), ALL[..0]);
}

#[test]
fn a_method_tells_its_types() {
    let call = methods().iter().find(|method| method.name == CallToolRequest::METHOD).unwrap();
    assert_eq!((call.params, call.result), ("CallToolRequest", Some("CallToolResult")));
    let tasks: Vec<_> = methods().iter().filter(|method| method.name == "tasks/get").collect();
    let of = |index: usize| (tasks[index].result.unwrap(), tasks[index].extension);
    assert_eq!(of(0), ("GetTaskResult", None));
    let extension = Some("io.modelcontextprotocol/tasks");
    assert_eq!(of(1), ("tasks_extension.GetTaskResult", extension));
    let modern = tasks[1].revisions(Direction::ClientToServer);
    assert_eq!(modern.iter().collect::<Vec<_>>(), [ProtocolVersion::V2026_07_28]);
    assert_eq!(tasks.len(), 2);
}

#[test]
fn fields_exist_when_the_schemas_say() {
    for (index, source) in SOURCES.into_iter().enumerate() {
        let is_extension = source == EXTENSION;
        let revision = &ProtocolVersion::KNOWN[index.min(ProtocolVersion::KNOWN.len() - 1)];
        for definition in typed(source) {
            let name = definition.type_name.as_str();
            if is_extension && !name.starts_with("tasks_extension.") {
                continue;
            }
            assert!(type_exists(revision, name), "{name} of {source}");
            let is_union =
                types().iter().any(|known| known.name == name && known.fields.is_empty());
            let members = properties(source, &definition.schema).filter(|_| !is_union);
            let Some(members) = members else { continue };
            for member in members {
                assert!(field_exists(revision, name, &member), "{name}.{member} of {source}");
            }
        }
    }
}

/// Returns the members of an object without bases.
fn properties(source: &str, schema: &Value) -> Option<Vec<String>> {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let target = definitions(source).get(target.strip_prefix("#/$defs/")?)?.clone();
        return properties(source, &target);
    }
    Some(schema.get("properties")?.as_object()?.keys().cloned().collect())
}

#[test]
fn fields_have_their_revisions() {
    let [first, second, third, fourth, fifth] = ProtocolVersion::KNOWN;
    assert!(!field_exists(&first, "Tool", "annotations"));
    assert!(field_exists(&second, "Tool", "annotations"));
    assert!(!field_exists(&second, "Tool", "title"));
    assert!(field_exists(&third, "Tool", "title"));
    assert!(field_exists(&fourth, "Tool", "execution"));
    assert!(!field_exists(&fifth, "Tool", "execution"));
    assert!(field_exists(&third, "ClientCapabilities", "elicitation"));
    assert!(!field_exists(&third, "ElicitationCapability", "form"));
    assert!(field_exists(&fourth, "RootsCapability", "listChanged"));
    assert!(!field_exists(&fifth, "RootsCapability", "listChanged"));
    assert!(field_exists(&fifth, "tasks_extension.Task", "ttlMs"));
    assert!(!field_exists(&fifth, "Task", "ttl"));
    assert!(field_exists(&fifth, "SubscriptionFilter", "toolsListChanged"));
    assert!(!field_exists(&fifth, "SubscriptionFilter", "taskIds"), "only an extension has it");
    assert!(field_is_required(&fifth, "CallToolRequest", "_meta"));
    assert!(field_exists(&first, "CallToolRequest", "_meta"));
    assert!(!field_is_required(&fourth, "CallToolRequest", "_meta"));
    assert!(field_is_required(&fifth, "ListToolsResult", "ttlMs"));
    let unknown = ProtocolVersion::from("2031-01-01");
    assert!(!field_exists(&unknown, "Tool", "name") && !type_exists(&unknown, "Tool"));
}
