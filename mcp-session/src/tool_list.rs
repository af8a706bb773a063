//! A raw `tools/list` result, tool by tool.

use crate::{Error, Misbehavior, params::Members};
use mcp_types::{RawJson, rpc::Elements};
use std::borrow::Cow;

/// A `tools/list` result whose tools can be removed or replaced; all else stays as the server wrote it.
pub(crate) struct ToolList<'a> {
    members: Members<'a>,
    tools: Vec<&'a str>,
}

impl<'a> ToolList<'a> {
    /// Decodes a result.
    ///
    /// A malformed one is an error: what a layer that judges tools has not seen must not pass.
    pub(crate) fn read(result: &'a RawJson) -> Result<Self, Error> {
        let broken = |source| Error::Misbehaved {
            method: "tools/list".into(),
            misbehavior: Misbehavior::InvalidResult,
            source,
        };
        let members = Members::of(result.as_str()).map_err(|error| broken(Some(error)))?;
        let mut lists = members.0.iter().filter(|(name, _)| name == "tools");
        let (Some((_, tools)), None) = (lists.next(), lists.next()) else {
            return Err(broken(None));
        };
        if !tools.starts_with('[') {
            return Err(broken(None));
        }
        let tools = Elements::of(tools).collect();
        Ok(Self { members, tools })
    }

    /// Returns the tools as the server wrote them.
    pub(crate) fn tools(&self) -> &[&'a str] {
        &self.tools
    }

    /// Returns the same result with these tools.
    pub(crate) fn with_tools(self, tools: &[Cow<'_, str>]) -> RawJson {
        let tools = format!("[{}]", tools.join(","));
        let mut members: Members<'_> = self.members;
        for (name, value) in &mut members.0 {
            if name == "tools" {
                *value = &tools;
            }
        }
        members.encode()
    }
}
