//! How many connections there are, and how long they live.

use super::{
    faults::{raw, read_request, write_answer},
    *,
};
use conformance::http_server::{Step, event, response};
use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    task::coop,
};

const SHORT: Duration = Duration::from_millis(50);

/// Answers one request, and signals when the client has closed the connection.
async fn answer(mut stream: TcpStream, closed: Arc<Semaphore>, ends: bool) -> io::Result<()> {
    read_request(&mut stream).await?;
    write_answer(&mut stream).await?;
    if ends {
        // After the answer, while the connection is idle.
        tokio::time::sleep(SHORT).await;
        stream.shutdown().await?;
    }
    while stream.read(&mut [0; 64]).await? > 0 {}
    closed.add_permits(1);
    Ok(())
}

#[tokio::test]
async fn f36_an_idle_connection_is_closed_at_its_time() {
    deadline(async {
        let closed = Arc::new(Semaphore::new(0));
        let of = Arc::clone(&closed);
        let (url, _server) = raw(move |stream, _| answer(stream, Arc::clone(&of), false)).await;
        let endpoint = Endpoint::parse(&url).unwrap().idle_connections(4, SHORT);
        let mut peer = connect_to(endpoint).await;
        peer.ask(modern_call(1)).await;
        closed.acquire().await.unwrap().forget();
        peer.ask(modern_call(1)).await;
    })
    .await;
}

#[tokio::test]
async fn f37_an_idle_connection_that_the_server_ends_is_closed_at_once() {
    deadline(async {
        let closed = Arc::new(Semaphore::new(0));
        let of = Arc::clone(&closed);
        let (url, _server) = raw(move |stream, _| answer(stream, Arc::clone(&of), true)).await;
        let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
        peer.ask(modern_call(1)).await;
        closed.acquire().await.unwrap().forget();
        peer.ask(modern_call(1)).await;
    })
    .await;
}

#[tokio::test]
async fn idle_connections_end_with_the_last_transport_that_uses_them() {
    deadline(async {
        let closed = Arc::new(Semaphore::new(0));
        let of = Arc::clone(&closed);
        let (url, _server) = raw(move |stream, _| answer(stream, Arc::clone(&of), false)).await;
        let endpoint = Endpoint::parse(&url).unwrap();
        let mut first = connect_to(endpoint.clone()).await;
        let second = connect_to(endpoint.clone()).await;
        first.ask(modern_call(1)).await;
        super::legacy::finish(first).await;
        assert_eq!(closed.available_permits(), 0, "another transport may use it");
        super::legacy::finish(second).await;
        closed.acquire().await.unwrap().forget();
        connect_to(endpoint).await.ask(modern_call(1)).await;
    })
    .await;
}

/// Answers calls when the gate is open, and subscriptions with an endless stream.
async fn gated(gate: &Arc<Semaphore>) -> HttpServer {
    let gate = Arc::clone(gate);
    start(move |request| {
        let body = response(request, &json!({})).to_string();
        if request.rpc_method() == "subscriptions/listen" {
            return Answer::body("text/event-stream", event(&told())).step(Step::Stall);
        }
        let answer = Answer::status(200).header("content-type", "application/json");
        answer.step(Step::Wait(Arc::clone(&gate))).step(Step::Send(body.into()))
    })
    .await
}

fn told() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" })
}

fn is_call(request: &Recorded) -> bool {
    request.rpc_method() == "tools/call"
}

#[tokio::test]
async fn f55_calls_beyond_the_limit_wait_for_their_turn_and_subscriptions_do_not_count() {
    deadline(async {
        let gate = Arc::new(Semaphore::new(0));
        let server = gated(&gate).await;
        let endpoint = Endpoint::parse(server.url()).unwrap().connections(2);
        let peer = connect_to(endpoint).await;
        // Endless streams: more than the limit of concurrent calls.
        let mut streams = Vec::new();
        for id in 10..14 {
            let listen = modern(id, "subscriptions/listen", json!({}));
            let mut replies = peer.http.clone().ready().await.unwrap().call(listen).await.unwrap();
            replies.next().await.unwrap().unwrap();
            streams.push(replies);
        }
        let mut calls = JoinSet::new();
        for id in 1..=5 {
            calls.spawn(send(peer.http.clone(), modern_call(id)));
        }
        server.wait_for(2, is_call).await;
        gate.add_permits(1);
        server.wait_for(3, is_call).await;
        assert_eq!(server.matching(is_call).len(), 3, "one was answered, so one more was sent");
        gate.add_permits(4);
        while let Some(replies) = calls.join_next().await {
            assert_eq!(replies.unwrap().unwrap().len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn calls_that_wait_for_their_turn_get_the_connections_of_those_before_them() {
    const CONNECTIONS: usize = 40;
    deadline(async {
        let gate = Arc::new(Semaphore::new(0));
        let server = gated(&gate).await;
        let endpoint = Endpoint::parse(server.url()).unwrap().connections(CONNECTIONS);
        let peer = connect_to(endpoint).await;
        let mut calls = JoinSet::new();
        for id in 1..=4 * CONNECTIONS as i64 {
            calls.spawn(send(peer.http.clone(), modern_call(id)));
        }
        server.wait_for(CONNECTIONS, is_call).await;
        // More connections are returned at once than are kept if no call waits.
        gate.add_permits(4 * CONNECTIONS);
        while let Some(replies) = calls.join_next().await {
            assert_eq!(replies.unwrap().unwrap().len(), 1);
        }
        let used = server.matching(is_call).into_iter().map(|request| request.connection).max();
        assert_eq!(used, Some(CONNECTIONS - 1));
    })
    .await;
}

#[tokio::test]
async fn calls_at_the_same_time_are_all_sent_over_the_connections_that_are_there() {
    const CALLS: usize = 8;
    deadline(async {
        let gate = Arc::new(Semaphore::new(0));
        let server = gated(&gate).await;
        let peer = connect_to(Endpoint::parse(server.url()).unwrap()).await;
        for round in 1..=2 {
            let mut calls = JoinSet::new();
            for id in 1..=CALLS as i64 {
                calls.spawn(send(peer.http.clone(), modern_call(id)));
            }
            // None is answered before.
            server.wait_for(round * CALLS, is_call).await;
            gate.add_permits(CALLS);
            while let Some(replies) = calls.join_next().await {
                assert_eq!(replies.unwrap().unwrap().len(), 1);
            }
        }
        let used = server.matching(is_call).into_iter().map(|request| request.connection).max();
        assert_eq!(used, Some(CALLS - 1));
    })
    .await;
}

#[tokio::test]
async fn the_time_of_a_call_that_waits_for_its_turn_runs() {
    deadline(async {
        let gate = Arc::new(Semaphore::new(0));
        let server = gated(&gate).await;
        let endpoint = Endpoint::parse(server.url()).unwrap().connections(1);
        let first = connect_to(endpoint.clone()).await;
        let second = connect_to(endpoint.clone().total_timeout(SHORT)).await;
        let mut calls = JoinSet::new();
        calls.spawn(send(first.http.clone(), modern_call(1)));
        server.wait_for(1, is_call).await;
        let error = error_of(send(second.http.clone(), modern_call(2)).await);
        assert!(error.is_timeout(), "{error:?}");
        assert_eq!(server.matching(is_call).len(), 1, "it was never sent");
        gate.add_permits(1);
        assert!(calls.join_next().await.unwrap().unwrap().is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_driver_sleeps_while_a_call_is_answered_even_if_no_connection_is_kept() {
    deadline(async {
        for idle in [(4, Duration::ZERO), (0, SHORT), (0, Duration::ZERO)] {
            let gate = Arc::new(Semaphore::new(0));
            let server = gated(&gate).await;
            let endpoint = Endpoint::parse(server.url()).unwrap().idle_connections(idle.0, idle.1);
            let link = endpoint.connect().await.unwrap();
            let (polls, mut driver) = (Arc::new(AtomicUsize::new(0)), link.driver);
            let of = Arc::clone(&polls);
            let _driver = Background::run(poll_fn(move |cx| {
                of.fetch_add(1, Relaxed);
                pin!(&mut driver).poll(cx)
            }));
            let mut calls = JoinSet::new();
            for id in 1..=2 {
                calls.spawn(send(link.transport.clone(), modern_call(id)));
            }
            server.wait_for(1, is_call).await;
            gate.add_permits(1);
            calls.join_next().await.unwrap().unwrap().unwrap();
            server.wait_for(2, is_call).await;
            tokio::time::sleep(4 * SHORT).await;
            assert!(polls.load(Relaxed) < 20, "{idle:?}: {polls:?}");
            gate.add_permits(1);
            calls.join_next().await.unwrap().unwrap().unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn limits_without_an_end_are_none() {
    deadline(async {
        let server = start(|request| Answer::json(&response(request, &json!({})))).await;
        let forever = Duration::MAX;
        let endpoint = Endpoint::parse(server.url()).unwrap();
        let endpoint = endpoint.connect_timeout(forever).response_timeout(forever);
        let endpoint = endpoint.idle_timeout(forever).total_timeout(forever);
        let mut peer = connect_to(endpoint.idle_connections(4, forever)).await;
        for _ in 0..3 {
            peer.ask(modern_call(1)).await;
            // The driver looks after idle connections.
            tokio::task::yield_now().await;
        }
        assert!(server.requests().iter().all(|request| request.connection == 0));
        super::legacy::finish(peer).await;
    })
    .await;
}

/// The budget of a tokio task before it has to yield.
const BUDGET: usize = 128;

/// Polls a future in a task with this much of its budget left each time.
async fn with_budget<T>(left: usize, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|cx| {
        for _ in left..BUDGET {
            if let Poll::Ready(turn) = coop::poll_proceed(cx) {
                turn.made_progress();
            }
        }
        future.as_mut().poll(cx)
    })
    .await
}

#[tokio::test]
async fn an_answer_reaches_a_task_that_has_used_up_nearly_all_of_its_turn() {
    deadline(async {
        let server = start(well_behaved).await;
        let peer = connect(&server).await;
        for left in 1..=12 {
            with_budget(left, send(peer.http.clone(), modern_call(1))).await.unwrap();
        }
    })
    .await;
}
