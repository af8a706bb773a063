//! Large messages, which the outbox does not copy.

use super::join_lines;
use bytes::Bytes;
use mcp_types::rpc::Message;
use memchr::memchr2;

/// A message as one line in three parts; the middle one shares the memory of the message.
#[derive(Debug)]
pub(in crate::duplex) struct LargeLine(Box<[Bytes; 3]>);

impl LargeLine {
    /// Returns the line of a message, if it is large.
    pub(in crate::duplex) fn of(message: &Message) -> Option<Self> {
        let [head, payload, _] = message.encode_parts()?;
        Some(Self(Box::new([joined(head), joined(payload), Bytes::from_static(b"}\n")])))
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Returns what is left after this many bytes; the first part is empty only if all are.
    pub(super) fn after(&self, mut position: usize) -> [&[u8]; 3] {
        let mut parts = self.0.iter();
        while let Some(part) = parts.next() {
            match part.get(position..) {
                None | Some([]) => position -= part.len(),
                Some(first) => {
                    let mut next = || parts.next().map_or(&[][..], |part| &**part);
                    return [first, next(), next()];
                }
            }
        }
        [&[]; 3]
    }

    /// Creates a line of any length, including its end.
    #[cfg(test)]
    pub(super) fn of_text(line: &str) -> Self {
        let (head, rest) = line.split_at(1);
        let (middle, tail) = rest.split_at(1);
        Self(Box::new([head, middle, tail].map(|part| Bytes::copy_from_slice(part.as_bytes()))))
    }

    #[cfg(test)]
    pub(super) fn payload(&self) -> &Bytes {
        &self.0[1]
    }
}

/// Removes line ends from a text. A text without any is not copied.
fn joined(text: Bytes) -> Bytes {
    if memchr2(b'\n', b'\r', &text).is_none() {
        return text;
    }
    let mut text = Vec::from(text);
    join_lines(&mut text);
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_types::{RawJson, rpc::Request};

    #[test]
    fn what_is_left_begins_where_a_writer_has_come_to() {
        let params = RawJson::encode(&["x".repeat(100_000)]).unwrap();
        let message = Message::from(Request::new(1, "a").with_params(params));
        let line = LargeLine::of(&message).unwrap();
        let whole = line.after(0).concat();
        assert_eq!(whole.len(), line.len());
        for position in [0, 1, 40, 45, 50, 99_999, line.len() - 3, line.len() - 1, line.len()] {
            let left = line.after(position);
            assert_eq!(left.concat(), whole[position..], "{position}");
            assert_eq!(left[0].is_empty(), position == line.len());
        }
    }
}
