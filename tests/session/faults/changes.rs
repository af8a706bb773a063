//! Subscriptions that end in odd ways, and floods of changes.

use super::modern;
use crate::{
    script::{Answer, deadline},
    wire,
};
use futures_util::{Stream, StreamExt, stream};
use mcp_session::{Call, Misbehavior, Notice, Options, ReuseOptions, Subscription};
use mcp_transport::{Delivery, Error, Replies};
use mcp_types::{
    RawJson,
    rpc::{Message, Notification, Request, Response},
    subscriptions::SubscriptionFilter,
};
use serde_json::{Value, json};

fn tools() -> SubscriptionFilter {
    let mut filter = SubscriptionFilter::default();
    filter.tools_list_changed = Some(true);
    filter
}

fn told(method: &'static str, request: &Request, mut params: Value) -> Message {
    params["_meta"] = json!({"io.modelcontextprotocol/subscriptionId": request.id});
    Notification::new(method).with_params(RawJson::encode(&params).unwrap()).into()
}

fn acknowledged(request: &Request) -> Message {
    let agreed = json!({"notifications": {"toolsListChanged": true}});
    told("notifications/subscriptions/acknowledged", request, agreed)
}

fn changed(request: &Request) -> Message {
    told("notifications/tools/list_changed", request, json!({}))
}

fn cancelled(request: &Request) -> Message {
    told("notifications/cancelled", request, json!({"requestId": request.id}))
}

fn response(request: &Request) -> Message {
    Response::success(request.id.clone(), RawJson::EMPTY_OBJECT).into()
}

/// Collects everything that a subscription yields until its end.
async fn all(subscription: Subscription) -> Vec<Result<Notice, mcp_session::Error>> {
    subscription.take(10).collect().await
}

// spec: SUB-03 SUB-07 SUB-08
#[tokio::test(start_paused = true)]
async fn f65_however_a_subscription_ends_it_ends_once() {
    deadline(async {
        let ends: [fn(&Request) -> Vec<Message>; 3] = [
            |request| vec![response(request)],
            |request| vec![cancelled(request), response(request)],
            |request| vec![cancelled(request), changed(request), response(request)],
        ];
        for end in ends {
            let script = modern(move |request| {
                let mut said = vec![acknowledged(request), changed(request)];
                said.extend(end(request));
                Answer::Say(said)
            });
            let session = script.connect(Options::default()).await.unwrap();
            let subscription = session.subscribe(tools()).await.unwrap();
            let said = all(subscription).await;
            assert!(matches!(&said[..], [Ok(Notice::ToolsChanged)]), "{said:?}");
            assert_eq!(script.methods().len(), 3, "what the server ended is not asked for again");
        }
    })
    .await;
}

// spec: SUB-08
#[tokio::test(start_paused = true)]
async fn f65_a_subscription_that_is_cut_off_for_good_ends_with_one_error() {
    deadline(async {
        let script = modern(|request| {
            let lost = Error::closed("cut off", Delivery::Delivered);
            let said = [Ok(acknowledged(request)), Ok(changed(request)), Err(lost)];
            Answer::Stream(Replies::new(stream::iter(said)))
        });
        let session = script.connect(Options::default()).await.unwrap();
        let subscription = session.subscribe(tools()).await.unwrap();
        let mut said = subscription.take(6);
        assert_eq!(said.next().await.unwrap().unwrap(), Notice::ToolsChanged);
        assert_eq!(said.next().await.unwrap().unwrap(), Notice::Missed);
        script.lose().await;
        let rest: Vec<_> = said.collect().await;
        let errors = rest.iter().filter(|notice| notice.is_err()).count();
        assert_eq!(errors, 1, "{rest:?}");
        assert!(rest.last().unwrap().is_err());
    })
    .await;
}

// spec: SUB-03
#[tokio::test(start_paused = true)]
async fn f65_what_comes_before_the_acknowledgment_is_reported_and_the_subscription_goes_on() {
    deadline(async {
        let script = modern(|request| {
            Answer::Say(vec![
                changed(request),
                acknowledged(request),
                changed(request),
                response(request),
            ])
        });
        let options = Options::default();
        let mut incidents = Box::pin(options.diagnostics.subscribe());
        let session = script.connect(options).await.unwrap();
        let said = all(session.subscribe(tools()).await.unwrap()).await;
        assert!(matches!(&said[..], [Ok(Notice::ToolsChanged)]), "{said:?}");
        let incident = incidents.next().await.unwrap();
        assert_eq!(incident.misbehavior, Misbehavior::AcknowledgeNotFirst);
    })
    .await;
}

/// Sends a practically endless stream of changes.
fn flood(request: &Request) -> impl Stream<Item = Result<Message, Error>> + use<> {
    let (first, change) = (acknowledged(request), changed(request));
    stream::iter(std::iter::once(first).chain(std::iter::repeat_n(change, 100_000)).map(Ok))
}

#[tokio::test(start_paused = true)]
async fn f22_a_subscription_that_nobody_reads_disturbs_no_call() {
    deadline(async {
        let script = modern(|request| match &*request.method {
            "subscriptions/listen" => Answer::Stream(Replies::new(flood(request))),
            _ => Answer::Result(json!({"resultType": "complete"})),
        });
        let session = script.connect(Options::default()).await.unwrap();
        let unread = session.subscribe(tools()).await.unwrap();
        for _ in 0..100 {
            session.call_raw(Call::new("tools/call")).await.unwrap();
        }
        drop(unread);
    })
    .await;
}

#[tokio::test]
async fn f22_a_listener_that_nobody_reads_disturbs_no_call() {
    deadline(async {
        let (sender, _unread) = tokio::sync::mpsc::channel(1);
        let mut options = wire::legacy();
        options.events = mcp_session::Events::channel(sender);
        let (session, _driver, mut peer) = wire::open(options).await;
        for _ in 0..1_000 {
            peer.notify("notifications/tools/list_changed", json!({})).await;
        }
        let served = async {
            let id = peer.expect("tools/list").await["id"].clone();
            peer.answer(id, json!({"tools": []})).await;
        };
        let (called, ()) = tokio::join!(session.call_raw(Call::new("tools/list")), served);
        called.unwrap();
    })
    .await;
}

// spec: CACHE-01
#[tokio::test(start_paused = true)]
async fn f67_a_flood_of_changes_fetches_nothing_by_itself() {
    deadline(async {
        let script = modern(|request| match &*request.method {
            "subscriptions/listen" => {
                let done = stream::iter([Ok(response(request))]);
                Answer::Stream(Replies::new(flood(request).chain(done)))
            }
            _ => Answer::Result(json!({"resultType": "complete", "tools": [],
                "ttlMs": 60_000, "cacheScope": "public"})),
        });
        let mut options = Options::default();
        options.reuse = Some(ReuseOptions::default());
        let session = script.connect(options).await.unwrap();
        session.call_raw(Call::new("tools/list")).await.unwrap();
        let subscription = session.subscribe(tools()).await.unwrap();
        assert_eq!(subscription.count().await, 100_000, "each was read: the consumer kept up");
        let lists = script.methods().iter().filter(|line| line.ends_with("tools/list")).count();
        assert_eq!(lists, 1);
        session.call_raw(Call::new("tools/list")).await.unwrap();
        let lists = script.methods().iter().filter(|line| line.ends_with("tools/list")).count();
        assert!(lists <= 2, "one fetch, for the one who asked");
    })
    .await;
}
