//! Subscriptions of a group.

use super::{broken, client, connect, group, server};
use crate::{
    connections::gate::{Gate, eventually},
    deadline, params, said,
};
use conformance::in_process::{Asked, InProcess};
use futures_util::{FutureExt, StreamExt};
use mcp_client::{Client, Error, Group, Notice, Subscription, Target};
use mcp_types::{ErrorCode, ErrorObject, ProtocolVersion};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::sync::{Semaphore, broadcast};

/// A server that sends notifications on demand.
#[derive(Clone)]
struct Teller {
    server: InProcess,
    said: broadcast::Sender<Option<(&'static str, Value)>>,
    listeners: Arc<AtomicUsize>,
}

impl Teller {
    fn modern() -> Self {
        Self::new(&ProtocolVersion::LATEST)
    }

    fn legacy() -> Self {
        Self::new(&ProtocolVersion::LATEST_LEGACY)
    }

    fn new(version: &ProtocolVersion) -> Self {
        let capabilities = json!({
            "tools": {"listChanged": true}, "resources": {"listChanged": true, "subscribe": true},
        });
        let (said, listeners) = (broadcast::Sender::new(16), Arc::<AtomicUsize>::default());
        let (sender, count) = (said.clone(), Arc::clone(&listeners));
        let server = InProcess::new(version.clone(), capabilities, move |asked: Asked| {
            answer(asked, sender.subscribe(), Arc::clone(&count))
        });
        Self { server, said, listeners }
    }

    fn tell(&self, method: &'static str, params: Value) {
        self.said.send(Some((method, params))).unwrap();
    }

    fn update(&self, uri: &str) {
        self.tell("notifications/resources/updated", json!({"uri": uri}));
    }

    fn listeners(&self) -> usize {
        self.listeners.load(SeqCst)
    }
}

async fn answer(
    asked: Asked,
    mut said: broadcast::Receiver<Option<(&'static str, Value)>>,
    listeners: Arc<AtomicUsize>,
) -> Result<Value, ErrorObject> {
    match &*asked.method {
        // A server with a handshake notifies on the stream of any call.
        "tools/call" if asked.params["name"] == "listen" => {}
        "subscriptions/listen" => {
            let agreed = json!({"notifications": asked.params["notifications"]});
            asked.tell("notifications/subscriptions/acknowledged", agreed).await;
        }
        "tools/list" => {
            let tools = [json!({"name": "x", "inputSchema": {"type": "object"}})];
            return Ok(json!({"resultType": "complete", "tools": tools}));
        }
        _ => return Ok(crate::said("done")),
    }
    listeners.fetch_add(1, SeqCst);
    let _listening = Listening(listeners);
    while let Ok(Some((method, params))) = said.recv().await {
        asked.tell(method, params).await;
    }
    Ok(json!({"resultType": "complete"}))
}

struct Listening(Arc<AtomicUsize>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

async fn next(changes: &mut Subscription) -> Notice {
    deadline(changes.next()).await.unwrap().unwrap()
}

fn updated(uri: &str) -> Notice {
    Notice::ResourceUpdated { uri: uri.to_owned() }
}

async fn subscribe(group: &Group, uris: &[&str]) -> Result<Subscription, Error> {
    let all = uris.iter().fold(group.subscribe().tools(), |all, uri| all.resource(*uri));
    deadline(all).await
}

// spec: SUB-02 SUB-09
#[tokio::test]
async fn what_members_tell_is_one_stream_with_the_names_of_the_group() {
    let (one, two) = (Teller::modern(), Teller::legacy());
    let group = connect(&group(&[("a", &one.server), ("b", &two.server)])).await;
    let mut changes = subscribe(&group, &["x://a/r", "x://b/r"]).await.unwrap();

    let agreed = changes.acknowledged();
    assert_eq!(agreed.tools_list_changed, Some(true));
    assert_eq!(agreed.resource_subscriptions.as_deref().unwrap(), ["x://a/r", "x://b/r"]);
    let asked =
        json!({"notifications": {"toolsListChanged": true, "resourceSubscriptions": ["x://r"]}});
    assert_eq!(params(&one.server.sent("subscriptions/listen")[0]), asked);
    assert_eq!(params(&two.server.sent("resources/subscribe")[0]), json!({"uri": "x://r"}));

    one.update("x://r");
    assert_eq!(next(&mut changes).await, updated("x://a/r"));
    one.update("x://r/part");
    assert_eq!(next(&mut changes).await, updated("x://a/r/part"));
    one.tell("notifications/tools/list_changed", json!({}));
    assert_eq!(next(&mut changes).await, Notice::ToolsChanged);
    let hearing = async {
        eventually(|| two.listeners() == 1).await;
        two.update("x://r");
        assert_eq!(next(&mut changes).await, updated("x://b/r"));
    };
    tokio::select! {
        result = group.call_tool("b_listen").into_future() => panic!("{result:?}"),
        () = hearing => {}
    }

    drop(changes);
    eventually(|| one.listeners() == 0).await;
    eventually(|| !two.server.sent("resources/unsubscribe").is_empty()).await;
}

#[tokio::test]
async fn a_resource_can_be_named_as_its_member_names_it() {
    let one = Teller::modern();
    let other = server("other", &[], false);
    let listing = InProcess::modern(async |asked: Asked| {
        Ok(match &*asked.method {
            "resources/list" => {
                json!({"resultType": "complete", "resources": [{"name": "r", "uri": "urn:r"}]})
            }
            "subscriptions/listen" => {
                let agreed = json!({"notifications": asked.params["notifications"]});
                asked.tell("notifications/subscriptions/acknowledged", agreed).await;
                asked.tell("notifications/resources/updated", json!({"uri": "urn:r"})).await;
                std::future::pending().await
            }
            _ => said("done"),
        })
    });
    let group = connect(&group(&[("a", &one.server), ("b", &listing), ("c", &other)])).await;
    let error = deadline(group.subscribe().resource("urn:r")).await.unwrap_err();
    assert!(matches!(error, Error::NoRoute { .. }), "{error:?}");
    deadline(group.list_resources()).await.unwrap();
    let mut changes = deadline(group.subscribe().resource("urn:r")).await.unwrap();
    assert_eq!(next(&mut changes).await, updated("urn:r"));
    assert_eq!(one.listeners(), 0, "a member that is not concerned is not asked");
}

#[tokio::test]
async fn one_member_that_does_not_tell_harms_no_other() {
    let one = Teller::modern();
    let refusing = InProcess::modern(async |_: Asked| -> Result<Value, ErrorObject> {
        Err(ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "no such method"))
    });
    let both = connect(&group(&[("a", &refusing), ("b", &one.server)])).await;
    let mut changes = subscribe(&both, &[]).await.unwrap();
    one.tell("notifications/tools/list_changed", json!({}));
    assert_eq!(next(&mut changes).await, Notice::ToolsChanged);
    assert_eq!(refusing.sent("subscriptions/listen").len(), 1, "it is not asked again");

    let none = connect(&group(&[("a", &broken()), ("b", &refusing)])).await;
    let error = subscribe(&none, &[]).await.unwrap_err();
    assert_eq!(error.as_rpc().unwrap().message, "out of order", "{error:?}");
    let closed = group(&[("a", &broken())]);
    assert!(matches!(subscribe(&closed, &[]).await, Err(Error::NotConnected)));
}

// spec: SUB-07 SUB-08
#[tokio::test(start_paused = true)]
async fn a_member_that_ends_its_part_or_is_lost_is_asked_again() {
    let (one, two) = (Teller::modern(), Teller::modern());
    let gate = Gate::to(two.server.clone());
    gate.let_pass();
    let group = Group::builder()
        .member("a", client(&one.server))
        .member("b", Client::new(Target::connector("the gate", gate.clone())))
        .build()
        .unwrap();
    let group = connect(&group).await;
    let mut changes = subscribe(&group, &["x://b/r"]).await.unwrap();

    one.said.send(None).unwrap();
    assert_eq!(next(&mut changes).await, Notice::Missed);
    one.tell("notifications/tools/list_changed", json!({}));
    assert_eq!(next(&mut changes).await, Notice::ToolsChanged);
    assert_eq!((one.server.sent("subscriptions/listen").len(), gate.connects()), (2, 1));

    gate.lose();
    assert_eq!(next(&mut changes).await, Notice::Missed);
    two.update("x://r");
    assert_eq!(next(&mut changes).await, updated("x://b/r"));
    assert_eq!((two.server.sent("subscriptions/listen").len(), gate.connects()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_member_that_comes_later_tells_from_then_on() {
    let (one, two) = (Teller::modern(), Teller::modern());
    let gate = Gate::to(two.server.clone());
    gate.fail_next();
    gate.let_pass();
    let group = Group::builder()
        .member("a", client(&one.server))
        .member("b", Client::new(Target::connector("the gate", gate.clone())))
        .backoff(Duration::from_secs(5), Duration::from_secs(5))
        .build()
        .unwrap();
    let group = connect(&group).await;
    let mut changes = subscribe(&group, &[]).await.unwrap();
    assert_eq!(two.listeners(), 0);
    assert_eq!(next(&mut changes).await, Notice::Missed);
    two.tell("notifications/tools/list_changed", json!({}));
    assert_eq!(next(&mut changes).await, Notice::ToolsChanged);
}

#[tokio::test]
async fn the_stream_ends_with_the_group() {
    let one = Teller::modern();
    let group = connect(&group(&[("a", &one.server)])).await;
    let mut changes = subscribe(&group, &[]).await.unwrap();
    let (next, ()) = tokio::join!(deadline(changes.next()), deadline(group.close()));
    assert!(next.is_none());
    assert_eq!(one.listeners(), 0);
}

#[tokio::test]
async fn a_client_of_a_group_subscribes_at_its_members_whatever_their_era() {
    for two in [Teller::modern(), Teller::legacy()] {
        let one = Teller::modern();
        let client = Client::new(group(&[("a", &one.server), ("b", &two.server)]));
        let client = deadline(client.connect()).await.unwrap();
        let capabilities = &client.server().unwrap().capabilities;
        assert_eq!(capabilities.tools.as_ref().unwrap().list_changed, Some(true));
        assert_eq!(capabilities.resources.as_ref().unwrap().subscribe, Some(true));

        let mut changes = deadline(client.subscribe().resource("x://a/r")).await.unwrap();
        one.update("x://r");
        assert_eq!(next(&mut changes).await, updated("x://a/r"));

        let tools = deadline(client.tools().debounce(Duration::ZERO)).await.unwrap();
        assert!(tools.is_told());
        let names: Vec<_> = tools.snapshot().iter().map(|tool| tool.name.clone()).collect();
        assert_eq!(names, ["a_x", "b_x"]);
        let before = one.server.sent("tools/list").len();
        one.tell("notifications/tools/list_changed", json!({}));
        eventually(|| one.server.sent("tools/list").len() > before).await;
    }
}

#[tokio::test]
async fn a_group_in_a_group_tells_too() {
    let one = Teller::modern();
    let inner = group(&[("a", &one.server)]);
    let outer = Group::builder().member("g", Client::new(inner)).build().unwrap();
    let outer = connect(&outer).await;
    let mut changes = subscribe(&outer, &["x://g/a/r"]).await.unwrap();
    one.update("x://r");
    assert_eq!(next(&mut changes).await, updated("x://g/a/r"));
}

/// Creates a server that acknowledges part of a request once the gate lets it.
fn acknowledging(agreed: Value, gate: &Arc<Semaphore>) -> InProcess {
    let gate = Arc::clone(gate);
    InProcess::modern(move |asked: Asked| {
        let (agreed, gate) = (agreed.clone(), Arc::clone(&gate));
        async move {
            gate.acquire().await.unwrap().forget();
            asked
                .tell("notifications/subscriptions/acknowledged", json!({"notifications": agreed}))
                .await;
            std::future::pending::<Result<Value, ErrorObject>>().await
        }
    })
}

// spec: SUB-02 SUB-03
#[tokio::test]
async fn a_group_acknowledges_what_any_member_does_when_each_has_answered() {
    let (now, later) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(0)));
    let one = acknowledging(json!({"toolsListChanged": true}), &now);
    let two = acknowledging(json!({"resourceSubscriptions": ["x://r"]}), &later);
    let refusing = InProcess::modern(async |_: Asked| -> Result<Value, ErrorObject> {
        Err(ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "no such method"))
    });
    let group = connect(&group(&[("a", &one), ("b", &two), ("c", &refusing)])).await;
    let all = group.subscribe().tools().prompts().resource("x://a/r").resource("x://b/r");
    let mut subscribing = Box::pin(deadline(all.resource("x://c/r")));
    let asked = [&one, &two, &refusing];
    let is_asked = || asked.iter().all(|server| !server.sent("subscriptions/listen").is_empty());
    tokio::select! {
        biased;
        early = &mut subscribing => panic!("{early:?}"),
        () = eventually(|| is_asked() && now.available_permits() == 0) => {}
    }
    // The first member has nothing more to send, but the second has.
    for _ in 0..8 {
        tokio::task::yield_now().await;
        assert!((&mut subscribing).now_or_never().is_none());
    }
    later.add_permits(1);
    let agreed = subscribing.await.unwrap().acknowledged().clone();
    assert_eq!((agreed.tools_list_changed, agreed.prompts_list_changed), (Some(true), None));
    assert_eq!(agreed.resource_subscriptions.unwrap(), ["x://b/r"]);
}
