//! Running futures concurrently.

use futures_util::future::{self, BoxFuture};

/// Runs all futures concurrently, and returns their outputs in order.
///
/// Like `join_all` of `futures-util`, whose machinery is compiled per future type: here it sees only one.
pub(crate) async fn join_boxed<T: Send>(futures: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let mut outcomes: Vec<Option<T>> = Vec::new();
    outcomes.resize_with(futures.len(), || None);
    let mut all: Vec<BoxFuture<'_, ()>> = Vec::with_capacity(futures.len());
    for (future, outcome) in futures.into_iter().zip(&mut outcomes) {
        all.push(Box::pin(async { *outcome = Some(future.await) }));
    }
    future::join_all(all).await;
    outcomes.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::{BoxFuture, join_boxed};
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn outcomes_have_the_order_of_the_futures_and_not_of_their_ends() {
        let (done, first) = oneshot::channel();
        let futures: Vec<BoxFuture<'_, u8>> = vec![
            Box::pin(async { first.await.unwrap() }),
            Box::pin(async {
                done.send(1).unwrap();
                2
            }),
        ];
        assert_eq!(join_boxed(futures).await, [1, 2]);
    }
}
