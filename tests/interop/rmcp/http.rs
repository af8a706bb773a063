//! The server over HTTP: the service of rmcp behind hyper, on a port of this machine.

use super::server::Server;
use crate::run::within_deadline;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use std::{
    convert::Infallible,
    sync::{Arc, LazyLock},
};
use tokio::net::TcpListener;

/// Where it listens; it is started once, and ends with this process.
pub(crate) fn url() -> &'static str {
    static URL: LazyLock<String> = LazyLock::new(|| within_deadline(start()));
    &URL
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server of the tests lives as long as their runtime"
)]
async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let sessions = Arc::new(LocalSessionManager::default());
    let config = StreamableHttpServerConfig::default();
    let service = StreamableHttpService::new(|| Ok(Server), sessions, config);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service.clone();
            let answer = service_fn(move |request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(service.handle(request).await) }
            });
            tokio::spawn(async move {
                let builder = Builder::new(TokioExecutor::new());
                // A client that disconnects does not affect the others.
                let _ = builder.serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    });
    url
}
