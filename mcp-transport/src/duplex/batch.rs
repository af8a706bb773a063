//! Batches: several messages in one JSON array, as revision 2025-03-26 allows.

/// Returns the members of a batch, or none if the line is not a batch: log lines begin with `[` too.
///
/// Brackets are counted and nothing is decoded, so that one broken member does not affect the others.
pub(super) fn members(line: &[u8]) -> Option<Members<'_>> {
    let rest = line.strip_prefix(b"[")?.trim_ascii_start();
    rest.starts_with(b"{").then_some(Members { rest })
}

/// The remaining members.
#[derive(Debug)]
pub(super) struct Members<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Members<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = end_of_value(self.rest);
        let member = self.rest[..end].trim_ascii();
        self.rest = match self.rest.get(end) {
            // Anything after the end of the array becomes one more member, an invalid one.
            Some(_) => self.rest[end + 1..].trim_ascii(),
            None => &[],
        };
        Some(member)
    }
}

/// Returns the position of the comma or bracket that ends a value, or the end of the input.
fn end_of_value(bytes: &[u8]) -> usize {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b',' | b']' | b'}' if depth == 0 => return at,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &[&str]) {
        let found = members(line.as_bytes()).expect("a batch");
        let found: Vec<_> = found.map(|member| str::from_utf8(member).unwrap()).collect();
        assert_eq!(found, expected, "{line}");
    }

    // spec: OLD-01
    #[test]
    fn a_batch_is_cut_between_its_members() {
        check("[{}]", &["{}"]);
        check(
            "[ {\"a\":[1,2]} ,\t{\"b\":\"]},\\\"\"} ] ",
            &["{\"a\":[1,2]}", "{\"b\":\"]},\\\"\"}"],
        );
    }

    #[test]
    fn a_broken_member_is_a_member() {
        check("[{},7,,{}]", &["{}", "7", "", "{}"]);
        check("[{},{\"a\":", &["{}", "{\"a\":"]);
        check("[{\"a\":\"", &["{\"a\":\""]);
        check("[{}] log", &["{}", "log"]);
    }

    #[test]
    fn what_does_not_begin_with_an_object_is_no_batch() {
        for line in ["[]", "[ ]", "[1]", "[INFO] up", "[[{}]]", "[\"2.0\",1,\"ping\"]", "{}", ""] {
            assert!(members(line.as_bytes()).is_none(), "{line}");
        }
    }
}
