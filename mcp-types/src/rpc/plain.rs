//! Responses as nearly all servers write them: three members, in one of two orders, without white space.

use super::{RawJson, RequestId, Response};
use bytes::Bytes;
use serde_json::value::RawValue;
use std::ops::Range;

const ID_FIRST: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
const RESULT: &[u8] = br#","result":"#;
const RESULT_FIRST: &[u8] = br#"{"result":"#;
const ID_LAST: &[u8] = br#","jsonrpc":"2.0","id":"#;
/// Every integer of so many digits fits 64 bits.
const MAX_DIGITS: usize = 18;

/// Reads a successful response that is written in one of these ways; nothing otherwise, whatever it is.
///
/// The result is read once and checked, as decoding in general does.
pub(super) fn response(bytes: &Bytes) -> Option<Response> {
    let (id, result) = id_first(bytes).or_else(|| id_last(bytes))?;
    let value: &RawValue = serde_json::from_slice(&bytes[result]).ok()?;
    let is_object = value.get().starts_with('{');
    is_object.then(|| Response::success(id, RawJson::slice(bytes, value)))
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
        let found = response(&Bytes::copy_from_slice(text.as_bytes()));
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
    fn a_result_that_is_not_text_is_not_one() {
        let bytes =
            Bytes::from_static(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"\xff\"}}");
        assert_eq!(response(&bytes), None);
        assert!(Message::decode(&bytes).is_err());
    }
}
