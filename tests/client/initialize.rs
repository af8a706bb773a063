//! Connecting without speaking, and what is known of a server by then.

use crate::{
    connections::gate::{Gate, eventually},
    deadline, said,
};
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Client, Era, Error, Target};
use mcp_types::ProtocolVersion;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

fn quiet(target: impl Into<Target>) -> Client {
    Client::builder(target).auto_initialize(false).build()
}

fn servers() -> [InProcess; 2] {
    let answer = async |_: Asked| Ok::<Value, mcp_types::ErrorObject>(said("done"));
    [InProcess::modern(answer), InProcess::legacy(answer)]
}

// seed: 8 9
#[tokio::test]
async fn a_connection_is_initialized_when_it_is_asked_for_and_once() {
    for server in servers() {
        let client = quiet(Target::service(server.transport()));
        let connection = deadline(client.connect()).await.unwrap();
        assert!(client.is_connected());
        assert_eq!(server.record(), [""; 0], "nothing is said yet");
        let error = deadline(client.call_tool("any")).await.unwrap_err();
        assert!(matches!(error, Error::NotInitialized), "{error:?}");
        assert!(client.server_info().is_none() && client.initialize_result().is_none());

        let (one, other) = tokio::join!(client.initialize(), client.initialize());
        let again = deadline(connection.initialize()).await.unwrap();
        assert!(Arc::ptr_eq(&one.unwrap(), &again) && Arc::ptr_eq(&other.unwrap(), &again));
        assert_eq!(deadline(client.call_tool("any")).await.unwrap().text(), "done");
        let introductions = [server.sent("server/discover"), server.sent("initialize")].concat();
        let expected = if again.era == Era::Legacy { 2 } else { 1 };
        assert_eq!(
            introductions.len(),
            expected,
            "a legacy server is asked what it is, and shaken hands with"
        );
    }
}

// seed: 8 9 56
#[tokio::test]
async fn what_a_server_said_of_itself_is_there_while_the_session_is() {
    let [modern, legacy] = servers();
    for (server, version, info) in [
        (&modern, ProtocolVersion::LATEST, None),
        (&legacy, ProtocolVersion::LATEST_LEGACY, Some("scripted")),
    ] {
        let client = Client::new(Target::service(server.transport()));
        let nothing = || {
            client.protocol_version().is_none()
                && client.capabilities().is_none()
                && client.instructions().is_none()
                && client.server_info().is_none()
                && client.initialize_result().is_none()
        };
        assert!(nothing());
        let connection = deadline(client.connect()).await.unwrap();
        assert_eq!(connection.protocol_version(), Some(version));
        assert!(connection.capabilities().unwrap().tools.is_some());
        let name = |info: mcp_types::Implementation| info.name;
        assert_eq!(connection.server_info().map(name).as_deref(), info);
        let result = connection.initialize_result();
        assert_eq!(result.map(|result| result.server_info.name).as_deref(), info);
        let first = deadline(connection.initialize()).await.unwrap();
        assert!(Arc::ptr_eq(&first, &connection.server().unwrap()));
        deadline(connection.close()).await;
        assert!(nothing());
    }
}

#[tokio::test]
async fn without_a_connection_there_is_nothing_to_initialize() {
    let error = deadline(Client::new("nowhere").initialize()).await.unwrap_err();
    assert!(matches!(error, Error::NotConnected), "{error:?}");
}

// seed: 4 6
#[tokio::test]
async fn a_connection_that_waits_can_be_given_up_and_lost() {
    let gate = Gate::open();
    let client = quiet(Target::connector("the gate", gate.clone()));
    let connection = deadline(client.connect()).await.unwrap();
    assert_eq!(gate.alive(), 1);
    deadline(connection.close()).await;
    eventually(|| gate.alive() == 0).await;
    assert!(!client.is_connected());

    let connection = deadline(client.connect()).await.unwrap();
    gate.lose();
    eventually(|| !client.is_connected()).await;
    let error = deadline(connection.initialize()).await.unwrap_err();
    assert!(error.is_closed(), "{error:?}");
    let error = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.contains("cut"), "{error}");

    let again = deadline(client.connect()).await.unwrap();
    deadline(again.initialize()).await.unwrap();
    assert_eq!(deadline(again.call_tool("any")).await.unwrap().text(), "done");
    assert_eq!((gate.connects(), gate.alive()), (3, 1));
}

// seed: 9
#[tokio::test(start_paused = true)]
async fn only_the_server_is_hurried_and_not_who_initializes() {
    let gate = Gate::open();
    let target = Target::connector("the gate", gate.clone());
    let client = Client::builder(target)
        .auto_initialize(false)
        .init_timeout(Duration::from_secs(1))
        .connect_timeout(Duration::from_secs(1))
        .build();
    let connection = deadline(client.connect()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    deadline(connection.initialize()).await.unwrap();
    deadline(connection.call_tool("any")).await.unwrap();
}

// seed: 9
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_given_up_when_its_time_is_over() {
    for (limit, expected) in [(3, 3), (0, 30)] {
        let client = Client::builder(Target::service(tower::service_fn(
            async |_| -> Result<mcp_transport::Replies, mcp_transport::Error> {
                std::future::pending().await
            },
        )))
        .init_timeout(Duration::from_secs(limit))
        .mode(mcp_client::Mode::Legacy)
        .build();
        let before = tokio::time::Instant::now();
        let error = tokio::time::timeout(Duration::from_secs(100), client.connect());
        let error = error.await.expect("no hang").unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert_eq!(before.elapsed().as_secs(), expected);
    }
}
