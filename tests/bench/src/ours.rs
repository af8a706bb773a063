//! The client of this repository, under measurement.

mod in_memory;
mod in_process;

use crate::{
    drive::Driver,
    payload::{self, Rows},
    peer::{self, HttpServer},
    plan::{Layer, Over, Plan, Work},
    request::{ROWS, tool},
};
use anyhow::{Context, Result};
use bytes::Bytes;
use in_memory::Pipe;
use in_process::Service;
use mcp_client::{Client, Connection, Error, Target};
use mcp_session::{Call, Diagnostics, Dispatch, Events, NoInput, Params, Peer};
use mcp_transport::stdio::Command;
use mcp_types::{
    rpc::{Message, Request},
    tools::CallToolResult,
};
use serde::Serialize;
use std::sync::{Arc, LazyLock};
use tower::ServiceExt;

#[derive(Clone)]
pub struct Ours(Arc<Inner>);

struct Inner {
    connection: Connection,
    dispatch: Option<Dispatch<Service>>,
    _server: Option<HttpServer>,
}

#[derive(Serialize)]
struct Echo<'a> {
    name: &'a str,
    arguments: Text<'a>,
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

impl Driver for Ours {
    async fn connect(plan: Plan) -> Result<Self> {
        let mut server = None;
        let service = Service { is_modern: plan.modern };
        let target: Target = match plan.over {
            Over::Process => Target::service(service),
            Over::Memory => Target::connector("a pipe", Pipe { is_modern: plan.modern }),
            Over::Stdio => {
                let (program, arguments) = peer::command(&plan)?;
                Command::new(program).args(arguments).into()
            }
            Over::Http | Over::Sse => {
                let started = HttpServer::start(&plan)?;
                let url = started.url();
                server = Some(started);
                url.into()
            }
        };
        let connection = Client::new(target).connect().await?;
        let dispatch = (plan.layer == Layer::Dispatch).then(|| {
            let input = Arc::new(NoInput::default());
            Dispatch::new(service, Peer::new(input, Events::default(), Diagnostics::default()))
        });
        Ok(Self(Arc::new(Inner { connection, dispatch, _server: server })))
    }

    async fn call(&self, work: Work) -> Result<()> {
        let client = &self.0.connection;
        match work {
            Work::Encode => encode()?,
            Work::Decode => decode()?,
            Work::Progress => drop(client.call_tool("progress").on_progress(drop).await?),
            Work::Structured => drop(client.call_tool("structured").typed::<Rows>().await?),
            Work::Arguments => drop(client.call_tool("echo").arguments(&*ROWS).await?),
            Work::Send1 | Work::Send16 => {
                drop(client.call_tool("echo").argument("text", payload::sent(work)).await?);
            }
            Work::List => drop(client.list_tools().await?),
            Work::Blob16 => drop(client.read_resource("file:///blob").await?),
            _ => drop(client.call_tool(tool(work)).argument("text", "hello").await?),
        }
        Ok(())
    }
}

/// The same without the facade. A driver of its own, so that its calls, which are larger, are not in the tasks of the others.
#[derive(Clone)]
pub struct Below(Ours);

impl Driver for Below {
    async fn connect(plan: Plan) -> Result<Self> {
        Ok(Self(Ours::connect(plan).await?))
    }

    async fn call(&self, work: Work) -> Result<()> {
        anyhow::ensure!(work == Work::Echo, "only small calls are made without the facade");
        let Inner { connection, dispatch, .. } = &*self.0.0;
        let call = Call::new("tools/call").with_params(params()?);
        let reply = match dispatch {
            Some(dispatch) => dispatch.clone().oneshot(call).await,
            None => connection.session()?.oneshot(call).await,
        };
        let reply = reply.map_err(Error::from_layers)?;
        anyhow::ensure!(!reply.result.as_bytes().is_empty(), "an empty result");
        Ok(())
    }
}

fn params() -> Result<Params> {
    Ok(Params::encode(&Echo { name: "echo", arguments: Text { text: "hello" } })?)
}

/// A small request becomes bytes.
fn encode() -> Result<()> {
    let params = params()?.as_raw().clone();
    let mut out = Vec::with_capacity(256);
    Message::from(Request::new(1, "tools/call").with_params(params)).encode(&mut out);
    anyhow::ensure!(!out.is_empty(), "nothing came of it");
    Ok(())
}

/// A small answer becomes a result.
fn decode() -> Result<()> {
    static LINE: LazyLock<Bytes> = LazyLock::new(|| {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{}}}"#, payload::ECHO);
        Bytes::from(line)
    });
    let Message::Response(response) = Message::decode(&LINE)? else {
        anyhow::bail!("not a response");
    };
    let result = response.outcome.ok().context("an error")?;
    let result: CallToolResult = result.decode()?;
    anyhow::ensure!(result.content.len() == 1, "not the content that was sent");
    Ok(())
}
