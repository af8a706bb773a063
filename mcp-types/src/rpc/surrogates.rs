//! Strings with unpaired surrogates, which no Rust string can hold.

use super::RawJson;

/// The replacement character as an escape, which takes the place of another escape.
const REPLACEMENT: &[u8] = br"\ufffd";
/// The length of the escape of a code unit.
const ESCAPE: usize = REPLACEMENT.len();

impl RawJson {
    /// Replaces each lone surrogate by the replacement character (U+FFFD); `None` if there is none.
    ///
    /// A JSON string may contain half of a surrogate pair as an escape, like `"\ud83d"`: servers in JavaScript write
    /// that when they cut a text in two. It is valid JSON, but no Rust string can hold it, so [`decode`](Self::decode)
    /// fails.
    ///
    /// ```
    /// use mcp_types::RawJson;
    ///
    /// let cut = RawJson::parse(r#"["a \ud83d", "\ud83d\ude00"]"#)?;
    /// assert!(cut.decode::<Vec<String>>().is_err());
    /// let whole = cut.with_lone_surrogates_replaced().expect("there is one");
    /// assert_eq!(whole.decode::<Vec<String>>()?, ["a \u{fffd}", "\u{1f600}"]);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn with_lone_surrogates_replaced(&self) -> Option<Self> {
        let bytes = self.as_bytes();
        let mut changed: Option<Vec<u8>> = None;
        let mut at = 0;
        // Backslashes occur only in strings, and each begins an escape.
        while let Some(next) = bytes.iter().skip(at).position(|byte| *byte == b'\\') {
            at += next;
            let width = match unit(bytes, at) {
                None => 2,
                Some(unit) if is_high(unit) => match unit_after(bytes, at) {
                    Some(second) if is_low(second) => 2 * ESCAPE,
                    _ => replace(&mut changed, bytes, at),
                },
                Some(unit) if is_low(unit) => replace(&mut changed, bytes, at),
                Some(_) => ESCAPE,
            };
            at += width;
        }
        changed.map(Self::from_joined)
    }
}

/// Replaces the escape with one of the same length; returns that length.
fn replace(changed: &mut Option<Vec<u8>>, bytes: &[u8], at: usize) -> usize {
    let changed = changed.get_or_insert_with(|| bytes.to_vec());
    if let Some(escape) = changed.get_mut(at..at + ESCAPE) {
        escape.copy_from_slice(REPLACEMENT);
    }
    ESCAPE
}

/// Returns the code unit of the escape, if it is one.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + ESCAPE)?.strip_prefix(br"\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn unit_after(bytes: &[u8], at: usize) -> Option<u16> {
    unit(bytes, at + ESCAPE)
}

fn is_high(unit: u16) -> bool {
    (0xd800..0xdc00).contains(&unit)
}

fn is_low(unit: u16) -> bool {
    (0xdc00..0xe000).contains(&unit)
}
