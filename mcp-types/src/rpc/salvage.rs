//! Recovering the id of a message that cannot be decoded.

use super::RequestId;

/// Recovers the `id` of an envelope that is truncated or not valid JSON.
///
/// Only the outermost object is searched, so that an id inside of a result is never mistaken for the envelope's. The id
/// is a guess about broken bytes: good enough to fail a call, never to complete one.
pub fn salvage_id(bytes: &[u8]) -> Option<RequestId> {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at)?;
                if depth == 1
                    && &bytes[at..end] == b"\"id\""
                    && let Some(value) = member_value(bytes, end)
                {
                    return read(bytes, value);
                }
                at = end;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Returns the index after the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Returns where the value begins, if what ended before `at` is a key.
fn member_value(bytes: &[u8], at: usize) -> Option<usize> {
    let colon = skip_space(bytes, at);
    (bytes.get(colon) == Some(&b':')).then(|| skip_space(bytes, colon + 1))
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    at + bytes.iter().skip(at).take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn read(bytes: &[u8], start: usize) -> Option<RequestId> {
    let end = match bytes.get(start)? {
        b'"' => string_end(bytes, start)?,
        _ => {
            let digits = |byte: &&u8| byte.is_ascii_digit() || **byte == b'-';
            let end = start + bytes.iter().skip(start).take_while(digits).count();
            // A number at the end of the bytes may have lost digits, and `.5` or `e3` would make it another number.
            if !bytes
                .get(end)
                .is_some_and(|byte| b",}".contains(byte) || byte.is_ascii_whitespace())
            {
                return None;
            }
            end
        }
    };
    RequestId::from_json(std::str::from_utf8(&bytes[start..end]).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_broken_envelope_is_found() {
        let cases: [(&str, Option<RequestId>); 9] = [
            (r#"{"jsonrpc":"2.0","id":7,"result":{"a":"#, Some(7.into())),
            (r#"{"result":{"id":8},"id" : "x" "#, Some("x".into())),
            (r#"{"result":{"id":8}"#, None),
            (r#"{"note":"id","id":-3}"#, Some((-3).into())),
            (r#"{"id":1"#, None),
            (r#"{"id":1.5,"#, None),
            (r#"{"id":null,"#, None),
            (r#"{"a":"\"id\":4","#, None),
            ("garbage", None),
        ];
        for (text, id) in cases {
            assert_eq!(salvage_id(text.as_bytes()), id, "{text}");
        }
    }
}
