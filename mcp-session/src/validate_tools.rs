//! Validating the arguments and output of tools by their schemas.

mod catalogue;
mod graph;
mod output;
mod schema;

use crate::{Call, CallService, Error, Reply, task::Known, tool_name::tool_name};
use catalogue::{Catalogue, Definition};
use futures_util::future::{BoxFuture, Either};
use mcp_transport::BoxError;
use output::Output;
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::HashSet,
    future::poll_fn,
    mem,
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// The maximum number of pages read to find one tool.
const MAX_PAGES: usize = 1_000;

/// What happens to values that do not fit the schema of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Validation {
    /// Nothing is validated.
    #[default]
    Off,
    /// The misfit is reported and logged, and the call goes on.
    Warn,
    /// The call fails.
    Strict,
}

/// How the output of one call is validated, as an extension of it that overrides the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is what it holds")]
pub struct ValidateOutput(pub Validation);

/// How the arguments of one call are validated, as an extension of it that overrides the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is what it holds")]
pub struct ValidateArguments(pub Validation);

/// Validates the structured output of tools, and their arguments before they are sent.
///
/// On the wire: nothing, where nothing is validated, or the tool was listed already: the schemas are read from the
/// `tools/list` results that pass. Otherwise the tools are listed once, before the call. What does not fit is
/// [`Misbehavior::OutputMismatch`](crate::Misbehavior::OutputMismatch) and a warning, or [`Error::InvalidOutput`] and
/// [`Error::InvalidArguments`]. An unusable schema affects only its own tool:
/// [`Misbehavior::UnusableSchema`](crate::Misbehavior::UnusableSchema) or [`Error::UnusableSchema`].
///
/// The dialects are drafts 4, 6 and 7, 2019-09, and 2020-12, which is the default; formats are not checked. No
/// reference leads out of a schema, to the network or to a file. A schema may have 256 KiB, 10,000 subschemas, 512
/// patterns and chains of 64; a value that would take too much work is not validated, which is reported as a misfit.
///
/// The output of a tool that failed is not validated; that of a task is validated when it is fetched through the handle
/// of the call. Belongs outside of all layers that change tools.
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/server/tools#output-schema).
// spec: TOOL-04 TOOL-07 TOOL-08 SCH-04
#[derive(Clone, Debug)]
pub struct ValidateTools<S> {
    inner: S,
    layer: ValidateToolsLayer,
}

/// Makes [`ValidateTools`] services, which share what they know of the tools: one layer for one server.
#[derive(Clone, Debug, Default)]
pub struct ValidateToolsLayer {
    output: Validation,
    arguments: Validation,
    catalogue: Arc<Catalogue>,
    /// Held while one caller lists the tools: others wait, and find the result.
    listing: Arc<tokio::sync::Mutex<()>>,
}

impl ValidateToolsLayer {
    /// Creates a layer that validates only the calls that ask for it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how the output of all calls is validated.
    #[must_use]
    pub fn output(self, output: Validation) -> Self {
        Self { output, ..self }
    }

    /// Sets how the arguments of all calls are validated.
    #[must_use]
    pub fn arguments(self, arguments: Validation) -> Self {
        Self { arguments, ..self }
    }
}

impl<S> Layer<S> for ValidateToolsLayer {
    type Service = ValidateTools<S>;

    fn layer(&self, inner: S) -> ValidateTools<S> {
        ValidateTools { inner, layer: self.clone() }
    }
}

impl<S: CallService> Service<Call> for ValidateTools<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = Either<S::Future, BoxFuture<'static, Result<Reply, BoxError>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        match &*call.method {
            "tools/list" => Either::Right(Box::pin(list_tools(self.layer.clone(), inner, call))),
            "tools/call" => {
                let own = call.extensions.get().map(|ValidateOutput(own)| *own);
                let output = own.unwrap_or(self.layer.output);
                let own = call.extensions.get().map(|ValidateArguments(own)| *own);
                let arguments = own.unwrap_or(self.layer.arguments);
                if (output, arguments) == (Validation::Off, Validation::Off) {
                    return Either::Left(inner.call(call));
                }
                let this = Self { inner: inner.clone(), layer: self.layer.clone() };
                Either::Right(Box::pin(this.call_tool(inner, call, output, arguments)))
            }
            _ => Either::Left(inner.call(call)),
        }
    }
}

async fn list_tools<S: CallService>(
    layer: ValidateToolsLayer,
    mut inner: S,
    call: Call,
) -> Result<Reply, BoxError> {
    let reply = inner.call(call).await?;
    layer.catalogue.learn(&reply.result, None);
    Ok(reply)
}

impl<S: CallService> ValidateTools<S> {
    /// Calls a tool through `inner`, the clone that is ready.
    async fn call_tool(
        self,
        mut inner: S,
        call: Call,
        output: Validation,
        arguments: Validation,
    ) -> Result<Reply, BoxError> {
        let Some(name) = tool_name(&call).map(|name| name.into_owned()) else {
            return inner.call(call).await;
        };
        let is_strict = [output, arguments].contains(&Validation::Strict);
        let Some(definition) = self.definition(&name, is_strict).await? else {
            return inner.call(call).await;
        };
        check_arguments(&definition, &name, &call, arguments)?;
        let mut reply = inner.call(call).await?;
        let output = Output { definition, tool: name.into(), validation: output };
        match reply.extensions.get::<Known>().cloned() {
            Some(task) => {
                reply.extensions.insert(task.checked_by(move |reply| output.check(reply)))
            }
            None => output.check(&reply)?,
        }
        Ok(reply)
    }

    /// Returns what is known, or can be found out, about a tool. A failed listing is an error only where it matters.
    async fn definition(
        &self,
        name: &str,
        is_strict: bool,
    ) -> Result<Option<Arc<Definition>>, BoxError> {
        if let Some(definition) = self.layer.catalogue.get(name) {
            return Ok(Some(definition));
        }
        let _listing = self.layer.listing.lock().await;
        if let Some(definition) = self.layer.catalogue.get(name) {
            return Ok(Some(definition));
        }
        match self.look_up(name).await {
            Ok(definition) => Ok(Some(definition)),
            Err(error) if is_strict && !is_refusal(&error) => Err(error),
            Err(error) => {
                tracing::debug!(error, tool = name, "tools are not validated: no list");
                Ok(None)
            }
        }
    }

    /// Lists pages until the tool is found.
    async fn look_up(&self, name: &str) -> Result<Arc<Definition>, BoxError> {
        let (mut inner, catalogue) = (self.inner.clone(), &self.layer.catalogue);
        let mut list = Call::new("tools/list");
        let mut seen = HashSet::new();
        for _ in 0..MAX_PAGES {
            poll_fn(|cx| inner.poll_ready(cx)).await?;
            let reply = inner.call(list.clone()).await?;
            let page = catalogue.learn(&reply.result, Some(name));
            match (page.wanted, page.next_cursor) {
                (Some(definition), _) => return Ok(definition),
                (None, Some(cursor)) if seen.insert(cursor.to_string()) => {
                    list.params = list.params.with_members(&[("cursor", Some(&cursor))])?;
                }
                (None, _) => break,
            }
        }
        Ok(catalogue.insert_unlisted(name))
    }
}

/// Whether the server has no list to offer.
fn is_refusal(error: &BoxError) -> bool {
    error.downcast_ref::<Error>().is_some_and(|error| error.as_rpc().is_some())
}

fn check_arguments(
    definition: &Definition,
    tool: &str,
    call: &Call,
    validation: Validation,
) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Given {
        arguments: Option<Value>,
    }

    let (Some(input), true) = (&definition.input, validation != Validation::Off) else {
        return Ok(());
    };
    let error = match input.schema() {
        Ok(schema) => {
            let given: Given = call.params.as_raw().decode().map_err(crate::InvalidParams::from)?;
            let arguments = given.arguments.unwrap_or_else(|| Value::Object(Default::default()));
            match schema.check(&arguments) {
                Ok(()) => return Ok(()),
                Err(misfit) => {
                    Error::InvalidArguments { tool: tool.into(), misfit: Box::new(misfit) }
                }
            }
        }
        Err(reason) => {
            Error::UnusableSchema { tool: tool.into(), reason: reason.to_string().into() }
        }
    };
    match validation {
        Validation::Strict => Err(error),
        _ => {
            tracing::warn!(%error, "calling the tool all the same");
            Ok(())
        }
    }
}
