//! Alarms for all calls that wait for replies.

use super::*;
use crate::by_hand::Count;
use mcp_transport::PendingReplies;
use std::{
    num::NonZero,
    sync::Arc,
    task::{Context, Waker},
};

/// Polls for replies that are not there, and returns a counter of the wake-ups.
fn wait_for(replies: &mut PendingReplies) -> Arc<Count> {
    let count = Arc::<Count>::default();
    let waker = Waker::from(Arc::clone(&count));
    assert!(replies.poll_next_unpin(&mut Context::from_waker(&waker)).is_pending());
    count
}

#[tokio::test]
async fn an_alarm_wakes_each_who_waits_and_they_wait_on() {
    let mut wire = Wire::new();
    let mut pending = Vec::new();
    for id in 0..3 {
        pending.push(wire.open(id, "a").await.into_response().unwrap_err());
    }
    let [first, second, idle] = &mut pending[..] else { unreachable!() };
    let (one, two) = (wait_for(first), wait_for(second));
    assert_eq!(idle.waiters().unwrap().alarm(), None);
    let alarm = idle.waiters().unwrap().set_alarm(NonZero::new(7).unwrap()).unwrap();
    assert_eq!(first.waiters().unwrap().alarm(), NonZero::new(7));
    assert!(second.waiters().unwrap().set_alarm(NonZero::new(8).unwrap()).is_none());
    assert_eq!((one.wakes(), two.wakes()), (0, 0));
    drop(alarm);
    assert_eq!((one.wakes(), two.wakes()), (1, 1));
    assert_eq!(first.waiters().unwrap().alarm(), None);
    // The woken call polls again, and gets its answer.
    wait_for(first);
    for id in 0..3 {
        wire.peer.answer(id, json!({"nonce": id})).await;
    }
    for replies in &mut pending {
        assert!(deadline(replies.next()).await.unwrap().is_ok());
        assert!(deadline(replies.next()).await.is_none());
        assert!(replies.waiters().is_none(), "nobody waits when the end was read");
    }
    drop(pending);
    wire.assert_clean().await;
}

#[tokio::test]
async fn an_alarm_keeps_no_connection_open_and_rings_for_nobody_when_that_is_gone() {
    let mut wire = Wire::new();
    let replies = wire.open(1, "a").await.into_response().unwrap_err();
    let alarm = replies.waiters().unwrap().set_alarm(NonZero::<u64>::MIN).unwrap();
    drop(replies);
    wire.peer.expect("notifications/cancelled").await;
    wire.assert_clean().await;
    drop(alarm);
}
