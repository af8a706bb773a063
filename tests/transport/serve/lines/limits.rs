//! The resources that a client may use.

use super::*;
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn f08_a_message_over_the_limit_fails_its_call() {
    let limits = limits(|limits| limits.message_bytes = 1000);
    let mut served = serve_within(Scripted::modern().server.transport(), limits);
    let large = "x".repeat(2000);
    let params = json!({ "blob": large });
    served
        .client
        .send(json!({ "jsonrpc": "2.0", "method": "echo", "params": params, "id": 1 }))
        .await;
    assert_eq!(error_code(&served.response(1).await), -32600);
    served.client.send(json!({ "jsonrpc": "2.0", "id": 2, "result": params })).await;
    served.canary(3).await;
    served.client.send_raw("x".repeat(10_000)).await;
    let error = served.driver.end().await.unwrap_err();
    assert!(error.is_closed(), "a line without an end: {error}");
}

#[tokio::test]
async fn requests_over_the_limit_are_refused_and_notifications_dropped() {
    let server = Scripted::modern();
    let limits = limits(|limits| limits.requests = 2);
    let mut served = serve_within(server.server.transport(), limits);
    for id in [1, 2] {
        served.ask(id, "hang").await;
        served.client.expect("notifications/begun").await;
    }
    served.ask(3, "echo").await;
    assert_eq!(error_code(&served.response(3).await), -32603);
    served.client.notify("notifications/cancelled", json!({ "requestId": 1 })).await;
    server.dropped.wait_for(1).await;
    served.canary(4).await;
}

#[tokio::test]
async fn notifications_that_the_service_does_not_take_are_dropped() {
    let (seen, gate) = (Arc::<AtomicUsize>::default(), Arc::new(Semaphore::new(0)));
    let (count, open) = (Arc::clone(&seen), Arc::clone(&gate));
    let service = service_fn(move |_: ClientMessage| {
        count.fetch_add(1, Ordering::SeqCst);
        let gate = Arc::clone(&open);
        async move {
            gate.acquire().await.unwrap().forget();
            Ok::<_, Error>(Replies::empty())
        }
    });
    let mut served = serve_within(service, limits(|limits| limits.requests = 2));
    for _ in 0..5 {
        served.client.notify("notifications/n", json!({})).await;
    }
    gate.add_permits(5);
    served.finish().await;
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_calls_wait_for_gets_through_when_there_are_too_many_of_them() {
    let server = Scripted::legacy();
    let limits = limits(|limits| limits.requests = 1);
    let mut served = serve_within(server.server.transport(), limits);
    served.ask(1, "ask").await;
    let question = served.client.expect("roots/list").await;
    served.ask(2, "echo").await;
    assert_eq!(error_code(&served.response(2).await), -32603);
    served.client.answer(question["id"].clone(), json!({})).await;
    assert_eq!(served.response(1).await["result"]["answer"], json!({}));
}

#[tokio::test(start_paused = true)]
async fn calls_that_go_on_after_the_end_of_the_input_have_a_limit() {
    let server = Scripted::modern();
    let limits = limits(|limits| limits.grace = Duration::from_secs(1));
    let mut served = serve_within(server.server.transport(), limits);
    served.ask(1, "hang").await;
    served.client.expect("notifications/begun").await;
    assert_eq!(served.finish().await, [] as [Value; 0]);
    server.dropped.wait_for(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_no_more_is_not_waited_for_without_end() {
    let limits = limits(|limits| limits.grace = Duration::from_secs(1));
    let (ours, mut theirs) = tokio::io::duplex(1024);
    let mut driver =
        Background::run(serve::lines(ours, Scripted::modern().server.transport(), limits));
    let params = json!({ "blob": "x".repeat(10_000) });
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "echo", "params": params });
    theirs.write_all(format!("{request}\n").as_bytes()).await.unwrap();
    theirs.shutdown().await.unwrap();
    // A slow client is waited for.
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(900)).await;
        theirs.read_exact(&mut [0; 1024]).await.unwrap();
    }
    let error = driver.end().await.unwrap_err();
    assert!(error.is_closed() && error.to_string().contains("does not read"), "{error}");
}

/// Polls the driver and writes `line` repeatedly, until neither makes progress; returns the number of bytes taken.
fn fill(
    driver: &mut (impl Future<Output = Result<(), Error>> + Unpin),
    client: &mut DuplexStream,
    line: &[u8],
) -> usize {
    let mut taken = 0;
    loop {
        assert!(driver.now_or_never().is_none(), "the driver goes on");
        match client.write(line).now_or_never() {
            Some(count) => taken += count.unwrap(),
            None if driver.now_or_never().is_none()
                && client.write(line).now_or_never().is_none() =>
            {
                return taken;
            }
            None => {}
        }
    }
}

#[test]
fn a_client_that_does_not_read_cannot_fill_the_memory() {
    let limits = limits(|limits| limits.outbox_bytes = 4096);
    let (ours, mut theirs) = tokio::io::duplex(1024);
    let driver = serve::lines(ours, Scripted::modern().server.transport(), limits);
    let taken = fill(&mut Box::pin(driver), &mut theirs, b"x\n");
    // Each refusal is longer than the two bytes that it answers.
    assert!(taken < 4096 + 2 * 1024, "{taken} bytes of garbage were taken");
}

#[tokio::test]
async fn a_client_that_does_not_read_stalls_its_replies_and_can_still_cancel() {
    let produced = Arc::<AtomicUsize>::default();
    let dropped = Arc::<Dropped>::default();
    let begun = Arc::<Notify>::default();
    let (counter, guard, begin) = (Arc::clone(&produced), Arc::clone(&dropped), Arc::clone(&begun));
    let service = service_fn(move |_: ClientMessage| {
        let (counter, running) = (Arc::clone(&counter), Running(Arc::clone(&guard)));
        begin.notify_one();
        let flood = stream::repeat_with(move || {
            let _ = &running;
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(Notification::new("notifications/progress").into())
        });
        std::future::ready(Ok::<_, Error>(Replies::new(flood)))
    });
    let (ours, theirs) = tokio::io::duplex(1024);
    let limits = limits(|limits| limits.outbox_bytes = 4096);
    let _driver = Background::run(serve::lines(ours, service, limits));
    let mut client = Peer::new(theirs);
    client.send(json!({ "jsonrpc": "2.0", "id": 1, "method": "flood" })).await;
    deadline(begun.notified()).await;
    client.notify("notifications/cancelled", json!({ "requestId": 1 })).await;
    dropped.wait_for(1).await;
    let produced = produced.load(Ordering::SeqCst);
    assert!(produced < 500, "{produced} messages were taken for a client that does not read");
}
