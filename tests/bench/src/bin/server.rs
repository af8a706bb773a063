//! The neutral server: answers that are ready, found by a few bytes of the request, over stdio or HTTP.

use anyhow::Result;
use bytes::{Buf, Bytes, buf::Chain};
use clap::{Parser, ValueEnum};
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use mcp_bench::answer::{self, Answer, NOTIFICATIONS};
use std::{
    convert::Infallible,
    io::{BufRead, BufReader, Write},
};

#[derive(Parser)]
struct Options {
    #[arg(long)]
    over: Over,
    #[arg(long)]
    modern: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Over {
    Stdio,
    /// HTTP with JSON answers; prints its port.
    Http,
    /// HTTP with event streams.
    Sse,
}

fn main() -> Result<()> {
    let options = Options::parse();
    match options.over {
        Over::Stdio => stdio(options.modern),
        over => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(http(over == Over::Sse, options.modern)),
    }
}

/// Answers what one read brought with one write.
fn stdio(is_modern: bool) -> Result<()> {
    let mut input = BufReader::with_capacity(1 << 18, std::io::stdin().lock());
    let mut output = std::io::stdout().lock();
    let (mut line, mut out) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        answer::lines(&line, is_modern, &mut out);
        if !out.is_empty() && memchr::memchr(b'\n', input.buffer()).is_none() {
            output.write_all(&out)?;
            output.flush()?;
            out.clear();
        }
    }
}

async fn http(streams: bool, is_modern: bool) -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service_fn(move |request| respond(request, streams, is_modern));
        let serving = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move { serving.await.unwrap_or_default() });
    }
}

type Body = Full<Chain<Chain<Bytes, Bytes>, Bytes>>;

async fn respond(
    request: Request<Incoming>,
    streams: bool,
    is_modern: bool,
) -> Result<Response<Body>, Infallible> {
    let status = match *request.method() {
        Method::POST => None,
        Method::GET => Some(StatusCode::METHOD_NOT_ALLOWED),
        _ => Some(StatusCode::OK),
    };
    if let Some(status) = status {
        return Ok(empty(status));
    }
    let Ok(message) = request.into_body().collect().await.map(|body| body.to_bytes()) else {
        return Ok(empty(StatusCode::BAD_REQUEST));
    };
    let (mut head, mut rest) = (Vec::with_capacity(64), Bytes::new());
    let start: &[u8] = if streams { b"event: message\ndata: " } else { b"" };
    head.extend_from_slice(start);
    let (mut end, mut is_stream) = (if streams { &b"}\n\n"[..] } else { b"}" }, streams);
    match answer::answer(&message, is_modern) {
        Answer::Nothing => return Ok(empty(StatusCode::ACCEPTED)),
        Answer::Result(id, result) => {
            answer::head(id, &mut head);
            rest = Bytes::from_static(result.as_bytes());
        }
        Answer::Progress(id, token) => {
            head.clear();
            for done in 1..=NOTIFICATIONS {
                head.extend_from_slice(b"data: ");
                answer::progress(token, done, &mut head);
                head.extend_from_slice(b"\n\n");
            }
            head.extend_from_slice(b"data: ");
            answer::head(id, &mut head);
            rest = Bytes::from_static(mcp_bench::payload::ECHO.as_bytes());
            (end, is_stream) = (b"}\n\n", true);
        }
        Answer::Unknown(id) => {
            answer::unknown(id, &mut head);
            end = &end[1..];
        }
    }
    let body = Bytes::from(head).chain(rest).chain(Bytes::from_static(end));
    let mut response = Response::new(Full::new(body));
    let kind = if is_stream { "text/event-stream" } else { "application/json" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if memchr::memmem::find(&message, b"\"method\":\"initialize\"").is_some() {
        response.headers_mut().insert("mcp-session-id", HeaderValue::from_static("one"));
    }
    Ok(response)
}

fn empty(status: StatusCode) -> Response<Body> {
    let body = Bytes::new().chain(Bytes::new()).chain(Bytes::new());
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}
