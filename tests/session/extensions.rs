//! Extensions: what is declared, and what an extension that one side alone supports comes to.

use crate::script::{Answer, Script, deadline, discovered, initialized};
use mcp_session::{Call, Error, Extension, Misbehavior, Options, Tasks};
use mcp_transport::Binding;
use mcp_types::JsonObject;
use serde_json::{Value, json};
use std::sync::Arc;

/// An extension that is nothing but its id.
struct Named(&'static str);

impl Extension for Named {
    fn id(&self) -> &str {
        self.0
    }

    fn settings(&self) -> JsonObject {
        [("version".to_owned(), json!(1))].into_iter().collect()
    }
}

fn stateless(result: Value) -> Script {
    Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "server/discover" => discovered(&["2026-07-28"]),
        _ => Answer::Result(result.clone()),
    })
}

fn supporting(extensions: impl IntoIterator<Item = Arc<dyn Extension>>) -> Options {
    let mut options = Options::default();
    options.extensions = extensions.into_iter().collect();
    options
}

/// Returns what the last request of a script declared.
fn declared(script: &Script) -> Value {
    let log = script.log();
    let params: Value =
        serde_json::from_str(log.last().unwrap().splitn(4, ' ').last().unwrap()).unwrap();
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"].clone()
}

// spec: VER-13 VER-15 META-05
// seed: 58
#[tokio::test(start_paused = true)]
async fn an_extension_is_declared_with_every_request_if_it_is_asked_for_and_its_id_has_a_prefix() {
    deadline(async {
        let script = stateless(json!({"resultType": "complete"}));
        let ids = ["com.example/good", "no-prefix", "com.example/", "/x", "com..example/x", "1a/x"];
        let named = ids.map(|id| Arc::new(Named(id)) as Arc<dyn Extension>);
        let session = script.connect(supporting(named)).await.unwrap();
        let good = json!({"extensions": {"com.example/good": {"version": 1}}});
        assert_eq!(declared(&script), good);
        session.call_raw(Call::new("tools/list")).await.unwrap();
        assert_eq!(declared(&script), good);

        let script = stateless(json!({"resultType": "complete"}));
        script.connect(Options::default()).await.unwrap();
        assert_eq!(declared(&script), json!({}), "nothing is declared by itself");
    })
    .await;
}

// spec: VER-14
#[tokio::test(start_paused = true)]
async fn an_extension_that_the_server_does_not_have_leaves_calls_as_they_are() {
    deadline(async {
        let tasks = || supporting([Arc::new(Tasks::new()) as Arc<dyn Extension>]);
        let plain = json!({"resultType": "complete", "content": []});
        let session = stateless(plain.clone()).connect(tasks()).await.unwrap();
        let reply = session.call_raw(Call::new("tools/call")).await.unwrap();
        assert_eq!(reply.decode::<Value>().unwrap(), plain);

        let legacy = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "server/discover" => Answer::Refuse(-32601, Value::Null),
            "initialize" => initialized("2025-11-25"),
            _ => Answer::Result(json!({"content": []})),
        });
        let session = legacy.connect(tasks()).await.unwrap();
        session.call_raw(Call::new("tools/call")).await.unwrap();
        let log = legacy.log();
        let handshake = log.iter().find(|line| line.contains(" initialize ")).unwrap();
        assert!(!handshake.contains("extensions"), "{handshake}");
    })
    .await;
}

// spec: VER-16
// seed: 58
#[tokio::test(start_paused = true)]
async fn what_comes_for_an_extension_is_checked_like_everything_else() {
    deadline(async {
        for broken in [
            json!({}),
            json!({"taskId": 7, "status": "working"}),
            json!({"taskId": null}),
            json!({"taskId": ["x"], "pollIntervalMs": -1}),
        ] {
            let mut task = broken;
            task["resultType"] = json!("task");
            let script = stateless(task);
            let options = supporting([Arc::new(Tasks::new()) as Arc<dyn Extension>]);
            let session = script.connect(options).await.unwrap();
            match session.call_raw(Call::new("tools/call")).await.unwrap_err() {
                Error::Misbehaved { misbehavior, .. } => {
                    assert_eq!(misbehavior, Misbehavior::InvalidResult);
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(script.methods().last().unwrap(), "1 tools/call");
        }
    })
    .await;
}
