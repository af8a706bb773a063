//! Which calls a legacy server can run as tasks.

use crate::Server;
use mcp_types::ServerCapabilities;
use serde_json::Value;

/// Which calls a server with a handshake can run as tasks, and which requests about tasks it supports.
///
/// Servers older than the revision put it under `experimental`.
// spec: TASK25-02 TASK25-03
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TaskOffer {
    tools: bool,
    prompts: bool,
    resources: bool,
    pub(crate) cancel: bool,
    pub(crate) list: bool,
}

impl TaskOffer {
    pub(crate) fn of(server: &Server) -> Self {
        let ServerCapabilities { tasks, experimental, .. } = &server.capabilities;
        let Some(tasks) = tasks else {
            let tasks = experimental.as_ref().and_then(|experimental| experimental.get("tasks"));
            return tasks.map(Self::experimental).unwrap_or_default();
        };
        let requests = tasks.requests.as_ref();
        let tools = requests.and_then(|requests| requests.tools.as_ref());
        // Calls beyond those of the revision, which some servers support.
        let beyond = |area: &str, verb: &str| {
            let area = requests.and_then(|requests| requests.extra.get(area));
            area.is_some_and(|area| area.get(verb).is_some())
        };
        Self {
            tools: tools.is_some_and(|tools| tools.call.is_some()),
            prompts: beyond("prompts", "get"),
            resources: beyond("resources", "read"),
            cancel: tasks.cancel.is_some(),
            list: tasks.list.is_some(),
        }
    }

    fn experimental(tasks: &Value) -> Self {
        let has = |pointer: &str| tasks.pointer(pointer).is_some_and(|value| !value.is_null());
        Self {
            tools: has("/requests/tools/call"),
            prompts: has("/requests/prompts/get"),
            resources: has("/requests/resources/read"),
            cancel: has("/cancel"),
            list: has("/list"),
        }
    }

    /// Whether calls of this method can become tasks.
    pub(crate) fn includes(&self, method: &str) -> bool {
        match method {
            "tools/call" => self.tools,
            "prompts/get" => self.prompts,
            "resources/read" => self.resources,
            _ => false,
        }
    }

    /// Whether no call can become a task.
    pub(crate) fn is_empty(&self) -> bool {
        !(self.tools || self.prompts || self.resources)
    }
}
