//! The error response to bytes that are not a message.

use crate::duplex::salvage::Salvage;
use mcp_types::{
    ErrorCode, ErrorObject, RequestId,
    rpc::{DecodeError, DecodeErrorKind, Response},
};
use std::error::Error;

/// Returns the answer to bytes that are not a message. There is none to those of a response: it would be taken for
/// another response.
pub(super) fn to_bytes(bytes: &[u8], error: &DecodeError) -> Option<Response> {
    let salvage = Salvage::of(bytes);
    if salvage.is_answer() {
        return None;
    }
    let code = match error.kind() {
        DecodeErrorKind::Syntax if is_no_json(error) => ErrorCode::PARSE_ERROR,
        _ => ErrorCode::INVALID_REQUEST,
    };
    Some(response(salvage.asked().cloned(), code, error.to_string()))
}

fn is_no_json(error: &DecodeError) -> bool {
    let cause = error.source().and_then(|source| source.downcast_ref::<serde_json::Error>());
    cause.is_some_and(|cause| cause.is_syntax() || cause.is_eof())
}

/// Returns the answer to a message over the limit.
pub(super) fn to_too_long(salvage: &Salvage, limit: usize) -> Option<Response> {
    let text = format!("message is longer than {limit} bytes");
    let id = salvage.asked().cloned();
    (!salvage.is_answer()).then(|| response(id, ErrorCode::INVALID_REQUEST, text))
}

/// Creates an error response, without an id if that of the request is unknown.
pub(super) fn response(
    id: Option<RequestId>,
    code: ErrorCode,
    message: impl Into<String>,
) -> Response {
    let mut response = Response::failure(0, ErrorObject::new(code, message));
    response.id = id;
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_types::rpc::Message;

    // spec: MSG-03 MSG-04 MSG-08
    #[test]
    fn what_is_wrong_is_said_under_the_id_if_it_was_a_request() {
        const PARSE: Option<i64> = Some(-32700);
        const INVALID: Option<i64> = Some(-32600);
        let one = Some(RequestId::from(1));
        for (text, code, id) in [
            ("garbage", PARSE, None),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping""#, PARSE, one.clone()),
            (r#"{"jsonrpc":"2.0","id":1,"result":{"a""#, None, None),
            ("[]", INVALID, None),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, INVALID, None),
            ("7", INVALID, None),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, INVALID, one.clone()),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":7}"#, INVALID, one),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, None, None),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, INVALID, None),
            (r#"{"jsonrpc":"2.0","id":1,"result":7}"#, None, None),
            (r#"{"jsonrpc":"2.0","id":1,"error":{}}"#, None, None),
        ] {
            let answer = match Message::decode(&text.into()) {
                Ok(_) => None,
                Err(error) => to_bytes(text.as_bytes(), &error),
            };
            let code_of = |answer: &Response| answer.outcome.as_ref().unwrap_err().code.0;
            assert_eq!(answer.as_ref().map(code_of), code, "{text}");
            assert_eq!(answer.and_then(|answer| answer.id), id, "{text}");
        }
    }
}
