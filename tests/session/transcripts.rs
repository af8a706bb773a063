//! Each pattern of messages as it goes over the wire, in both eras.
//!
//! `C>` is what the client says, `S<` what the server says; the version of JSON-RPC is left out, and so is what every
//! request to a stateless server says of the client.

mod legacy;
mod modern;

use crate::{roots, wire};
use mcp_session::{Call, Options, Params, Session};
use mcp_types::keys;
use serde_json::{Value, json};
use std::future::Future;

/// Runs a client, and plays the server from a transcript, which must cover everything that is sent.
async fn play<F: Future>(
    mut options: Options,
    transcript: &str,
    client: impl FnOnce(Session) -> F,
) -> F::Output {
    options.input = roots::none();
    let (session, mut driver, mut peer) = wire::open(options).await;
    let served = async {
        for line in transcript.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (who, message) = line.split_once(' ').unwrap();
            let mut message: Value = serde_json::from_str(message).expect(line);
            if who == "S<" {
                message["jsonrpc"] = json!("2.0");
                peer.send(message).await;
            } else {
                assert_eq!(plain(peer.receive().await), message);
            }
        }
        peer
    };
    let (output, mut peer) = tokio::join!(client(session), served);
    driver.end().await.unwrap();
    assert_eq!(peer.rest().await, Vec::<Value>::new(), "nothing more is said");
    output
}

/// Strips from a message what every message has.
fn plain(mut message: Value) -> Value {
    if let Some(meta) = message.pointer_mut("/params/_meta").and_then(Value::as_object_mut) {
        for key in [keys::PROTOCOL_VERSION, keys::CLIENT_INFO, keys::CLIENT_CAPABILITIES] {
            meta.remove(key);
        }
    }
    let is_empty = |value: Option<&Value>| value == Some(&json!({}));
    if is_empty(message.pointer("/params/_meta")) {
        message["params"].as_object_mut().unwrap().remove("_meta");
    }
    message.as_object_mut().unwrap().remove("jsonrpc");
    if is_empty(message.get("params")) {
        message.as_object_mut().unwrap().remove("params");
    }
    message
}

fn call_tool() -> Call {
    Call::new("tools/call").with_params(Params::encode(&json!({"name": "t"})).unwrap())
}
