//! What servers with a handshake ask and say, before, beside and after what they may.

use crate::{
    roots,
    script::deadline,
    wire::{self, pair},
};
use conformance::{log::Log, script::Background};
use futures_util::{FutureExt, StreamExt, stream};
use mcp_session::{Event, Events, Misbehavior, Notice, Options, Session};
use mcp_transport::{
    Arrival, Binding, ClientMessage, Connector, Driver, Error, Link, Replies, Unsolicited,
};
use mcp_types::{
    RawJson,
    rpc::{Message, Request, Response},
    subscriptions::SubscriptionFilter,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{sync::mpsc, time::timeout};
use tower::util::BoxCloneSyncService;
use tracing::Level;

struct Noted(mpsc::Sender<&'static str>);

impl Drop for Noted {
    fn drop(&mut self) {
        let _ = self.0.try_send("given up");
    }
}

/// Never answers; reports when it was asked and when it was cancelled.
async fn ponder(notes: mpsc::Sender<&'static str>) -> roots::Answer {
    let _noted = Noted(notes.clone());
    let _ = notes.send("asked").await;
    std::future::pending().await
}

// spec: CAN-09 CAN-11 CAN-13 PROG-07
#[tokio::test(start_paused = true)]
async fn a_question_that_its_server_gives_up_is_dropped_and_not_answered() {
    deadline(async {
        let log = Log::default();
        let _recording = log.record(Level::DEBUG);
        let (sender, mut notes) = mpsc::channel(4);
        let mut options = wire::legacy();
        options.input = roots::answering(move || ponder(sender.clone()));
        let (session, mut driver, mut peer) = wire::open(options).await;
        let params = json!({"_meta": {"progressToken": "p"}});
        let ask = |id: Value| json!({"jsonrpc": "2.0", "id": id, "method": "roots/list", "params": params});
        peer.send(ask(json!("q"))).await;
        assert_eq!(notes.recv().await, Some("asked"));
        // Neither refers to the question.
        for id in [json!("other"), json!(7), Value::Null] {
            peer.notify("notifications/cancelled", json!({"requestId": id})).await;
        }
        peer.notify("notifications/cancelled", json!({"requestId": "q", "reason": "hurry"})).await;
        assert_eq!(notes.recv().await, Some("given up"));
        // A repeated cancellation does no harm.
        peer.notify("notifications/cancelled", json!({"requestId": "q"})).await;
        peer.send(json!({"jsonrpc": "2.0", "id": "ping", "method": "ping"})).await;
        assert_eq!(peer.receive().await["id"], "ping");
        drop::<Session>(session);
        driver.end().await.unwrap();
        assert_eq!(peer.rest().await, Vec::<Value>::new(), "no answer, and no progress");
        assert!(log.text().contains("hurry"), "{}", log.text());
    })
    .await;
}

// spec: LIFE-01 LIFE-05
#[tokio::test(start_paused = true)]
async fn nothing_is_said_before_the_handshake_is_answered() {
    deadline(async {
        let (connector, mut peer) = pair();
        let connect = async {
            let connected = Session::builder(connector).options(wire::legacy()).connect().await;
            let (session, driver) = connected.unwrap();
            (session, Background::run(driver))
        };
        let (_connected, ()) = tokio::join!(connect, async {
            let id = peer.expect("initialize").await["id"].clone();
            assert!(timeout(Duration::from_secs(5), peer.receive()).await.is_err());
            let info = json!({"name": "s", "version": "1"});
            let answer =
                json!({"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": info});
            peer.answer(id, answer).await;
            peer.expect("notifications/initialized").await;
        });
        assert_eq!(peer.received().len(), 2);
    })
    .await;
}

// spec: ELI-20
#[tokio::test(start_paused = true)]
async fn a_page_that_nobody_waits_for_is_told_and_nothing_more() {
    deadline(async {
        let (sender, mut heard) = mpsc::channel(8);
        let mut options = wire::legacy();
        options.events = Events::channel(sender);
        let (session, _driver, mut peer) = wire::open(options).await;
        for id in [json!("unknown"), json!("unknown"), json!("\u{0} / {}"), json!(7), Value::Null] {
            peer.notify("notifications/elicitation/complete", json!({"elicitationId": id})).await;
            let Some(Event::Notification(told)) = heard.recv().await else { panic!("not told") };
            assert_eq!(told.method, "notifications/elicitation/complete");
            let params: Value = told.params.unwrap().decode().unwrap();
            assert_eq!(params["elicitationId"], id, "it is opaque");
        }
        peer.send(json!({"jsonrpc": "2.0", "id": "ping", "method": "ping"})).await;
        assert_eq!(peer.receive().await, json!({"jsonrpc": "2.0", "id": "ping", "result": {}}));
        drop::<Session>(session);
    })
    .await;
}

// spec: SUB-10 LOG-02 SUB-05
#[tokio::test(start_paused = true)]
async fn progress_and_log_messages_have_no_place_in_a_subscription() {
    deadline(async {
        let options = Options::default();
        let mut incidents = Box::pin(options.diagnostics.subscribe());
        let (session, _driver, mut peer) = wire::open(options).await;
        let mut filter = SubscriptionFilter::default();
        filter.tools_list_changed = Some(true);
        let (subscription, id) = tokio::join!(session.subscribe(filter), async {
            let listen = peer.expect("subscriptions/listen").await;
            assert_eq!(listen.pointer("/params/_meta/progressToken"), None);
            let id = listen["id"].clone();
            let meta = json!({"io.modelcontextprotocol/subscriptionId": id});
            let agreed = json!({"notifications": {"toolsListChanged": true}, "_meta": meta});
            peer.notify("notifications/subscriptions/acknowledged", agreed).await;
            id
        });
        let mut subscription = subscription.unwrap();
        let meta = json!({"io.modelcontextprotocol/subscriptionId": id});
        peer.notify("notifications/progress", json!({"progressToken": id, "progress": 1})).await;
        let log = json!({"level": "info", "data": "psst", "_meta": meta});
        peer.notify("notifications/message", log).await;
        peer.notify("notifications/tools/list_changed", json!({"_meta": meta})).await;
        assert_eq!(subscription.next().await.unwrap().unwrap(), Notice::ToolsChanged);
        let incident = incidents.next().now_or_never().flatten().unwrap();
        assert_eq!(incident.misbehavior, Misbehavior::NotificationNotSubscribed);
    })
    .await;
}

/// A server with a handshake that asks more questions than are answered at a time, and reads no answers.
struct Deaf;

impl Connector for Deaf {
    type Transport = BoxCloneSyncService<ClientMessage, Replies, Error>;

    async fn connect(&self) -> Result<Link<Self::Transport>, Error> {
        let (held, mut all_gone) = mpsc::channel::<()>(1);
        let transport = tower::service_fn(move |message: ClientMessage| {
            let held = held.clone();
            async move {
                let _held = held;
                Ok(match message.body {
                    Message::Request(request) => {
                        let introduction = json!({"protocolVersion": "2025-11-25", "capabilities": {},
                            "serverInfo": {"name": "deaf", "version": "1"}});
                        let introduction = RawJson::encode(&introduction).unwrap();
                        Replies::once(Response::success(request.id, introduction))
                    }
                    Message::Notification(_) => Replies::empty(),
                    Message::Response(_) => std::future::pending().await,
                })
            }
        });
        let questions = (0..40).map(|id| Arrival::Message(Request::new(id, "roots/list").into()));
        let asked = stream::iter(questions).chain(stream::pending());
        let driver = Driver::new(async move {
            all_gone.recv().await;
            Ok(())
        });
        Ok(Link::new(BoxCloneSyncService::new(transport), Binding::ByteStream)
            .with_unsolicited(Unsolicited::new(asked))
            .with_driver(driver))
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_though_its_server_takes_no_answers_to_a_flood_of_questions() {
    deadline(async {
        let (sender, mut notes) = mpsc::channel(64);
        let mut options = wire::legacy();
        options.input = roots::answering(move || ponder(sender.clone()));
        let connecting = Session::builder(Deaf).options(options).connect();
        let (session, driver) = connecting.await.unwrap();
        let mut driver = Background::run(driver);
        assert_eq!(notes.recv().await, Some("asked"));
        // Until one is refused.
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(session);
        driver.end().await.unwrap();
    })
    .await;
}
