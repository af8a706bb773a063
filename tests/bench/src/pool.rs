//! HTTP by hand: connections of hyper's to one server, taken for a call and given back.

use crate::{peer::HttpServer, plan::Plan};
use anyhow::{Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    client::conn::http1::SendRequest,
    header::{ACCEPT, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::net::TcpStream;

/// A server and the connections to it.
pub struct Pool {
    server: HttpServer,
    host: String,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
    is_modern: bool,
}

impl Pool {
    /// Starts the server.
    pub fn start(plan: &Plan) -> Result<Self> {
        let server = HttpServer::start(plan)?;
        let host = format!("127.0.0.1:{}", server.port);
        Ok(Self { server, host, idle: Mutex::default(), is_modern: plan.modern })
    }

    /// Sends a request and gives the whole body of the answer.
    pub async fn post(&self, method: &str, name: &str, body: Vec<u8>) -> Result<Bytes> {
        let mut connection = self.connection().await?;
        let mut request = Request::post("/mcp")
            .header(HOST, &*self.host)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream");
        if self.is_modern {
            request = request
                .header("mcp-protocol-version", "2026-07-28")
                .header("mcp-method", method)
                .header("mcp-name", name);
        } else if method != "initialize" {
            request = request
                .header("mcp-protocol-version", "2025-11-25")
                .header("mcp-session-id", "one");
        }
        let response = connection.send_request(request.body(Full::new(body.into()))?).await?;
        let body = response.into_body().collect().await?.to_bytes();
        self.idle().push(connection);
        Ok(body)
    }

    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>> {
        if let Some(idle) = self.idle().pop() {
            return Ok(idle);
        }
        let stream = TcpStream::connect(("127.0.0.1", self.server.port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move { connection.await.unwrap_or_default() });
        if sender.is_closed() {
            bail!("the server closed the connection");
        }
        Ok(sender)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SendRequest<Full<Bytes>>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
