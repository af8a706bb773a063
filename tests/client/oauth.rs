//! Logging in, as a program does it.

use super::deadline;
use conformance::oauth::{World, redirect_of};
use mcp_client::{Client, Error};
use mcp_transport::http::{
    Endpoint,
    oauth::{self, ErrorKind, OAuth, ReceiverFn},
};
use std::time::Duration;

const REDIRECT: &str = "http://127.0.0.1:8765/callback";

/// A user who takes a while to agree.
fn user_who_takes(while_: Duration) -> OAuth {
    OAuth::new("App").receiver(ReceiverFn::new(REDIRECT, move |request| async move {
        tokio::time::sleep(while_).await;
        redirect_of(request.url.as_str()).await
    }))
}

fn endpoint(world: &World, oauth: OAuth) -> impl Into<mcp_client::Target> + use<> {
    Endpoint::parse(world.url()).unwrap().oauth(oauth)
}

// spec: CAN-01
#[tokio::test]
async fn f73_a_user_has_more_time_than_the_server() {
    for is_legacy in [false, true] {
        let world = World::start(|rules| rules.resource.is_legacy = is_legacy).await.unwrap();
        let limit = Duration::from_secs(1);
        let client = Client::builder(endpoint(&world, user_who_takes(2 * limit)))
            .connect_timeout(limit)
            .init_timeout(limit)
            .build();
        let client = deadline(client.connect()).await.unwrap();
        world.revoke_access();
        world.revoke_refresh();
        deadline(client.call_tool("echo").timeout(limit)).await.unwrap();
        assert_eq!(world.asked("/authorize").len(), 2);
    }
}

#[tokio::test]
async fn a_login_that_fails_is_the_cause_of_the_error_of_a_client() {
    let world = World::start(|rules| {
        rules.servers[0].denies = Some("access_denied".to_owned());
    });
    let world = world.await.unwrap();
    let client = Client::new(endpoint(&world, user_who_takes(Duration::ZERO)));
    let error: Error = deadline(client.connect()).await.expect_err("the user says no");
    let why = oauth::Error::find(&error).unwrap();
    assert_eq!((why.kind(), why.code()), (ErrorKind::Denied, Some("access_denied")));
    // One question is enough: nothing else is tried after it.
    assert_eq!(world.asked("/authorize").len(), 1);
}
