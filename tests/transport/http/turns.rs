//! Waiting for a turn when the limit of connections in use is reached.

use super::{tls::Authority, *};
use conformance::http_server::{Step, response};
use futures_util::{FutureExt, future::BoxFuture};
use mcp_transport::http::Tls;
use std::sync::Arc;
use tokio::sync::Semaphore;

type Sending = BoxFuture<'static, Result<Vec<ServerMessage>, Error>>;

/// Answers each call when the gate allows it.
async fn gated(gate: &Arc<Semaphore>) -> HttpServer {
    let gate = Arc::clone(gate);
    start(move |request| {
        let body = response(request, &json!({})).to_string();
        let answer = Answer::status(200).header("content-type", "application/json");
        answer.step(Step::Wait(Arc::clone(&gate))).step(Step::Send(body.into()))
    })
    .await
}

/// A call that has begun to wait for its turn.
fn waiting(peer: &Connected, id: i64) -> Sending {
    let mut sending = send(peer.http.clone(), modern_call(id)).boxed();
    assert!((&mut sending).now_or_never().is_none(), "call {id} waits");
    sending
}

fn ids(server: &HttpServer) -> Vec<i64> {
    server.requests().iter().map(|request| request.json()["id"].as_i64().unwrap()).collect()
}

// spec: CAN-05
#[tokio::test]
async fn a_call_that_is_dropped_while_it_waits_for_its_turn_is_not_sent_and_leaves_its_place() {
    deadline(async {
        let gate = Arc::new(Semaphore::new(0));
        let server = gated(&gate).await;
        let peer = connect_to(Endpoint::parse(server.url()).unwrap().connections(1)).await;
        let mut calls = JoinSet::new();
        calls.spawn(send(peer.http.clone(), modern_call(1)));
        server.wait_for(1, |_| true).await;
        let [second, third, fourth] = [2, 3, 4].map(|id| waiting(&peer, id));
        drop(third);
        gate.add_permits(1);
        calls.join_next().await.unwrap().unwrap().unwrap();
        calls.spawn(second);
        calls.spawn(fourth);
        server.wait_for(2, |_| true).await;
        gate.add_permits(2);
        while let Some(replies) = calls.join_next().await {
            assert_eq!(replies.unwrap().unwrap().len(), 1);
        }
        assert_eq!(ids(&server), [1, 2, 4]);
    })
    .await;
}

#[tokio::test]
async fn a_turn_that_is_given_to_a_call_which_is_dropped_goes_to_the_next_one() {
    deadline(async {
        let gate = Arc::new(Semaphore::new(0));
        let server = gated(&gate).await;
        let peer = connect_to(Endpoint::parse(server.url()).unwrap().connections(1)).await;
        let first = send(peer.http.clone(), modern_call(1)).boxed();
        let mut calls = JoinSet::new();
        calls.spawn(first);
        server.wait_for(1, |_| true).await;
        let [second, third] = [2, 3].map(|id| waiting(&peer, id));
        gate.add_permits(1);
        calls.join_next().await.unwrap().unwrap().unwrap();
        // It is the turn of the second one, which has not noticed.
        drop(second);
        gate.add_permits(1);
        assert_eq!(third.await.unwrap().len(), 1);
        // If nobody is left, the turn becomes free.
        calls.spawn(send(peer.http.clone(), modern_call(4)));
        server.wait_for(3, |_| true).await;
        drop(waiting(&peer, 5));
        let last = waiting(&peer, 6);
        gate.add_permits(1);
        calls.join_next().await.unwrap().unwrap().unwrap();
        drop(last);
        gate.add_permits(1);
        assert_eq!(send(peer.http.clone(), modern_call(7)).await.unwrap().len(), 1);
        assert_eq!(ids(&server), [1, 3, 4, 7]);
        assert!(server.requests().iter().all(|request| request.connection == 0));
    })
    .await;
}

#[tokio::test]
async fn calls_over_tls_make_no_more_connections_than_may_be_in_use() {
    const CONNECTIONS: usize = 2;
    deadline(async {
        let authority = Authority::new();
        let gate = Arc::new(Semaphore::new(0));
        let of = Arc::clone(&gate);
        let config = authority.server("localhost", None, &["http/1.1"]);
        let server = HttpServer::start_tls(config, move |request| {
            let body = response(request, &json!({})).to_string();
            let answer = Answer::status(200).header("content-type", "application/json");
            answer.step(Step::Wait(Arc::clone(&of))).step(Step::Send(body.into()))
        })
        .await
        .unwrap();
        let tls = Tls::new().trust_only_pem(authority.pem().as_bytes()).unwrap();
        let endpoint = Endpoint::parse(server.url()).unwrap().tls(tls).connections(CONNECTIONS);
        let peer = connect_to(endpoint).await;
        let mut calls = JoinSet::new();
        for id in 1..=6 {
            calls.spawn(send(peer.http.clone(), modern_call(id)));
        }
        server.wait_for(CONNECTIONS, |_| true).await;
        gate.add_permits(6);
        while let Some(replies) = calls.join_next().await {
            assert_eq!(replies.unwrap().unwrap().len(), 1);
        }
        let used = server.requests().iter().map(|request| request.connection).max();
        assert_eq!(used, Some(CONNECTIONS - 1));
    })
    .await;
}
