//! Nothing is left behind. Counted in a separate process.

use super::*;
use conformance::alone::succeeds_alone;

#[test]
fn f47_two_hundred_websockets_leave_no_descriptor_and_no_task() {
    let name = "websocket::leaks::f47_two_hundred_websockets_leave_no_descriptor_and_no_task";
    succeeds_alone(name, "", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // The first one opens what the runtime keeps.
            connect_and_end(0).await;
            let baseline = Baseline::take();
            for way in 0..200 {
                connect_and_end(way).await;
            }
            baseline.assert_clean().await;
        });
    });
}

/// Connects and ends in one of five ways.
async fn connect_and_end(way: usize) {
    let mut wire = Wire::with(|socket| socket.close_grace(SHORT)).await;
    match way % 5 {
        0 => wire.driver.cut().await,
        1 => {
            let replies = wire.open(1).await;
            drop(wire.peer);
            assert!(failure(replies).await.is_closed());
            assert!(wire.driver.end().await.is_err());
        }
        2 => wire.assert_clean().await,
        3 => {
            let replies = wire.open(1).await;
            // The peer does not answer the close, so the grace period applies.
            drop((replies, wire.client, wire.unsolicited));
            wire.driver.end().await.unwrap();
        }
        _ => give_up_connecting().await,
    }
}

/// Gives up after various numbers of polls, and before the peer has agreed.
async fn give_up_connecting() {
    let (listener, socket) = listener().await;
    for polls in 0..5 {
        let mut connecting = Box::pin(socket.connect());
        for _ in 0..polls {
            assert!(futures_util::poll!(&mut connecting).is_pending(), "nobody agrees");
            tokio::task::yield_now().await;
        }
    }
    drop(listener);
    assert!(deadline(socket.connect()).await.map(drop).unwrap_err().is_connect());
}
