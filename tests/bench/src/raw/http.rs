//! Over HTTP, with hyper and without a library.

use super::read;
use crate::{
    drive::Driver,
    peer::HttpServer,
    plan::{Over, Plan, Work},
    request::{Template, tool},
};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    client::conn::http1::SendRequest,
    header::{ACCEPT, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use tokio::net::TcpStream;

/// Connections to one server, taken for a call and given back.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    server: HttpServer,
    host: String,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
    next_id: AtomicU64,
    plan: Plan,
    template: Template,
}

impl Driver for Http {
    async fn connect(plan: Plan) -> Result<Self> {
        let server = HttpServer::start(&plan)?;
        let host = format!("127.0.0.1:{}", server.port);
        let (next_id, template) = (AtomicU64::new(1), Template::of(&plan)?);
        let idle = Mutex::default();
        let this = Self(Arc::new(Inner { server, host, idle, next_id, plan, template }));
        this.introduce().await?;
        Ok(this)
    }

    async fn call(&self, work: Work) -> Result<()> {
        let method = match work {
            Work::List => "tools/list",
            Work::Blob16 => "resources/read",
            _ => "tools/call",
        };
        let mut cursor = self.send(method, &self.0.template, work).await?;
        while let Some(next) = cursor {
            let page = Template::new("tools/list", json!({"cursor": next}), &self.0.plan)?;
            cursor = self.send(method, &page, work).await?;
        }
        Ok(())
    }
}

impl Http {
    async fn introduce(&self) -> Result<()> {
        let plan = &self.0.plan;
        let (method, params) = if plan.modern {
            ("server/discover", json!({}))
        } else {
            let info = json!({"name": "bench", "version": "1"});
            let version = "2025-11-25";
            (
                "initialize",
                json!({"protocolVersion": version, "capabilities": {}, "clientInfo": info}),
            )
        };
        let template = Template::new(method, params, plan)?;
        self.send(method, &template, Work::Echo).await.map(drop)
    }

    async fn send(&self, method: &str, template: &Template, work: Work) -> Result<Option<String>> {
        let mut connection = self.connection().await?;
        let mut body = Vec::with_capacity(512);
        template.write(self.0.next_id.fetch_add(1, Ordering::Relaxed), &mut body)?;
        let mut request = Request::post("/mcp")
            .header(HOST, &*self.0.host)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream");
        if self.0.plan.modern {
            request = request
                .header("mcp-protocol-version", "2026-07-28")
                .header("mcp-method", method)
                .header("mcp-name", tool(work));
        } else if method != "initialize" {
            request = request
                .header("mcp-protocol-version", "2025-11-25")
                .header("mcp-session-id", "one");
        }
        let response = connection.send_request(request.body(Full::new(body.into()))?).await?;
        let body = response.into_body().collect().await?.to_bytes();
        self.give_back(connection);
        let is_stream = self.0.plan.over == Over::Sse || work == Work::Progress;
        if is_stream { self.events(&body, work) } else { read(work, &body) }
    }

    /// The last event is the response.
    fn events(&self, body: &[u8], work: Work) -> Result<Option<String>> {
        let at = memchr::memmem::rfind(body, b"data: ").context("no event")?;
        read(work, &body[at + 6..])
    }

    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>> {
        if let Some(idle) = self.idle().pop() {
            return Ok(idle);
        }
        let stream = TcpStream::connect(("127.0.0.1", self.0.server.port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move { connection.await.unwrap_or_default() });
        if sender.is_closed() {
            bail!("the server closed the connection");
        }
        Ok(sender)
    }

    fn give_back(&self, connection: SendRequest<Full<Bytes>>) {
        self.idle().push(connection);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SendRequest<Full<Bytes>>>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
