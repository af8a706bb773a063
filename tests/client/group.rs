//! Groups: many servers as one client.

mod calls;
mod lists;
mod members;
mod service;
mod subscribe;
mod target;
mod tasks;

use crate::{builder, deadline, said};
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Client, Group, GroupConnection, Naming};
use mcp_types::{ErrorCode, ErrorObject};
use serde_json::{Value, json};

/// Creates a server with a tool of each name, which returns its own name and the server's.
fn server(name: &'static str, tools: &'static [&'static str], is_legacy: bool) -> InProcess {
    let answer = move |asked: Asked| {
        std::future::ready(Ok(match asked.method.as_str() {
            "tools/list" => {
                let tools = tools.iter();
                let tools =
                    tools.map(|tool| json!({"name": tool, "inputSchema": {"type": "object"}}));
                json!({"resultType": "complete", "tools": tools.collect::<Vec<_>>()})
            }
            "tools/call" => said(&format!("{} of {name}", asked.params["name"].as_str().unwrap())),
            "prompts/list" => json!({"resultType": "complete", "prompts": [{"name": "hello"}]}),
            "prompts/get" => {
                let content =
                    json!({"type": "text", "text": format!("{} of {name}", asked.params["name"])});
                json!({"resultType": "complete", "messages": [{"role": "user", "content": content}]})
            }
            "resources/list" => json!({
                "resultType": "complete", "resources": [{"name": "r", "uri": format!("test://{name}/r")}],
            }),
            "resources/templates/list" => json!({
                "resultType": "complete",
                "resourceTemplates": [{"name": "t", "uriTemplate": format!("test://{name}/t/{{id}}")}],
            }),
            "resources/read" => {
                let uri = asked.params["uri"].as_str().unwrap();
                json!({"resultType": "complete", "contents": [{"uri": uri, "text": format!("{uri} of {name}")}]})
            }
            "completion/complete" => {
                let asked = asked.params["ref"].to_string();
                json!({"resultType": "complete", "completion": {"values": [asked]}})
            }
            _ => json!({"resultType": "complete"}),
        }))
    };
    if is_legacy { InProcess::legacy(answer) } else { InProcess::modern(answer) }
}

fn client(server: &InProcess) -> Client {
    builder(server).build()
}

/// Creates a server that answers everything with an error.
fn broken() -> InProcess {
    InProcess::modern(async |_: Asked| -> Result<Value, ErrorObject> {
        Err(ErrorObject::new(ErrorCode::INTERNAL_ERROR, "out of order"))
    })
}

fn group(members: &[(&str, &InProcess)]) -> Group {
    let group = members
        .iter()
        .fold(Group::builder(), |group, (name, server)| group.member(*name, client(server)));
    group.build().unwrap()
}

fn bare(members: &[(&str, &InProcess)]) -> Group {
    let group =
        members.iter().fold(Group::builder().naming(Naming::Bare), |group, (name, server)| {
            group.member(*name, client(server))
        });
    group.build().unwrap()
}

async fn connect(group: &Group) -> GroupConnection {
    deadline(group.connect()).await.unwrap()
}

async fn call(group: &Group, tool: &str) -> Result<String, mcp_client::Error> {
    deadline(group.call_tool(tool)).await.map(|result| result.text().into_owned())
}

async fn tools(group: &Group) -> Vec<String> {
    let tools = deadline(group.list_tools()).await.unwrap().complete().unwrap();
    tools.into_iter().map(|tool| tool.name).collect()
}
