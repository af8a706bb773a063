//! Lists that stay fresh.

mod shop;

use crate::{builder, deadline};
use futures_util::{FutureExt, StreamExt};
use mcp_client::{Difference, Error, Snapshot};
use mcp_types::{ProtocolVersion, Tool};
use serde_json::json;
use shop::{ERAS, Shop, connect, tools};
use std::{sync::atomic::Ordering::SeqCst, time::Duration};
use tokio::time::{Instant, advance, sleep};

const MINUTE: Duration = Duration::from_secs(60);

fn names(tools: &[Tool]) -> Vec<&str> {
    tools.iter().map(|tool| tool.name.as_str()).collect()
}

fn listed(snapshot: &Snapshot<Tool>) -> Vec<&str> {
    names(snapshot)
}

// spec: SUB-01 SUB-11 CACHE-11 CACHE-13
#[tokio::test(start_paused = true)]
async fn a_list_that_changed_is_read_again_and_the_difference_is_told_in_both_eras() {
    for era in ERAS {
        let shop = Shop::new(era);
        let client = connect(&shop).await;
        let catalogue = deadline(client.tools()).await.unwrap();
        let before = catalogue.snapshot();
        assert_eq!(listed(&before), ["a", "b"]);
        assert!(catalogue.is_told());
        assert_eq!(shop.listed(), 1);

        let mut changes = catalogue.changes();
        let mut changed = tools(&["b", "c"]);
        changed[0]["description"] = "new".into();
        shop.change(&client, changed).await;
        let difference = deadline(changes.next()).await.unwrap().unwrap();
        assert_eq!(names(&difference.added), ["c"]);
        assert_eq!(names(&difference.removed), ["a"]);
        assert_eq!(difference.changed[0].fields, ["description"]);
        assert_eq!(listed(&catalogue.snapshot()), ["b", "c"]);
        assert_eq!(catalogue.snapshot().get("c").unwrap().name, "c");
        assert_eq!(listed(&before), ["a", "b"], "what was read stays as it is");
        assert_eq!(shop.listed(), 2);

        // A change without a difference is read but not announced; a late reader misses nothing.
        shop.tell(&client).await;
        sleep(MINUTE).await;
        assert_eq!(shop.listed(), 3);
        assert!(changes.next().now_or_never().is_none());
        let late = catalogue.changes_since(before).next().now_or_never();
        assert_eq!(late.unwrap().unwrap().unwrap(), difference);
    }
}

// spec: SUB-01
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_subscription_to_see_a_list() {
    let shop = Shop::new(ProtocolVersion::LATEST);
    *shop.state.hesitation.lock().unwrap() = 10 * MINUTE;
    let client = connect(&shop).await;
    let start = Instant::now();
    let catalogue = client.tools().await.unwrap();
    assert_eq!(listed(&catalogue.snapshot()), ["a", "b"]);
    assert!(!catalogue.is_told());
    for round in 1..=5 {
        // Before and after the subscription is abandoned, and when others are requested.
        let name = round.to_string();
        *shop.state.tools.lock().unwrap() = tools(&[&name]);
        assert_eq!(listed(&catalogue.refresh().await.unwrap()), [name.as_str()]);
        sleep(MINUTE / 2).await;
    }
    assert!(start.elapsed() < 3 * MINUTE, "{:?}", start.elapsed());
    assert!(shop.subscriptions() > 1);

    // Once it is acknowledged, the missed changes are read, and further ones are followed.
    *shop.state.tools.lock().unwrap() = tools(&["c"]);
    *shop.state.hesitation.lock().unwrap() = Duration::from_secs(1);
    sleep(3 * MINUTE).await;
    assert!(catalogue.is_told());
    assert_eq!(listed(&catalogue.snapshot()), ["c"]);
    shop.change(&client, tools(&["d"])).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(listed(&catalogue.snapshot()), ["d"]);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_changes_is_read_a_few_times_and_cannot_put_the_reading_off_for_ever() {
    let shop = Shop::new(ProtocolVersion::LATEST);
    let client = connect(&shop).await;
    let catalogue = client.tools().debounce(Duration::from_millis(100)).await.unwrap();
    for _ in 0..100 {
        shop.tell(&client).await;
    }
    sleep(Duration::from_secs(5)).await;
    assert!((2..=3).contains(&shop.listed()), "one reading for a burst: {}", shop.listed());

    let before = shop.listed();
    for round in 0..200 {
        shop.change(&client, tools(&["a", &round.to_string()])).await;
        sleep(Duration::from_millis(50)).await;
        if round == 100 {
            let seen = catalogue.snapshot()[1].name.parse::<i32>().unwrap();
            assert!(seen > 75, "the snapshot is not older than the longest wait: {seen}");
        }
    }
    sleep(Duration::from_secs(5)).await;
    let count = shop.listed() - before;
    assert!((8..=15).contains(&count), "ten seconds of changes: {count}");
    assert_eq!(listed(&catalogue.snapshot()), ["a", "199"], "the last one counts");
    assert_eq!(shop.state.most.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_one_reading_is_under_way() {
    for era in ERAS {
        let shop = Shop::new(era);
        let client = connect(&shop).await;
        let catalogue = client.tools().await.unwrap();
        *shop.state.delay.lock().unwrap() = Duration::from_secs(5);
        let ten = futures_util::future::join_all((0..10).map(|_| catalogue.refresh()));
        let change = async {
            sleep(Duration::from_secs(1)).await;
            shop.change(&client, tools(&["c"])).await;
        };
        let (ten, ()) = tokio::join!(ten, change);
        assert!(ten.iter().all(Result::is_ok));
        sleep(MINUTE).await;
        assert_eq!(listed(&catalogue.snapshot()), ["c"]);
        assert_eq!(shop.state.most.load(SeqCst), 1);
        assert_eq!(shop.listed(), 3, "the first, one for all ten, one for the change");
    }
}

// spec: CACHE-08 CACHE-09
#[tokio::test(start_paused = true)]
async fn a_reading_that_fails_leaves_the_list_as_it_is_says_so_and_is_tried_again() {
    let shop = Shop::new(ProtocolVersion::LATEST);
    let client = connect(&shop).await;
    let catalogue = client.tools().await.unwrap();
    let mut changes = catalogue.changes();
    *shop.state.is_broken.lock().unwrap() = true;
    shop.change(&client, tools(&["c"])).await;
    let error = changes.next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("out of order"), "{error}");
    assert!(catalogue.failure().is_some());
    assert_eq!(listed(&catalogue.snapshot()), ["a", "b"]);
    assert!(catalogue.fresh().await.unwrap_err().as_rpc().is_some());

    let before = shop.listed();
    sleep(10 * MINUTE).await;
    let tries = shop.listed() - before;
    assert!((10..=30).contains(&tries), "ever more rarely: {tries}");
    *shop.state.is_broken.lock().unwrap() = false;
    let difference = loop {
        if let Ok(difference) = changes.next().await.unwrap() {
            break difference;
        }
    };
    assert_eq!(names(&difference.added), ["c"]);
    assert!(catalogue.failure().is_none());
    let before = shop.listed();
    sleep(10 * MINUTE).await;
    assert_eq!(shop.listed(), before, "and no longer tried");
}

// spec: CACHE-03 CACHE-04 CACHE-06 CACHE-07 CACHE-11
#[tokio::test(start_paused = true)]
async fn a_list_is_read_again_when_it_is_looked_at_after_its_time_and_not_before() {
    let shop = Shop::new(ProtocolVersion::LATEST);
    *shop.state.hints.lock().unwrap() = json!({"ttlMs": 60_000, "cacheScope": "private"});
    let client = connect(&shop).await;
    let catalogue = client.tools().await.unwrap();
    advance(MINUTE / 2).await;
    catalogue.fresh().await.unwrap();
    catalogue.snapshot();
    sleep(100 * MINUTE).await;
    assert_eq!(shop.listed(), 1, "time alone is no reason");

    for _ in 0..10 {
        assert_eq!(catalogue.snapshot().len(), 2);
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(shop.listed(), 2, "whoever looks has it read again, once");
    sleep(2 * MINUTE).await;
    let refreshed = catalogue.fresh().await.unwrap();
    assert_eq!((shop.listed(), refreshed.received()), (3, Instant::now()));
    let until = refreshed.fresh_until().unwrap();
    assert_eq!(until - refreshed.received(), MINUTE);

    // A change ends that at once.
    shop.change(&client, tools(&["c"])).await;
    tokio::task::yield_now().await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(listed(&catalogue.fresh().await.unwrap()), ["c"]);
    assert_eq!(shop.listed(), 4);
}

// spec: CACHE-03 SUB-02
#[tokio::test(start_paused = true)]
async fn a_list_of_a_server_that_does_not_tell_is_read_when_it_is_wanted_fresh() {
    for era in ERAS {
        let shop = Shop::with_capabilities(era, json!({"tools": {}}));
        let client = connect(&shop).await;
        let catalogue = client.tools().await.unwrap();
        assert!(!catalogue.is_told());
        assert_eq!(shop.subscriptions(), 0);
        catalogue.fresh().await.unwrap();
        assert_eq!(shop.listed(), 2);
        sleep(MINUTE).await;
        catalogue.snapshot();
        sleep(MINUTE).await;
        assert_eq!(shop.listed(), 2, "a server that says nothing about time is not asked for it");
    }
}

// spec: SUB-06
#[tokio::test(start_paused = true)]
async fn the_subscription_ends_with_the_last_who_looks() {
    let shop = Shop::new(ProtocolVersion::LATEST);
    let client = connect(&shop).await;
    let catalogue = client.tools().await.unwrap();
    let changes = catalogue.clone().changes();
    drop(catalogue);
    sleep(MINUTE).await;
    assert_eq!(shop.state.subscribers.load(SeqCst), 1);
    drop(changes);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(shop.state.subscribers.load(SeqCst), 0);
}

// spec: SUB-07 SUB-08
#[tokio::test(start_paused = true)]
async fn a_subscription_that_the_server_ends_is_made_again_and_the_list_read() {
    let shop = Shop::new(ProtocolVersion::LATEST);
    let client = connect(&shop).await;
    let catalogue = client.tools().await.unwrap();
    let mut changes = catalogue.changes();
    shop.end_subscriptions();
    sleep(Duration::from_millis(10)).await;
    assert!(!catalogue.is_told());
    sleep(MINUTE).await;
    assert!(catalogue.is_told());
    assert_eq!((shop.subscriptions(), shop.listed()), (2, 2));
    shop.change(&client, tools(&["a"])).await;
    assert_eq!(names(&changes.next().await.unwrap().unwrap().removed), ["b"]);

    // If a server does nothing but end subscriptions, it is asked ever more rarely.
    let before = shop.subscriptions();
    for _ in 0..600 {
        if shop.state.subscribers.load(SeqCst) > 0 {
            shop.end_subscriptions();
        }
        sleep(Duration::from_secs(1)).await;
    }
    let count = shop.subscriptions() - before;
    assert!((10..=40).contains(&count), "ten minutes: {count}");
}

#[tokio::test(start_paused = true)]
async fn a_catalogue_ends_with_the_session_and_does_not_hold_it_up() {
    for era in ERAS {
        let shop = Shop::new(era);
        let client = connect(&shop).await;
        let catalogue = client.tools().await.unwrap();
        let mut changes = catalogue.changes();
        assert!(catalogue.is_open());
        let begin = Instant::now();
        client.close().await;
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
        assert!(changes.next().await.is_none());
        assert!(!catalogue.is_open());
        assert_eq!(shop.state.subscribers.load(SeqCst), 0);
        assert_eq!(listed(&catalogue.snapshot()), ["a", "b"]);
        let error = catalogue.refresh().await.unwrap_err();
        assert!(matches!(*error, Error::NotConnected), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_keeps_its_session_is_not_kept_by_its_catalogue() {
    let shop = Shop::new(ProtocolVersion::LATEST);
    let client = builder(&shop.server).keep_alive().build();
    let connection = client.connect().await.unwrap();
    let catalogue = connection.tools().await.unwrap();
    drop((connection, client));
    sleep(MINUTE).await;
    assert!(!catalogue.is_open());
    assert_eq!(shop.state.subscribers.load(SeqCst), 0);
}

// spec: META-16
#[tokio::test]
async fn a_list_that_is_not_offered_or_cannot_be_read_has_no_catalogue() {
    let shop = Shop::with_capabilities(ProtocolVersion::LATEST_LEGACY, json!({}));
    let client = connect(&shop).await;
    let error = deadline(client.tools()).await.unwrap_err();
    assert!(matches!(error, Error::NotOffered { capability: "tools", .. }), "{error:?}");

    let shop = Shop::new(ProtocolVersion::LATEST);
    *shop.state.is_broken.lock().unwrap() = true;
    let client = connect(&shop).await;
    assert!(deadline(client.tools()).await.unwrap_err().as_rpc().is_some());
    sleep(Duration::from_millis(10)).await;
    assert_eq!(shop.state.subscribers.load(SeqCst), 0);
    let unconnected = client.fresh();
    let error = deadline(unconnected.prompts()).await.unwrap_err();
    assert!(matches!(error, Error::NotConnected), "{error:?}");
}

#[tokio::test]
async fn prompts_resources_and_templates_have_catalogues_as_well() {
    let server = conformance::in_process::InProcess::modern(
        async |asked: conformance::in_process::Asked| {
            Ok(match &*asked.method {
                "prompts/list" => json!({"prompts": [{"name": "p"}]}),
                "resources/list" => json!({"resources": [{"name": "r", "uri": "a:b"}]}),
                _ => json!({"resourceTemplates": [{"name": "t", "uriTemplate": "a:{b}"}]}),
            })
        },
    );
    let client = crate::connect(&server).await;
    let prompts = deadline(client.prompts()).await.unwrap().snapshot();
    let resources = deadline(client.resources()).await.unwrap().snapshot();
    let templates = deadline(client.resource_templates()).await.unwrap().snapshot();
    assert_eq!(prompts.get("p").unwrap().name, "p");
    assert_eq!(resources.get("a:b").unwrap().name, "r");
    assert_eq!(templates.get("a:{b}").unwrap().name, "t");
    assert!(Difference::between(&prompts, &prompts).is_empty());
}
