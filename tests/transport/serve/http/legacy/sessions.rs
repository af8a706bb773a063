//! How many sessions there are, and how long they live.

use super::*;

#[tokio::test]
async fn a_handshake_that_is_refused_begins_no_session() {
    let options = options(|limits| limits.sessions = 1);
    let served = serve_with(Shared::new(Scripted::modern().server.transport()), options);
    for _ in 0..3 {
        let response = post(&served.endpoint, &[], &initialize()).await;
        assert_eq!(header(response.headers(), SESSION), None);
        assert_eq!(refusal(response).await, (200, -32601));
    }
}

#[tokio::test]
async fn a_handshake_that_is_given_up_begins_no_session() {
    let service = service_fn(|_: ClientMessage| pending::<Result<Replies, Error>>());
    let served = serve_with(Shared::new(service), options(|limits| limits.sessions = 1));
    for _ in 0..3 {
        let body = initialize();
        let mut asking = Box::pin(post(&served.endpoint, &[], &body));
        assert!(futures_util::poll!(&mut asking).is_pending());
    }
}

#[tokio::test]
async fn sessions_over_the_limit_are_refused() {
    let options = options(|limits| limits.sessions = 2);
    let served = serve_with(Shared::new(Scripted::legacy().server.transport()), options);
    let id = served.begin().await;
    served.begin().await;
    let response = post(&served.endpoint, &[], &initialize()).await;
    assert_eq!(refusal(response).await, (503, -32603));
    assert_eq!(served.send("DELETE", &id).await.status(), 204);
    served.begin().await;
}

#[tokio::test]
async fn requests_of_one_session_have_a_limit() {
    let server = Scripted::legacy();
    let options = options(|limits| limits.requests = 1);
    let served = serve_with(Shared::new(server.server.transport()), options);
    let id = served.begin().await;
    let mut response = served.post(&id, &body(1, "ask")).await;
    let question = event(&mut response).await.unwrap();
    assert_eq!(refusal(served.post(&id, &body(2, "echo")).await).await, (503, -32603));
    // The message that it waits for gets through.
    let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": {} });
    assert_eq!(served.post(&id, &answer).await.status(), 202);
    assert_eq!(event(&mut response).await.unwrap()["result"]["answer"], json!({}));
    assert_eq!(event(&mut response).await, None);
    let mut response = served.post(&id, &body(3, "hang")).await;
    event(&mut response).await.unwrap();
    let cancelled = notification("notifications/cancelled", &json!({ "requestId": 3 }));
    assert_eq!(served.post(&id, &cancelled).await.status(), 202);
    assert_eq!(event(&mut response).await, None);
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_ends_and_one_in_use_does_not() {
    let options = options(|limits| limits.session_idle = Duration::from_secs(60));
    let served = serve_with(Talkative::new(&Scripted::legacy(), list_changed), options);
    let (idle, listening, calling) =
        (served.begin().await, served.begin().await, served.begin().await);
    let _stream = served.send("GET", &listening).await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(40)).await;
        assert_eq!(refusal(served.post(&calling, &body(1, "echo")).await).await, (200, 0));
    }
    assert_eq!(refusal(served.post(&idle, &body(1, "echo")).await).await.0, 404);
    assert_eq!(refusal(served.post(&listening, &body(1, "echo")).await).await, (200, 0));
}

#[tokio::test(start_paused = true)]
async fn limits_of_no_time_and_of_all_time_do_no_harm() {
    for idle in [Duration::ZERO, Duration::MAX] {
        let server = Scripted::legacy();
        let options = options(|limits| {
            (limits.session_idle, limits.keep_alive, limits.body_timeout) =
                (idle, Duration::MAX, Duration::MAX);
        });
        let served = serve_with(Shared::new(server.server.transport()), options);
        let response = post(&served.endpoint, &[], &initialize()).await;
        let id = header(response.headers(), SESSION).unwrap().to_owned();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let status = served.post(&id, &body(1, "echo")).await.status();
        assert_eq!(status, if idle == Duration::ZERO { 404 } else { 200 });
    }
}
