//! Abandoned calls to a server with a handshake, and the end of its connection.

use super::{
    legacy::{SESSION, begin, finish, told},
    *,
};
use conformance::http_server::{Step, event, response};
use mcp_transport::Delivery;
use std::sync::Arc;
use tokio::sync::Semaphore;

fn is_cancel(request: &Recorded) -> bool {
    request.rpc_method() == "notifications/cancelled"
}

// spec: H25-05 H25-06 CAN-05 CAN-06
#[tokio::test]
async fn a_dropped_call_is_cancelled_by_one_post_in_its_session() {
    deadline(async {
        let server = start(|request| match request.json()["id"].as_i64() {
            Some(1) => Answer::silence(),
            Some(2) => Answer::events(&[told("notifications/message")]).step(Step::Stall),
            _ => well_behaved(request),
        })
        .await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        let is_call = |request: &Recorded| request.json()["params"]["name"] == "echo";
        tokio::select! {
            _ = peer.send(legacy_call(1)) => panic!("there is no answer"),
            _ = server.wait_for(1, is_call) => {}
        }
        let mut http = peer.http.clone();
        let mut replies = http.ready().await.unwrap().call(legacy_call(2)).await.unwrap();
        assert!(replies.next().await.is_some());
        drop((replies, http));
        let cancels = server.wait_for(2, is_cancel).await;
        finish(peer).await;
        assert_eq!(server.matching(is_cancel).len(), 2, "each once");
        for (cancel, id) in cancels.iter().zip([1, 2]) {
            let expected = json!({
                "jsonrpc": "2.0",
                "method": "notifications/cancelled",
                "params": { "requestId": id },
            });
            assert_eq!(cancel.json(), expected);
            assert_eq!(cancel.header(SESSION), Some("session-1"));
            assert_eq!(cancel.header("mcp-protocol-version"), Some("2025-11-25"));
        }
    })
    .await;
}

// spec: LIFE-09 CAN-06 CAN-14
#[tokio::test]
async fn nothing_is_cancelled_that_may_not_be() {
    deadline(async {
        let server = start(|request| match request.rpc_method().as_str() {
            "initialize" if request.json()["id"] == 9 => Answer::silence(),
            "tools/call" if !request.json()["params"]["task"].is_null() => Answer::silence(),
            "tools/call" => Answer::events(&[response(request, &json!({}))]).step(Step::Stall),
            _ => well_behaved(request),
        })
        .await;
        let mut peer = connect(&server).await;
        tokio::select! {
            _ = peer.send(initialize(9)) => panic!("there is no answer"),
            _ = server.wait_for(1, |_| true) => {}
        }
        begin(&mut peer).await;
        // After its response.
        let mut http = peer.http.clone();
        let mut replies = http.ready().await.unwrap().call(legacy_call(1)).await.unwrap();
        assert!(replies.next().await.is_some());
        drop(replies);
        // Only `tasks/cancel` cancels a task.
        let params = RawJson::encode(&json!({ "name": "slow", "task": { "ttl": 1 } })).unwrap();
        let task = legacy(Request::new(2, "tools/call").with_params(params));
        tokio::select! {
            _ = peer.send(task) => panic!("there is no answer"),
            _ = server.wait_for(1, |it| it.json()["params"]["name"] == "slow") => {}
        }
        // Before it was sent.
        drop(http.ready().await.unwrap().call(legacy_call(3)));
        // After a refusal.
        drop(http);
        finish(peer).await;
        assert!(server.matching(is_cancel).is_empty());
        assert!(server.matching(|request| request.json()["id"] == 3).is_empty());
    })
    .await;
}

// spec: CAN-05
#[tokio::test]
async fn f56_a_storm_of_dropped_calls_loses_no_cancellation() {
    deadline(async {
        let calls = 300;
        let server = start(|request| match request.rpc_method().as_str() {
            "tools/call" => Answer::silence(),
            _ => well_behaved(request),
        })
        .await;
        let endpoint = Endpoint::parse(server.url()).unwrap().connections(500);
        let mut peer = connect_to(endpoint).await;
        begin(&mut peer).await;
        let is_call = |request: &Recorded| request.rpc_method() == "tools/call";
        let mut storm = JoinSet::new();
        for id in 1..=calls {
            storm.spawn(send(peer.http.clone(), legacy_call(id)));
        }
        server.wait_for(usize::try_from(calls).unwrap(), is_call).await;
        storm.shutdown().await;
        finish(peer).await;
        let cancels = server.matching(is_cancel);
        let mut ids: Vec<_> =
            cancels.iter().map(|it| it.json()["params"]["requestId"].as_i64().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, (1..=calls).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn the_end_does_not_wait_for_cancellations_that_nobody_takes() {
    deadline(async {
        let calls = 100;
        let server = start(|request| match request.rpc_method().as_str() {
            "tools/call" | "notifications/cancelled" => Answer::silence(),
            _ => well_behaved(request),
        })
        .await;
        let mut peer = connect(&server).await;
        peer.ask(initialize(0)).await;
        let mut storm = JoinSet::new();
        for id in 1..=calls {
            storm.spawn(send(peer.http.clone(), legacy_call(id)));
        }
        server.wait_for(1 + usize::try_from(calls).unwrap(), |_| true).await;
        storm.shutdown().await;
        finish(peer).await;
        assert_eq!(server.requests().last().unwrap().method, "DELETE");
    })
    .await;
}

#[tokio::test]
async fn calls_in_flight_keep_the_session() {
    deadline(async {
        let gate = Arc::new(Semaphore::new(0));
        let wait = Arc::clone(&gate);
        let server = start(move |request| {
            if request.rpc_method() == "tools/call" {
                return Answer::events(&[])
                    .step(Step::Wait(Arc::clone(&wait)))
                    .step(Step::Send(event(&response(request, &json!({}))).into()));
            }
            well_behaved(request)
        })
        .await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        let mut http = peer.http;
        let mut replies = http.ready().await.unwrap().call(legacy_call(1)).await.unwrap();
        drop(http);
        gate.add_permits(1);
        assert!(matches!(replies.next().await, Some(Ok(ServerMessage::Response(_)))));
        peer.driver.end().await.unwrap();
        let methods: Vec<_> = server.requests().into_iter().map(|it| it.method).collect();
        assert_eq!(methods.last().unwrap(), "DELETE");
    })
    .await;
}

#[tokio::test]
async fn f52_dropping_the_driver_fails_the_calls_and_sends_nothing_more() {
    deadline(async {
        let server = start(|request| match request.json()["id"].as_i64() {
            Some(1) => Answer::silence(),
            Some(2) => Answer::events(&[told("a")]).step(Step::Stall),
            _ => well_behaved(request),
        })
        .await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        let mut http = peer.http.clone();
        let mut replies = http.ready().await.unwrap().call(legacy_call(2)).await.unwrap();
        assert!(replies.next().await.unwrap().is_ok());
        let mut waiting = JoinSet::new();
        waiting.spawn(send(peer.http.clone(), legacy_call(1)));
        server.wait_for(1, |request| request.json()["id"] == 1).await;
        peer.driver.cut().await;
        let error = error_of(waiting.join_next().await.unwrap().unwrap());
        assert!(error.is_closed() && error.delivery() == Delivery::Unknown, "{error:?}");
        let error = replies.next().await.unwrap().unwrap_err();
        assert!(error.is_closed() && error.delivery() == Delivery::Unknown, "{error:?}");
        assert!(peer.unsolicited.next().await.is_none());
        let sent = server.requests().len();
        let error = error_of(send(peer.http, legacy_call(3)).await);
        assert!(error.is_closed() && error.delivery() == Delivery::NotSent, "{error:?}");
        server.wait_for_given_up(2).await;
        assert_eq!(server.requests().len(), sent);
    })
    .await;
}

// spec: H25-18
#[tokio::test]
async fn a_connection_that_is_still_held_can_be_shut_down_and_its_session_ends() {
    deadline(async {
        let server = start(|request| match request.json()["id"].as_i64() {
            Some(1) => Answer::silence(),
            _ => well_behaved(request),
        })
        .await;
        let link = Endpoint::parse(server.url()).unwrap().connect().await.unwrap();
        let (http, mut driver) = (link.transport, link.driver);
        let call = async {
            for message in [initialize(9), initialized()] {
                send(http.clone(), message).await.unwrap();
            }
            let call = Background::run(send(http.clone(), legacy_call(1)));
            server.wait_for(1, |request| request.json()["id"] == 1).await;
            call
        };
        let mut call = tokio::select! {
            call = call => call,
            _ = &mut driver => panic!("the connection is held"),
        };
        driver.shut_down();
        driver.await.unwrap();
        assert!(call.end().await.unwrap_err().is_closed());
        assert_eq!(server.matching(|request| request.method == "DELETE").len(), 1);
        assert!(send(http, legacy_call(2)).await.unwrap_err().is_closed());
    })
    .await;
}
