//! The client of this crate, and proxies.

use super::*;

/// Connects the client of this crate to `service` through a pipe.
fn client_of(service: impl serve::Server) -> (impl Transport, [Background<Result<(), Error>>; 2]) {
    let (link, theirs) = mcp_transport::memory::pair(64 * 1024);
    let serving = serve::lines(theirs, service, LineLimits::default());
    (link.transport, [Background::run(link.driver), Background::run(serving)])
}

#[tokio::test]
async fn the_client_of_this_crate_and_the_server_understand_each_other() {
    let server = Scripted::legacy();
    let (client, drivers) = client_of(server.server.transport());
    check_calls(&client, &server, request).await;
    drop(client);
    for mut driver in drivers {
        driver.end().await.unwrap();
    }
}

// A proxy is one expression: a client's transport is a service that can be served.
#[tokio::test]
async fn a_proxy_is_a_served_transport() {
    let server = Scripted::legacy();
    let (near, _near_drivers) = client_of(server.server.transport());
    let (client, _drivers) = client_of(near);
    check_calls(&client, &server, request).await;
}

#[tokio::test]
async fn a_proxy_passes_on_what_is_said_unasked() {
    let (link, far) = mcp_transport::memory::pair(1024);
    let _behind = Background::run(link.driver);
    let (ours, theirs) = tokio::io::duplex(1024);
    let proxy = serve::lines(ours, link.transport, LineLimits::default());
    let _proxy = Background::run(proxy.with_unsolicited(link.unsolicited));
    let mut server = Peer::new(far);
    let mut client = duplex::connect(theirs);
    let _client = Background::run(client.driver);
    server.send(json!({ "jsonrpc": "2.0", "id": "q", "method": "roots/list" })).await;
    let Arrival::Message(Message::Request(question)) =
        deadline(client.unsolicited.next()).await.unwrap()
    else {
        panic!("a request");
    };
    let answer = Response::success(question.id, RawJson::EMPTY_OBJECT);
    assert_eq!(replies(client.transport, answer.into()).await.unwrap(), []);
    assert_eq!(server.receive().await["id"], "q");
}
