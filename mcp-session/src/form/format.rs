//! The string formats of form fields.

use iri_string::types::UriStr;
use mcp_types::schema::StringSchemaFormat as Format;
use std::borrow::Cow;

/// Checks that a text has a format; unknown formats are left to the server.
pub(super) fn fits(text: &str, format: &Format) -> Result<(), Cow<'static, str>> {
    let (fits, reason) = match format {
        Format::Date => (is_date(text), "must be a date, like 2026-07-28"),
        Format::DateTime => {
            (is_date_time(text), "must be a date with time and offset, like 2026-07-28T12:00:00Z")
        }
        Format::Email => (is_email(text), "must be an email address"),
        Format::Uri => (is_uri(text), "must be a URI, like https://example.com"),
        _ => return Ok(()),
    };
    if fits { Ok(()) } else { Err(reason.into()) }
}

/// A full date of [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339#section-5.6).
fn is_date(text: &str) -> bool {
    let [year, month, day] = match text.split('-').collect::<Vec<_>>()[..] {
        [year, month, day] => [digits(year, 4), digits(month, 2), digits(day, 2)],
        _ => return false,
    };
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return false };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// A date-time of RFC 3339, with an offset.
fn is_date_time(text: &str) -> bool {
    text.split_once(['T', 't']).is_some_and(|(date, time)| is_date(date) && is_time(time))
}

fn is_time(text: &str) -> bool {
    let Some((time, fraction)) = text.split_at_checked(8) else { return false };
    let offset = match fraction.strip_prefix('.') {
        Some(fraction) => {
            let offset = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
            if offset.len() == fraction.len() {
                return false;
            }
            offset
        }
        None => fraction,
    };
    let parts: Vec<_> = time.split(':').map(|part| digits(part, 2)).collect();
    // A minute may have a leap second.
    let is_clock = matches!(parts[..], [Some(0..=23), Some(0..=59), Some(0..=60)]);
    is_clock && is_offset(offset)
}

fn is_offset(text: &str) -> bool {
    let Some(offset) = text.strip_prefix(['+', '-']) else {
        return matches!(text, "Z" | "z");
    };
    let parts = offset.split_once(':').map(|(hour, minute)| (digits(hour, 2), digits(minute, 2)));
    matches!(parts, Some((Some(0..=23), Some(0..=59))))
}

fn digits(text: &str, length: usize) -> Option<u32> {
    let is_number = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// An address that mail can be sent to, and no more: only sending mail shows whether anyone reads it.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let quoted = local.strip_prefix('"').and_then(|local| local.strip_suffix('"'));
    let is_local = match quoted {
        Some(quoted) => !quoted.contains(char::is_control),
        None => local.split('.').all(is_atom),
    };
    let literal = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']'));
    let is_domain = match literal {
        Some(literal) => !literal.is_empty() && !literal.contains(is_odd),
        None => domain.split('.').all(is_label),
    };
    is_local && is_domain && local.len() <= 64 && domain.len() <= 255
}

fn is_atom(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| is_odd(c) || "\"(),:;<>@[\\]".contains(c))
}

fn is_label(text: &str) -> bool {
    let is_inside = |c: char| c.is_alphanumeric() || c == '-';
    !text.is_empty()
        && text.chars().all(is_inside)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_odd(c: char) -> bool {
    c.is_control() || c.is_whitespace()
}

/// An absolute URI of [RFC 3986](https://www.rfc-editor.org/rfc/rfc3986).
fn is_uri(text: &str) -> bool {
    UriStr::new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: &Format, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(fits(text, format).is_ok(), "{text}");
        }
        for text in bad {
            assert!(fits(text, format).is_err(), "{text}");
        }
    }

    // spec: ELI-11
    #[test]
    fn dates_are_those_of_the_calendar() {
        let good = ["2026-07-28", "2024-02-29", "2000-02-29", "0001-12-31"];
        let bad = ["", "2026-7-28", "2026-02-29", "1900-02-29", "2026-13-01", "2026-04-31"];
        check(&Format::Date, &good, &bad);
        check(
            &Format::Date,
            &[],
            &["2026-00-10", "2026-01-00", "+026-01-01", "2026-01-01 ", "a-b-c"],
        );
    }

    // spec: ELI-11
    #[test]
    fn a_date_with_time_has_an_offset() {
        let good =
            ["2026-07-28T12:00:00Z", "2026-07-28t23:59:60.123+05:30", "2026-07-28T00:00:00-23:59"];
        let bad = [
            "2026-07-28",
            "2026-07-28T12:00:00",
            "2026-07-28 12:00:00Z",
            "2026-07-28T24:00:00Z",
            "2026-07-28T12:60:00Z",
            "2026-07-28T12:00:00.Z",
            "2026-07-28T12:00:00+5:30",
            "2026-07-28T12:00Z",
            "2026-07-28T12:00:0é",
        ];
        check(&Format::DateTime, &good, &bad);
    }

    // spec: ELI-11
    #[test]
    fn mail_can_be_sent_to_an_email_address() {
        let good =
            ["a@b", "ada.lovelace+x@mail.example.com", "\"a b\"@c.d", "a@[::1]", "jörg@köln.de"];
        let bad =
            ["", "a", "@b", "a@", "a b@c", "a@b c", "a..b@c", ".a@b", "a@b..c", "a@-b", "a@b@c"];
        check(&Format::Email, &good, &bad);
    }

    // spec: ELI-11
    #[test]
    fn a_uri_is_absolute() {
        let good = ["https://example.com/a?b#c", "urn:isbn:1", "mailto:a@b", "file:///a%20b"];
        let bad = [
            "",
            "example.com",
            "/a",
            "//a/b",
            "https://a b",
            " https://a",
            "http://[",
            "https://köln.de",
        ];
        check(&Format::Uri, &good, &bad);
    }
}
