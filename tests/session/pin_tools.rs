//! Tools that change after they were accepted.

use crate::{
    mock::{answer, around, call},
    script::deadline,
};
use futures_util::FutureExt;
use mcp_session::{Call, Error, OnChange, PinTools, PinToolsLayer, Reply, ToolDigest, ToolPins};
use mcp_transport::BoxError;
use mcp_types::RawJson;
use serde_json::{Value, json};
use tower::{Service, ServiceExt, util::BoxCloneSyncService};

type Pinned = PinTools<BoxCloneSyncService<Call, Reply, BoxError>>;

fn tool(name: &str, description: &str) -> Value {
    let property = json!({"type": "string", "description": description});
    json!({"name": name, "inputSchema": {"type": "object", "properties": {"a": property}}})
}

/// Returns the names that remain in a list.
async fn list(
    service: &mut Pinned,
    mock: &mut crate::mock::Mock,
    tools: &[Value],
) -> Result<Vec<String>, Error> {
    let listed = service.ready().await.unwrap().call(Call::new("tools/list"));
    let (listed, _) = tokio::join!(listed, answer(mock, json!({"tools": tools})));
    let listed: Value = listed.map_err(Error::from_layers)?.decode().unwrap();
    let names = listed["tools"].as_array().unwrap().iter();
    Ok(names.map(|tool| tool["name"].as_str().unwrap_or("?").to_owned()).collect())
}

/// Whether a call of a tool is sent.
async fn is_sent(service: &mut Pinned, mock: &mut crate::mock::Mock, name: &str) -> bool {
    let sent = service.ready().await.unwrap().call(call("tools/call", json!({"name": name})));
    tokio::select! {
        biased;
        outcome = sent => {
            assert!(matches!(Error::from_layers(outcome.unwrap_err()), Error::ToolChanged { .. }));
            false
        }
        _ = mock.next_request() => true,
    }
}

// spec: TRUST-03
#[tokio::test]
async fn a_changed_tool_is_left_out_and_cannot_be_called_until_it_is_accepted() {
    deadline(async {
        let pins = ToolPins::in_memory();
        let layer = PinToolsLayer::new(pins.clone(), OnChange::Drop);
        let (mut service, mut mock) = around(&layer);
        let before = [tool("a", "x"), tool("b", "x")];
        assert_eq!(list(&mut service, &mut mock, &before).await.unwrap(), ["a", "b"]);
        assert!(is_sent(&mut service, &mut mock, "b").await);

        let after = [tool("a", "x"), tool("b", "y"), tool("c", "x")];
        assert_eq!(list(&mut service, &mut mock, &after).await.unwrap(), ["a", "c"]);
        assert!(!is_sent(&mut service, &mut mock, "b").await);
        assert!(is_sent(&mut service, &mut mock, "a").await);

        let changes = pins.changes();
        let [change] = &changes[..] else { panic!("{changes:?}") };
        assert_eq!(change.tool, "b");
        let definition = |tool: &Value| {
            let raw = RawJson::encode(tool).unwrap();
            (ToolDigest::of(&raw).unwrap(), tool.clone())
        };
        let after_b = (change.digest, change.after.decode::<Value>().unwrap());
        assert_eq!(after_b, definition(&after[1]));
        let before_b = change.before.as_ref().unwrap().decode::<Value>().unwrap();
        assert_eq!(before_b, before[1]);

        list(&mut service, &mut mock, &[tool("b", "z")]).await.unwrap();
        assert!(!pins.accept(change), "it has changed again since it was looked at");
        assert!(pins.accept(&pins.changes()[0]));
        assert!(pins.changes().is_empty());
        assert_eq!(list(&mut service, &mut mock, &[tool("b", "z")]).await.unwrap(), ["b"]);
        assert!(is_sent(&mut service, &mut mock, "b").await);
    })
    .await;
}

#[tokio::test]
async fn a_change_can_be_a_warning_or_an_error() {
    deadline(async {
        for (policy, passes) in [(OnChange::Warn, true), (OnChange::Fail, false)] {
            let (mut service, mut mock) =
                around(&PinToolsLayer::new(ToolPins::in_memory(), policy));
            list(&mut service, &mut mock, &[tool("a", "x"), tool("b", "x")]).await.unwrap();
            let listed = list(&mut service, &mut mock, &[tool("a", "x"), tool("b", "y")]).await;
            match listed {
                Ok(names) => assert!(passes && names == ["a", "b"]),
                Err(Error::ToolChanged { tool }) => assert!(!passes && &*tool == "b"),
                Err(other) => panic!("{other}"),
            }
            assert_eq!(is_sent(&mut service, &mut mock, "b").await, passes);
        }
    })
    .await;
}

#[tokio::test]
async fn order_and_what_is_no_definition_do_not_count_and_back_is_no_change() {
    deadline(async {
        let pins = ToolPins::in_memory();
        let (mut service, mut mock) = around(&PinToolsLayer::new(pins.clone(), OnChange::Drop));
        list(&mut service, &mut mock, &[json!({"name": "a", "title": "A", "_meta": {"v": 1}})])
            .await
            .unwrap();
        let same = json!({"_meta": {"v": 2}, "icons": [], "title": "A", "name": "a"});
        assert_eq!(
            list(&mut service, &mut mock, std::slice::from_ref(&same)).await.unwrap(),
            ["a"]
        );
        let two = [same.clone(), json!({"name": "a", "title": "evil"})];
        assert_eq!(list(&mut service, &mut mock, &two).await.unwrap(), ["a"]);
        assert!(!is_sent(&mut service, &mut mock, "a").await, "which of the two would it be?");
        assert_eq!(list(&mut service, &mut mock, &[same]).await.unwrap(), ["a"]);
        assert!(pins.changes().is_empty() && is_sent(&mut service, &mut mock, "a").await);
        assert!(
            list(&mut service, &mut mock, &[json!({"title": "?"}), json!(7)])
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn what_was_accepted_is_in_a_file_for_the_next_time() {
    deadline(async {
        let directory = std::env::temp_dir().join(format!("pins-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("tools.lock");
        let pins = ToolPins::open(&path).unwrap();
        let (mut service, mut mock) = around(&PinToolsLayer::new(pins, OnChange::Drop));
        list(&mut service, &mut mock, &[tool("a", "x")]).await.unwrap();

        let pins = ToolPins::open(&path).unwrap();
        let raw = RawJson::encode(&tool("a", "x")).unwrap();
        assert_eq!(pins.digest("a"), ToolDigest::of(&raw).ok());
        let layer = PinToolsLayer::new(pins.clone(), OnChange::Drop).locked();
        let (mut service, mut mock) = around(&layer);
        assert!(!is_sent(&mut service, &mut mock, "new").await, "it was never accepted");
        let tools = [tool("a", "y"), tool("new", "x")];
        assert!(list(&mut service, &mut mock, &tools).await.unwrap().is_empty());
        let changes = pins.changes();
        assert_eq!(changes.len(), 2);
        assert!(changes.iter().all(|change| pins.accept(change)));
        pins.save().await.unwrap();
        let pins = ToolPins::open(&path).unwrap();
        assert!(pins.digest("new").is_some());
        pins.forget("new");
        assert!(pins.digest("new").is_none());

        std::fs::write(&path, r#"{"version":2,"tools":{}}"#).unwrap();
        let error = ToolPins::open(&path).unwrap_err().to_string();
        assert!(error.contains("version 2") && error.contains("tools.lock"), "{error}");
        std::fs::remove_dir_all(&directory).unwrap();
    })
    .await;
}

#[test]
fn what_was_accepted_is_written_after_a_writing_that_was_given_up() {
    // Keeps the only thread that writes files busy until a write has been abandoned.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(deadline(async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tools.lock");
        let pins = ToolPins::open(&path).unwrap();
        let (mut service, mut mock) = around(&PinToolsLayer::new(pins.clone(), OnChange::Drop));
        list(&mut service, &mut mock, &[tool("a", "x")]).await.unwrap();
        list(&mut service, &mut mock, &[tool("a", "y")]).await.unwrap();
        assert!(pins.accept(&pins.changes()[0]));
        let (release, released) = std::sync::mpsc::sync_channel::<()>(1);
        let busy = tokio::task::spawn_blocking(move || released.recv());
        assert!(pins.save().now_or_never().is_none());
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        // Whatever became of it.
        let _ = std::fs::remove_file(&path);
        pins.save().await.unwrap();
        let kept = ToolPins::open(&path).unwrap().digest("a");
        assert_eq!(kept, pins.digest("a"));
        let files = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(files, 1, "nothing is left beside it");
    }));
}
