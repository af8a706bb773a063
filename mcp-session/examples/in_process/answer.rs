//! A server in this process that answers one message.

use mcp_transport::{ClientMessage, Error, Replies};
use mcp_types::{
    ErrorObject, RawJson,
    rpc::{Message, Response},
};
use serde_json::{Value, json};

/// Introduces itself, and lets `answer` deal with the parameters of all other requests.
pub(crate) fn answer(
    message: ClientMessage,
    answer: impl FnOnce(RawJson) -> Result<Value, ErrorObject>,
) -> Result<Replies, Error> {
    let Message::Request(request) = message.body else { return Ok(Replies::empty()) };
    let result = match &*request.method {
        "server/discover" => Ok(json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}},
        })),
        _ => answer(request.params.unwrap_or(RawJson::EMPTY_OBJECT)),
    };
    Ok(Replies::once(match result {
        Ok(result) => {
            Response::success(request.id, RawJson::encode(&result).unwrap_or(RawJson::EMPTY_OBJECT))
        }
        Err(error) => Response::failure(request.id, error),
    }))
}
