//! The name of the called tool.

use bytes::Bytes;
use mcp_types::RawJson;
use std::{borrow::Cow, fmt, ops::Range};

/// Larger parameters are not kept alive just for the name in them.
const SMALL: usize = 1024;
/// Up to this length, including quotes, a name is stored inline, which avoids reference counting.
const SHORT: usize = 31;

/// The name of a tool, as a JSON string.
#[derive(Clone)]
pub(crate) struct ToolName(Name);

#[derive(Clone)]
enum Name {
    /// The bytes after the name are whatever followed it.
    Short { length: u8, text: [u8; SHORT] },
    /// The position in the parameters of the call, which are kept alive for it.
    Long(Bytes),
}

impl ToolName {
    #[cfg(test)]
    pub(crate) fn of(name: &str) -> Self {
        let mut text = Vec::new();
        mcp_types::RawJson::append_str(name, &mut text);
        let place = 0..text.len();
        Self::within(&text.into(), place)
    }

    /// Returns the name at this position in the parameters.
    #[inline]
    pub(crate) fn within(params: &Bytes, place: Range<usize>) -> Self {
        let rest = &params[place.start..];
        Self(match (u8::try_from(place.len()), rest.first_chunk()) {
            // Copied as a whole: for so few bytes, a copy of variable length costs more to start than to do.
            (Ok(length), Some(text)) if place.len() <= SHORT => Name::Short { length, text: *text },
            _ if params.len() <= SMALL => Name::Long(params.slice(place)),
            _ => Name::Long(Bytes::copy_from_slice(&params[place])),
        })
    }

    fn as_json(&self) -> &[u8] {
        match &self.0 {
            Name::Short { length, text } => &text[..usize::from(*length)],
            Name::Long(text) => text,
        }
    }

    pub(crate) fn read(&self) -> Cow<'_, str> {
        // Written by `append_str`.
        let json = std::str::from_utf8(self.as_json()).unwrap_or_default();
        RawJson::read_str(json).unwrap_or_default()
    }
}

impl PartialEq for ToolName {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

impl fmt::Debug for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.read(), f)
    }
}

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.read())
    }
}

#[cfg(test)]
mod tests {
    use super::{Name, SHORT, SMALL, ToolName};
    use bytes::Bytes;
    use mcp_types::RawJson;

    /// Returns a name in parameters with this many bytes after it.
    fn within(name: &str, rest: usize) -> (Bytes, ToolName) {
        let mut params = b"{".to_vec();
        RawJson::append_str(name, &mut params);
        let place = 1..params.len();
        params.resize(params.len() + rest, b' ');
        let params = params.into();
        let name = ToolName::within(&params, place);
        (params, name)
    }

    #[test]
    fn a_name_is_read_as_it_was_written_however_long() {
        let long = "a".repeat(SHORT - 1);
        for name in ["", "echo", "a \"b\"\n\u{e9}", &long[2..], &long[1..], &long] {
            for rest in [0, 1, SHORT, SMALL] {
                let (_, read) = within(name, rest);
                assert_eq!(read.read(), name);
                assert_eq!(read, ToolName::of(name));
                assert_ne!(read, ToolName::of("other"));
            }
        }
    }

    #[test]
    fn a_short_name_and_one_in_large_parameters_keep_no_parameters() {
        let long = "a".repeat(SHORT);
        for (name, rest, keeps) in
            [("echo", SHORT, false), (&long, SHORT, true), (&long, SMALL, false)]
        {
            let (params, name) = within(name, rest);
            let kept = matches!(&name.0, Name::Long(text) if params.as_ptr_range().contains(&text.as_ptr()));
            assert_eq!(kept, keeps, "{name} before {rest}");
        }
    }

    #[test]
    fn it_takes_little_room() {
        assert!(size_of::<ToolName>() <= 40);
    }
}
