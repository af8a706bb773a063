//! Many connections in any order, in a process of its own.

use super::*;
use conformance::{alone::succeeds_alone, clean::Baseline};
use futures_util::FutureExt;
use std::time::Duration;

/// Uses a client in one of several ways.
async fn use_somehow(client: &Client, turn: u32) {
    match turn % 5 {
        0 => {
            let connection = client.connect().await;
            if let Ok(connection) = connection {
                // It may have been closed or killed by another user.
                let _ = pid(&connection).await;
                connection.close().await;
            }
        }
        1 => {
            // Dropped at an arbitrary point.
            let connect = client.connect();
            let wait = tokio::time::sleep(Duration::from_millis(u64::from(turn) * 7 % 40));
            tokio::select! {
                _ = connect => {}
                () = wait => {}
            }
        }
        2 => drop(client.connect().now_or_never()),
        3 => {
            if let Ok(connection) = client.connect().await {
                let _ = deadline(connection.call_tool("leave")).await;
            }
        }
        _ => {
            let connection = client.connect().await;
            client.close().await;
            drop(connection);
        }
    }
}

// seed: 3 4 5 6 28 30
#[test]
fn any_order_of_connecting_crashing_and_closing_ends_and_leaves_nothing() {
    let name =
        "processes::stress::any_order_of_connecting_crashing_and_closing_ends_and_leaves_nothing";
    succeeds_alone(name, "", || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let baseline = Baseline::take();
            let client = Client::new(server());
            let users = (0..4).map(|user| {
                let client = client.clone();
                async move {
                    for turn in 0..10 {
                        deadline(use_somehow(&client, turn * 3 + user)).await;
                    }
                }
            });
            futures_util::future::join_all(users).await;
            let connection = connect(&client).await;
            pid(&connection).await.unwrap();
            deadline(client.close()).await;
            drop((connection, client));
            baseline.assert_clean().await;
        });
    });
}
