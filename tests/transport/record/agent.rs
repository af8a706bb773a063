//! An agent tested without its server: the whole client, over a recording.

use super::*;
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Client, Error as ClientError, Handlers, Target, elicit};
use mcp_transport::Shared;
use mcp_types::ErrorObject;

/// The code under test: it looks for tools, orders a shirt, and is asked for the size.
async fn agent(target: Target, colour: &str) -> Result<String, ClientError> {
    let sizes = Handlers::new()
        .on_elicit_form(async |form| elicit::accept(elicit::defaults(&form.requested_schema)));
    let client = Client::builder(target).input(sizes).build();
    deadline(async {
        let connection = client.connect().await?;
        let tools = connection.list_tools().await?;
        let order = connection.call_tool(tools[0].name.clone()).argument("colour", colour);
        let said = order.argument("api_key", "tell-nobody").await?.text().into_owned();
        connection.close().await;
        Ok(said)
    })
    .await
}

fn form() -> Value {
    let schema =
        json!({ "type": "object", "properties": { "size": { "type": "string", "default": "M" } } });
    json!({ "mode": "form", "message": "Which size?", "requestedSchema": schema })
}

async fn answer(asked: Asked) -> Result<Value, ErrorObject> {
    let tool = json!({ "name": "order", "inputSchema": { "type": "object" } });
    if asked.method == "tools/list" {
        return Ok(
            json!({ "tools": [tool], "resultType": "complete", "ttlMs": 0, "cacheScope": "private" }),
        );
    }
    let is_modern = asked.params["_meta"]["io.modelcontextprotocol/protocolVersion"].is_string();
    let answer = match (&asked.params["inputResponses"]["q"], is_modern) {
        (Value::Null, true) => {
            let question = json!({ "method": "elicitation/create", "params": form() });
            let state = "opaque";
            return Ok(json!({
                "resultType": "input_required", "inputRequests": { "q": question }, "requestState": state,
            }));
        }
        (Value::Null, false) => asked.ask("elicitation/create", form()).await?,
        (answer, _) => answer.clone(),
    };
    let text = format!("{} {}", asked.params["arguments"]["colour"], answer["content"]["size"]);
    Ok(json!({ "resultType": "complete", "content": [{ "type": "text", "text": text }] }))
}

fn playing(replay: &Replay) -> Target {
    Target::connector("a recording", replay.clone())
}

#[tokio::test]
async fn an_agent_runs_over_a_recording_as_over_its_server() {
    for server in [InProcess::modern(answer), InProcess::legacy(answer)] {
        let tape = Tape::default();
        let recorder = Record::new(Shared::new(server.transport()), tape.sink());
        let target = Target::connector("the shop", recorder);
        assert_eq!(agent(target, "red").await.unwrap(), "\"red\" \"M\"");
        let text = tape.transcript().to_string();
        assert!(!text.contains("tell-nobody"), "{text}");
        assert!(server.record().iter().any(|sent| sent.contains("tell-nobody")));

        let replay = Replay::parse(&text).unwrap();
        assert_eq!(agent(playing(&replay), "red").await.unwrap(), "\"red\" \"M\"");
        replay.finish().unwrap();

        // An agent that behaves differently is told where.
        let replay = Replay::parse(&text).unwrap();
        let error = agent(playing(&replay), "blue").await.unwrap_err();
        let shown = "at /params/arguments/colour\n    recorded: \"red\"\n    sent:     \"blue\"";
        let difference = replay.finish().unwrap_err().to_string();
        assert!(difference.ends_with(shown), "{difference}");
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        let texts = std::iter::from_fn(|| {
            let text = cause?.to_string();
            cause = cause?.source();
            Some(text)
        });
        assert!(texts.collect::<Vec<_>>().contains(&difference));
    }
}
