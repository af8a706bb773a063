//! The fast path of decoding: messages without white space, with their members in a usual order.

use super::{Message, Notification, RawJson, RequestId, Response};
use crate::json::{self, Beginning, Open};
use bytes::Bytes;
use std::{borrow::Cow, ops::Range};

const ID_FIRST: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
const RESULT: &[u8] = br#","result":"#;
const RESULT_FIRST: &[u8] = br#"{"result":"#;
const ID_LAST: &[u8] = br#","jsonrpc":"2.0","id":"#;
const METHOD_FIRST: &[u8] = br#"{"jsonrpc":"2.0","method":""#;
const PARAMS: &[u8] = br#"","params":"#;
/// The most frequent notifications, whose names are not copied.
const OFTEN: [&str; 2] = ["notifications/progress", "notifications/message"];
/// The object that is the result, the list of content, and its first block.
const FIRST_BLOCK: Open = Open::NOTHING.object().array().object();
/// How results of tools begin mostly: with a text, and perhaps with their type before it.
const USUAL: [Beginning; 2] = [
    Beginning { text: r#"{"content":[{"type":"text","text":"#, open: FIRST_BLOCK },
    Beginning {
        text: r#"{"resultType":"complete","content":[{"type":"text","text":"#,
        open: FIRST_BLOCK,
    },
];
/// Every integer with this many digits fits 64 bits.
const MAX_DIGITS: usize = 18;

/// Decodes a message in one of the usual forms; returns none for all others.
///
/// Results and parameters are validated, as in the general decoder.
pub(super) fn message(bytes: &Bytes) -> Option<Message> {
    response(bytes).map(Message::from).or_else(|| notification(bytes).map(Message::from))
}

/// Returns the name of a method; those of frequent notifications are static.
pub(super) fn method(name: Cow<'_, str>) -> Cow<'static, str> {
    match OFTEN.into_iter().find(|often| *often == name) {
        Some(often) => Cow::Borrowed(often),
        None => Cow::Owned(name.into_owned()),
    }
}

pub(super) fn notification(bytes: &Bytes) -> Option<Notification> {
    let rest = bytes.strip_prefix(METHOD_FIRST)?;
    let (method, params) = often(rest).or_else(|| seldom(rest))?;
    let params = bytes.len() - params.len()..bytes.strip_suffix(b"}")?.len();
    let value = RawJson::checked(bytes, params)?;
    let is_container = matches!(value.as_bytes().first(), Some(b'{' | b'['));
    is_container.then(|| Notification { method, params: Some(value) })
}

/// Returns the method of a frequent notification, and the rest of the message from its parameters on.
fn often(rest: &[u8]) -> Option<(Cow<'static, str>, &[u8])> {
    OFTEN.iter().find_map(|name| {
        let params = rest.strip_prefix(name.as_bytes())?.strip_prefix(PARAMS)?;
        Some((Cow::Borrowed(*name), params))
    })
}

/// The same for all other methods.
fn seldom(rest: &[u8]) -> Option<(Cow<'static, str>, &[u8])> {
    let end = rest.iter().position(|byte| matches!(byte, 0..b' ' | b'"' | b'\\'))?;
    let params = rest[end..].strip_prefix(PARAMS)?;
    let name = std::str::from_utf8(&rest[..end]).ok()?;
    Some((Cow::Owned(name.to_owned()), params))
}

fn response(bytes: &Bytes) -> Option<Response> {
    let (id, result) = id_first(bytes).or_else(|| id_last(bytes))?;
    Some(Response::success(id, take_object(&mut bytes.clone(), result)?))
}

/// Decodes a response, and turns its bytes into those of the result; they are unchanged if it is written in another
/// form.
pub(super) fn take_response(bytes: &mut Bytes) -> Option<Response> {
    let (id, result) = id_first(bytes).or_else(|| id_last(bytes))?;
    Some(Response::success(id, take_object(bytes, result)?))
}

/// Turns the bytes into the object in this part of them, without white space around it. They are unchanged if there is
/// none.
#[inline]
fn take_object(bytes: &mut Bytes, part: Range<usize>) -> Option<RawJson> {
    let (start, text) = (part.start, bytes.get(part)?);
    let usual = USUAL.iter().find_map(|beginning| beginning.check(text));
    let object = usual.or_else(|| json::check(text))?;
    if text[object.start] != b'{' {
        return None;
    }
    Some(RawJson::take_part(bytes, start + object.start..start + object.end))
}

fn id_first(bytes: &[u8]) -> Option<(RequestId, Range<usize>)> {
    let rest = bytes.strip_prefix(ID_FIRST)?;
    let digits = rest.iter().take(MAX_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
    let id = id(&rest[..digits])?;
    let rest = rest[digits..].strip_prefix(RESULT)?;
    Some((id, bytes.len() - rest.len()..bytes.strip_suffix(b"}")?.len()))
}

fn id_last(bytes: &[u8]) -> Option<(RequestId, Range<usize>)> {
    if !bytes.starts_with(RESULT_FIRST) {
        return None;
    }
    let rest = bytes.strip_suffix(b"}")?;
    let last = rest.iter().rev().take(MAX_DIGITS + 1);
    let digits = last.take_while(|byte| byte.is_ascii_digit()).count();
    let (rest, digits) = rest.split_at(rest.len() - digits);
    let end = rest.strip_suffix(ID_LAST)?.len();
    Some((id(digits)?, RESULT_FIRST.len()..end))
}

fn id(digits: &[u8]) -> Option<RequestId> {
    let is_number = match digits {
        [] => false,
        [b'0', _, ..] => false,
        digits => digits.len() <= MAX_DIGITS,
    };
    let value = || digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    is_number.then(|| RequestId::Integer(value()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::Message;

    #[track_caller]
    fn check(text: &str, expected: Option<(i64, &str)>) {
        let mut bytes = Bytes::copy_from_slice(text.as_bytes());
        let found = take_response(&mut bytes);
        assert_eq!(&*bytes, if found.is_some() { "" } else { text }.as_bytes());
        let found = found.map(|it| (it.id.unwrap(), it.outcome.unwrap().to_string()));
        assert_eq!(found, expected.map(|(id, text)| (id.into(), text.to_owned())), "{text}");
    }

    // spec: MSG-03
    #[test]
    fn plain_responses_are_read_in_both_orders() {
        check(r#"{"jsonrpc":"2.0","id":0,"result":{"a":[1]}}"#, Some((0, r#"{"a":[1]}"#)));
        check(r#"{"result":{},"jsonrpc":"2.0","id":123}"#, Some((123, "{}")));
        let id = i64::pow(10, 18) - 1;
        check(&format!(r#"{{"result":{{}},"jsonrpc":"2.0","id":{id}}}"#), Some((id, "{}")));
    }

    // spec: MSG-07 MSG-08
    #[test]
    fn whatever_else_there_is_is_left_to_others() {
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"a":}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}"#,
            r#"{"jsonrpc":"2.0","id":01,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":9999999999999999999,"result":{}}"#,
            r#"{"result":{},"jsonrpc":"2.0","id":99999999999999999999}"#,
            r#"{"result":{},"id":1,"jsonrpc":"2.0","id":1}"#,
            r#"{"result":{},"jsonrpc":"2.0","id":1e3}"#,
            r#"{"result":"#,
            r#"{"result":{"#,
            "",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn plain_notifications_are_read() {
        let read = |text: &'static str| notification(&Bytes::from_static(text.as_bytes()));
        let progress =
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}"#;
        let params = RawJson::parse(r#"{"progress":1}"#).unwrap();
        let expected = Notification::new("notifications/progress").with_params(params);
        assert_eq!(read(progress), Some(expected));
        for text in [
            r#"{"jsonrpc":"2.0","method":"a","params":{},"id":1}"#,
            r#"{"jsonrpc":"2.0","method":"a\u0062","params":{}}"#,
            r#"{"jsonrpc":"2.0","method":"a","params":7}"#,
            r#"{"jsonrpc":"2.0","method":"a","params":"#,
            r#"{"jsonrpc":"2.0","method":"a"}"#,
            r#"{"jsonrpc":"2.0","method":""#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_result_that_is_not_text_is_not_one() {
        let bytes =
            Bytes::from_static(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"\xff\"}}");
        assert_eq!(response(&bytes), None);
        assert!(Message::decode(&bytes).is_err());
    }
}
