//! Turning server text into safe doc comments.

use proc_macro2::TokenStream;
use quote::quote;

/// The maximum length of a text.
const MAX_CHARS: usize = 4_096;

/// Returns the lines of a text, with Markdown escaped where it could do harm.
///
/// Code blocks in documentation are compiled and run as tests, so neither fences nor indentation are kept. Links and
/// HTML become plain words.
pub(super) fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let cut: String = text.chars().take(MAX_CHARS).collect();
    for line in cut.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}']) {
        let line = harmless(line);
        let is_second_blank = line.is_empty() && lines.last().is_none_or(String::is_empty);
        if !is_second_blank {
            lines.push(line);
        }
    }
    if text.chars().nth(MAX_CHARS).is_some() {
        lines.push("…".to_owned());
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Returns documentation attributes for lines of text.
pub(super) fn attributes(lines: &[String]) -> TokenStream {
    let lines = lines.iter().map(|line| {
        // With the space of a comment, so that the text reads back unchanged.
        let line = if line.is_empty() { String::new() } else { format!(" {line}") };
        quote!(#[doc = #line])
    });
    lines.collect()
}

/// Returns one line: its words, separated by single spaces.
fn harmless(line: &str) -> String {
    let visible = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    let visible: String = visible.filter(|c| !is_unseen(*c)).collect();
    let words = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_fence = words.contains("```") || words.contains("~~~");
    let mut escaped = String::with_capacity(words.len());
    for (place, c) in words.char_indices() {
        let is_special = match c {
            '<' | '>' | '[' | ']' | '\\' => true,
            '`' | '~' => is_fence,
            // Such a line would turn the previous one, or itself, into a heading.
            '#' | '=' => place == 0,
            _ => false,
        };
        if is_special {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Whether a character is invisible but changes how others are shown.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{61c}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::{MAX_CHARS, lines};

    #[test]
    fn nothing_of_a_text_becomes_code() {
        for (text, expected) in [
            ("Adds two numbers.", &["Adds two numbers."][..]),
            ("One.\r\n\r\n\n  Two.  \n", &["One.", "", "Two."]),
            ("```rust\npanic!()\n```", &["\\`\\`\\`rust", "panic!()", "\\`\\`\\`"]),
            ("- ~~~\n1. ```", &["- \\~\\~\\~", "1. \\`\\`\\`"]),
            ("    panic!();\n\tpanic!();", &["panic!();", "panic!();"]),
            ("-      panic!()", &["- panic!()"]),
            (">     panic!()", &["\\> panic!()"]),
            ("a `b` c", &["a `b` c"]),
            ("<script>x</script> [a](b)", &["\\<script\\>x\\</script\\> \\[a\\](b)"]),
            ("# A\n===", &["\\# A", "\\==="]),
            ("\u{202e}a\u{200b}b\0c\u{1b}[2J", &["ab c \\[2J"]),
            ("", &[]),
            (" \n ", &[]),
        ] {
            assert_eq!(lines(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = lines(&"x".repeat(2 * MAX_CHARS));
        assert_eq!((text[0].len(), text[1].as_str()), (MAX_CHARS, "…"));
    }
}
