//! A small café: a stateless server, as a function from a message to the replies to it.

use futures_util::stream;
use mcp_transport::{ClientMessage, Error, Replies, Transport};
use mcp_types::{
    ErrorCode, ErrorObject, RawJson, RequestId,
    rpc::{Message, Notification, Response},
};
use serde_json::{Value, json};

pub(crate) fn cafe() -> impl Transport {
    tower::service_fn(async |message: ClientMessage| Ok::<_, Error>(receive(message.body)))
}

fn receive(message: Message) -> Replies {
    let Message::Request(request) = message else { return Replies::empty() };
    let params = request.params.as_ref().map(RawJson::decode).and_then(Result::ok);
    let params: Value = params.unwrap_or_default();
    match &*request.method {
        "server/discover" => result(request.id, discover()),
        "tools/list" => result(request.id, tools()),
        "tools/call" => call(request.id, &params),
        _ => {
            let error =
                ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "the café has no such method");
            Replies::once(Response::failure(request.id, error))
        }
    }
}

fn discover() -> Value {
    json!({
        "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "public",
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "café", "version": "1.0"}},
    })
}

fn tools() -> Value {
    let tool = |name: &str, description: &str| json!({"name": name, "description": description, "inputSchema": {"type": "object"}});
    json!({"ttlMs": 60_000, "cacheScope": "public", "tools": [
        tool("brew", "makes a drink, and says how far it is"),
        tool("bill", "adds up an order, as structured output"),
        tool("reserve", "reserves a table, and asks for how many"),
    ]})
}

fn call(id: RequestId, params: &Value) -> Replies {
    let arguments = &params["arguments"];
    match params["name"].as_str() {
        Some("brew") => brew(id, params),
        Some("bill") => {
            let count = |name: &str| arguments[name].as_f64().unwrap_or_default();
            let total = 3.5 * count("coffees") + 4.2 * count("cakes");
            result(
                id,
                json!({"content": [], "structuredContent": {"total": total, "currency": "EUR"}}),
            )
        }
        Some("reserve") => match params["inputResponses"]["guests"]["content"]["guests"].as_i64() {
            Some(guests) => {
                let time = arguments["time"].as_str().unwrap_or("noon");
                result(id, said(&format!("A table for {guests} at {time}.")))
            }
            None => result(id, ask_for_guests()),
        },
        _ => result(id, json!({"isError": true, "content": [text("no such tool")]})),
    }
}

/// Tells of each step, then gives the drink.
fn brew(id: RequestId, params: &Value) -> Replies {
    let drink = params["arguments"]["drink"].as_str().unwrap_or("espresso");
    if drink == "soup" {
        return result(id, json!({"isError": true, "content": [text("we have no soup")]}));
    }
    let token = params["_meta"]["progressToken"].clone();
    let steps = ["grinding the beans", "heating the milk", "pouring"].into_iter().zip(1..);
    let steps = steps.map(move |(step, done)| {
        let params = json!({"progressToken": token, "progress": done, "total": 3, "message": step});
        Notification::new("notifications/progress").with_params(raw(&params)).into()
    });
    let served = Response::success(id, raw(&complete(said(&format!("One {drink}, please.")))));
    Replies::new(stream::iter(steps.chain([served.into()]).map(Ok)))
}

/// Instead of a result: what the server has to know first.
fn ask_for_guests() -> Value {
    let schema =
        json!({"type": "object", "properties": {"guests": {"type": "integer", "minimum": 1}}});
    let params = json!({"mode": "form", "message": "For how many?", "requestedSchema": schema});
    let question = json!({"method": "elicitation/create", "params": params});
    json!({"resultType": "input_required", "inputRequests": {"guests": question}})
}

fn said(words: &str) -> Value {
    json!({"content": [text(words)]})
}

fn text(words: &str) -> Value {
    json!({"type": "text", "text": words})
}

fn result(id: RequestId, result: Value) -> Replies {
    Replies::once(Response::success(id, raw(&complete(result))))
}

/// A result is complete unless it says otherwise.
fn complete(mut result: Value) -> Value {
    if result.get("resultType").is_none() {
        result["resultType"] = "complete".into();
    }
    result
}

fn raw(value: &Value) -> RawJson {
    RawJson::from_joined(value.to_string())
}
