//! Sessions that begin with what is known of the server.

use crate::script::{Answer, Script, deadline, discovered, initialized};
use mcp_session::{Call, Era, Error, Mode, Options, PriorDiscover, Session};
use mcp_transport::{Binding, Delivery};
use mcp_types::{ProtocolVersion, RawJson};
use serde_json::{Value, json};

fn stateless(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Script {
    Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "server/discover" => discovered(&["2026-07-28"]),
        _ => answer(),
    })
}

/// Returns what a session with the server saves.
async fn saved() -> PriorDiscover {
    let server = stateless(|| Answer::Silence).server().await.unwrap();
    let text = server.discovered().unwrap().to_string();
    PriorDiscover::new(RawJson::parse(text).unwrap())
}

fn options(prior: &PriorDiscover) -> Options {
    let mut options = Options::default();
    options.prior = Some(prior.clone());
    options
}

async fn call(session: &Session) -> Result<(), Error> {
    session.call_raw(Call::new("tools/call")).await.map(drop)
}

// spec: VER-12 DISC-01
// seed: 56
#[tokio::test(start_paused = true)]
async fn what_is_known_of_a_server_is_not_asked() {
    deadline(async {
        let prior = saved().await;
        for mode in [Mode::Auto, Mode::Pinned(ProtocolVersion::V2026_07_28)] {
            let script = stateless(|| Answer::Result(json!({"resultType": "complete"})));
            let mut options = options(&prior);
            options.mode = mode;
            let session = script.connect(options).await.unwrap();
            assert_eq!(script.methods(), ["1 connect"]);
            assert_eq!(session.server().info.as_ref().unwrap().name, "scripted");
            assert_eq!(session.server().discovered().unwrap(), prior.as_raw());
            call(&session).await.unwrap();
            assert_eq!(script.methods(), ["1 connect", "1 tools/call"]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_used_is_as_if_it_were_not_there() {
    deadline(async {
        for useless in [
            json!(7),
            json!({"supportedVersions": "all"}),
            json!({"supportedVersions": ["1.0"], "capabilities": {}, "ttlMs": 0, "cacheScope": "private"}),
        ] {
            let prior = PriorDiscover::new(RawJson::encode(&useless).unwrap());
            let script = stateless(|| Answer::Result(json!({"resultType": "complete"})));
            script.connect(options(&prior)).await.unwrap();
            assert_eq!(script.methods(), ["1 connect", "1 server/discover"]);
        }
        let script = Script::new(Binding::ByteStream, |_, _| initialized("2025-11-25"));
        let mut options = options(&saved().await);
        options.mode = Mode::Legacy;
        let session = script.connect(options).await.unwrap();
        assert_eq!(session.server().era, Era::Legacy);
        assert_eq!(session.server().discovered(), None);
    })
    .await;
}

// spec: VER-12
#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_what_was_known_is_asked_once_and_the_next_session_knows_better() {
    deadline(async {
        let prior = saved().await;
        let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "initialize" => initialized("2025-11-25"),
            _ => Answer::Refuse(-32601, Value::Null),
        });
        let session = script.connect(options(&prior)).await.unwrap();
        let (one, two) = tokio::join!(call(&session), call(&session));
        for error in [one.unwrap_err(), two.unwrap_err()] {
            assert!(matches!(error, Error::WrongPrior { .. }), "{error}");
            assert_eq!(error.as_rpc().unwrap().code.0, -32601);
        }
        assert_eq!(script.methods().len(), 4, "one question: {:?}", script.methods());
        assert!(prior.is_wrong());
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert!(call(&session).await.unwrap_err().is_closed(), "the session has ended");
        let session = script.connect(options(&prior)).await.unwrap();
        assert_eq!(session.server().era, Era::Legacy);
    })
    .await;
}

// spec: VER-01 VER-12
#[tokio::test(start_paused = true)]
async fn a_server_of_other_revisions_says_so_without_being_asked() {
    deadline(async {
        let prior = saved().await;
        let script = stateless(|| Answer::Refuse(-32022, json!({"supported": ["2030-01-01"]})));
        let session = script.connect(options(&prior)).await.unwrap();
        let error = call(&session).await.unwrap_err();
        assert!(matches!(error, Error::WrongPrior { .. }), "{error}");
        assert_eq!(script.methods(), ["1 connect", "1 tools/call"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_server_that_is_what_was_known_is_asked_about_once() {
    deadline(async {
        let prior = saved().await;
        let script = stateless(|| Answer::Refuse(-32602, Value::Null));
        let session = script.connect(options(&prior)).await.unwrap();
        for _ in 0..3 {
            assert_eq!(call(&session).await.unwrap_err().as_rpc().unwrap().code.0, -32602);
        }
        let asked = script.methods().iter().filter(|line| line.ends_with("discover")).count();
        assert_eq!((asked, prior.is_wrong()), (1, false));
    })
    .await;
}

// spec: VER-08
#[tokio::test(start_paused = true)]
async fn a_child_that_dies_of_the_first_call_is_asked_the_next_time() {
    deadline(async {
        let prior = saved().await;
        let script = Script::new(Binding::ByteStream, |_, _| {
            Answer::Fail(mcp_transport::Error::closed("it died", Delivery::Unknown))
        });
        let session = script.connect(options(&prior)).await.unwrap();
        assert!(call(&session).await.unwrap_err().is_closed());
        assert!(prior.is_wrong());
    })
    .await;
}
