//! A group as a `CallService`.

use super::{
    Group, Shared,
    merge::{Merge, Merged, Missing},
    routes::Kind,
};
use crate::Error;
use futures_util::future::BoxFuture;
use mcp_session::{AsTask, Call, InvalidParams, Params, Reply, Started};
use mcp_transport::BoxError;
use mcp_types::{
    CompletionReference, ErrorCode, ErrorObject, ListPromptsRequest, ListResourceTemplatesRequest,
    ListResourcesRequest, ListToolsRequest, RawJson,
};
use serde::{Serialize, Serializer, de::DeserializeOwned, ser::SerializeMap};
use std::task::{Context, Poll};
use tower::Service;

/// Routes calls to the member that they are for; lists are merged from all members, on one page.
///
/// This is for layers around a group. A call [as a task](mcp_session::AsTask) is answered with the handle of the task.
/// Other methods, including those of tasks and subscriptions, are unknown here: use [`Group::task`] and
/// [`Group::subscribe`], or the client of one [`member`](Group::member).
impl Service<Call> for Group {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    /// Always ready: a call that cannot be sent fails.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let group = self.clone();
        Box::pin(async move { group.connected()?.serve(call).await })
    }
}

impl Shared {
    async fn serve(&self, call: Call) -> Result<Reply, BoxError> {
        Ok(match &*call.method {
            "tools/list" => return self.page::<ListToolsRequest>().await,
            "prompts/list" => return self.page::<ListPromptsRequest>().await,
            "resources/list" => return self.page::<ListResourcesRequest>().await,
            "resources/templates/list" => {
                return self.page::<ListResourceTemplatesRequest>().await;
            }
            "tools/call" => self.forward(call, Kind::Tool, "name").await?,
            "prompts/get" => self.forward(call, Kind::Prompt, "name").await?,
            "resources/read" => self.forward(call, Kind::Resource, "uri").await?,
            "completion/complete" => self.forward_completion(call).await?,
            method => return Err(unknown(method).into()),
        })
    }

    /// Returns the merged list of all members. What is missing is logged, and is an error if there is nothing else.
    async fn page<R: Merge>(&self) -> Result<Reply, BoxError> {
        let Merged { items, missing } = self.merged::<R>(None).await;
        match gap(R::METHOD, missing) {
            Some(missing) if items.is_empty() => Err(missing.into()),
            _ => Ok(Reply::new(RawJson::encode(&Page { name: R::ITEMS, items: &items })?)),
        }
    }

    /// Sends a call to the member that has the item named by one of its parameters.
    async fn forward(
        &self,
        mut call: Call,
        kind: Kind,
        place: &'static str,
    ) -> Result<Reply, Error> {
        let name: String = parameter(&call.params, place)?;
        let (member, bare) = self.route(&call.method, kind, &name)?;
        call.params = with(&call.params, place, &bare)?;
        let session = member.client.session()?;
        let Some(AsTask { ttl, .. }) = call.extensions.get().copied() else {
            return session.call_raw(call).await;
        };
        Ok(match session.call_as_task(call, ttl).await? {
            Started::Task(task) => {
                let mut reply = Reply::new(RawJson::EMPTY_OBJECT);
                reply.extensions.insert(member.task_of_group(task));
                reply
            }
            Started::Done(reply) => reply,
            _ => return Err(Error::NotConnected),
        })
    }

    async fn forward_completion(&self, mut call: Call) -> Result<Reply, Error> {
        let mut reference: CompletionReference = parameter(&call.params, "ref")?;
        let client = self.route_reference(&call.method, &mut reference)?;
        call.params = with(&call.params, "ref", &reference)?;
        client.session()?.call_raw(call).await
    }
}

/// Logs what is missing in a list, and returns the first gap.
fn gap(method: &str, missing: Vec<Missing>) -> Option<Missing> {
    for missing in &missing {
        tracing::warn!(method, %missing, "a list of a group has a gap");
    }
    missing.into_iter().next()
}

/// Decodes a member of the parameters.
fn parameter<T: DeserializeOwned>(params: &Params, name: &str) -> Result<T, InvalidParams> {
    match params.as_raw().decode_at(&[name]) {
        Some(value) => value.map_err(InvalidParams::from),
        None => Err(InvalidParams::new(format!("missing `{name}`"))),
    }
}

/// Returns the parameters with one member replaced.
fn with<T: Serialize>(params: &Params, name: &str, value: &T) -> Result<Params, Error> {
    let value = RawJson::encode(value).map_err(InvalidParams::from)?;
    Ok(params.with_members(&[(name, Some(&value))])?)
}

fn unknown(method: &str) -> Error {
    let error = ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "a group has no such method");
    Error::Rpc { method: method.into(), error: Box::new(error) }
}

/// The last page of a list.
struct Page<'a, T> {
    name: &'static str,
    items: &'a [T],
}

impl<T: Serialize> Serialize for Page<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("resultType", "complete")?;
        map.serialize_entry(self.name, self.items)?;
        map.end()
    }
}
