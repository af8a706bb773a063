//! Writing an envelope.

use super::{Message, Notification, RawJson, Request, RequestId, Response};
use crate::{
    ErrorObject,
    json::{self, LARGE, write_text},
};
use std::mem;

impl Message {
    /// Appends the message to `out`, without a line end.
    ///
    /// Raw parameters and results are copied as they are; nothing is encoded twice.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Request(request) => request.encode(out),
            Self::Notification(notification) => notification.encode(out),
            Self::Response(response) => response.encode(out),
        }
    }

    /// Encodes a message that is large, 256 KiB or more, in the memory of its parameters or its result.
    ///
    /// Gives what [`encode`](Self::encode) appends, and an empty object is left in place of them. If they are smaller, or
    /// somebody else holds them too, it gives nothing and changes nothing.
    ///
    /// ```
    /// use mcp_types::{RawJson, rpc::{Message, Request}};
    ///
    /// let params = RawJson::encode(&["x".repeat(1_000_000)])?;
    /// let mut message = Message::from(Request::new(1, "a").with_params(params));
    /// let mut expected = Vec::new();
    /// message.encode(&mut expected);
    /// assert_eq!(message.take_encoded(), Some(expected));
    /// assert_eq!(message.take_encoded(), None);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn take_encoded(&mut self) -> Option<Vec<u8>> {
        let payload = match self {
            Self::Request(request) => request.params.as_mut(),
            Self::Notification(notification) => notification.params.as_mut(),
            Self::Response(response) => response.outcome.as_mut().ok(),
        };
        let payload = payload.filter(|payload| payload.as_bytes().len() >= LARGE)?;
        let large = mem::replace(payload, RawJson::EMPTY_OBJECT).into_bytes();
        if !large.is_unique() {
            *payload = RawJson::from_joined(large);
            return None;
        }
        let mut head = Vec::new();
        self.encode(&mut head);
        // The payload is the last member, and the empty object is in its place.
        head.truncate(head.len() - b"{}}".len());
        let mut out = Vec::from(large);
        out.splice(..0, head);
        out.push(b'}');
        Some(out)
    }
}

impl Request {
    /// Appends the request to `out`, as [`Message::encode`] does.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        self.id.encode(out);
        out.extend_from_slice(br#","method":"#);
        write_text(&self.method, out);
        params(self.params.as_ref(), out);
    }
}

impl Notification {
    /// Appends the notification to `out`, as [`Message::encode`] does.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"jsonrpc":"2.0","method":"#);
        write_text(&self.method, out);
        params(self.params.as_ref(), out);
    }
}

impl Response {
    /// Appends the response to `out`, as [`Message::encode`] does.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"jsonrpc":"2.0","#);
        if let Some(id) = &self.id {
            out.extend_from_slice(br#""id":"#);
            id.encode(out);
            out.push(b',');
        }
        match &self.outcome {
            Ok(result) => {
                out.extend_from_slice(br#""result":"#);
                out.extend_from_slice(result.as_bytes());
            }
            Err(ErrorObject { code, message, data }) => {
                out.extend_from_slice(br#""error":{"code":"#);
                integer(code.0, out);
                out.extend_from_slice(br#","message":"#);
                write_text(message, out);
                if let Some(data) = data {
                    out.extend_from_slice(br#","data":"#);
                    // A value in memory has a JSON form.
                    let _ = json::write(data, out);
                }
                out.push(b'}');
            }
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

fn params(params: Option<&RawJson>, out: &mut Vec<u8>) {
    if let Some(params) = params {
        out.extend_from_slice(br#","params":"#);
        out.extend_from_slice(params.as_bytes());
    }
    out.push(b'}');
}

fn integer(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use crate::{ErrorCode, ErrorObject, RawJson, rpc::*};

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
    fn a_large_message_is_encoded_where_its_payload_is() {
        let payload = || RawJson::encode(&["x\n".repeat(200_000)]).unwrap();
        let messages: [Message; 3] = [
            Request::new("a\"b", "x").with_params(payload()).into(),
            Notification::new("n").with_params(payload()).into(),
            Response::success(7, payload()).into(),
        ];
        for mut message in messages {
            let other = message.clone();
            assert_eq!((message.take_encoded(), &message), (None, &other), "others hold it");
            let mut expected = Vec::new();
            other.encode(&mut expected);
            drop(other);
            assert!(message.take_encoded() == Some(expected));
            let mut rest = Vec::new();
            message.encode(&mut rest);
            assert!(rest.ends_with(b":{}}"));
        }
        let mut small = Message::from(Request::new(1, "x").with_params(RawJson::EMPTY_OBJECT));
        assert_eq!(small.take_encoded(), None);
        assert_eq!(Message::from(Request::new(1, "x")).take_encoded(), None);
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
