//! Being told of changes, in both eras.

use crate::script::{Answer, Script, deadline, discovered};
use futures_util::{StreamExt, future::join};
use mcp_session::{Diagnostics, Misbehavior, Notice, Options, Reconnect, Session};
use mcp_transport::{Binding, Delivery, Error, Replies};
use mcp_types::{
    RawJson,
    rpc::{Message, Notification, Request, Response},
    subscriptions::SubscriptionFilter,
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::timeout;

fn filter() -> SubscriptionFilter {
    let mut filter = SubscriptionFilter::default();
    filter.tools_list_changed = Some(true);
    filter.resource_subscriptions = Some(vec!["file:///a".into()]);
    filter
}

fn told(method: &'static str, id: &Value, params: Value) -> Message {
    let mut params = params;
    params["_meta"] = json!({"io.modelcontextprotocol/subscriptionId": id});
    Notification::new(method).with_params(RawJson::encode(&params).unwrap()).into()
}

fn acknowledged(id: &Value) -> Message {
    let agreed = json!({"toolsListChanged": true, "resourceSubscriptions": ["file:///a"]});
    told("notifications/subscriptions/acknowledged", id, json!({"notifications": agreed}))
}

fn changed(id: &Value) -> Message {
    told("notifications/tools/list_changed", id, json!({}))
}

fn ended(request: &Request) -> Message {
    Response::success(request.id.clone(), RawJson::EMPTY_OBJECT).into()
}

fn id(request: &Request) -> Value {
    serde_json::to_value(&request.id).unwrap()
}

/// Creates a stateless server that answers `subscriptions/listen` like this.
fn server(listen: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Script {
    Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "server/discover" => discovered(&["2026-07-28"]),
        "subscriptions/listen" => listen(request),
        _ => Answer::Result(json!({})),
    })
}

async fn connect(script: &Script) -> (Session, Diagnostics) {
    let mut options = Options::default();
    options.reconnect = Reconnect::at_once();
    let diagnostics = options.diagnostics.clone();
    (script.connect(options).await.unwrap(), diagnostics)
}

// spec: SUB-01 SUB-02 SUB-07 CAN-01
#[tokio::test(start_paused = true)]
async fn a_subscription_tells_what_was_agreed_and_ends_with_the_response() {
    deadline(async {
        let script = server(|request| {
            let id = id(request);
            let params: Value = request.params.as_ref().unwrap().decode().unwrap();
            let wanted = json!({"toolsListChanged": true, "resourceSubscriptions": ["file:///a"]});
            assert_eq!(params["notifications"], wanted);
            assert_eq!(params["_meta"].get("progressToken"), None);
            let below = told("notifications/resources/updated", &id, json!({"uri": "file:///a/b"}));
            Answer::Say(vec![acknowledged(&id), changed(&id), below, ended(request)])
        });
        let (session, _) = connect(&script).await;
        let mut subscription = session.subscribe(filter()).await.unwrap();
        assert_eq!(subscription.acknowledged().tools_list_changed, Some(true));
        let notices: Vec<_> = subscription.by_ref().map(Result::unwrap).collect().await;
        let updated = Notice::ResourceUpdated { uri: "file:///a/b".into() };
        assert_eq!(notices, [Notice::ToolsChanged, updated]);
    })
    .await;
}

// spec: SUB-03 SUB-05
#[tokio::test(start_paused = true)]
async fn what_does_not_belong_to_a_subscription_is_reported_and_left_out() {
    deadline(async {
        let script = server(|request| {
            let id = id(request);
            let other = changed(&json!("another"));
            let prompts = told("notifications/prompts/list_changed", &id, json!({}));
            let broken = told("notifications/resources/updated", &id, json!({"uri": 7}));
            let said = [changed(&id), acknowledged(&id), other, prompts, broken, ended(request)];
            Answer::Say(said.into())
        });
        let (session, diagnostics) = connect(&script).await;
        let incidents = diagnostics.subscribe();
        let subscription = session.subscribe(filter()).await.unwrap();
        assert_eq!(subscription.count().await, 0);
        let incidents: Vec<_> = incidents.take(4).map(|it| it.misbehavior).collect().await;
        let expected = [
            Misbehavior::AcknowledgeNotFirst,
            Misbehavior::NotificationForOtherSubscription,
            Misbehavior::NotificationNotSubscribed,
            Misbehavior::InvalidNotification,
        ];
        assert_eq!(incidents, expected);
    })
    .await;
}

// spec: STDIO-12 SUB-08
#[tokio::test(start_paused = true)]
async fn a_lost_subscription_is_made_again_and_says_that_something_was_missed() {
    deadline(async {
        let count = Arc::new(AtomicUsize::new(0));
        let script = server(move |request| {
            let id = id(request);
            match count.fetch_add(1, Relaxed) {
                // The stream ends without a response, so it counts as lost.
                0 => Answer::Say(vec![acknowledged(&id), changed(&id)]),
                1 => Answer::Fail(Error::closed("not yet", Delivery::Unknown)),
                _ => Answer::Say(vec![acknowledged(&id), changed(&id), ended(request)]),
            }
        });
        let (session, _) = connect(&script).await;
        let subscription = session.subscribe(filter()).await.unwrap();
        let notices: Vec<_> = subscription.map(Result::unwrap).collect().await;
        assert_eq!(notices, [Notice::ToolsChanged, Notice::Missed, Notice::ToolsChanged]);
        let lines = script.log();
        let ids = lines.iter().filter_map(|line| line.split("listen ").nth(1));
        let ids: Vec<_> = ids.map(|rest| rest.split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(ids, ["2", "3", "4"], "each with a new id");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_refused_or_lost_for_good_is_an_error() {
    deadline(async {
        let script = server(|_| Answer::Refuse(-32601, Value::Null));
        let (session, _) = connect(&script).await;
        let error = session.subscribe(filter()).await.unwrap_err();
        assert_eq!(error.as_rpc().unwrap().code.0, -32601);

        let count = AtomicUsize::new(0);
        let script = server(move |request| match count.fetch_add(1, Relaxed) {
            0 => Answer::Say(vec![acknowledged(&id(request))]),
            _ => Answer::Fail(Error::closed("gone", Delivery::Unknown)),
        });
        let (session, _) = connect(&script).await;
        let subscription = session.subscribe(filter()).await.unwrap();
        let notices: Vec<_> = subscription.collect().await;
        assert!(matches!(&notices[..], [Err(error)] if error.is_closed()), "{notices:?}");

        let script = server(|_| Answer::Silence);
        let (session, _) = connect(&script).await;
        assert!(session.subscribe(filter()).await.unwrap_err().is_timeout());
        assert!(script.methods().contains(&"1 dropped".to_owned()), "and it is cancelled");
    })
    .await;
}

// spec: SUB-06 SUB-09
#[tokio::test(start_paused = true)]
async fn dropping_a_subscription_ends_it_and_no_other() {
    deadline(async {
        let (sender, _) = tokio::sync::broadcast::channel::<()>(1);
        let script = server(move |request| {
            let (first, second) = (acknowledged(&id(request)), changed(&id(request)));
            let open = sender.subscribe();
            Answer::Stream(Replies::new(futures_util::stream::unfold(
                (vec![second, first], open),
                |(mut said, mut open)| async move {
                    match said.pop() {
                        Some(message) => Some((Ok(message), (said, open))),
                        None => {
                            // Nothing is sent: the stream stays open until it is dropped.
                            let _ = open.recv().await;
                            None
                        }
                    }
                },
            )))
        });
        let (session, _) = connect(&script).await;
        let mut kept = session.subscribe(filter()).await.unwrap();
        let mut dropped = session.subscribe(filter()).await.unwrap();
        assert_eq!(dropped.next().await.unwrap().unwrap(), Notice::ToolsChanged);
        drop(dropped);
        assert_eq!(kept.next().await.unwrap().unwrap(), Notice::ToolsChanged);
        let more = tokio::time::timeout(Duration::from_secs(10), kept.next()).await;
        assert!(more.is_err(), "it is still open");
    })
    .await;
}

// spec: SUB-11
#[tokio::test(start_paused = true)]
async fn a_legacy_server_is_subscribed_to_once_and_asked_again_after_a_loss() {
    deadline(async {
        let capabilities =
            json!({"tools": {"listChanged": true}, "resources": {"subscribe": true}});
        let script = Script::new(Binding::ByteStream, move |_, request| match &*request.method {
            "initialize" => Answer::Result(json!({
                "protocolVersion": "2025-11-25", "capabilities": capabilities,
                "serverInfo": {"name": "scripted", "version": "1"},
            })),
            "server/discover" => Answer::Refuse(-32601, Value::Null),
            "tools/call" => {
                let list = Notification::new("notifications/tools/list_changed");
                let updated = Notification::new("notifications/resources/updated")
                    .with_params(RawJson::encode(&json!({"uri": "file:///a"})).unwrap());
                Answer::Say(vec![list.into(), updated.into(), ended(request)])
            }
            _ => Answer::Result(json!({})),
        });
        let (session, _) = connect(&script).await;
        let mut wanted = filter();
        wanted.prompts_list_changed = Some(true);
        let mut one = session.subscribe(wanted.clone()).await.unwrap();
        let mut two = session.subscribe(wanted).await.unwrap();
        assert_eq!(one.acknowledged().prompts_list_changed, None, "not offered");
        session.call_raw(mcp_session::Call::new("tools/call")).await.unwrap();
        let updated = Notice::ResourceUpdated { uri: "file:///a".into() };
        for subscription in [&mut one, &mut two] {
            assert_eq!(subscription.next().await.unwrap().unwrap(), Notice::ToolsChanged);
            assert_eq!(subscription.next().await.unwrap().unwrap(), updated);
        }
        drop(two);
        script.lose().await;
        assert_eq!(one.next().await.unwrap().unwrap(), Notice::Missed);
        drop(one);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let methods = script.methods();
        let resources = methods.iter().filter(|method| method.contains("resources/"));
        let expected =
            ["1 resources/subscribe", "2 resources/subscribe", "2 resources/unsubscribe"];
        assert_eq!(resources.collect::<Vec<_>>(), expected);
    })
    .await;
}

/// Creates a server with a handshake that notifies about resources.
fn telling() -> Script {
    Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "initialize" => Answer::Result(json!({
            "protocolVersion": "2025-11-25", "capabilities": {"resources": {"subscribe": true}},
            "serverInfo": {"name": "scripted", "version": "1"},
        })),
        "server/discover" => Answer::Refuse(-32601, Value::Null),
        _ => Answer::Result(json!({})),
    })
}

// spec: SUB-11
#[tokio::test(start_paused = true)]
async fn a_resource_that_is_subscribed_to_again_at_once_stays_so() {
    deadline(async {
        let script = telling();
        let (session, _) = connect(&script).await;
        let before = session.subscribe(filter()).await.unwrap();
        drop(before);
        let _after = session.subscribe(filter()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let methods = script.methods();
        let last = methods.iter().rev().find(|method| method.contains("resources/"));
        assert_eq!(last.unwrap(), "1 resources/subscribe", "{methods:?}");
    })
    .await;
}

// spec: SUB-11
#[tokio::test(start_paused = true)]
async fn each_of_those_who_subscribe_at_once_is_told_of_a_refusal_and_takes_over_from_one_who_gives_up()
 {
    deadline(async {
        let count = Arc::new(AtomicUsize::new(0));
        let script = Script::new(Binding::ByteStream, move |_, request| match &*request.method {
            "initialize" => Answer::Result(json!({
                "protocolVersion": "2025-11-25", "capabilities": {"resources": {"subscribe": true}},
                "serverInfo": {"name": "scripted", "version": "1"},
            })),
            "server/discover" => Answer::Refuse(-32601, Value::Null),
            "resources/subscribe" => match count.fetch_add(1, Relaxed) {
                0 | 1 => Answer::Refuse(-32002, Value::Null),
                2 => Answer::Silence,
                _ => Answer::Result(json!({})),
            },
            _ => Answer::Result(json!({})),
        });
        let (session, _) = connect(&script).await;
        let both = || join(session.subscribe(filter()), session.subscribe(filter()));
        let (one, two) = both().await;
        for refused in [one, two] {
            assert_eq!(refused.unwrap_err().as_rpc().unwrap().code.0, -32002);
        }
        let limit = Duration::from_millis(10);
        let (gave_up, stayed) =
            join(timeout(limit, session.subscribe(filter())), session.subscribe(filter())).await;
        assert!(gave_up.is_err());
        assert!(stayed.is_ok());
        // A later subscriber need not ask.
        let _later = session.subscribe(filter()).await.unwrap();
        let methods = script.methods();
        let asked = methods.iter().filter(|method| method.ends_with("resources/subscribe"));
        assert_eq!(asked.count(), 4, "{methods:?}");
    })
    .await;
}

// spec: SUB-08
#[tokio::test(start_paused = true)]
async fn a_server_that_ends_every_subscription_at_once_is_not_hammered() {
    deadline(async {
        let script = server(|request| Answer::Say(vec![acknowledged(&id(request))]));
        let (session, _) = connect(&script).await;
        let start = tokio::time::Instant::now();
        let subscription = session.subscribe(filter()).await.unwrap();
        let notices: Vec<_> = subscription.take(8).map(Result::unwrap).collect().await;
        assert!(notices.iter().all(|notice| *notice == Notice::Missed));
        // At once, then after 0.5 s, 1 s, 2 s and so on.
        assert_eq!(start.elapsed().as_millis(), 500 * 63 + 30_000);
    })
    .await;
}

#[test]
fn a_subscription_can_be_dropped_where_no_runtime_is() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let subscription = runtime.block_on(async {
        let script = telling();
        let (session, _) = connect(&script).await;
        session.subscribe(filter()).await.unwrap()
    });
    drop(subscription);
}

// spec: SUB-11
#[tokio::test(start_paused = true)]
async fn who_subscribes_after_a_loss_is_subscribed_over_the_new_connection() {
    deadline(async {
        let script = telling();
        let (session, _) = connect(&script).await;
        // It is not polled, and so has not noticed the loss.
        let mut idle = session.subscribe(filter()).await.unwrap();
        script.lose().await;
        let _other = session.subscribe(filter()).await.unwrap();
        assert_eq!(idle.next().await.unwrap().unwrap(), Notice::Missed);
        let methods = script.methods();
        let asked: Vec<_> = methods.iter().filter(|it| it.contains("resources/")).collect();
        assert_eq!(asked, ["1 resources/subscribe", "2 resources/subscribe"], "once for both");
    })
    .await;
}

// spec: SUB-11
#[tokio::test(start_paused = true)]
async fn a_subscription_at_a_legacy_server_ends_with_its_session() {
    deadline(async {
        let script = telling();
        let session = script.connect(Options::default()).await.unwrap();
        let lost = session.subscribe(filter()).await.unwrap();
        script.lose().await;
        let ends: Vec<_> = lost.collect().await;
        assert!(matches!(&ends[..], [Err(error)] if error.is_closed()), "{ends:?}");

        let (session, driver) = Session::builder(telling()).connect().await.unwrap();
        let mut driver = Box::pin(driver);
        let subscription = tokio::select! {
            subscription = session.subscribe(filter()) => subscription.unwrap(),
            _ = &mut driver => panic!("the session is held"),
        };
        drop(driver);
        let ends: Vec<_> = subscription.collect().await;
        assert!(matches!(&ends[..], [Err(error)] if error.is_closed()), "{ends:?}");
    })
    .await;
}
