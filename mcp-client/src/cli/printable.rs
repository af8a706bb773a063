//! Making server text safe to print in a terminal.

use std::{borrow::Cow, fmt::Write};

/// Strips what a terminal would interpret from a text: escape sequences, control characters other than line ends and
/// tabs, and characters that change the text direction.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_sequence(&mut chars),
            // A line end as some programs write it.
            '\r' if chars.peek() == Some(&'\n') => {}
            c if is_harmful(c) => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Quotes a text of several lines, so that no line looks like output of this command.
pub(super) fn quoted(text: &str) -> String {
    text.trim_end().replace('\n', "\n  ")
}

/// Puts a text on one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Escapes what a terminal would interpret in JSON, which keeps its meaning.
pub(super) fn printable_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_harmful(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a string never fails.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn is_harmful(c: char) -> bool {
    let is_direction = matches!(c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_direction || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Skips the rest of an escape sequence.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_sequence(chars);
        }
        // A title or a link: up to the bell or the next escape.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(c) = chars.next() {
                match c {
                    '\u{7}' | '\u{9c}' => return,
                    '\u{1b}' => {
                        chars.next_if_eq(&'\\');
                        return;
                    }
                    // Without an end on its line it is plain text, and cannot hide what follows.
                    _ if chars.peek() == Some(&'\n') => return,
                    _ => {}
                }
            }
        }
        Some(' '..='~') => {
            chars.next();
        }
        _ => {}
    }
}

/// Skips the parameters of a control sequence and its final letter.
fn skip_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
    chars.next_if(|c| matches!(c, '@'..='~'));
}

#[cfg(test)]
mod tests {
    use super::{printable, printable_json};

    // seed: 67
    #[test]
    fn nothing_of_a_text_steers_a_terminal() {
        for (text, expected) in [
            ("plain\n\ttext é \u{1f4a5}", "plain\n\ttext é \u{1f4a5}"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("a\u{1b}[2J\u{1b}[Hb", "ab"),
            ("\u{1b}]0;title\u{7}a", "a"),
            ("\u{1b}]8;;http://evil\u{1b}\\link", "link"),
            ("\u{1b}]never ends\nthe next line", "\nthe next line"),
            ("\u{9b}31mred", "red"),
            ("a\u{1b}cb", "ab"),
            ("a\u{1b}", "a"),
            ("a\rb\r\nc\u{8}\0\u{7f}", "ab\nc"),
            ("\u{202e}gnp\u{2066}", "gnp"),
        ] {
            assert_eq!(printable(text), expected, "{text:?}");
        }
    }

    #[test]
    fn json_stays_what_it_is() {
        for text in ["\u{9b}31m", "\u{202e}a\u{7f}", "plain"] {
            let json = serde_json::to_string(text).unwrap();
            let shown = printable_json(&json);
            assert!(!shown.chars().any(super::is_harmful), "{shown:?}");
            assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }
}
