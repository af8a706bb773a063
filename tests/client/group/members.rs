//! Members that come, fail, are lost and come back.

use super::{call, connect};
use crate::{
    connections::gate::{Gate, eventually},
    deadline,
};
use conformance::clean::Baseline;
use futures_util::StreamExt;
use mcp_client::{Client, Error, Group, GroupBuilder, MemberState, Policy, Target};
use std::{error::Error as _, time::Duration};

fn member(gate: &Gate) -> Client {
    Client::new(Target::connector("the gate", gate.clone()))
}

fn two(a: &Gate, b: &Gate) -> GroupBuilder {
    Group::builder()
        .member("a", member(a))
        .member("b", member(b))
        .backoff(Duration::from_millis(20), Duration::from_millis(100))
}

/// Creates a client whose connector always fails.
fn dead() -> Client {
    Client::new(Target::connector("a dead server", NoServer))
}

#[derive(Debug)]
struct NoServer;

impl mcp_transport::Connector for NoServer {
    type Transport = <Gate as mcp_transport::Connector>::Transport;

    async fn connect(&self) -> Result<mcp_transport::Link<Self::Transport>, mcp_transport::Error> {
        Err(mcp_transport::Error::other("nobody is there", mcp_transport::Delivery::NotSent))
    }
}

#[tokio::test]
async fn nothing_happens_before_somebody_connects() {
    let (a, b) = (Gate::open(), Gate::open());
    let group = two(&a, &b).build().unwrap();
    assert!(!group.is_connected());
    assert!(matches!(group.state("a"), Some(MemberState::Idle)));
    assert!(group.state("c").is_none() && group.member("c").is_none());
    assert_eq!(group.members().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((a.connects(), b.connects()), (0, 0));
    deadline(group.close()).await;
}

// seed: 61
#[tokio::test]
async fn connections_share_one_session_of_each_member_and_the_last_closes_them() {
    let (a, b) = (Gate::open(), Gate::open());
    let baseline = Baseline::take();
    let group = two(&a, &b).build().unwrap();
    let (first, second) = tokio::join!(connect(&group), connect(&group));
    for tool in ["a_x", "b_x", "a_y", "b_y"] {
        call(&group, tool).await.unwrap();
    }
    assert_eq!((a.connects(), b.connects(), a.alive(), b.alive()), (1, 1, 1, 1));
    drop(first);
    call(&group, "a_x").await.unwrap();
    deadline(second.close()).await;
    assert_eq!((a.alive(), b.alive()), (0, 0), "closing waits for the end");
    assert!(!group.is_connected());
    assert!(matches!(group.state("a"), Some(MemberState::Idle)));

    let third = connect(&group).await;
    deadline(group.close()).await;
    assert_eq!((a.connects(), a.alive(), b.alive()), (2, 0, 0));
    assert!(matches!(call(&third, "a_x").await, Err(Error::NotConnected)));
    drop((third, group));
    baseline.assert_clean().await;
}

#[tokio::test]
async fn members_are_connected_at_the_same_time_and_a_cancelled_connect_leaves_no_trace() {
    let (a, b) = (Gate::shut(), Gate::shut());
    let group = two(&a, &b).build().unwrap();
    {
        let connecting = std::pin::pin!(group.connect());
        let both_wait = eventually(|| a.waiting() == 1 && b.waiting() == 1);
        futures_util::future::select(connecting, std::pin::pin!(both_wait)).await;
    }
    eventually(|| a.waiting() == 0 && b.waiting() == 0).await;
    assert!(!group.is_connected());
    a.let_pass();
    b.let_pass();
    let connection = connect(&group).await;
    call(&connection, "b_x").await.unwrap();
}

// seed: 62
#[tokio::test]
async fn a_dead_member_harms_no_other_in_either_order() {
    for dead_first in [true, false] {
        let gate = Gate::open();
        let group = Group::builder();
        let group = if dead_first {
            group.member("dead", dead()).member("good", member(&gate))
        } else {
            group.member("good", member(&gate)).member("dead", dead())
        };
        let group = connect(&group.build().unwrap()).await;
        call(&group, "good_x").await.unwrap();
        let error = call(&group, "dead_x").await.unwrap_err();
        assert_eq!(error.to_string(), r#"cannot connect to the member "dead""#);
        assert!(error.as_transport().unwrap().to_string().contains("nobody is there"));
        let state = group.state("dead").unwrap();
        assert!(state.error().is_some() && !state.is_ready(), "{state}");
        deadline(group.close()).await;
        assert_eq!(gate.alive(), 0);
    }
}

// seed: 62
#[tokio::test]
async fn if_all_members_fail_the_group_does_and_says_why() {
    let group = Group::builder().member("a", dead()).member("b", dead()).build().unwrap();
    let error = deadline(group.connect()).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot connect to a group of 2");
    assert_eq!(error.source().unwrap().to_string(), r#"cannot connect to the member "a""#);
    assert!(!group.is_connected());
    assert!(matches!(group.state("b"), Some(MemberState::Idle)));
    let empty = Group::builder().build().unwrap();
    assert!(deadline(empty.connect()).await.is_err());
}

// seed: 62
#[tokio::test]
async fn a_strict_group_is_connected_as_a_whole_or_not_at_all() {
    for dead_first in [true, false] {
        let (gate, slow) = (Gate::open(), Gate::shut());
        let baseline = Baseline::take();
        let group = Group::builder().policy(Policy::Strict);
        let group = match dead_first {
            true => group.member("dead", dead()).member("good", member(&gate)),
            false => group.member("good", member(&gate)).member("dead", dead()),
        };
        let group = group.member("slow", member(&slow)).build().unwrap();
        let error = deadline(group.connect()).await.unwrap_err();
        assert!(error.source().unwrap().to_string().contains("\"dead\""), "{error:?}");
        eventually(|| gate.alive() == 0 && slow.waiting() == 0).await;
        drop(group);
        baseline.assert_clean().await;
    }
}

// seed: 62
#[tokio::test]
async fn a_member_that_failed_is_tried_again_and_comes_back() {
    let (a, b) = (Gate::open(), Gate::open());
    b.fail_next();
    let group = connect(&two(&a, &b).build().unwrap()).await;
    call(&group, "a_x").await.unwrap();
    let mut changes = std::pin::pin!(group.changes());
    let back = async {
        while let Some((name, state)) = changes.next().await {
            if &*name == "b" && state.is_ready() {
                break;
            }
        }
    };
    deadline(back).await;
    call(&group, "b_x").await.unwrap();
    assert_eq!((a.connects(), b.connects()), (1, 2), "the other was not touched");
}

#[tokio::test]
async fn a_member_that_is_lost_comes_back_and_the_other_never_notices() {
    let (a, b) = (Gate::open(), Gate::open());
    let group = connect(&two(&a, &b).build().unwrap()).await;
    let mut changes = group.changes().boxed();
    for _ in 0..2 {
        let (_, state) = deadline(changes.next()).await.unwrap();
        assert!(state.is_ready());
    }
    b.fail_next();
    b.lose();
    let (name, state) = deadline(changes.next()).await.unwrap();
    assert_eq!(&*name, "b");
    let MemberState::Reconnecting(error) = state else { panic!("{state}") };
    assert!(error.to_string().contains("cut"), "{error}");
    let error = call(&group, "b_x").await.unwrap_err();
    assert!(!error.is_timeout(), "{error}");
    call(&group, "a_x").await.unwrap();
    // The first attempt fails, and is reported; the next one succeeds.
    let (_, state) = deadline(changes.next()).await.unwrap();
    assert!(matches!(state, MemberState::Failed(_)), "{state}");
    let (_, state) = deadline(changes.next()).await.unwrap();
    assert!(state.is_ready(), "{state}");
    call(&group, "b_x").await.unwrap();
    assert_eq!((a.connects(), b.connects(), b.alive()), (1, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_member_whose_target_is_invalid_is_not_tried_for_ever() {
    let gate = Gate::open();
    let group =
        Group::builder().member("good", member(&gate)).member("bad", Client::new("ftp://a"));
    let group = connect(&group.build().unwrap()).await;
    let mut changes = group.changes().skip(2).boxed();
    tokio::time::timeout(Duration::from_secs(3_600), changes.next()).await.unwrap_err();
    let error = call(&group, "bad_x").await.unwrap_err();
    assert!(format!("{error:?}").contains("InvalidTarget"), "{error:?}");
}

#[tokio::test]
async fn a_member_that_somebody_else_holds_stays_open_for_them() {
    let (a, b) = (Gate::open(), Gate::open());
    let group = two(&a, &b).build().unwrap();
    let mine = deadline(group.member("a").unwrap().connect()).await.unwrap();
    let connection = connect(&group).await;
    deadline(connection.close()).await;
    assert_eq!((a.alive(), b.alive()), (1, 0));
    deadline(mine.call_tool("x")).await.unwrap();
}
