//! Which connections are reused, and how calls fail when their connection ends.

use super::{faults::raw, *};
use conformance::http_server::event;
use mcp_transport::Delivery;
use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Semaphore, mpsc},
};

/// Returns the id of the next request on a connection; none at its end.
async fn next_id(stream: &mut TcpStream) -> io::Result<Option<i64>> {
    let mut bytes = Vec::new();
    loop {
        if bytes.ends_with(b"}}}") {
            let at = bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
            let body: Value = serde_json::from_slice(&bytes[at..])?;
            return Ok(body["id"].as_i64());
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
}

fn body(id: i64, of: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "result": { "of": of } }).to_string()
}

/// An answer with additional headers.
fn answer(headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
}

async fn told(peer: &mut Connected, id: i64) -> Value {
    let response = peer.ask(modern_call(id)).await;
    serde_json::from_str(response.outcome.unwrap().as_str()).unwrap()
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_not_that_of_the_next_call() {
    // Together with the answer, soon after it, and much later.
    for gap in [0, 1, 30].map(Duration::from_millis) {
        deadline(async {
            let (written, mut writes) = mpsc::channel(8);
            let (url, _server) = raw(move |mut stream, _| {
                let written = written.clone();
                async move {
                    stream.set_nodelay(true)?;
                    while let Some(id) = next_id(&mut stream).await? {
                        let (real, stale) =
                            (answer("", &body(id, "real")), answer("", &body(id + 1, "stale")));
                        if gap.is_zero() {
                            stream.write_all(format!("{real}{stale}").as_bytes()).await?;
                        } else {
                            stream.write_all(real.as_bytes()).await?;
                            tokio::time::sleep(gap).await;
                            stream.write_all(stale.as_bytes()).await?;
                        }
                        let _ = written.send(()).await;
                    }
                    Ok(())
                }
            })
            .await;
            let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
            for id in 1..6 {
                assert_eq!(told(&mut peer, id).await["of"], "real", "{gap:?}");
                if !gap.is_zero() {
                    writes.recv().await.unwrap();
                    // The runtime polls its sockets before it sleeps.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn what_comes_before_and_around_an_answer_is_not_in_its_way() {
    let length = answer("", &body(1, "real"));
    let body = body(1, "real");
    let size = body.len();
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n\
        {size:x};ext=\"a b\"\r\n{body}\r\n0\r\nX-Sum: 1\r\n\r\n"
    );
    let early = format!(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n{length}"
    );
    let ended = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{body}"
    );
    let old = format!("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{body}");
    let closes = answer("Connection: close\r\n", &body);
    for (text, is_kept) in
        [(chunked, true), (early, true), (ended, false), (old, false), (closes, false)]
    {
        deadline(async {
            let used = Arc::new(Mutex::new(0));
            let (of, sent) = (Arc::clone(&used), text.clone());
            let (url, _server) = raw(move |mut stream, count| {
                *of.lock().unwrap() = count + 1;
                let text = sent.clone();
                async move {
                    while next_id(&mut stream).await?.is_some() {
                        stream.write_all(text.as_bytes()).await?;
                        if !is_kept {
                            break;
                        }
                    }
                    Ok(())
                }
            })
            .await;
            let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
            for _ in 0..3 {
                assert_eq!(told(&mut peer, 1).await["of"], "real", "{text:?}");
            }
            assert_eq!(*used.lock().unwrap(), if is_kept { 1 } else { 3 }, "{text:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_switch_of_protocols_that_nobody_asked_for_fails_its_call_alone() {
    deadline(async {
        let (url, _server) = raw(|mut stream, count| async move {
            while let Some(id) = next_id(&mut stream).await? {
                if count == 0 {
                    let text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
                    stream.write_all(text.as_bytes()).await?;
                } else {
                    stream.write_all(answer("", &body(id, "real")).as_bytes()).await?;
                }
            }
            Ok(())
        })
        .await;
        let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
        let error = error_of(peer.send(modern_call(1)).await);
        assert!(!error.is_timeout() && error.to_string().contains(&url), "{error:?}");
        assert_eq!(told(&mut peer, 2).await["of"], "real");
    })
    .await;
}

#[tokio::test]
async fn an_answer_may_be_split_anywhere() {
    let body = body(1, "r\u{e9}al");
    let size = body.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: ";
    let json = format!("{head}application/json\r\nContent-Length: {size}\r\n\r\n{body}");
    let chunked = format!(
        "{head}application/json\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n"
    );
    let message: Value = serde_json::from_str(&body).unwrap();
    let event = event(&message).replace('\n', "\r\n");
    let size = event.len();
    let events = format!(
        "{head}text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{event}\r\n0\r\n\r\n"
    );
    for text in [json, chunked, events] {
        deadline(async {
            let length = text.len();
            let (url, _server) = raw(move |mut stream, _| {
                let text = text.clone();
                async move {
                    stream.set_nodelay(true)?;
                    for at in 1..text.len() {
                        if next_id(&mut stream).await?.is_none() {
                            return Ok(());
                        }
                        stream.write_all(&text.as_bytes()[..at]).await?;
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        stream.write_all(&text.as_bytes()[at..]).await?;
                    }
                    Ok(())
                }
            })
            .await;
            let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
            for at in 1..length {
                assert_eq!(told(&mut peer, 1).await["of"], "r\u{e9}al", "split at {at}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_refusal_that_comes_before_the_request_was_read_is_read() {
    deadline(async {
        let (url, _server) = raw(|mut stream, _| async move {
            let mut some = [0; 512];
            stream.read_exact(&mut some).await?;
            let text = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlarge";
            stream.write_all(text.as_bytes()).await?;
            stream.shutdown().await?;
            // Like servers that want their answer to be read: for a moment, the input is discarded.
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(())
        })
        .await;
        let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
        let text = "x".repeat(32 * 1024 * 1024);
        let call = modern(1, "tools/call", json!({ "name": "echo", "arguments": { "text": text } }));
        let error = error_of(peer.send(call).await);
        assert_eq!(error.status().map(|it| it.as_u16()), Some(413), "{error:?}");
    })
    .await;
}

/// How often each request was received completely.
type Came = Arc<Mutex<HashMap<i64, usize>>>;

/// Answers requests, and closes connections in various ways.
async fn storm(mut stream: TcpStream, seed: usize, came: Came) -> io::Result<()> {
    let mut state = seed.wrapping_mul(2_654_435_769) | 1;
    while let Some(id) = next_id(&mut stream).await? {
        *came.lock().unwrap().entry(id).or_default() += 1;
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let text = answer("", &body(id, "real"));
        match (state >> 33) % 8 {
            0 => return Ok(()),
            1 => {
                stream.write_all(&text.as_bytes()[..text.len() / 2]).await?;
                return Ok(());
            }
            2 => {
                stream.write_all(text.as_bytes()).await?;
                return Ok(());
            }
            3 => {
                stream.write_all(text.as_bytes()).await?;
                tokio::task::yield_now().await;
                return Ok(());
            }
            4 => {
                stream.write_all(text.as_bytes()).await?;
                stream.shutdown().await?;
            }
            5 => {
                stream
                    .write_all(answer("Connection: close\r\n", &body(id, "real")).as_bytes())
                    .await?
            }
            _ => stream.write_all(text.as_bytes()).await?,
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f55_a_server_that_closes_connections_at_random_fails_calls_honestly_and_stops_none() {
    const CALLS: i64 = 64;
    const ROUNDS: i64 = 30;
    deadline(async {
        let came = Came::default();
        let of = Arc::clone(&came);
        let (url, _server) = raw(move |stream, count| storm(stream, count, Arc::clone(&of))).await;
        let endpoint = Endpoint::parse(&url).unwrap().connections(16);
        let peer = connect_to(endpoint).await;
        let mut answered = 0;
        for round in 0..ROUNDS {
            let mut calls = JoinSet::new();
            for id in 1 + round * CALLS..=(round + 1) * CALLS {
                let sending = send(peer.http.clone(), modern_call(id));
                calls.spawn(async move { (id, sending.await) });
            }
            while let Some(call) = calls.join_next().await {
                let (id, outcome) = call.unwrap();
                let times = came.lock().unwrap().get(&id).copied().unwrap_or_default();
                assert!(times <= 1, "call {id} came {times} times");
                match outcome {
                    Ok(replies) => {
                        assert_eq!((replies.len(), times), (1, 1));
                        answered += 1;
                    }
                    Err(error) if error.delivery() == Delivery::NotSent => {
                        assert_eq!(times, 0, "{error:?}");
                    }
                    Err(error) => assert_eq!(error.delivery(), Delivery::Unknown, "{error:?}"),
                }
            }
        }
        assert!(answered > CALLS * ROUNDS / 3, "{answered}");
    })
    .await;
}

#[tokio::test]
async fn turns_of_calls_that_failed_are_free_again() {
    const CONNECTIONS: usize = 4;
    deadline(async {
        let (is_well, gate) = (Arc::new(Mutex::new(false)), Arc::new(Semaphore::new(0)));
        let (well, wait) = (Arc::clone(&is_well), Arc::clone(&gate));
        let asked = Arc::new(Semaphore::new(0));
        let of = Arc::clone(&asked);
        let (url, _server) = raw(move |mut stream, number| {
            let (well, wait, of) = (Arc::clone(&well), Arc::clone(&wait), Arc::clone(&of));
            async move {
                if !*well.lock().unwrap() {
                    return storm(stream, number, Came::default()).await;
                }
                while let Some(id) = next_id(&mut stream).await? {
                    of.add_permits(1);
                    wait.acquire().await.map_err(io::Error::other)?.forget();
                    stream.write_all(answer("", &body(id, "real")).as_bytes()).await?;
                }
                Ok(())
            }
        })
        .await;
        let endpoint = Endpoint::parse(&url).unwrap().connections(CONNECTIONS);
        let peer = connect_to(endpoint.idle_connections(0, Duration::from_secs(1))).await;
        let mut calls = JoinSet::new();
        for id in 1..200 {
            let sending = send(peer.http.clone(), modern_call(id));
            if id % 3 == 0 {
                // Dropped somewhere on its way.
                calls.spawn(async move {
                    let given_up = Duration::from_micros(u64::try_from(id * 37 % 2000).unwrap());
                    drop(tokio::time::timeout(given_up, sending).await);
                });
            } else {
                calls.spawn(async move { drop(sending.await) });
            }
        }
        while calls.join_next().await.is_some() {}
        *is_well.lock().unwrap() = true;
        for id in 1..=2 * CONNECTIONS as i64 {
            let sending = send(peer.http.clone(), modern_call(id));
            calls.spawn(async move { drop(sending.await.unwrap()) });
        }
        asked.acquire_many(CONNECTIONS as u32).await.unwrap().forget();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(asked.available_permits(), 0, "no more than may be");
        gate.add_permits(2 * CONNECTIONS);
        while let Some(call) = calls.join_next().await {
            call.unwrap();
        }
    })
    .await;
}
