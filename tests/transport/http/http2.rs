//! HTTP/2 servers, with behaviour that is allowed and that is not.

use super::*;
use bytes::Bytes;
use h2::{
    Reason,
    server::{Builder, Connection, SendResponse},
};
use mcp_transport::Delivery;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

type Incoming = (http::Request<h2::RecvStream>, SendResponse<Bytes>);

/// A server whose connections, counted from zero, run `script`.
async fn serve<F: Future<Output = ()> + Send + 'static>(
    builder: Builder,
    script: impl Fn(Connection<TcpStream, Bytes>, usize) -> F + Send + 'static,
) -> (Connected, Arc<AtomicUsize>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let accepted = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&accepted);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::Relaxed);
            if let Ok(connection) = builder.handshake(stream).await {
                connections.spawn(script(connection, number));
            }
        }
    });
    let peer = connect_to(Endpoint::parse(&url).unwrap().http2_only()).await;
    (peer, accepted, tasks)
}

/// Reads a request and answers it.
async fn answer((request, mut respond): Incoming) {
    let mut body = request.into_body();
    let mut bytes = Vec::new();
    while let Some(Ok(chunk)) = body.data().await {
        bytes.extend_from_slice(&chunk);
        let _ = body.flow_control().release_capacity(chunk.len());
    }
    let message: Value = serde_json::from_slice(&bytes).unwrap();
    let result = json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} });
    let head = http::Response::builder().header("content-type", "application/json").body(());
    let Ok(mut stream) = respond.send_response(head.unwrap(), false) else { return };
    let _ = stream.send_data(result.to_string().into(), true);
}

async fn answer_all(mut connection: Connection<TcpStream, Bytes>) {
    let mut answers = JoinSet::new();
    while let Some(Ok(incoming)) = connection.accept().await {
        answers.spawn(answer(incoming));
    }
}

#[tokio::test]
async fn f38_a_refused_stream_is_tried_again_and_not_for_ever() {
    deadline(async {
        for refusals in [1, 2, usize::MAX] {
            let left = Arc::new(AtomicUsize::new(refusals));
            let (mut peer, _, _server) = serve(Builder::new(), move |mut connection, _| {
                let left = Arc::clone(&left);
                async move {
                    let mut answers = JoinSet::new();
                    while let Some(Ok(mut incoming)) = connection.accept().await {
                        if left.load(Ordering::Relaxed) > 0 {
                            left.fetch_sub(1, Ordering::Relaxed);
                            incoming.1.send_reset(Reason::REFUSED_STREAM);
                        } else {
                            answers.spawn(answer(incoming));
                        }
                    }
                }
            })
            .await;
            if refusals < 3 {
                peer.ask(modern_call(1)).await;
            } else {
                let error = error_of(peer.send(modern_call(1)).await);
                assert!(error.is_closed(), "{error:?}");
                assert_eq!(error.delivery(), Delivery::NotSent);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn f38_another_reset_leaves_it_open_what_happened() {
    deadline(async {
        for reason in [Reason::INTERNAL_ERROR, Reason::CANCEL, Reason::ENHANCE_YOUR_CALM] {
            let (mut peer, _, _server) =
                serve(Builder::new(), move |mut connection, _| async move {
                    while let Some(Ok((_, mut respond))) = connection.accept().await {
                        respond.send_reset(reason);
                    }
                })
                .await;
            let error = error_of(peer.send(modern_call(1)).await);
            assert_eq!(error.delivery(), Delivery::Unknown, "{error:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn f38_a_connection_that_is_shut_down_in_order_is_replaced() {
    deadline(async {
        let (mut peer, accepted, _server) = serve(Builder::new(), |mut connection, _| async move {
            if let Some(Ok(incoming)) = connection.accept().await {
                let answered = answer(incoming);
                connection.graceful_shutdown();
                let mut answers = JoinSet::new();
                answers.spawn(answered);
                while let Some(Ok(incoming)) = connection.accept().await {
                    answers.spawn(answer(incoming));
                }
            }
        })
        .await;
        for id in 1..=20 {
            peer.ask(modern_call(id)).await;
        }
        assert!(accepted.load(Ordering::Relaxed) > 1);
    })
    .await;
}

#[tokio::test]
async fn f38_a_connection_that_ends_with_an_error_fails_what_was_begun_and_is_replaced() {
    deadline(async {
        let (mut peer, accepted, _server) =
            serve(Builder::new(), |mut connection, number| async move {
                if number > 0 {
                    return answer_all(connection).await;
                }
                let Some(Ok(_begun)) = connection.accept().await else { return };
                connection.abrupt_shutdown(Reason::INTERNAL_ERROR);
                let _ = std::future::poll_fn(|cx| connection.poll_closed(cx)).await;
            })
            .await;
        let error = error_of(peer.send(modern_call(1)).await);
        assert_eq!(error.delivery(), Delivery::Unknown, "{error:?}");
        peer.ask(modern_call(2)).await;
        assert_eq!(accepted.load(Ordering::Relaxed), 2);
    })
    .await;
}

/// A server preface, and a GOAWAY that says that no stream was processed.
const NOTHING_PROCESSED: &[u8] = b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0";

#[tokio::test]
async fn f38_what_a_goaway_leaves_out_is_sent_over_a_new_connection() {
    deadline(async {
        for goaways in [1, usize::MAX] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/mcp", listener.local_addr().unwrap());
            let mut tasks = JoinSet::new();
            tasks.spawn(async move {
                let mut connections = JoinSet::new();
                for number in 0.. {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    connections.spawn(async move {
                        if number >= goaways {
                            return answer_all(h2::server::handshake(stream).await.unwrap()).await;
                        }
                        let mut bytes = Vec::new();
                        while !bytes.ends_with(b"}}}") {
                            stream.read_buf(&mut bytes).await.unwrap();
                        }
                        stream.write_all(NOTHING_PROCESSED).await.unwrap();
                        let _ = stream.read_to_end(&mut bytes).await;
                    });
                }
            });
            let mut peer = connect_to(Endpoint::parse(&url).unwrap().http2_only()).await;
            if goaways == 1 {
                peer.ask(modern_call(1)).await;
                continue;
            }
            let error = error_of(peer.send(modern_call(1)).await);
            assert!(error.is_closed() && error.delivery() == Delivery::NotSent, "{error:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn f38_calls_beyond_the_servers_limit_of_streams_wait_for_their_turn() {
    deadline(async {
        let mut builder = Builder::new();
        builder.max_concurrent_streams(1);
        let (peer, ..) = &serve(builder, |connection, _| answer_all(connection)).await;
        let mut calls = JoinSet::new();
        for id in 1..=100 {
            calls.spawn(send(peer.http.clone(), modern_call(id)));
        }
        while let Some(result) = calls.join_next().await {
            assert_eq!(result.unwrap().unwrap().len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_empty_frames_does_not_hold_up_the_other_calls() {
    deadline(async {
        let (mut peer, _, _server) = serve(Builder::new(), |mut connection, _| async move {
            let mut answers = JoinSet::new();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                if request.headers()["mcp-method"] != "prompts/list" {
                    answers.spawn(answer((request, respond)));
                    continue;
                }
                let head =
                    http::Response::builder().header("content-type", "text/event-stream").body(());
                let mut stream = respond.send_response(head.unwrap(), false).unwrap();
                answers.spawn(async move {
                    while stream.send_data(Bytes::new(), false).is_ok() {
                        tokio::task::yield_now().await;
                    }
                });
            }
        })
        .await;
        let mut flooded = JoinSet::new();
        flooded.spawn(send(peer.http.clone(), modern(1, "prompts/list", json!({}))));
        for id in 2..100 {
            // The connection may be closed because of the flood; then its calls fail, and later ones work.
            let _ = peer.send(modern_call(id)).await;
        }
        flooded.shutdown().await;
        peer.ask(modern_call(200)).await;
    })
    .await;
}

#[tokio::test]
async fn pings_that_are_never_due_are_none() {
    for never in [Duration::MAX, Duration::ZERO] {
        let server = start(|request| Answer::result(request, &json!({}))).await;
        let endpoint = Endpoint::parse(server.url()).unwrap().http2_only();
        let mut peer = connect_to(endpoint.http2_ping(never, never)).await;
        for _ in 0..3 {
            peer.ask(modern_call(1)).await;
        }
        assert!(server.requests().iter().all(|request| request.connection == 0));
    }
}
