//! Reading resources.

use crate::{
    Client, Error,
    known_tools::KnownTools,
    offer::Offer,
    operation::{self, Operation},
    task::Prepared,
};
use futures_util::future::BoxFuture;
use mcp_session::{InvalidParams, Params, Reply};
use mcp_types::{ReadResourceRequest, ReadResourceResult, Request, ResourceContents};
use serde::Serialize;
use std::{fmt, future::IntoFuture, sync::Arc};

const METHOD: &str = ReadResourceRequest::METHOD;

/// A read that has not been sent yet, made by [`Client::read_resource`]. Awaiting it gives `O`.
pub struct ReadResource<O> {
    uri: String,
    read: fn(Reply) -> Result<O, Error>,
}

#[derive(Serialize)]
struct Body<'a> {
    uri: &'a str,
}

impl Client {
    /// Reads a resource; the parts are text or bytes ([`Content`](crate::Content) reads both).
    ///
    /// The URI goes to the server exactly as it is given. What a server answers when there is no such resource differs:
    /// `-32602` since 2026-07-28, `-32002` before that, sometimes no parts at all.
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/server/resources#reading-resources).
    // spec: RES-01 RES-03 RES-04
    pub fn read_resource(
        &self,
        uri: impl Into<String>,
    ) -> Operation<ReadResource<Vec<ResourceContents>>> {
        let uri = uri.into();
        let checked = check(&uri);
        let kind = ReadResource { uri, read: |reply| read(reply).map(|result| result.contents) };
        let mut operation = operation::begin(self, kind).needs(METHOD, Offer::Resources);
        operation.check(checked);
        operation
    }
}

impl<O> Operation<ReadResource<O>> {
    /// Awaits the result as the protocol defines it.
    pub fn raw(self) -> Operation<ReadResource<ReadResourceResult>> {
        self.map(|ReadResource { uri, .. }| ReadResource { uri, read })
    }
}

impl<O: Send + 'static> IntoFuture for Operation<ReadResource<O>> {
    type Output = Result<O, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start(async |caller, ReadResource { uri, read }| {
            let params = Params::encode(&Body { uri: &uri })?;
            read(caller.call(METHOD, params).await?)
        })
    }
}

impl<O: 'static> ReadResource<O> {
    /// Prepares the call to be sent as a task.
    pub(crate) fn prepare(self, _: Arc<KnownTools>) -> Result<Prepared<O>, Error> {
        let Self { uri, read } = self;
        let params = Params::encode(&Body { uri: &uri })?;
        Ok(Prepared { method: METHOD, params, read: Box::new(read) })
    }
}

impl<O> fmt::Debug for ReadResource<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadResource").field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// Reads the parts of a resource.
#[cfg(feature = "skills")]
pub(crate) async fn fetch(
    caller: &operation::Caller,
    uri: &str,
) -> Result<Vec<ResourceContents>, Error> {
    let reply = caller.call(METHOD, Params::encode(&Body { uri })?).await?;
    read(reply).map(|result| result.contents)
}

fn read(reply: Reply) -> Result<ReadResourceResult, Error> {
    operation::decode(METHOD, reply)
}

/// Rejects what is not a URI at all; what it means is up to the server.
pub(crate) fn check(uri: &str) -> Result<(), InvalidParams> {
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme.as_bytes()).unwrap_or_default();
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    if is_scheme && !uri.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Ok(());
    }
    Err(InvalidParams::new(format!(
        "{uri:?} is not a URI: one begins with a scheme, and has no spaces"
    )))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_uri_has_a_scheme_and_no_spaces() {
        for good in ["file:///a", "a:b", "test://static/text", "x-y.z+1:{brace}", "urn:é"] {
            assert!(check(good).is_ok(), "{good:?}");
        }
        for bad in ["", "a", "/etc/passwd", ":a", "1a:b", "a b:c", "a:b c", "a:b\n", "ä:b"] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
