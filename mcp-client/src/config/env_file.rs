//! Files of environment variables.

use std::{
    fmt, fs,
    io::{self, Read},
    path::Path,
};

/// The maximum size of a file.
const MOST: u64 = 1024 * 1024;

/// Why a file of variables cannot be used. It reveals nothing of the file, which is full of secrets.
#[derive(Debug)]
pub(super) enum Unreadable {
    Io(io::Error),
    Line(usize),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Line(number) => write!(f, "line {number} is not NAME=VALUE"),
        }
    }
}

/// Reads the variables of a file; blocks.
pub(super) fn read(path: &Path) -> Result<Vec<(String, String)>, Unreadable> {
    let mut text = String::new();
    let file = fs::File::open(path).map_err(Unreadable::Io)?;
    file.take(MOST + 1).read_to_string(&mut text).map_err(Unreadable::Io)?;
    if text.len() as u64 > MOST {
        let message = format!("it is longer than {MOST} bytes");
        return Err(Unreadable::Io(io::Error::new(io::ErrorKind::FileTooLarge, message)));
    }
    parse(&text)
}

/// Parses lines of `NAME=VALUE`. Empty lines and lines that start with `#` are ignored, as is `export` before a name. A
/// value may be quoted; in double quotes, `\n`, `\r`, `\t`, `\"` and `\\` are the usual escapes.
fn parse(text: &str) -> Result<Vec<(String, String)>, Unreadable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(number, line)| variable(line).ok_or(Unreadable::Line(number))).collect()
}

fn variable(line: &str) -> Option<(String, String)> {
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    let (name, value) = line.split_once('=')?;
    let (name, value) = (name.trim_end(), value.trim());
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || !name.chars().all(is_name) || value.contains('\0') {
        return None;
    }
    Some((name.to_owned(), unquoted(value)))
}

fn unquoted(value: &str) -> String {
    let within = |quote| value.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    if let Some(plain) = within('\'') {
        return plain.to_owned();
    }
    let Some(quoted) = within('"') else { return value.to_owned() };
    let mut out = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(escaped @ ('"' | '\\')) => out.push(escaped),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Unreadable, parse};

    fn value(line: &str) -> String {
        parse(line).unwrap().remove(0).1
    }

    #[test]
    fn a_line_is_a_variable_or_says_nothing() {
        let text = "\u{feff}# keys\r\nA=1\r\n\n  export B = two words \nC=\nD=x=y#z\n";
        let read = parse(text).unwrap();
        let read: Vec<_> = read.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(read, [("A", "1"), ("B", "two words"), ("C", ""), ("D", "x=y#z")]);
    }

    #[test]
    fn quotes_hold_a_value_together() {
        assert_eq!(value(r#"A=" a\n\"b\" \d ""#), " a\n\"b\" \\d ");
        assert_eq!(value(r"A=' a\n '"), r" a\n ");
        assert_eq!(value("A=\"half"), "\"half");
        assert_eq!(value("A='"), "'");
    }

    #[test]
    fn what_is_no_variable_is_told_by_its_line_and_not_shown() {
        for line in ["hunter2", "=hunter2", "hunter 2=x", "A=hunter2\0"] {
            let error = parse(&format!("A=1\n{line}\n")).unwrap_err();
            assert!(matches!(error, Unreadable::Line(2)), "{error}");
            assert_eq!(error.to_string(), "line 2 is not NAME=VALUE");
        }
    }
}
