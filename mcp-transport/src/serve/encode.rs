//! Encoding messages as single lines.

use mcp_types::rpc::Message;
use memchr::memchr2_iter;

/// Appends a message without line ends. In strings they are escaped; those in raw JSON are white space between tokens.
pub(crate) fn one_line(message: &Message, out: &mut Vec<u8>) {
    let start = out.len();
    message.encode(out);
    let breaks: Vec<usize> = memchr2_iter(b'\n', b'\r', &out[start..]).collect();
    for at in breaks {
        out[start + at] = b' ';
    }
}
