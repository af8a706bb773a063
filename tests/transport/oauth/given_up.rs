//! A refresh whose last waiter gives up after the server has used up the refresh token.

use super::{Connected, app, connect, world};
use conformance::{
    oauth::World,
    script::{Background, deadline},
};
use mcp_transport::{Connector, Transport, http::Endpoint};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Prepares a logged-in world whose next tokens wait at the returned gate.
async fn gated<T: Transport>(world: &World, connected: &Connected<T>) -> Arc<Semaphore> {
    connected.call().await.unwrap();
    let gate = Arc::new(Semaphore::new(0));
    world.revoke_access();
    world.change(|rules| rules.servers[0].gate = Some(Arc::clone(&gate)));
    gate
}

/// Makes a call that gives up after the server has issued new tokens, and before they have arrived.
async fn give_up_in_the_middle<T: Transport>(world: &World, connected: &Connected<T>) {
    let transport = connected.transport.clone();
    let call = Connected { transport, _driver: Background::run(async { Ok(()) }) };
    let calling = Background::run(async move { call.call().await });
    let is_refresh = |request: &conformance::http_server::Recorded| {
        String::from_utf8_lossy(&request.body).contains("grant_type=refresh_token")
    };
    deadline(world.server(0).wait_for(1, is_refresh)).await;
    calling.cut().await;
}

// spec: TOK-09 TOK-10
#[tokio::test]
async fn tokens_that_were_asked_for_are_kept_when_nobody_waits_for_them_any_more() {
    let world = world(|_| ()).await;
    let connected = connect(&world, app()).await;
    let gate = gated(&world, &connected).await;
    give_up_in_the_middle(&world, &connected).await;
    gate.add_permits(1);
    connected.call().await.unwrap();
    assert_eq!((world.asked("/authorize").len(), world.asked("/token").len()), (1, 2));
}

// spec: TOK-09
#[tokio::test]
async fn a_connection_that_is_closed_keeps_the_tokens_that_were_asked_for() {
    let world = world(|_| ()).await;
    let endpoint = Endpoint::parse(world.url()).unwrap().oauth(app());
    let link = endpoint.connect().await.unwrap();
    let connected = Connected { transport: link.transport, _driver: Background::run(link.driver) };
    let gate = gated(&world, &connected).await;
    give_up_in_the_middle(&world, &connected).await;
    let Connected { transport, _driver: mut driver } = connected;
    drop(transport);
    gate.add_permits(1);
    driver.end().await.unwrap();
    let link = endpoint.connect().await.unwrap();
    let later = Connected { transport: link.transport, _driver: Background::run(link.driver) };
    later.call().await.unwrap();
    assert_eq!((world.asked("/authorize").len(), world.asked("/token").len()), (1, 2));
}

#[tokio::test]
async fn a_refresh_that_nobody_waits_for_ends_with_the_connection() {
    let world = world(|_| ()).await;
    let connected = connect(&world, app()).await;
    let _gate = gated(&world, &connected).await;
    give_up_in_the_middle(&world, &connected).await;
    assert_eq!(world.server(0).given_up(), 0);
    connected._driver.cut().await;
    deadline(world.server(0).wait_for_given_up(1)).await;
}
