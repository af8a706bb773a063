//! Holding, sharing, losing and closing connections.

pub(crate) mod gate;

use crate::deadline;
use conformance::{
    in_process::{Asked, InProcess},
    script::Background,
};
use futures_util::StreamExt;
use gate::{Gate, eventually};
use mcp_client::{Client, Connection, Error, Mode, Reconnect, Target};
use serde_json::json;
use std::{
    future::{Future, IntoFuture},
    pin::pin,
    sync::Arc,
    task::Poll,
};

fn client(gate: &Gate) -> Client {
    Client::new(Target::connector("the gate", gate.clone()))
}

async fn call(client: &Client) -> Result<(), Error> {
    deadline(client.call_tool("any")).await.map(drop)
}

/// Polls a future once; it must be pending.
async fn begin<F: Future + Unpin>(future: &mut F) {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

// seed: 1 9
#[tokio::test]
async fn nothing_happens_before_somebody_connects() {
    let gate = Gate::open();
    let client = client(&gate);
    let (copy, fresh) = (client.clone(), client.fresh());
    assert!(!client.is_connected() && !copy.is_connected() && !fresh.is_connected());
    assert!(matches!(call(&client).await, Err(Error::NotConnected)));
    assert!(matches!(client.server(), Err(Error::NotConnected)));
    assert_eq!(gate.connects(), 0);
    deadline(client.close()).await;
}

// seed: 1 2 3
#[tokio::test]
async fn nested_and_concurrent_connections_share_one_session_and_the_last_closes_it() {
    let gate = Gate::shut();
    let client = client(&gate);
    let many = (0..20).map(|_| client.connect());
    let (connections, ()) =
        tokio::join!(deadline(futures_util::future::try_join_all(many)), async { gate.let_pass() });
    let mut connections = connections.unwrap();
    let nested = deadline(client.clone().connect()).await.unwrap();
    assert_eq!((gate.connects(), gate.alive()), (1, 1));
    let last = connections.pop().unwrap();
    drop(connections);
    deadline(nested.close()).await;
    call(&last).await.unwrap();
    assert!(client.is_connected());
    deadline(last.close()).await;
    assert!(!client.is_connected());
    assert_eq!(gate.alive(), 0, "closing waits for the end");
    assert!(matches!(call(&client).await, Err(Error::NotConnected)));

    let again = deadline(client.connect()).await.unwrap();
    call(&again).await.unwrap();
    assert_eq!(gate.connects(), 2);
    drop(again);
    eventually(|| gate.alive() == 0).await;
}

#[tokio::test]
async fn a_clone_of_a_connection_holds_the_session_too() {
    let gate = Gate::open();
    let first = client(&gate).connect().await.unwrap();
    let clone = first.clone();
    // There is another holder, so nothing is closed.
    deadline(first.close()).await;
    let mut task = Background::run(async move {
        call(&clone).await.unwrap();
        clone
    });
    let clone = task.end().await;
    let client = Client::clone(&clone);
    assert_eq!(gate.connects(), 1);
    deadline(clone.close()).await;
    assert!(!client.is_connected());
    assert!(matches!(call(&client).await, Err(Error::NotConnected)));
}

// seed: 4
#[tokio::test]
async fn a_cancelled_connect_leaves_no_trace() {
    let gate = Gate::shut();
    let client = client(&gate);
    let mut connecting = Box::pin(client.connect());
    begin(&mut connecting).await;
    eventually(|| gate.connects() == 1).await;
    drop(connecting);
    eventually(|| gate.waiting() == 0).await;
    gate.let_pass();
    let connection = deadline(client.connect()).await.unwrap();
    call(&connection).await.unwrap();
    assert_eq!((gate.connects(), gate.alive()), (2, 1));
}

// seed: 5
#[tokio::test]
async fn a_cancelled_waiter_disturbs_nobody_whether_it_came_first_or_last() {
    for drop_first in [true, false] {
        let gate = Gate::shut();
        let client = client(&gate);
        let mut first = Box::pin(client.connect());
        let mut second = Box::pin(client.connect());
        begin(&mut first).await;
        begin(&mut second).await;
        let stays = if drop_first {
            drop(first);
            second
        } else {
            drop(second);
            first
        };
        gate.let_pass();
        let connection = deadline(stays).await.unwrap();
        call(&connection).await.unwrap();
        assert_eq!((gate.connects(), gate.alive()), (1, 1));
    }
}

// seed: 26
#[tokio::test]
async fn closing_the_client_ends_the_session_for_everyone() {
    let gate = Gate::open();
    let client = client(&gate);
    let first = deadline(client.connect()).await.unwrap();
    let second = deadline(client.connect()).await.unwrap();
    deadline(client.close()).await;
    assert_eq!(gate.alive(), 0);
    for held in [&first, &second] {
        assert!(!held.is_connected());
        assert!(matches!(call(held).await, Err(Error::NotConnected)));
    }
    let third = deadline(client.connect()).await.unwrap();
    drop((first, second));
    call(&third).await.unwrap();
    assert_eq!((gate.connects(), gate.alive()), (2, 1), "old holders do not count for the new");
}

// seed: 11 14
#[tokio::test]
async fn a_dead_session_is_replaced_at_the_next_connect_though_somebody_holds_it() {
    let gate = Gate::open();
    let client = client(&gate);
    let old = deadline(client.connect()).await.unwrap();
    gate.lose();
    eventually(|| !client.is_connected()).await;
    let error = call(&old).await.unwrap_err();
    assert!(error.is_closed() && error.to_string().contains("cut"), "{error}");
    let new = deadline(client.connect()).await.unwrap();
    call(&new).await.unwrap();
    call(&old).await.unwrap();
    drop(old);
    call(&new).await.unwrap();
    assert_eq!((gate.connects(), gate.alive()), (2, 1));
}

#[tokio::test]
async fn a_client_finds_each_of_its_sessions_and_none_between_them() {
    let gate = Gate::open();
    let client = client(&gate);
    for round in 1..4 {
        assert!(matches!(call(&client).await, Err(Error::NotConnected)));
        let connection = deadline(client.connect()).await.unwrap();
        for caller in [&client, &*connection, &*connection.clone()] {
            call(caller).await.unwrap();
        }
        assert_eq!((gate.connects(), gate.alive()), (round, 1));
        if round % 2 == 0 {
            deadline(client.close()).await;
        } else {
            deadline(connection.close()).await;
        }
        assert_eq!(gate.alive(), 0, "what was found is not kept open");
    }
}

#[test]
fn a_client_goes_on_in_another_runtime_though_its_session_went_with_the_first() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let gate = Gate::open();
    let client = client(&gate);
    let first = runtime();
    let connect = || async { deadline(client.connect()).await.unwrap() };
    let held = first.block_on(connect());
    for caller in [&client, &*held] {
        first.block_on(call(caller)).unwrap();
    }
    drop(first);
    let second = runtime();
    let connection = second.block_on(connect());
    assert_eq!(gate.connects(), 2);
    let server = connection.server().unwrap();
    for caller in [&client, &*connection, &*held] {
        second.block_on(call(caller)).unwrap();
        assert!(Arc::ptr_eq(&caller.server().unwrap(), &server), "of the session that is gone");
    }
}

#[tokio::test]
async fn a_session_that_was_given_up_takes_no_new_calls_though_one_is_under_way() {
    let server = InProcess::modern(async |asked: Asked| match asked.params["name"].as_str() {
        Some("slow") => std::future::pending().await,
        _ => Ok(crate::said("done")),
    });
    let gate = Gate::to(server);
    gate.let_pass();
    let client = client(&gate);
    let connection = deadline(client.connect()).await.unwrap();
    call(&client).await.unwrap();
    let mut slow = client.call_tool("slow").into_future();
    begin(&mut slow).await;
    drop(connection);
    assert!(matches!(call(&client).await, Err(Error::NotConnected)));
    drop(slow);
    eventually(|| gate.alive() == 0).await;
}

// seed: 13
#[tokio::test]
async fn all_who_wait_get_the_cause_of_a_failure_and_the_next_one_tries_again() {
    let gate = Gate::shut();
    gate.fail_next();
    let client = client(&gate);
    let waiters = (0..3).map(|_| client.connect());
    let (outcomes, ()) =
        tokio::join!(deadline(futures_util::future::join_all(waiters)), async { gate.let_pass() });
    for outcome in outcomes {
        let error = outcome.unwrap_err();
        assert_eq!(error.to_string(), "cannot connect to the gate");
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), "the gate is locked");
    }
    assert_eq!(gate.connects(), 1);
    let connection: Connection = deadline(client.connect()).await.unwrap();
    call(&connection).await.unwrap();
}

// seed: 15
#[tokio::test]
async fn a_fresh_client_has_a_session_of_its_own() {
    let gate = Gate::open();
    let client = client(&gate);
    let fresh = client.fresh();
    let connection = deadline(client.connect()).await.unwrap();
    assert!(!fresh.is_connected());
    let other = deadline(fresh.connect()).await.unwrap();
    assert_eq!((gate.connects(), gate.alive()), (2, 2));
    deadline(other.close()).await;
    call(&connection).await.unwrap();
}

// spec: META-15
// seed: 14 23
#[tokio::test]
async fn a_session_that_is_kept_alive_outlives_its_connections() {
    let gate = Gate::open();
    let target = Target::connector("the gate", gate.clone());
    let client = Client::builder(target).keep_alive().build();
    for _ in 0..3 {
        let connection = deadline(client.connect()).await.unwrap();
        call(&connection).await.unwrap();
        deadline(connection.close()).await;
        assert!(client.is_connected());
    }
    assert_eq!((gate.connects(), gate.alive()), (1, 1));
    gate.lose();
    eventually(|| !client.is_connected()).await;
    drop(deadline(client.connect()).await.unwrap());
    assert_eq!((gate.connects(), gate.alive()), (2, 1));
    deadline(client.close()).await;
    assert_eq!(gate.alive(), 0);
    drop(deadline(client.connect()).await.unwrap());
    assert_eq!(gate.alive(), 1);
    drop(client);
    eventually(|| gate.alive() == 0).await;
}

#[tokio::test]
async fn a_connector_that_panics_fails_the_connect_and_nothing_hangs() {
    let gate = Gate::open();
    gate.panic_next();
    let client = client(&gate);
    assert!(deadline(client.connect()).await.is_err());
    let connection = deadline(client.connect()).await.unwrap();
    call(&connection).await.unwrap();
}

// seed: 27
#[tokio::test]
async fn an_invalid_target_says_so_when_it_is_connected() {
    for (target, expected) in [
        ("ftp://example.com", "scheme \"ftp\""),
        ("", "cannot be empty"),
        ("http://", "URL"),
        ("./no/such/program", "no/such/program"),
    ] {
        let error = deadline(Client::new(target).connect()).await.unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(expected), "{target:?}: {cause}");
    }
}

// seed: 6
#[tokio::test]
async fn a_close_that_is_cancelled_is_not_in_the_way_of_the_next_session() {
    let gate = Gate::open();
    gate.linger();
    let client = client(&gate);
    let old = deadline(client.connect()).await.unwrap();
    let mut closing = Box::pin(client.close());
    begin(&mut closing).await;
    drop(closing);
    assert!(!client.is_connected());
    let new = deadline(client.connect()).await.unwrap();
    call(&new).await.unwrap();
    drop(old);
    call(&new).await.unwrap();
    assert_eq!(gate.connects(), 2);
}

// seed: 7 17
#[tokio::test(start_paused = true)]
async fn a_connection_that_never_ends_is_cut_after_a_while() {
    let gate = Gate::open();
    gate.linger();
    let client = client(&gate);
    for number in 1..=2 {
        let connection = deadline(client.connect()).await.unwrap();
        call(&connection).await.unwrap();
        deadline(connection.close()).await;
        assert_eq!((gate.connects(), gate.alive()), (number, 0));
    }
    let connection = deadline(client.connect()).await.unwrap();
    drop(connection);
    // Calls would have had as long again.
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    eventually(|| gate.alive() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_no_call_and_no_subscription() {
    let answer = async |asked: Asked| match &*asked.method {
        "tools/call" => std::future::pending().await,
        "subscriptions/listen" => {
            let agreed = json!({"notifications": asked.params["notifications"]});
            asked.tell("notifications/subscriptions/acknowledged", agreed).await;
            std::future::pending().await
        }
        _ => Ok(json!({})),
    };
    for server in [InProcess::modern(answer), InProcess::legacy(answer)] {
        let target = || Target::service(server.transport());
        for is_last in [true, false] {
            let client = Client::new(target());
            let connection = deadline(client.connect()).await.unwrap();
            let mut changes = deadline(connection.subscribe().resource("a://b")).await.unwrap();
            let called = connection.call_tool("any").into_future();
            let mut called = Background::run(called);
            eventually(|| !server.sent("tools/call").is_empty()).await;
            let start = tokio::time::Instant::now();
            if is_last {
                deadline(connection.close()).await;
            } else {
                deadline(client.close()).await;
            }
            assert!(called.end().await.unwrap_err().is_closed());
            assert!(deadline(changes.next()).await.unwrap().unwrap_err().is_closed());
            assert!(deadline(changes.next()).await.is_none());
            assert!(start.elapsed().as_millis() < 100, "{:?}", start.elapsed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_under_way_when_the_last_holder_goes_have_a_while() {
    let server = InProcess::modern(async |_| {
        tokio::time::sleep(std::time::Duration::from_secs(7)).await;
        Ok(crate::said("done"))
    });
    let connection = deadline(Client::connect_to(Target::service(server.transport()))).await;
    let connection = connection.unwrap();
    let mut called = Background::run(connection.call_tool("any").into_future());
    eventually(|| !server.sent("tools/call").is_empty()).await;
    drop(connection);
    assert_eq!(called.end().await.unwrap().text(), "done");
}

// spec: PAG-06
#[tokio::test(start_paused = true)]
async fn a_cursor_of_one_session_is_never_said_to_the_next() {
    let list = async |asked: Asked| {
        let tool = json!({"name": "t", "inputSchema": {"type": "object"}});
        let next = asked.params["cursor"].is_null().then_some("of the first session");
        Ok(json!({"tools": [tool], "nextCursor": next}))
    };
    for reconnect in [Reconnect::at_once(), Reconnect::on_call()] {
        let server = InProcess::legacy(list);
        let gate = Gate::to(server.clone());
        gate.let_pass();
        let target = Target::connector("gate", gate.clone());
        let client = Client::builder(target).mode(Mode::Legacy).reconnect(reconnect).build();
        let connection = deadline(client.connect()).await.unwrap();
        let mut walk = Box::pin(connection.list_tools().stream());
        deadline(walk.next()).await.unwrap().unwrap();
        gate.lose();
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let error = deadline(walk.next()).await.unwrap().unwrap_err();
        assert!(error.is_closed(), "{error:?}");
        assert_eq!(server.sent("tools/list").len(), 1);
        // A list that starts now uses the new session, including its cursors.
        assert_eq!(deadline(connection.list_tools()).await.unwrap().len(), 2);
        assert_eq!(gate.connects(), 2);
    }
}
