//! The driver of rmcp, as its documentation shows it.

use anyhow::Result;
use clap::Parser;
use mcp_bench::{
    drive::{self, Driver},
    in_memory,
    payload::{self, Rows},
    peer::{self, HttpServer},
    plan::{Over, Plan, Work},
    request::{ROWS, tool},
};
use rmcp::{
    RoleClient,
    model::{CallToolRequestParams, ProtocolVersion, ReadResourceRequestParams},
    service::{ClientLifecycleMode, ClientServiceExt, RunningService},
    transport::{StreamableHttpClientTransport, TokioChildProcess},
};
use std::sync::Arc;

#[derive(Clone)]
struct Rmcp {
    service: Arc<RunningService<RoleClient, ()>>,
    _server: Option<Arc<HttpServer>>,
}

impl Driver for Rmcp {
    async fn connect(plan: Plan) -> Result<Self> {
        let lifecycle = if plan.modern {
            ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::LATEST] }
        } else {
            ClientLifecycleMode::Initialize
        };
        let mut server = None;
        let service = match plan.over {
            Over::Stdio => {
                let (program, arguments) = peer::command(&plan)?;
                let mut command = tokio::process::Command::new(program);
                command.args(arguments);
                ().serve_with_lifecycle(TokioChildProcess::new(command)?, lifecycle).await?
            }
            Over::Http | Over::Sse => {
                let started = HttpServer::start(&plan)?;
                let transport = StreamableHttpClientTransport::from_uri(started.url());
                server = Some(Arc::new(started));
                ().serve_with_lifecycle(transport, lifecycle).await?
            }
            Over::Memory => {
                ().serve_with_lifecycle(in_memory::start(plan.modern), lifecycle).await?
            }
            Over::Process => anyhow::bail!("rmcp has no server that is a function"),
        };
        Ok(Self { service: Arc::new(service), _server: server })
    }

    async fn call(&self, work: Work) -> Result<()> {
        match work {
            Work::List => drop(self.service.list_all_tools().await?),
            Work::Blob16 => {
                let params = ReadResourceRequestParams::new("file:///blob");
                drop(self.service.read_resource(params).await?);
            }
            work => {
                let arguments = match work {
                    Work::Arguments => serde_json::to_value(&*ROWS)?,
                    Work::Send1 | Work::Send16 => serde_json::json!({"text": payload::sent(work)}),
                    _ => serde_json::json!({"text": "hello"}),
                };
                let mut params = CallToolRequestParams::new(tool(work));
                params.arguments = arguments.as_object().cloned();
                let result = self.service.call_tool(params).await?;
                if work == Work::Structured {
                    drop(result.into_typed::<Rows>()?);
                }
            }
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    drive::main::<Rmcp>(&Plan::parse())
}
