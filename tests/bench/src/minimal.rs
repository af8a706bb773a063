//! The least that a client of typed calls does, written by hand for this server: each call is a future in a task of its own,
//! its request is encoded from a type and its answer decoded to one by serde, and calls at the same time share a connection.
//! It has no deadlines, no cancelling, no middleware, no limits and no diagnostics, and it loses what its types do not name.

pub mod http;
pub mod stream;

use crate::plan::Work;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};

/// A request of any method.
#[derive(Serialize)]
struct Request<'a, P> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    params: P,
}

/// The parameters of a request that has none of its own.
#[derive(Serialize)]
struct Bare<'a> {
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct CallTool<'a, A> {
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<&'a RawValue>,
    name: &'a str,
    arguments: A,
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Initialize {
    protocol_version: &'static str,
    capabilities: Capabilities,
    client_info: Implementation,
}

/// What each request of a stateless session says of the client.
#[derive(Serialize)]
struct Meta {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    protocol_version: &'static str,
    #[serde(rename = "io.modelcontextprotocol/clientInfo")]
    client_info: Implementation,
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities")]
    client_capabilities: Capabilities,
}

#[derive(Serialize)]
struct Implementation {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Capabilities {}

const CLIENT: Implementation = Implementation { name: "bench", version: "1" };

/// What all requests of a stateless session say, encoded once.
fn meta(is_modern: bool) -> Result<Option<Box<RawValue>>> {
    let meta = Meta {
        protocol_version: "2026-07-28",
        client_info: CLIENT,
        client_capabilities: Capabilities {},
    };
    Ok(if is_modern { Some(to_raw_value(&meta)?) } else { None })
}

fn initialize() -> Initialize {
    Initialize {
        protocol_version: "2025-11-25",
        capabilities: Capabilities {},
        client_info: CLIENT,
    }
}

fn echo(meta: Option<&RawValue>) -> CallTool<'_, Text<'_>> {
    CallTool { meta, name: "echo", arguments: Text { text: "hello" } }
}

/// A response, of the type that belongs to its request.
#[derive(Deserialize)]
#[serde(bound = "R: DeserializeOwned")]
struct Response<R> {
    id: u64,
    result: Option<R>,
    error: Option<Box<RawValue>>,
}

/// Reads the response to the request with this id, in one pass. Text is checked as a whole: serde_json would check each string.
fn read<R: DeserializeOwned>(message: &[u8], id: u64) -> Result<R> {
    let response: Response<R> = serde_json::from_str(str::from_utf8(message)?)?;
    ensure!(response.id == id, "the answer to another request");
    response.result.with_context(|| format!("no result but {:?}", response.error))
}

/// What any tool may give, each block of content with all members that one may have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallToolResult {
    pub result_type: Option<ResultType>,
    #[serde(default)]
    pub content: Vec<Content>,
    pub structured_content: Option<Box<RawValue>>,
    #[serde(default)]
    pub is_error: bool,
    #[serde(rename = "_meta")]
    pub meta: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultType {
    Complete,
    InputRequired,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    #[serde(rename = "type")]
    pub kind: Kind,
    pub text: Option<String>,
    pub data: Option<String>,
    pub mime_type: Option<String>,
    pub uri: Option<String>,
    pub name: Option<String>,
    pub resource: Option<Box<RawValue>>,
    pub annotations: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Text,
    Image,
    Audio,
    Resource,
    ResourceLink,
}

impl CallToolResult {
    fn check(&self) -> Result<()> {
        let text = self.content.first().and_then(|content| content.text.as_deref());
        ensure!(text == Some("hello") && !self.is_error, "not the text that was sent");
        Ok(())
    }
}

fn ensure_small(work: Work) -> Result<()> {
    ensure!(work == Work::Echo, "the minimal client makes small calls alone");
    Ok(())
}
