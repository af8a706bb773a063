//! Finding out what a server speaks.

use crate::script::{Answer, Script, deadline, discovered, initialized};
use mcp_session::{Era, EraCache, Error, Mode, Options};
use mcp_transport::{Binding, Delivery};
use mcp_types::{ErrorCode, ProtocolVersion};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

const ALL: [Binding; 3] = [Binding::ByteStream, Binding::Http, Binding::InProcess];

/// Creates a legacy server with its own answer to `server/discover`.
fn legacy(binding: Binding, probe: impl Fn() -> Answer + Send + Sync + 'static) -> Script {
    Script::new(binding, move |_, request| match &*request.method {
        "initialize" => initialized("2025-11-25"),
        _ => probe(),
    })
}

const SHOOK_HANDS: [&str; 4] =
    ["1 connect", "1 server/discover", "1 initialize", "1 notifications/initialized"];

fn status(status: u16) -> Answer {
    let error = mcp_transport::Error::other("refused", Delivery::Delivered);
    Answer::Fail(error.with_status(http::StatusCode::from_u16(status).unwrap()))
}

// spec: VER-04 VER-06 META-01 META-02 META-03 META-04 DISC-02
// seed: 8 56
#[tokio::test(start_paused = true)]
async fn a_stateless_server_is_asked_once_and_no_handshake_follows() {
    deadline(async {
        for binding in ALL {
            let script = Script::new(binding, |_, _| discovered(&["2026-07-28"]));
            let server = script.server().await.unwrap();
            assert_eq!((server.era, &server.version), (Era::Modern, &ProtocolVersion::V2026_07_28));
            assert_eq!(server.info.as_ref().unwrap().name, "scripted");
            assert_eq!(script.methods(), ["1 connect", "1 server/discover"]);
            let line = &script.log()[1];
            let params = line.splitn(4, ' ').nth(3).unwrap();
            let meta = &serde_json::from_str::<Value>(params).unwrap()["_meta"];
            assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
            assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({}));
            assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "mcp-session");
        }
    })
    .await;
}

// spec: VER-05
// seed: 56
#[tokio::test(start_paused = true)]
async fn a_pinned_stateless_revision_is_not_given_up_for_a_handshake() {
    deadline(async {
        for binding in ALL {
            let script = legacy(binding, || Answer::Refuse(-32601, Value::Null));
            let mut options = Options::default();
            options.mode = Mode::Pinned(ProtocolVersion::V2026_07_28);
            let error = script.connect(options).await.unwrap_err();
            assert!(matches!(error, Error::NotStateless { .. }), "{error:?}");
            assert_eq!(error.as_rpc().unwrap().code, ErrorCode::METHOD_NOT_FOUND);
            assert_eq!(script.methods(), ["1 connect", "1 server/discover"]);
        }
    })
    .await;
}

// spec: VER-06 VER-07 VER-09 VER-10 LIFE-01 LIFE-04
// seed: 56
#[tokio::test(start_paused = true)]
async fn any_answer_that_is_not_of_a_stateless_server_leads_to_the_handshake() {
    deadline(async {
        let codes = [-32601, -32602, -32600, -32603, -32000, -32001, -32002, 1];
        for (binding, code) in ALL.into_iter().flat_map(|b| codes.map(|code| (b, code))) {
            let script = legacy(binding, move || Answer::Refuse(code, Value::Null));
            let server = script.server().await.unwrap();
            assert_eq!((server.era, &server.version), (Era::Legacy, &ProtocolVersion::V2025_11_25));
            assert_eq!(script.methods(), SHOOK_HANDS, "{code} over {binding:?}");
        }
        for code in [400, 404, 405, 406, 415, 422] {
            let script = legacy(Binding::Http, move || status(code));
            assert_eq!(script.server().await.unwrap().era, Era::Legacy, "{code}");
        }
        let script = legacy(Binding::ByteStream, || Answer::Result(json!({"not": "discovery"})));
        assert_eq!(script.server().await.unwrap().era, Era::Legacy);
    })
    .await;
}

// spec: VER-11
#[tokio::test(start_paused = true)]
async fn a_refusal_that_says_nothing_of_the_era_is_an_error_and_no_downgrade() {
    deadline(async {
        for code in [401, 403, 407, 408, 429, 500, 502, 503, 504] {
            let script = legacy(Binding::Http, move || status(code));
            let error = script.server().await.unwrap_err();
            let transport = error.as_transport().unwrap();
            assert_eq!(transport.status().unwrap().as_u16(), code);
            assert_eq!(script.methods(), ["1 connect", "1 server/discover"]);
        }
        let refused = || Answer::Fail(mcp_transport::Error::other("refused", Delivery::NotSent));
        let script = legacy(Binding::Http, refused);
        assert!(script.server().await.is_err());
        assert_eq!(script.methods(), ["1 connect", "1 server/discover"]);
    })
    .await;
}

// spec: VER-06
#[tokio::test(start_paused = true)]
async fn a_silent_child_is_shaken_hands_with_and_a_silent_endpoint_is_not() {
    deadline(async {
        let script = legacy(Binding::ByteStream, || Answer::Silence);
        assert_eq!(script.server().await.unwrap().era, Era::Legacy);
        // The probe is abandoned after the handshake: no cancellation precedes `initialize`.
        let mut expected = SHOOK_HANDS.to_vec();
        expected.push("1 dropped");
        assert_eq!(script.methods(), expected);

        let script = legacy(Binding::Http, || Answer::Silence);
        assert!(script.server().await.unwrap_err().is_timeout());
        assert_eq!(script.methods(), ["1 connect", "1 server/discover", "1 dropped"]);
    })
    .await;
}

// spec: VER-08
#[tokio::test(start_paused = true)]
async fn a_child_that_dies_of_the_question_is_started_again() {
    deadline(async {
        let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "initialize" => initialized("2024-11-05"),
            _ => Answer::Fail(mcp_transport::Error::closed("it died", Delivery::Unknown)),
        });
        let server = script.server().await.unwrap();
        assert_eq!(server.version, ProtocolVersion::V2024_11_05);
        let expected = [
            "1 connect",
            "1 server/discover",
            "2 connect",
            "2 initialize",
            "2 notifications/initialized",
        ];
        assert_eq!(script.methods(), expected);
    })
    .await;
}

// spec: VER-01 VER-02 VER-03
#[tokio::test(start_paused = true)]
async fn a_refused_version_is_tried_once_more_if_the_server_lists_one_that_is_known() {
    deadline(async {
        let refuse = |supported: Value| Answer::Refuse(-32022, json!({"supported": supported}));
        let count = std::sync::atomic::AtomicUsize::new(0);
        let script = Script::new(Binding::Http, move |_, _| {
            match count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => refuse(json!(["2026-07-28"])),
                _ => discovered(&["2026-07-28"]),
            }
        });
        assert_eq!(script.server().await.unwrap().era, Era::Modern);
        assert_eq!(script.methods().len(), 3);

        let script = Script::new(Binding::Http, move |_, _| refuse(json!(["2026-07-28"])));
        let error = script.server().await.unwrap_err();
        assert_eq!(error.as_rpc().unwrap().code, ErrorCode::UNSUPPORTED_PROTOCOL_VERSION);
        assert_eq!(script.methods().len(), 3, "one retry, no loop");

        let script = legacy(Binding::Http, move || refuse(json!(["2025-06-18", "2025-11-25"])));
        assert_eq!(script.server().await.unwrap().era, Era::Legacy);

        for garbage in [json!(["3026-01-01"]), json!([]), json!(7)] {
            let script = legacy(Binding::ByteStream, move || refuse(garbage.clone()));
            let error = script.server().await.unwrap_err();
            assert!(matches!(error, Error::NoCommonVersion { .. }), "{error}");
            assert_eq!(script.methods(), ["1 connect", "1 server/discover"]);
        }
    })
    .await;
}

// spec: META-06
#[tokio::test(start_paused = true)]
async fn another_error_of_a_stateless_server_is_no_reason_for_a_handshake() {
    deadline(async {
        for code in [-32020, -32021] {
            let script = legacy(Binding::ByteStream, move || Answer::Refuse(code, Value::Null));
            let error = script.server().await.unwrap_err();
            assert_eq!(error.as_rpc().unwrap().code, ErrorCode(code));
            assert_eq!(script.methods(), ["1 connect", "1 server/discover"]);
        }
    })
    .await;
}

// spec: LIFE-02 LIFE-03 LIFE-06 LIFE-07
#[tokio::test(start_paused = true)]
async fn every_legacy_version_is_accepted_and_no_other() {
    deadline(async {
        let connect = async |version: &'static str, mode: Mode| {
            let script = Script::new(Binding::ByteStream, move |_, _| initialized(version));
            let mut options = Options::default();
            options.mode = mode;
            let session = script.connect(options).await;
            assert_eq!(script.methods()[..2], ["1 connect", "1 initialize"]);
            session.map(|session| session.server().version.clone())
        };
        for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            let agreed = connect(version, Mode::Legacy).await.unwrap();
            assert_eq!(agreed.as_str(), version);
            let pinned = Mode::Pinned(version.into());
            assert_eq!(connect(version, pinned).await.unwrap().as_str(), version);
        }
        for version in ["2026-07-28", "1.0", "2024-10-07"] {
            let error = connect(version, Mode::Legacy).await.unwrap_err();
            assert!(matches!(error, Error::NoCommonVersion { .. }), "{error}");
        }
        let pinned = Mode::Pinned(ProtocolVersion::V2025_06_18);
        assert!(connect("2025-11-25", pinned).await.is_err());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn connecting_has_a_time_limit_that_can_be_taken_away() {
    deadline(async {
        let script = Script::new(Binding::ByteStream, |_, _| Answer::Silence);
        assert!(script.server().await.unwrap_err().is_timeout());
        let mut options = Options::default();
        options.connect_timeout = None;
        let forever = script.connect(options);
        let day = std::time::Duration::from_secs(1000);
        assert!(tokio::time::timeout(day, forever).await.is_err());
    })
    .await;
}

// seed: 9
#[tokio::test(start_paused = true)]
async fn the_handshake_has_a_limit_of_its_own() {
    deadline(async {
        let mut options = Options::default();
        options.init_timeout = Some(std::time::Duration::from_secs(3));
        for binding in ALL {
            let script = Script::new(binding, |_, request| match &*request.method {
                "server/discover" => Answer::Refuse(-32601, Value::Null),
                _ => Answer::Silence,
            });
            let error = script.connect(options.clone()).await.unwrap_err();
            let Error::Timeout { method, after, .. } = &error else { panic!("{error}") };
            assert_eq!((&**method, after.as_secs()), ("initialize", 3));
        }
    })
    .await;
}

/// Creates a server that has a handshake until it becomes stateless.
fn changing(is_modern: &Arc<AtomicBool>) -> Script {
    let is_modern = Arc::clone(is_modern);
    Script::new(Binding::ByteStream, move |_, request| {
        match (&*request.method, is_modern.load(Ordering::Relaxed)) {
            ("server/discover", true) => discovered(&["2026-07-28"]),
            ("initialize", false) => initialized("2025-11-25"),
            _ => Answer::Refuse(-32601, Value::Null),
        }
    })
}

// spec: VER-12
#[tokio::test(start_paused = true)]
async fn a_server_with_a_handshake_is_asked_once_and_again_when_it_has_changed() {
    deadline(async {
        let is_modern = Arc::new(AtomicBool::new(false));
        let script = changing(&is_modern);
        let eras = EraCache::new();
        let options = || {
            let mut options = Options::default();
            options.known_era = eras.of("https://example.com");
            options
        };
        for _ in 0..2 {
            let session = script.connect(options()).await.unwrap();
            assert_eq!(session.server().era, Era::Legacy);
        }
        let asked = |script: &Script| {
            script.methods().iter().filter(|line| line.contains("server/discover")).count()
        };
        assert_eq!(asked(&script), 1);
        is_modern.store(true, Ordering::Relaxed);
        let session = script.connect(options()).await.unwrap();
        assert_eq!((session.server().era, asked(&script)), (Era::Modern, 2));
        assert_eq!(eras.of("https://example.com").era(), Some(Era::Modern));
        assert_eq!(eras.of("https://other.example").era(), None);
        // The other way round, the probe is sent in any case.
        is_modern.store(false, Ordering::Relaxed);
        let session = script.connect(options()).await.unwrap();
        assert_eq!((session.server().era, asked(&script)), (Era::Legacy, 3));
    })
    .await;
}
