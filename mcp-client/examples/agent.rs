//! The loop of an agent: a model chooses tools, the client calls them, and what they gave goes back to the model.
//!
//! ```text
//! cargo run -p mcp-client --example agent
//! ```
//!
//! The model is a function that always thinks the same; put a request to yours in its place. The tools are those of two
//! servers in this process; put URLs, scripts or commands in their place.
#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use futures_util::future::join_all;
use mcp_client::{Client, Error, Group, mock, types::Tool};
use serde_json::{Value, json};

/// So many turns are enough for any question; a model that goes round in circles ends there.
const MAX_TURNS: usize = 8;

/// What a model says: the answer, or which tools it wants to be called.
enum Turn {
    Answer(String),
    Calls(Vec<(&'static str, Value)>),
}

/// A model. A real one is told the tools and the conversation so far.
fn think(tools: &[Value], conversation: &[String]) -> Turn {
    let said = conversation.join("\n");
    match (tools.len(), said.contains("weather_now"), said.contains("Unterwegs")) {
        (0, ..) => Turn::Answer("I have no tools.".to_owned()),
        (_, false, _) => {
            Turn::Calls(vec![("weather_now", json!({"city": "Oslo"})), ("trains_next", json!({}))])
        }
        (_, true, false) => Turn::Calls(vec![("trains_next", json!({"to": "Oslo"}))]),
        (..) => Turn::Answer("Take the 9:04, and a coat.".to_owned()),
    }
}

/// A tool as models are told of it. What it says of itself is the server's text: show it, and do not trust it.
fn for_model(tool: &Tool) -> Value {
    json!({"name": tool.name, "description": tool.description, "parameters": tool.input_schema})
}

/// Calls a tool. What went wrong is for the model to read: it may do better the next time.
async fn call(client: &Client, name: &str, arguments: &Value) -> String {
    println!("  calls {name} {arguments}");
    match client.call_tool(name).arguments(arguments).await {
        Ok(result) if result.is_error => format!("{name} failed: {}", result.text()),
        Ok(result) => format!("{name}: {}", result.text()),
        Err(error) => format!("{name} could not be called: {error}"),
    }
}

async fn answer(client: &Client, question: &str) -> Result<Option<String>, Error> {
    let tools: Vec<_> = client.list_tools().await?.iter().map(for_model).collect();
    let mut conversation = vec![question.to_owned()];
    for _ in 0..MAX_TURNS {
        match think(&tools, &conversation) {
            Turn::Answer(text) => return Ok(Some(text)),
            Turn::Calls(calls) => {
                let calls = calls.iter().map(|(name, arguments)| call(client, name, arguments));
                let results = join_all(calls).await;
                results.iter().for_each(|result| println!("  {result}"));
                conversation.extend(results);
            }
        }
    }
    Ok(None)
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let weather = mock::Server::new().tool("now", |_| Ok(json!("rain, 7 °C")));
    let trains = mock::Server::new().tool("next", |arguments| match arguments["to"].as_str() {
        Some(to) => Ok(json!(format!("Unterwegs nach {to}: 9:04"))),
        None => Err("where to? The argument `to` is missing".to_owned()),
    });
    let group = Group::builder()
        .member("weather", Client::new(&weather))
        .member("trains", Client::new(&trains))
        .build()?;
    let client = Client::new(group).connect().await?;
    let answer = answer(&client, "How do I get to Oslo, and what shall I wear?").await?;
    println!("{}", answer.as_deref().unwrap_or("The model did not come to an end."));
    client.close().await;
    if answer.is_some() { Ok(()) } else { Err("no answer".into()) }
}
