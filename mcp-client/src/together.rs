//! Running futures concurrently.

use futures_util::future::{BoxFuture, join_all};

/// Awaits all futures at the same time, and gives what they give, in their order.
///
/// Like `join_all`, whose machinery is compiled again for each type of a future: here it sees one type alone.
pub(crate) async fn together<T: Send>(futures: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let mut outcomes: Vec<Option<T>> = Vec::new();
    outcomes.resize_with(futures.len(), || None);
    let mut all: Vec<BoxFuture<'_, ()>> = Vec::with_capacity(futures.len());
    for (future, outcome) in futures.into_iter().zip(&mut outcomes) {
        all.push(Box::pin(async { *outcome = Some(future.await) }));
    }
    join_all(all).await;
    outcomes.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::{BoxFuture, together};
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
        assert_eq!(together(futures).await, [1, 2]);
    }
}
