//! The connections of sessions.

use super::*;

/// Connects to a scripted peer, which the test holds.
#[derive(Default)]
struct Piped(Arc<Mutex<Vec<DuplexStream>>>);

impl Connector for Piped {
    type Transport = mcp_transport::Multiplex;

    async fn connect(&self) -> Result<Link<Self::Transport>, Error> {
        let (link, peer) = memory::pair(1024);
        self.0.lock().unwrap().push(peer);
        Ok(link)
    }
}

#[tokio::test]
async fn a_session_ends_with_its_connection_and_its_calls_say_why() {
    let peers = Piped::default();
    let held = Arc::clone(&peers.0);
    let served = serve(peers);
    let initialize = initialize();
    let beginning = post(&served.endpoint, &[], &initialize);
    let answering = async {
        while held.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let mut peer = Peer::new(held.lock().unwrap().remove(0));
        peer.expect("initialize").await;
        peer.answer(0, json!({ "protocolVersion": "2025-11-25" })).await;
        peer
    };
    let (response, mut peer) = tokio::join!(beginning, answering);
    let id = header(response.headers(), SESSION).unwrap().to_owned();
    let hanging_up = async {
        peer.expect("echo").await;
        drop(peer);
    };
    let call = body(1, "echo");
    let (response, ()) = tokio::join!(served.post(&id, &call), hanging_up);
    let error = read_json(response).await;
    assert_eq!(error["error"]["message"], "server closed the connection");
    assert_eq!(refusal(served.post(&id, &call).await).await.0, 404);
}

#[tokio::test]
async fn the_driver_ends_with_the_endpoint_and_lets_connections_end_in_good_order() {
    let peers = Piped::default();
    let held = Arc::clone(&peers.0);
    let Served { endpoint, mut driver } = serve(peers);
    let initialize = initialize();
    let asking = post(&endpoint, &[], &initialize);
    let peer = async {
        while held.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let mut peer = Peer::new(held.lock().unwrap().remove(0));
        peer.expect("initialize").await;
        peer.answer(0, json!({})).await;
        peer
    };
    let (_, mut peer) = tokio::join!(asking, peer);
    drop(endpoint);
    assert_eq!(peer.line().await, None, "the connection is shut down");
    driver.end().await.unwrap();
}

#[tokio::test]
async fn without_its_driver_no_session_goes_on_or_begins() {
    let server = Scripted::legacy();
    let served = serve(Shared::new(server.server.transport()));
    let id = served.begin().await;
    let mut response = served.post(&id, &body(1, "hang")).await;
    event(&mut response).await.unwrap();
    served.driver.cut().await;
    assert_eq!(event(&mut response).await, None);
    server.dropped.wait_for(1).await;
    let endpoint = served.endpoint;
    assert_eq!(refusal(post(&endpoint, &[(SESSION, &id)], &body(2, "echo")).await).await.0, 404);
    assert_eq!(refusal(post(&endpoint, &[], &initialize()).await).await, (503, -32603));
    assert_eq!(refusal(ask(&endpoint, 1, "echo").await).await, (200, 0), "the others are served");
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_an_error_of_the_handshake() {
    struct Nowhere;
    impl Connector for Nowhere {
        type Transport = Connection;
        async fn connect(&self) -> Result<Link<Connection>, Error> {
            Err(Error::other("no way there", Delivery::NotSent))
        }
    }
    let served = serve_with(Nowhere, options(|limits| limits.sessions = 1));
    for _ in 0..2 {
        let error = read_json(post(&served.endpoint, &[], &initialize()).await).await;
        assert_eq!(error["error"]["message"], "no way there");
    }
}
