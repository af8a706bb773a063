//! Connections that fail.

use super::*;
use mcp_transport::Delivery;
use std::{error::Error as _, io};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server of raw bytes: reads the request's beginning, then does as `script` says.
async fn raw<F: Future<Output = io::Result<()>> + Send + 'static>(
    script: impl Fn(TcpStream, usize) -> F + Send + 'static,
) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        for count in 0.. {
            let Ok((stream, _)) = listener.accept().await else { return };
            connections.spawn(script(stream, count));
        }
    });
    (url, tasks)
}

async fn read_request(stream: &mut TcpStream) -> io::Result<()> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"}}}") {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

// spec: VER-11
#[tokio::test]
async fn f24_a_server_that_is_not_there_is_a_connect_error() {
    deadline(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        drop(listener);
        for url in [url, "http://does-not-exist.invalid/mcp".to_owned()] {
            let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
            let error = error_of(peer.send(modern_call(1)).await);
            assert!(error.is_connect(), "{error:?}");
            assert_eq!(error.delivery(), Delivery::NotSent);
            assert!(error.to_string().contains(&url) && error.source().is_some(), "{error:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn f24_a_tls_handshake_that_stalls_ends_at_the_connect_timeout() {
    deadline(async {
        let (url, _server) = raw(|stream, _| async move {
            std::future::pending::<()>().await;
            drop(stream);
            Ok(())
        })
        .await;
        let endpoint = Endpoint::parse(&url.replace("http:", "https:")).unwrap();
        let Ok(link) = endpoint.connect_timeout(Duration::from_millis(50)).connect().await else {
            return; // A machine without root certificates says so before.
        };
        let error = error_of(send(link.transport, modern_call(1)).await);
        assert!(error.is_connect() && error.delivery() == Delivery::NotSent, "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn f24_a_peer_that_does_not_speak_tls_is_a_connect_error() {
    deadline(async {
        let (url, _server) = raw(|mut stream, _| async move {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await
        })
        .await;
        let endpoint = Endpoint::parse(&url.replace("http:", "https:")).unwrap();
        let Ok(link) = endpoint.connect().await else {
            return; // A machine without root certificates says so before.
        };
        let error = error_of(send(link.transport, modern_call(1)).await);
        assert!(error.is_connect() && error.delivery() == Delivery::NotSent, "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn f25_a_connection_that_is_lost_before_the_answer_leaves_it_open_what_happened() {
    deadline(async {
        let (url, _server) =
            raw(|mut stream, _| async move { read_request(&mut stream).await }).await;
        let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
        let error = error_of(peer.send(modern_call(1)).await);
        assert!(error.is_io(), "{error:?}");
        assert_eq!(error.delivery(), Delivery::Unknown);
        assert!(error.to_string().contains(&url), "{error}");
    })
    .await;
}

#[tokio::test]
async fn f29_an_answer_that_is_cut_short_is_an_error_even_if_it_reads_well() {
    deadline(async {
        let body = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
        let length = format!("Content-Length: {}\r\n\r\n{body}", body.len() + 1);
        let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len());
        let garbage =
            format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\nzz\r\n", body.len());
        for rest in [length, chunked, garbage] {
            let (url, _server) = raw(move |mut stream, _| {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
                let answer = format!("{head}{rest}");
                async move {
                    read_request(&mut stream).await?;
                    stream.write_all(answer.as_bytes()).await
                }
            })
            .await;
            let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
            let error = error_of(peer.send(modern_call(1)).await);
            assert!(error.is_closed(), "{error:?}");
            assert_eq!(error.delivery(), Delivery::Unknown);
        }
    })
    .await;
}

#[tokio::test]
async fn f39_a_head_that_is_not_http_or_too_large_is_an_error() {
    deadline(async {
        let large = format!("HTTP/1.1 200 OK\r\nX-Large: {}\r\n", "x".repeat(1024 * 1024));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-Many: 1\r\n".repeat(1000));
        for answer in ["SSH-2.0-OpenSSH_9.2\r\n".to_owned(), large, many] {
            let (url, _server) = raw(move |mut stream, _| {
                let answer = answer.clone();
                async move {
                    read_request(&mut stream).await?;
                    let _ = stream.write_all(answer.as_bytes()).await;
                    std::future::pending().await
                }
            })
            .await;
            let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
            let error = error_of(peer.send(modern_call(1)).await);
            assert_eq!(error.delivery(), Delivery::Unknown, "{error:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn f37_a_pooled_connection_that_the_server_closed_is_replaced() {
    deadline(async {
        let (url, _server) = raw(|mut stream, _| async move {
            read_request(&mut stream).await?;
            let body = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
            let length = body.len();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
            let answer = format!("{head}Content-Length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await
        })
        .await;
        let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
        for _ in 0..20 {
            let answer = peer.send(modern_call(1)).await;
            // The server may close after the pool looked: then it is not known whether the request arrived.
            assert!(answer.is_ok_and(|replies| replies.len() == 1));
        }
    })
    .await;
}

#[tokio::test]
async fn a_limit_for_the_wait_until_the_headers_can_be_set() {
    deadline(async {
        let server = start(|_| Answer::silence()).await;
        let endpoint = Endpoint::parse(server.url()).unwrap();
        let mut peer = connect_to(endpoint.response_timeout(Duration::from_millis(50))).await;
        let error = error_of(peer.send(modern_call(1)).await);
        assert!(error.is_timeout() && error.delivery() == Delivery::Unknown, "{error:?}");
        server.wait_for_given_up(1).await;
    })
    .await;
}

#[tokio::test]
async fn f57_a_storm_of_dropped_calls_does_not_end_an_http2_connection() {
    deadline(async {
        let server = start(|request| match request.json()["id"].as_i64() {
            Some(0) => Answer::result(request, &json!({})),
            _ => Answer::silence(),
        })
        .await;
        let endpoint = Endpoint::parse(server.url()).unwrap().http2_only();
        let mut peer = connect_to(endpoint).await;
        for round in 0..30 {
            let mut storm = JoinSet::new();
            for id in 1..=100 {
                storm.spawn(send(peer.http.clone(), modern_call(id)));
            }
            server.wait_for((round + 1) * 100, |it| it.json()["id"] != 0).await;
            storm.shutdown().await;
        }
        peer.ask(modern_call(0)).await;
        assert!(server.requests().iter().all(|request| request.connection == 0));
    })
    .await;
}
