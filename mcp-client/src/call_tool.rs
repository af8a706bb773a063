//! Calling tools.

mod calling;

pub use calling::CallingTool;

use crate::{
    Client, Error, ToolResult,
    arguments::Arguments,
    known_tools::KnownTools,
    offer::Offer,
    operation::{self, Operation},
    task::Prepared,
    tool_result::{self, Origin},
};
use mcp_session::Reply;
#[cfg(feature = "validate")]
use mcp_session::{ValidateArguments, ValidateOutput, Validation};
use mcp_types::{
    Request,
    tools::{CallToolRequest, CallToolResult},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, future::IntoFuture, sync::Arc};

const METHOD: &str = CallToolRequest::METHOD;

/// A tool call that has not been sent yet, made by [`Client::call_tool`]. Awaiting it gives `O`.
pub struct CallTool<O> {
    /// Includes the name of the tool.
    arguments: Arguments,
    read: Read<O>,
}

/// Decodes the result of a tool.
type Read<O> = fn(Origin, Reply) -> Result<O, Error>;

impl Client {
    /// Calls a tool.
    ///
    /// ```
    /// # use mcp_client::{Client, mock};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mcp_client::Error> {
    /// # let server = mock::Server::new().tool("weather", |_| Ok("rain".into()));
    /// # let client = Client::connect_to(&server).await?;
    /// let result = client.call_tool("weather").argument("city", "Oslo").await?;
    /// println!("{}", result.text());
    /// # assert_eq!(result.text(), "rain");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A tool that fails says so in its result, for a model to read: that is a [`ToolResult`] with `is_error`, unless
    /// [`require_success`](Operation::require_success) makes it an [`Error::Tool`].
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/server/tools#calling-tools).
    // spec: TOOL-05
    pub fn call_tool(&self, name: impl AsRef<str>) -> Operation<CallTool<ToolResult>> {
        self.begin_call(name.as_ref())
    }

    /// The non-generic part, compiled once.
    fn begin_call(&self, name: &str) -> Operation<CallTool<ToolResult>> {
        let kind = CallTool { arguments: Arguments::of(name), read: ToolResult::read };
        operation::begin_offered(self, METHOD, Offer::Tools, kind)
    }
}

impl<O> Operation<CallTool<O>> {
    /// Sets one argument; an earlier one of the same name is replaced.
    pub fn argument(mut self, name: impl AsRef<str>, value: impl Serialize) -> Self {
        let outcome = self.kind_mut().arguments.set(name.as_ref(), &value);
        self.check(outcome);
        self
    }

    /// Sets the arguments from anything that serializes to a JSON object, such as a struct or a map. Replaces an
    /// earlier one.
    ///
    /// [`argument`](Self::argument) takes precedence over members of the object.
    pub fn arguments(mut self, arguments: impl Serialize) -> Self {
        let outcome = self.kind_mut().arguments.set_all(&arguments);
        self.check(outcome);
        self
    }

    /// Awaits the result as the protocol defines it: `isError` is a member like any other.
    pub fn raw(self) -> Operation<CallTool<CallToolResult>> {
        self.reading(|_, reply| operation::decode(METHOD, reply))
    }

    /// Awaits the structured output of the tool as a type of your own, decoded from the bytes that arrived.
    ///
    /// A value that the server wrapped as `{"result": value}`, because it is no object, is unwrapped: if `_meta` says
    /// so (`fastmcp.wrap_result`), if the listed tool says so, or if only the inner value fits the type. Without
    /// structured output, a single text content that is JSON is decoded instead, as servers of early revisions send it.
    ///
    /// # Errors
    ///
    /// [`Error::Tool`] if the tool failed; [`Error::Decode`] if there is no output, or it does not fit the type.
    pub fn typed<T: DeserializeOwned>(self) -> Operation<CallTool<T>> {
        self.reading(|origin, reply| tool_result::read_typed(&origin, &reply))
    }

    /// Validates the structured output of this call, whatever is done about others. With the feature `validate`; see
    /// [`ClientBuilder::validate_output`](crate::ClientBuilder::validate_output).
    // spec: TOOL-04
    #[cfg(feature = "validate")]
    pub fn validate_output(self, validation: Validation) -> Self {
        self.with(|caller| caller.validate(ValidateOutput(validation)))
    }

    /// Sets how the arguments of this call are validated, in place of the client's setting (feature `validate`); see
    /// [`ClientBuilder::validate_arguments`](crate::ClientBuilder::validate_arguments).
    #[cfg(feature = "validate")]
    pub fn validate_arguments(self, validation: Validation) -> Self {
        self.with(|caller| caller.validate(ValidateArguments(validation)))
    }

    fn reading<P>(self, read: Read<P>) -> Operation<CallTool<P>> {
        self.map(|CallTool { arguments, .. }| CallTool { arguments, read })
    }
}

impl Operation<CallTool<ToolResult>> {
    /// Turns a result with `isError` into an error.
    ///
    /// # Errors
    ///
    /// [`Error::Tool`] if the result has `isError`.
    pub fn require_success(self) -> Self {
        self.reading(|origin, reply| ToolResult::read(origin, reply)?.require_success())
    }
}

impl<O: Send + 'static> IntoFuture for Operation<CallTool<O>> {
    type Output = Result<O, Error>;
    type IntoFuture = CallingTool<O>;

    fn into_future(self) -> Self::IntoFuture {
        CallingTool::new(self)
    }
}

impl<O: 'static> CallTool<O> {
    /// Prepares the call to be sent as a task.
    pub(crate) fn prepare(self, known: Arc<KnownTools>) -> Result<Prepared<O>, Error> {
        let Self { arguments, read } = self;
        let (params, name) = arguments.encode()?;
        let read = Box::new(move |reply: Reply| {
            read(Origin { tool: name.clone(), wraps: known.wraps(&name) }, reply)
        });
        Ok(Prepared { method: METHOD, params, read })
    }
}

impl<O> fmt::Debug for CallTool<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallTool").field("name", &self.arguments.tool()).finish_non_exhaustive()
    }
}
