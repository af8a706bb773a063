//! What the server answers, told from a few bytes of the request.

use crate::payload;
use memchr::memmem;

/// How many notifications the tool `progress` sends before its result.
pub const NOTIFICATIONS: usize = 100;

/// An answer: bytes before the id, the result, and how often to tell of progress before.
pub enum Answer<'a> {
    /// A notification: nothing is answered.
    Nothing,
    Result(&'a [u8], &'static str),
    Progress(&'a [u8], &'a [u8]),
    Unknown(&'a [u8]),
}

/// Finds the answer to a message. The id is the first one in it: clients write it before the parameters.
pub fn answer(message: &[u8], is_modern: bool) -> Answer<'_> {
    let Some(id) = member(message, b"\"id\":") else { return Answer::Nothing };
    let method = member(message, b"\"method\":").unwrap_or_default();
    let result: &'static str = match method {
        b"\"server/discover\"" if is_modern => payload::DISCOVER,
        b"\"initialize\"" if !is_modern => payload::INITIALIZE,
        b"\"tools/call\"" => match tool(message) {
            b"\"structured\"" => &payload::STRUCTURED,
            b"\"text-1\"" => &payload::TEXT_1,
            b"\"text-16\"" => &payload::TEXT_16,
            b"\"progress\"" => match member(message, b"\"progressToken\":") {
                Some(token) => return Answer::Progress(id, token),
                None => payload::ECHO,
            },
            _ => payload::ECHO,
        },
        b"\"resources/read\"" => &payload::BLOB_16,
        b"\"tools/list\"" => &payload::TOOLS[page(message)],
        _ => return Answer::Unknown(id),
    };
    Answer::Result(id, result)
}

/// Appends the lines that answer a line.
pub fn lines(message: &[u8], is_modern: bool, out: &mut Vec<u8>) {
    match answer(message, is_modern) {
        Answer::Nothing => return,
        Answer::Result(id, result) => {
            head(id, out);
            out.extend_from_slice(result.as_bytes());
            out.push(b'}');
        }
        Answer::Progress(id, token) => {
            for done in 1..=NOTIFICATIONS {
                progress(token, done, out);
                out.push(b'\n');
            }
            head(id, out);
            out.extend_from_slice(payload::ECHO.as_bytes());
            out.push(b'}');
        }
        Answer::Unknown(id) => unknown(id, out),
    }
    out.push(b'\n');
}

/// Appends what comes before the result of a response.
pub fn head(id: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id);
    out.extend_from_slice(br#","result":"#);
}

/// Appends an error response.
pub fn unknown(id: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id);
    out.extend_from_slice(br#","error":{"code":-32601,"message":"no such method"}}"#);
}

/// Appends one notification of progress.
pub fn progress(token: &[u8], done: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(
        br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"#,
    );
    out.extend_from_slice(token);
    out.extend_from_slice(br#","progress":"#);
    out.extend_from_slice(itoa::Buffer::new().format(done).as_bytes());
    out.extend_from_slice(br#","total":100}}"#);
}

/// The tool that is called. `_meta` may come first, and names the client.
fn tool(message: &[u8]) -> &[u8] {
    const TOOLS: [&[u8]; 5] =
        [b"\"echo\"", b"\"structured\"", b"\"text-1\"", b"\"text-16\"", b"\"progress\""];
    let names = memmem::find_iter(message, b"\"name\":");
    let mut names = names.filter_map(|at| member(&message[at..], b"\"name\":"));
    names.find(|name| TOOLS.contains(name)).unwrap_or_default()
}

fn page(message: &[u8]) -> usize {
    let cursor = member(message, b"\"cursor\":").unwrap_or_default();
    let digits = std::str::from_utf8(cursor).unwrap_or_default().trim_matches('"');
    digits.parse().unwrap_or(0).min(payload::PAGES - 1)
}

/// The value after the first place of a key: a string or a number.
fn member<'a>(message: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let value = &message[memmem::find(message, key)? + key.len()..];
    let end = match value.first()? {
        b'"' => memchr::memchr(b'"', &value[1..])? + 2,
        _ => value.iter().position(|byte| matches!(byte, b',' | b'}'))?,
    };
    Some(&value[..end])
}
