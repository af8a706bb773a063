//! Encoding messages.

use super::{Message, Notification, RawJson, Request, RequestId, Response};
use crate::{
    ErrorObject,
    json::{self, write_integer, write_text},
};
use bytes::Bytes;

/// The length from which the payload of a message is sent as a separate part: the capacity of a pipe.
const PARTS: usize = 64 * 1024;

impl Message {
    /// Appends the message to `out`, without a line end.
    ///
    /// Raw parameters and results are copied as they are; nothing is encoded twice.
    #[inline]
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Request(request) => request.encode(out),
            Self::Notification(notification) => notification.encode(out),
            Self::Response(response) => response.encode(out),
        }
    }

    /// Encodes a message with large parameters or a large result (64 KiB or more) without copying them: they are
    /// shared.
    ///
    /// Joined, the parts are what [`encode`](Self::encode) appends; none of them is empty. Returns `None` for a smaller
    /// message.
    ///
    /// ```
    /// use mcp_types::{RawJson, rpc::{Message, Request}};
    ///
    /// let params = RawJson::encode(&["x".repeat(1_000_000)])?;
    /// let message = Message::from(Request::new(1, "a").with_params(params.clone()));
    /// let parts = message.encode_parts().expect("it is large");
    /// assert_eq!(parts[1].as_ptr(), params.as_bytes().as_ptr());
    /// let mut whole = Vec::new();
    /// message.encode(&mut whole);
    /// assert_eq!(parts.concat(), whole);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[inline]
    pub fn encode_parts(&self) -> Option<[Bytes; 3]> {
        let (head, rest) = self.payload()?.parts();
        (rest.len() >= PARTS).then(|| self.encode_around(head, rest))
    }

    /// The parts of a message that ends with `rest`, which comes after a `head` of the same value.
    #[cold]
    fn encode_around(&self, head: &[u8], rest: &Bytes) -> [Bytes; 3] {
        let mut first = Vec::new();
        match self {
            Self::Request(request) => request.encode_head(&mut first),
            Self::Notification(notification) => notification.encode_head(&mut first),
            Self::Response(response) => response.encode_head(&mut first),
        }
        first.extend_from_slice(head);
        [first.into(), rest.clone(), Bytes::from_static(b"}")]
    }

    /// The parameters or the result, which come last in a message.
    #[inline]
    fn payload(&self) -> Option<&RawJson> {
        match self {
            Self::Request(request) => request.params.as_ref(),
            Self::Notification(notification) => notification.params.as_ref(),
            Self::Response(response) => response.outcome.as_ref().ok(),
        }
    }
}

impl Request {
    /// Appends the request to `out`, as [`Message::encode`] does.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_head(out);
        finish(self.params.as_ref(), out);
    }

    fn encode_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        self.id.encode(out);
        out.extend_from_slice(br#","method":"#);
        method(&self.method, self.params.is_some(), out);
    }
}

impl Notification {
    /// Appends the notification to `out`, as [`Message::encode`] does.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_head(out);
        finish(self.params.as_ref(), out);
    }

    fn encode_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"jsonrpc":"2.0","method":"#);
        method(&self.method, self.params.is_some(), out);
    }
}

impl Response {
    /// Appends the response to `out`, as [`Message::encode`] does.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_head(out);
        finish(self.outcome.as_ref().ok(), out);
    }

    fn encode_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"jsonrpc":"2.0","#);
        if let Some(id) = &self.id {
            out.extend_from_slice(br#""id":"#);
            id.encode(out);
            out.push(b',');
        }
        match &self.outcome {
            Ok(_) => out.extend_from_slice(br#""result":"#),
            Err(error) => {
                out.extend_from_slice(br#""error":"#);
                error.encode(out);
            }
        }
    }
}

impl ErrorObject {
    /// Appends the error as JSON to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let Self { code, message, data } = self;
        out.extend_from_slice(br#"{"code":"#);
        integer(code.0, out);
        out.extend_from_slice(br#","message":"#);
        write_text(message, out);
        if let Some(data) = data {
            out.extend_from_slice(br#","data":"#);
            // A value in memory can always be serialized.
            let _ = json::write(data, out);
        }
        out.push(b'}');
    }
}

impl RequestId {
    /// Appends the id as JSON to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Integer(id) => integer(*id, out),
            Self::String(id) => write_text(id, out),
        }
    }
}

/// Writes the name of a method, and the key of its parameters.
fn method(name: &str, has_params: bool, out: &mut Vec<u8>) {
    write_text(name, out);
    if has_params {
        out.extend_from_slice(br#","params":"#);
    }
}

/// Writes the payload, and the end of the message.
fn finish(payload: Option<&RawJson>, out: &mut Vec<u8>) {
    if let Some(payload) = payload {
        let (head, rest) = payload.parts();
        out.reserve(head.len() + rest.len() + 1);
        out.extend_from_slice(head);
        out.extend_from_slice(rest);
    }
    out.push(b'}');
}

#[inline]
fn integer(number: i64, out: &mut Vec<u8>) {
    write_integer(number < 0, number.unsigned_abs(), out);
}

#[cfg(test)]
mod tests {
    use crate::{ErrorCode, ErrorObject, RawJson, rpc::*};
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, message: impl Into<Message>) {
        let message = message.into();
        let mut out = Vec::new();
        message.encode(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), text);
        assert_eq!(Message::decode(&out.into()).unwrap(), message);
    }

    // spec: MSG-01 MSG-03 MSG-11
    #[test]
    fn every_kind_of_message_survives_the_wire() {
        let params = RawJson::parse(r#"{"a":[1,2]}"#).unwrap();
        check(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, Request::new(1, "ping"));
        check(
            r#"{"jsonrpc":"2.0","id":"a\"b","method":"x","params":{"a":[1,2]}}"#,
            Request::new("a\"b", "x").with_params(params.clone()),
        );
        check(
            r#"{"jsonrpc":"2.0","method":"n","params":{"a":[1,2]}}"#,
            Notification::new("n").with_params(params.clone()),
        );
        check(r#"{"jsonrpc":"2.0","id":-1,"result":{"a":[1,2]}}"#, Response::success(-1, params));
        let error = ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "no\nsuch").with_data(7);
        check(
            r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"no\nsuch","data":7}}"#,
            Response::failure(2, error),
        );
    }

    #[test]
    fn a_large_message_is_encoded_around_what_is_large() {
        let payload = RawJson::encode(&json!({ "b": "x\n".repeat(50_000) })).unwrap();
        let rest = [r#""a":"#, payload.as_str(), "}"].concat();
        let parts = RawJson::of_parts(r#"{"_meta":{},"#, rest.into());
        for payload in [payload, parts] {
            let messages: [Message; 3] = [
                Request::new("a\"b", "x").with_params(payload.clone()).into(),
                Notification::new("n").with_params(payload.clone()).into(),
                Response::success(7, payload.clone()).into(),
            ];
            for message in messages {
                let parts = message.encode_parts().unwrap();
                assert_eq!(parts[1].as_ptr(), payload.parts().1.as_ptr());
                let mut whole = Vec::new();
                message.encode(&mut whole);
                assert!(parts.iter().all(|part| !part.is_empty()));
                assert_eq!(parts.concat(), whole);
                assert_eq!(Message::decode(&whole.into()).unwrap(), message);
            }
        }
        let error = ErrorObject::new(ErrorCode::INTERNAL_ERROR, "x".repeat(100_000));
        for small in [
            Request::new(1, "x").with_params(RawJson::EMPTY_OBJECT).into(),
            Request::new(1, "x").into(),
            Message::from(Response::failure(1, error)),
        ] {
            assert_eq!(small.encode_parts(), None);
        }
    }

    // spec: MSG-07 MSG-08 MSG-09
    #[test]
    fn what_is_not_a_message_is_named_with_its_id() {
        use DecodeErrorKind::*;
        let one = Some(RequestId::Integer(1));
        let cases = [
            (r#"{"jsonrpc":"2.0","id":1,"result":{}"#, Syntax, one.clone()),
            (r#"{"jsonrpc":"2.0","id":1,"id":1,"result":{}}"#, Syntax, one.clone()),
            (r#"{"jsonrpc":"1.0","id":1,"result":{}}"#, NotVersion2, one.clone()),
            (r#"{"id":1,"result":{}}"#, NotVersion2, one.clone()),
            (r#"{"jsonrpc":"2.0","id":1.5,"result":{}}"#, InvalidId, None),
            (r#"{"jsonrpc":"2.0","id":null,"result":{}}"#, InvalidId, None),
            (r#"{"jsonrpc":"2.0","id":1,"result":7}"#, InvalidResult, one.clone()),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":"x"}}"#, InvalidError, one.clone()),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#,
                Ambiguous,
                one.clone(),
            ),
            (r#"{"jsonrpc":"2.0","id":1}"#, Ambiguous, one.clone()),
            (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":3}"#, InvalidParams, one),
            ("7", Syntax, None),
            (r#" ["2.0",1,"ping",null,null,null]"#, NotAnObject, None),
        ];
        for (text, kind, id) in cases {
            let error = Message::decode(&text.into()).unwrap_err();
            assert_eq!((error.kind(), error.id()), (kind, id.as_ref()), "{text}");
        }
    }
}
