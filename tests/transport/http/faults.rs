//! Connections that fail.

use super::{tls::Authority, *};
use conformance::http_server::Step;
use mcp_transport::{Delivery, http::Tls};
use std::{error::Error as _, io};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    time::Instant,
};

/// A server of raw bytes: reads the beginning of the request, then runs `script`.
pub(super) async fn raw<F: Future<Output = io::Result<()>> + Send + 'static>(
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

pub(super) async fn read_request(stream: &mut TcpStream) -> io::Result<()> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"}}}") {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// Writes the answer to request 1.
pub(super) async fn write_answer(stream: &mut TcpStream) -> io::Result<()> {
    let body = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let answer = format!("{head}Content-Length: {length}\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await
}

/// Returns the same address over TLS, trusting an authority that signs nothing.
fn over_tls(url: &str) -> Endpoint {
    let tls = Tls::new().trust_only_pem(Authority::new().pem().as_bytes()).unwrap();
    Endpoint::parse(&url.replace("http:", "https:")).unwrap().tls(tls)
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
        let endpoint = over_tls(&url).connect_timeout(Duration::from_millis(50));
        let error = error_of(connect_to(endpoint).await.send(modern_call(1)).await);
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
        let error = error_of(connect_to(over_tls(&url)).await.send(modern_call(1)).await);
        assert!(error.is_connect() && error.delivery() == Delivery::NotSent, "{error:?}");
        assert!(
            error.to_string().ends_with(" does not speak TLS: is it a server for http:// alone?")
        );
    })
    .await;
}

#[tokio::test]
async fn a_port_that_nobody_listens_at_is_told_once_with_the_cause() {
    deadline(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        drop(listener);
        let endpoint = Endpoint::parse(&url).unwrap();
        let error = error_of(connect_to(endpoint).await.send(modern_call(1)).await);
        assert_eq!(error.to_string(), format!("{url} cannot be reached"));
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        assert!(cause.is_some_and(|cause| cause.starts_with("tcp connect error")), "{error:?}");
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
            write_answer(&mut stream).await?;
            stream.shutdown().await
        })
        .await;
        let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
        for _ in 0..20 {
            let answer = peer.send(modern_call(1)).await;
            // The server may close the connection after the pool has checked it: then it is unknown whether the request
            // arrived.
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
async fn f39_a_storm_of_interim_answers_is_no_answer() {
    deadline(async {
        let (url, _server) = raw(|mut stream, _| async move {
            read_request(&mut stream).await?;
            for _ in 0..1000 {
                stream.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n").await?;
            }
            write_answer(&mut stream).await?;
            std::future::pending().await
        })
        .await;
        let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
        peer.ask(modern_call(1)).await;
    })
    .await;
}

#[tokio::test]
async fn f55_calls_that_take_long_do_not_hold_up_the_others() {
    deadline(async {
        for http2 in [false, true] {
            let server = start(|request| match request.json()["id"].as_i64() {
                Some(0) => Answer::result(request, &json!({})),
                Some(id) if id % 2 == 0 => Answer::silence(),
                _ => Answer::body("application/json", "{").step(Step::Stall),
            })
            .await;
            let mut endpoint = Endpoint::parse(server.url()).unwrap();
            if http2 {
                endpoint = endpoint.http2_only();
            }
            let mut peer = connect_to(endpoint).await;
            let mut slow = JoinSet::new();
            for id in 1..=150 {
                slow.spawn(send(peer.http.clone(), modern_call(id)));
            }
            server.wait_for(150, |_| true).await;
            for _ in 0..20 {
                peer.ask(modern_call(0)).await;
            }
            slow.shutdown().await;
        }
    })
    .await;
}

/// Forwards bytes between a client and the server at `port`, with a `delay` each way.
async fn distant(port: u16, delay: Duration) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut ways = JoinSet::new();
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let (client, server) = (client.into_split(), server.into_split());
            ways.spawn(carry(client.0, server.1, delay));
            ways.spawn(carry(server.0, client.1, delay));
        }
    });
    (url, tasks)
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(100_000);
    let reading = async move {
        loop {
            let mut bytes = Vec::with_capacity(64 * 1024);
            match from.read_buf(&mut bytes).await {
                Ok(1..) => sender.send((Instant::now() + delay, bytes)).await.unwrap(),
                _ => return,
            }
        }
    };
    let writing = async move {
        while let Some((due, bytes)) = receiver.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(reading, writing);
}

#[tokio::test]
async fn f57_a_storm_of_dropped_calls_to_a_distant_server_does_not_end_an_http2_connection() {
    deadline(async {
        let (count, mut seen) = watch::channel(0);
        let server = start(move |request| {
            count.send_modify(|count| *count += 1);
            match request.json()["id"].as_i64() {
                Some(0) => Answer::result(request, &json!({})),
                _ => Answer::body("text/event-stream", ": wait\n\n").step(Step::Stall),
            }
        })
        .await;
        let port = server.url().rsplit(':').next().unwrap().split('/').next().unwrap();
        let (url, _distance) = distant(port.parse().unwrap(), Duration::from_millis(10)).await;
        let mut peer = connect_to(Endpoint::parse(&url).unwrap().http2_only()).await;
        for round in 1..=25 {
            let mut storm = JoinSet::new();
            for id in 1..=100 {
                storm.spawn(send(peer.http.clone(), modern_call(id)));
            }
            // The answers to these calls are still on their way when the calls are dropped.
            seen.wait_for(|count| *count >= round * 100).await.unwrap();
            storm.shutdown().await;
        }
        peer.ask(modern_call(0)).await;
        assert!(server.requests().iter().all(|request| request.connection == 0));
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
            server.wait_for((round + 1) * 100, |_| true).await;
            storm.shutdown().await;
        }
        peer.ask(modern_call(0)).await;
        assert!(server.requests().iter().all(|request| request.connection == 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn f24_calls_to_a_server_that_does_not_answer_do_not_wait_for_it_one_after_the_other() {
    let (url, _server) = raw(|stream, _| async move {
        let _stream = stream;
        std::future::pending().await
    })
    .await;
    let peer = connect_to(over_tls(&url)).await;
    let begun = tokio::time::Instant::now();
    let calls = (0..20).map(|_| send(peer.http.clone(), modern_call(1)));
    for outcome in futures_util::future::join_all(calls).await {
        assert!(outcome.unwrap_err().is_connect());
    }
    // The first has 30 s to connect, and so have the others, one second later.
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
}
