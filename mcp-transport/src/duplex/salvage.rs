//! Finding out which call a message that cannot be read was about.

use mcp_types::RequestId;

/// Longer keys and ids than this are none that matter.
const TOKEN_LIMIT: usize = 512;

/// Looks through an envelope that is too long or broken, in pieces of any size, for its id and for what it is.
///
/// Only the members of the outermost object count, so that an id inside a result is never taken for the envelope's.
/// Peers differ in where they put the id: some write it last, so a kept beginning would not do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Salvage {
    depth: usize,
    string: Option<Escape>,
    token: Vec<u8>,
    key: Key,
    id: Option<RequestId>,
    asks: bool,
    answers: bool,
}

/// Where in a string the scan is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Escape {
    No,
    Next,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Key {
    #[default]
    Other,
    Id,
}

impl Salvage {
    /// Looks through a whole envelope.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut salvage = Self::default();
        salvage.feed(bytes);
        salvage
    }

    /// Looks through the next piece.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match self.string {
                Some(escape) => self.in_string(escape, byte),
                None => self.between_strings(byte),
            }
        }
    }

    /// The id of the call that the envelope answers; a request or a notification of the peer answers none.
    pub(crate) fn answered(&self) -> Option<&RequestId> {
        self.id.as_ref().filter(|_| !self.asks)
    }

    /// The id of the envelope, if it is a request.
    pub(crate) fn asked(&self) -> Option<&RequestId> {
        self.id.as_ref().filter(|_| self.asks)
    }

    /// Whether enough was seen to know that it is an answer, and to what.
    pub(crate) fn is_answer(&self) -> bool {
        self.answers && self.answered().is_some()
    }

    fn in_string(&mut self, escape: Escape, byte: u8) {
        self.push(byte);
        self.string = match (escape, byte) {
            (Escape::No, b'"') => None,
            (Escape::No, b'\\') => Some(Escape::Next),
            _ => Some(Escape::No),
        };
    }

    fn between_strings(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.push(byte);
                self.string = Some(Escape::No);
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.end_of_value();
                self.depth = self.depth.saturating_sub(1);
            }
            b':' => self.end_of_key(),
            b',' => self.end_of_value(),
            b' ' | b'\t' | b'\r' => {}
            _ => self.push(byte),
        }
    }

    fn push(&mut self, byte: u8) {
        // One byte over the limit is kept as the sign that the token is too long to be looked at.
        if self.depth == 1 && self.token.len() <= TOKEN_LIMIT {
            self.token.push(byte);
        }
    }

    fn end_of_key(&mut self) {
        if self.depth == 1 {
            match &self.token[..] {
                b"\"id\"" => self.key = Key::Id,
                b"\"method\"" => self.asks = true,
                b"\"result\"" | b"\"error\"" => self.answers = true,
                _ => {}
            }
            self.token.clear();
        }
    }

    fn end_of_value(&mut self) {
        if self.depth == 1 {
            if self.key == Key::Id && self.id.is_none() && self.token.len() <= TOKEN_LIMIT {
                let text = std::str::from_utf8(&self.token).ok();
                self.id = text.and_then(|text| RequestId::from_json(text).ok());
            }
            self.key = Key::Other;
            self.token.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, answered: impl Into<Option<RequestId>>) {
        let answered = answered.into();
        assert_eq!(Salvage::of(text.as_bytes()).answered(), answered.as_ref(), "{text}");
        let mut bytewise = Salvage::default();
        text.bytes().for_each(|byte| bytewise.feed(&[byte]));
        assert_eq!(bytewise.answered(), answered.as_ref(), "{text}, byte by byte");
    }

    #[test]
    fn the_answered_call_is_found_wherever_the_id_is() {
        check(r#"{"jsonrpc":"2.0","id":7,"result":{"a":"#, RequestId::from(7));
        check(r#"{"result":{"id":8},"jsonrpc":"2.0","id":7}"#, RequestId::from(7));
        check(r#"{"result":{"t":"}\",\"id\":9"},"id" : "x" }"#, RequestId::from("x"));
        check(r#"{"note":"id","id":-3}"#, RequestId::from(-3));
    }

    #[test]
    fn what_answers_nothing_has_no_id() {
        check(r#"{"id":1"#, None);
        check(r#"{"id":1.5,"result":{}}"#, None);
        check(r#"{"id":null,"error":{}}"#, None);
        check(r#"{"result":{"id":8}}"#, None);
        check(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, None);
        check(r#"{"jsonrpc":"2.0","method":"ping","id":1,"params":3"#, None);
        check("garbage", None);
        check(&format!(r#"{{"id":"{}","result":1}}"#, "x".repeat(600)), None);
    }

    #[test]
    fn an_answer_is_known_as_soon_as_both_its_marks_were_seen() {
        assert!(Salvage::of(br#"{"id":1,"result":{"a"#).is_answer());
        assert!(!Salvage::of(br#"{"id":1,"params":{"a"#).is_answer());
        assert!(!Salvage::of(br#"{"result":{"a"#).is_answer());
    }
}
