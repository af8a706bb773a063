//! Finding the call that an undecodable message answers.

use mcp_types::RequestId;

/// The longest key or id that is looked at.
const TOKEN_LIMIT: usize = 512;
/// The most ids of a batch that are kept.
const BATCH_LIMIT: usize = 1024;

/// Scans an envelope that is too long or broken, in pieces of any size, for its id and its kind.
///
/// Only the members of the outermost object count, so that an id inside of a result is never taken for that of the
/// envelope. Some peers write the id last, so keeping only the beginning would not do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Salvage {
    depth: usize,
    string: Option<Escape>,
    token: Vec<u8>,
    key: Key,
    id: Option<RequestId>,
    asks: bool,
    answers: bool,
    is_batch: bool,
    /// What the finished members of a batch have answered.
    batch: Vec<RequestId>,
}

/// The state of the scan within a string.
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
    /// Scans a whole envelope.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut salvage = Self::default();
        salvage.feed(bytes);
        salvage
    }

    /// Scans the next piece.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match self.string {
                Some(escape) => self.in_string(escape, byte),
                None => self.between_strings(byte),
            }
        }
    }

    /// Returns the id of the call that the envelope answers; a request or notification of the peer answers none.
    pub(crate) fn answered(&self) -> Option<&RequestId> {
        self.id.as_ref().filter(|_| !self.asks)
    }

    /// Returns the ids of all answered calls: those of the members of a batch, or that of the single envelope.
    pub(crate) fn all_answered(&self) -> impl Iterator<Item = &RequestId> {
        self.batch.iter().chain(self.answered())
    }

    /// Returns the id of the envelope, if it is a request.
    pub(crate) fn asked(&self) -> Option<&RequestId> {
        self.id.as_ref().filter(|_| self.asks)
    }

    /// Returns whether enough was scanned to know that it is an answer, and to which call. For a batch only its end
    /// shows it.
    pub(crate) fn is_answer(&self) -> bool {
        !self.is_batch && self.answers && self.answered().is_some()
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
            b'{' | b'[' => {
                self.is_batch |= self.depth == 0 && byte == b'[';
                self.depth += 1;
            }
            b'}' | b']' => self.end_of_container(),
            b':' => self.end_of_key(),
            b',' => self.end_of_value(),
            b' ' | b'\t' | b'\r' => {}
            _ => self.push(byte),
        }
    }

    /// Returns whether the scan is among the members of an envelope.
    fn is_outermost(&self) -> bool {
        self.depth == if self.is_batch { 2 } else { 1 }
    }

    fn push(&mut self, byte: u8) {
        // One byte over the limit is kept as the sign that the token is too long.
        if self.is_outermost() && self.token.len() <= TOKEN_LIMIT {
            self.token.push(byte);
        }
    }

    fn end_of_container(&mut self) {
        self.end_of_value();
        if self.is_batch && self.is_outermost() {
            let id = self.id.take().filter(|_| !self.asks && self.batch.len() < BATCH_LIMIT);
            self.batch.extend(id);
            (self.asks, self.answers) = (false, false);
        }
        self.depth = self.depth.saturating_sub(1);
        self.is_batch &= self.depth > 0;
    }

    fn end_of_key(&mut self) {
        if self.is_outermost() {
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
        if self.is_outermost() {
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
    fn every_answer_in_a_batch_is_found() {
        let batch = r#"[{"id":1,"result":{"id":9}},{"id":2,"method":"ping"},
            {"error":[],"id":"x"},[{"id":8}],{"method":"n"},{"id":3,"result":{"#;
        let salvage = Salvage::of(batch.as_bytes());
        let found: Vec<_> = salvage.all_answered().cloned().collect();
        assert_eq!(found, [RequestId::from(1), "x".into(), 3.into()]);
        assert!(!salvage.is_answer());
        check(r#"[INFO] {"id":1,"result":{}}"#, RequestId::from(1));
    }

    #[test]
    fn an_answer_is_known_as_soon_as_both_its_marks_were_seen() {
        assert!(Salvage::of(br#"{"id":1,"result":{"a"#).is_answer());
        assert!(!Salvage::of(br#"{"id":1,"params":{"a"#).is_answer());
        assert!(!Salvage::of(br#"{"result":{"a"#).is_answer());
    }
}
