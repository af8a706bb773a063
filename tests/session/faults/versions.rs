//! Servers that are not of the revision that they seem to be of.

use super::{legacy, modern};
use crate::{
    script::{Answer, Script, deadline, discovered, initialized},
    wire,
};
use mcp_session::{Call, Era, Error, Options, Session};
use mcp_transport::{Binding, Delivery};
use mcp_types::ErrorCode;
use serde_json::{Value, json};
use std::time::Duration;

// spec: VER-01 VER-02
#[tokio::test(start_paused = true)]
async fn f62_a_revision_that_is_refused_for_ever_is_tried_twice() {
    deadline(async {
        for (supported, tries) in [
            (json!(["2026-07-28"]), 2),
            (json!([]), 1),
            (json!(7), 1),
            (json!(["1.0", 3]), 1),
            (Value::Null, 1),
        ] {
            let data = json!({"supported": supported});
            let script = modern(move |_| Answer::Refuse(-32022, data.clone()));
            let session = script.connect(Options::default()).await.unwrap();
            let error = session.call_raw(Call::new("tools/call")).await.unwrap_err();
            assert_eq!(error.as_rpc().unwrap().code, ErrorCode::UNSUPPORTED_PROTOCOL_VERSION);
            assert_eq!(script.methods().len(), 2 + tries, "{supported}");
        }
    })
    .await;
}

// spec: VER-08
#[tokio::test(start_paused = true)]
async fn f63_a_child_that_dies_of_every_message_is_started_twice_and_no_more() {
    deadline(async {
        let died = |_: &_| Answer::Fail(mcp_transport::Error::closed("it died", Delivery::Unknown));
        let script = Script::new(Binding::ByteStream, move |_, request| died(request));
        let error = script.server().await.unwrap_err();
        assert!(error.is_closed(), "{error}");
        let expected = ["1 connect", "1 server/discover", "2 connect", "2 initialize"];
        assert_eq!(script.methods(), expected);
    })
    .await;
}

// spec: VER-08
#[tokio::test(start_paused = true)]
async fn f63_the_question_leaves_time_for_the_handshake() {
    deadline(async {
        let script = legacy(|_| Answer::Silence);
        let session = script.connect(Options::default()).await.unwrap();
        assert_eq!(session.server().era, Era::Legacy);
        let slow = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "initialize" => initialized("2025-11-25"),
            _ => Answer::Silence,
        });
        let mut options = Options::default();
        options.connect_timeout = Some(Duration::from_secs(11));
        assert!(slow.connect(options).await.is_ok());
    })
    .await;
}

// spec: VER-06 CAN-07
#[tokio::test]
async fn f64_an_answer_to_the_question_that_comes_after_the_handshake_is_ignored() {
    deadline(async {
        let (connector, mut peer) = wire::pair();
        let mut options = Options::default();
        options.probe_timeout = Duration::from_millis(20);
        let connected = Session::builder(connector).options(options).connect();
        let served = async {
            let probe = peer.expect("server/discover").await["id"].clone();
            let id = peer.expect("initialize").await["id"].clone();
            let late = json!({"resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {}, "ttlMs": 0, "cacheScope": "private"});
            peer.answer(probe.clone(), late.clone()).await;
            peer.answer(
                id,
                json!({"protocolVersion": "2025-06-18", "capabilities": {},
                "serverInfo": {"name": "late", "version": "1"}}),
            )
            .await;
            peer.answer(probe, late).await;
            loop {
                let message = peer.receive().await;
                if message["method"] == "tools/list" {
                    peer.answer(message["id"].clone(), json!({"tools": []})).await;
                    return;
                }
            }
        };
        let called = async {
            let (session, driver) = connected.await.unwrap();
            let _driver = conformance::script::Background::run(driver);
            assert_eq!(session.server().version.as_str(), "2025-06-18");
            session.call_raw(Call::new("tools/list")).await
        };
        let (called, ()) = tokio::join!(called, served);
        called.unwrap();
    })
    .await;
}

// spec: VER-03 VER-06
#[tokio::test(start_paused = true)]
async fn f62_a_server_that_lists_no_revision_in_common_says_which_it_has() {
    deadline(async {
        let script = Script::new(Binding::Http, |_, _| discovered(&["2030-01-01"]));
        match script.server().await.unwrap_err() {
            Error::NoCommonVersion { theirs, .. } => assert_eq!(theirs[0].as_str(), "2030-01-01"),
            other => panic!("{other}"),
        }
    })
    .await;
}
