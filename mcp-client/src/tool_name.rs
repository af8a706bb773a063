//! The name of a tool that was called.

use bytes::Bytes;
use mcp_types::RawJson;
use std::{borrow::Cow, fmt, ops::Range};

/// Larger parameters are not kept for the name that is in them.
const SMALL: usize = 1024;

/// The name of a tool, a string in JSON: it is where the parameters of the call are, and takes no memory of its own.
#[derive(Clone, PartialEq)]
pub(crate) struct ToolName(RawJson);

impl ToolName {
    #[cfg(test)]
    pub(crate) fn of(name: &str) -> Self {
        let mut text = Vec::new();
        RawJson::append_str(name, &mut text);
        Self(RawJson::from_joined(text))
    }

    /// The name that is there in the parameters.
    #[inline]
    pub(crate) fn within(params: &Bytes, place: Range<usize>) -> Self {
        let name = if params.len() <= SMALL {
            params.slice(place)
        } else {
            Bytes::copy_from_slice(&params[place])
        };
        Self(RawJson::from_joined(name))
    }

    pub(crate) fn read(&self) -> Cow<'_, str> {
        // It was written by `append_str`.
        self.0.decode().unwrap_or_default()
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
