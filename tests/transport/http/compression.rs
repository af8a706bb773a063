//! Compressed answers.

use super::*;
use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use conformance::http_server::{Step, event, response};
use mcp_transport::http::Limits;
use std::sync::Arc;
use tokio::{io::AsyncWriteExt, sync::Semaphore};

const ENCODINGS: [&str; 4] = ["gzip", "br", "deflate", "zstd"];

/// Compresses pieces so that each can be read as soon as it arrives.
async fn compress(encoding: &str, pieces: &[Vec<u8>]) -> Vec<Vec<u8>> {
    macro_rules! with {
        ($encoder:ident) => {{
            let mut encoder = $encoder::new(Vec::new());
            let (mut parts, mut done) = (Vec::new(), 0);
            for piece in pieces {
                encoder.write_all(piece).await.unwrap();
                encoder.flush().await.unwrap();
                parts.push(encoder.get_ref()[done..].to_vec());
                done = encoder.get_ref().len();
            }
            encoder.shutdown().await.unwrap();
            parts.push(encoder.get_ref()[done..].to_vec());
            parts
        }};
    }
    match encoding {
        "gzip" => with!(GzipEncoder),
        "br" => with!(BrotliEncoder),
        "deflate" => with!(ZlibEncoder),
        "zstd" => with!(ZstdEncoder),
        other => panic!("{other} is not known"),
    }
}

async fn connect_compressed(server: &HttpServer, limits: Limits) -> Connected {
    connect_to(Endpoint::parse(server.url()).unwrap().compressed().limits(limits)).await
}

fn answer_to(id: i64, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

#[tokio::test]
async fn compressed_answers_are_read_when_they_were_asked_for() {
    deadline(async {
        for encoding in ENCODINGS {
            let whole = answer_to(1, &json!({ "text": "x".repeat(10_000) })).to_string();
            let packed = compress(encoding, &[whole.into_bytes()]).await.concat();
            assert!(packed.len() < 1000);
            let server = start(move |_| {
                Answer::body("application/json", packed.clone())
                    .header("content-encoding", encoding)
            })
            .await;
            let mut peer = connect_compressed(&server, Limits::default()).await;
            let response = peer.ask(modern_call(1)).await;
            assert!(response.outcome.unwrap().as_str().len() > 10_000, "{encoding}");
            let accepted = server.requests()[0].header("accept-encoding").unwrap().to_owned();
            assert!(accepted.contains(encoding), "{accepted}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_event_of_a_compressed_stream_is_there_as_soon_as_it_is_sent() {
    deadline(async {
        for encoding in ENCODINGS {
            let told = json!({ "jsonrpc": "2.0", "method": "notifications/message" });
            let events = [event(&told).into_bytes(), event(&answer_to(1, &json!({}))).into_bytes()];
            let parts = compress(encoding, &events).await;
            let gate = Arc::new(Semaphore::new(0));
            let wait = Arc::clone(&gate);
            let server = start(move |_| {
                Answer::body("text/event-stream", parts[0].clone())
                    .header("content-encoding", encoding)
                    .step(Step::Wait(Arc::clone(&wait)))
                    .step(Step::Send(parts[1..].concat().into()))
            })
            .await;
            let peer = connect_compressed(&server, Limits::default()).await;
            let mut http = peer.http.clone();
            let mut replies = http.ready().await.unwrap().call(modern_call(1)).await.unwrap();
            let first = replies.next().await;
            assert!(matches!(first, Some(Ok(ServerMessage::Notification(_)))), "{encoding}");
            gate.add_permits(1);
            let last = replies.next().await;
            assert!(matches!(last, Some(Ok(ServerMessage::Response(_)))), "{encoding}");
        }
    })
    .await;
}

#[tokio::test]
async fn f39_a_bomb_fails_its_call_at_the_limit_of_what_it_unpacks_to() {
    deadline(async {
        for encoding in ENCODINGS {
            for content_type in ["application/json", "text/event-stream"] {
                let zeros = vec![b' '; 4 * 1024 * 1024];
                let start_of = b"data: \"".to_vec();
                let packed = compress(encoding, &[start_of, zeros]).await.concat();
                assert!(packed.len() < 64 * 1024, "{encoding}: {}", packed.len());
                let server = start(move |request| {
                    if request.json()["id"] == 1 {
                        Answer::body(content_type, packed.clone())
                            .header("content-encoding", encoding)
                    } else {
                        Answer::json(&response(request, &json!({})))
                    }
                })
                .await;
                let mut limits = Limits::default();
                limits.body = 128 * 1024;
                limits.event = 128 * 1024;
                let mut peer = connect_compressed(&server, limits).await;
                let error = error_of(peer.send(modern_call(1)).await);
                assert!(error.is_too_large(), "{encoding} {content_type}: {error:?}");
                peer.ask(modern_call(2)).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn f39_a_broken_or_twice_packed_answer_fails_its_call() {
    deadline(async {
        let whole = answer_to(1, &json!({ "text": "x".repeat(10_000) })).to_string().into_bytes();
        let once = compress("gzip", &[whole]).await.concat();
        let twice = compress("gzip", std::slice::from_ref(&once)).await.concat();
        let cut = once[..once.len() / 2].to_vec();
        let server = start(move |request| {
            let (body, encoding) = match request.json()["id"].as_i64().unwrap() {
                1 => (twice.clone(), "gzip, gzip"),
                2 => (cut.clone(), "gzip"),
                3 => (b"not packed".to_vec(), "gzip"),
                _ => (once.clone(), "snappy"),
            };
            Answer::body("application/json", body).header("content-encoding", encoding)
        })
        .await;
        let mut peer = connect_compressed(&server, Limits::default()).await;
        for id in 1..=4 {
            let error = error_of(peer.send(modern_call(id)).await);
            assert!(error.is_malformed() || error.is_closed(), "{id}: {error:?}");
        }
    })
    .await;
}
