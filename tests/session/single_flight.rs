//! Who asks for what is being asked for already.

use crate::script::deadline;
use futures_util::{FutureExt, future::BoxFuture};
use mcp_session::{
    AuthorizationContext, Call, Deadlines, Error, Reply, Reuse, ReuseOptions, ReuseReplyLayer,
    Reused, mock,
};
use mcp_transport::{BoxError, Delivery};
use mcp_types::{ErrorCode, ErrorObject};
use serde_json::{Value, json};
use std::time::Duration;
use tower::{Layer, ServiceExt};

type Asking = BoxFuture<'static, Result<Reply, BoxError>>;

/// A cache in front of a server played by the test, and calls that have been polled once.
struct Cached {
    service: mcp_session::ReuseReply<mock::Mock>,
    layer: ReuseReplyLayer,
    server: mock::Handle,
}

impl Cached {
    fn new() -> Self {
        let (service, server) = mock::pair();
        let layer = ReuseReplyLayer::new(ReuseOptions::default());
        Self { service: layer.layer(service), layer, server }
    }

    fn ask(&self, call: Call) -> Asking {
        let mut asking = self.service.clone().oneshot(call).boxed();
        assert!((&mut asking).now_or_never().is_none());
        asking
    }

    /// Returns the call that has reached the server, if there is one.
    fn asked(&mut self) -> Option<mock::Asked> {
        self.server.next().now_or_never().flatten()
    }
}

fn list() -> Call {
    Call::new("tools/list")
}

fn fresh() -> Value {
    json!({"resultType": "complete", "tools": [], "ttlMs": 60_000, "cacheScope": "private"})
}

// spec: CACHE-04
#[tokio::test(start_paused = true)]
async fn calls_for_the_same_are_one_call() {
    deadline(async {
        let mut cached = Cached::new();
        let calls: Vec<_> = (0..20).map(|_| cached.ask(list())).collect();
        cached.asked().unwrap().reply(&fresh());
        assert!(cached.asked().is_none());
        let mut reused = 0;
        for call in calls {
            let reply = call.await.unwrap();
            assert_eq!(reply.decode::<Value>().unwrap(), fresh());
            reused += usize::from(reply.extensions.get::<Reused>().is_some());
        }
        assert_eq!(reused, 19);
        assert!(cached.asked().is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn when_the_one_who_asks_gives_up_another_one_asks() {
    deadline(async {
        let mut cached = Cached::new();
        let first = cached.ask(list());
        let (mut second, third) = (cached.ask(list()), cached.ask(list()));
        let mut asked = cached.asked().unwrap();
        drop(first);
        asked.abandoned().await;
        assert!((&mut second).now_or_never().is_none());
        let asked = cached.asked().expect("the second one asks");
        let (second, third, ()) = tokio::join!(second, third, async { asked.reply(&fresh()) });
        assert!(second.is_ok() && third.is_ok());
        assert!(cached.asked().is_none());
    })
    .await;
}

// spec: CACHE-02
#[tokio::test(start_paused = true)]
async fn what_is_not_for_others_is_asked_for_by_each() {
    deadline(async {
        let answers: [fn(mock::Asked); 2] = [
            |asked| asked.reply(&json!({"resultType": "complete", "tools": []})),
            |asked| asked.fail(mcp_transport::Error::closed("gone", Delivery::Unknown)),
        ];
        for answer in answers {
            let mut cached = Cached::new();
            let (first, second, third) =
                (cached.ask(list()), cached.ask(list()), cached.ask(list()));
            answer(cached.asked().unwrap());
            let _ = first.await;
            // The others do not wait for each other.
            let (mut second, mut third) = (second, third);
            assert!((&mut second).now_or_never().is_none());
            assert!((&mut third).now_or_never().is_none());
            let (one, other) = (cached.asked().unwrap(), cached.asked().unwrap());
            one.reply(&fresh());
            other.refuse(ErrorObject::new(ErrorCode::INTERNAL_ERROR, "no"));
            let outcomes = tokio::join!(second, third);
            assert_eq!(outcomes.0.is_ok() as u8 + outcomes.1.is_ok() as u8, 1);
        }
    })
    .await;
}

// spec: CACHE-06 CACHE-11 TRUST-02
#[tokio::test(start_paused = true)]
async fn nobody_follows_a_call_of_another_context_or_of_before_a_change_or_against_its_own_limits()
{
    deadline(async {
        let mut cached = Cached::new();
        let _first = cached.ask(list());
        assert!(cached.asked().is_some());
        let others = [
            list().with_extension(AuthorizationContext::new("somebody else")),
            list().with_extension(Deadlines::total(Duration::from_secs(1))),
            list().with_extension(Reuse::Refresh),
        ];
        for other in others {
            let _asking = cached.ask(other);
            assert!(cached.asked().is_some());
        }
        let mut cached = Cached::new();
        let _first = cached.ask(list());
        let _asked = cached.asked().unwrap();
        cached.layer.cache().invalidate_all();
        let second = cached.ask(list());
        let asked = cached.asked().expect("what was asked before the change is not followed");
        let third = cached.ask(list());
        let (second, third, ()) = tokio::join!(second, third, async { asked.reply(&fresh()) });
        assert!(second.is_ok() && third.is_ok());
        let gone = cached.service.clone().oneshot(list());
        drop(cached.server);
        assert!(gone.await.map_err(Error::from_layers).is_ok(), "it is kept");
    })
    .await;
}
