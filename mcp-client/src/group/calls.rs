//! Routing calls to the member that they are for.

use super::{Group, Shared, member::Member, routes::Kind};
use crate::{CallTool, Client, Complete, Error, GetPrompt, Operation, ReadResource, ToolResult};
use mcp_types::{
    CallToolRequest, CompleteRequest, Completion, CompletionReference, GetPromptRequest,
    ReadResourceRequest, Request, ResourceContents,
};

impl Group {
    /// Calls a tool of a member, by its name in the group. See [`Client::call_tool`].
    ///
    /// ```
    /// # use mcp_client::{Client, Group, mock};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = Client::new(mock::Server::new().tool("now", |_| Ok("rain".into())));
    /// # let group = Group::builder().member("weather", client).build()?.connect().await?;
    /// let weather = group.call_tool("weather_now").argument("city", "Oslo").await?;
    /// println!("{}", weather.text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A name of no member is [`Error::NoRoute`], which suggests similar names; for a member that is not ready the
    /// error is the reason for that.
    pub fn call_tool(&self, name: impl Into<String>) -> Operation<CallTool<ToolResult>> {
        self.operation(CallToolRequest::METHOD, Kind::Tool, name.into(), Client::call_tool)
    }

    /// Fetches a prompt of a member, by its name in the group. See [`Client::get_prompt`].
    pub fn get_prompt(&self, name: impl Into<String>) -> Operation<GetPrompt> {
        self.operation(GetPromptRequest::METHOD, Kind::Prompt, name.into(), Client::get_prompt)
    }

    /// Reads a resource of a member, by its URI in the group. See [`Client::read_resource`].
    ///
    /// A member's own URI, for example from the result of a tool, works as well if a list has shown whose it is.
    pub fn read_resource(
        &self,
        uri: impl Into<String>,
    ) -> Operation<ReadResource<Vec<ResourceContents>>> {
        let method = ReadResourceRequest::METHOD;
        self.operation(method, Kind::Resource, uri.into(), Client::read_resource)
    }

    /// Asks for completions of an argument of a prompt or resource template, by its name in the group. See
    /// [`Client::complete`].
    pub fn complete(
        &self,
        reference: impl Into<CompletionReference>,
        argument: impl Into<String>,
        value: impl Into<String>,
    ) -> Operation<Complete<Completion>> {
        let mut reference = reference.into();
        let routed = self
            .connected()
            .and_then(|shared| shared.route_reference(CompleteRequest::METHOD, &mut reference));
        match routed {
            Ok(client) => client.complete(reference, argument, value),
            Err(error) => self.nowhere().complete(reference, argument, value).refused(error),
        }
    }

    fn operation<K>(
        &self,
        method: &'static str,
        kind: Kind,
        name: String,
        begin: impl FnOnce(&Client, String) -> Operation<K>,
    ) -> Operation<K> {
        match self.connected().and_then(|shared| shared.route(method, kind, &name)) {
            Ok((member, bare)) => {
                begin(&member.client, bare).with_task_prefix(member.task_prefix.clone())
            }
            Err(error) => begin(self.nowhere(), name).refused(error),
        }
    }
}

impl Shared {
    /// Returns the member that a call goes to, and the name there.
    pub(super) fn route(
        &self,
        method: &str,
        kind: Kind,
        name: &str,
    ) -> Result<(&Member, String), Error> {
        let Some((member, bare)) = self.routes.find(kind, name) else {
            let near = self.routes.near(kind, name);
            return Err(no_route(method, name, near));
        };
        let member = &self.members[member];
        member.ready()?;
        Ok((member, bare))
    }

    /// Returns the client that completes a reference, which is changed to the member's.
    pub(super) fn route_reference(
        &self,
        method: &str,
        reference: &mut CompletionReference,
    ) -> Result<&Client, Error> {
        let (kind, name) = match reference {
            CompletionReference::Prompt(prompt) => (Kind::Prompt, &mut prompt.name),
            CompletionReference::ResourceTemplate(it) => (Kind::ResourceTemplate, &mut it.uri),
            _ => return Err(no_route(method, "an unknown kind of reference", Vec::new())),
        };
        let (member, bare) = self.route(method, kind, name)?;
        *name = bare;
        Ok(&member.client)
    }
}

pub(super) fn no_route(method: &str, name: &str, near: Vec<Box<str>>) -> Error {
    Error::NoRoute { method: method.into(), name: name.into(), near }
}
