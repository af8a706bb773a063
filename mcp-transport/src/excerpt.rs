//! Excerpts of a peer's text, safe to show to a person.

/// Returns the beginning of untrusted bytes: at most `limit` bytes, without control characters and without characters
/// that hide or reorder text.
pub(crate) fn excerpt(bytes: &[u8], limit: usize) -> String {
    let head = &bytes[..bytes.len().min(limit)];
    let mut text = String::with_capacity(head.len());
    for char in String::from_utf8_lossy(head).chars().filter(|char| is_harmless(*char)) {
        if text.len() + char.len_utf8() > limit {
            break;
        }
        text.push(char);
    }
    text
}

fn is_harmless(char: char) -> bool {
    let hides = matches!(
        char,
        '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}'
    );
    !char.is_control() && !hides
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn an_excerpt_is_short_and_harmless() {
        assert_eq!(excerpt(b"\x1b[31mred\x07\r\n\xC2\x9B", 256), "[31mred");
        assert_eq!(excerpt("a\u{202E}b\u{200B}c".as_bytes(), 256), "abc");
        assert_eq!(excerpt("äöü".as_bytes(), 3), "ä");
        assert_eq!(excerpt(&[0xFF; 300], 256).len(), 255);
    }
}
