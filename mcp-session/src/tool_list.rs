//! A `tools/list` result, tool by tool.

use crate::{Error, Misbehavior, params::Members};
use mcp_types::RawJson;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A `tools/list` result whose tools can be taken out or replaced; all else stays as the server wrote it.
pub(crate) struct ToolList<'a> {
    members: Members<'a>,
    tools: Vec<&'a RawValue>,
}

impl<'a> ToolList<'a> {
    /// Reads a result.
    ///
    /// One that cannot be read is an error: what a layer that judges tools has not seen must not pass.
    pub(crate) fn read(result: &'a RawJson) -> Result<Self, Error> {
        let broken = |source| Error::Misbehaved {
            method: "tools/list".into(),
            misbehavior: Misbehavior::InvalidResult,
            source,
        };
        let members: Members<'a> = result.decode().map_err(|error| broken(Some(error)))?;
        let mut lists = members.0.iter().filter(|(name, _)| name == "tools");
        let (Some((_, tools)), None) = (lists.next(), lists.next()) else {
            return Err(broken(None));
        };
        let tools = serde_json::from_str(tools.get()).map_err(|error| broken(Some(error)))?;
        Ok(Self { members, tools })
    }

    /// The tools, as the server wrote them.
    pub(crate) fn tools(&self) -> &[&'a RawValue] {
        &self.tools
    }

    /// The same result with these tools.
    pub(crate) fn with_tools(self, tools: &[Cow<'_, RawValue>]) -> Result<RawJson, Error> {
        let tools = RawJson::encode(tools).map_err(crate::InvalidParams::from)?;
        let mut members = Members::default();
        for (name, value) in self.members.0 {
            let is_tools = name == "tools";
            let value = if is_tools { tools.decode().unwrap_or(value) } else { value };
            members.0.push((name, value));
        }
        Ok(members.encode())
    }
}
