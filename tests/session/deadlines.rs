//! Calls whose time is counted where they are sent.

use crate::script::deadline;
use futures_util::{Stream, StreamExt, future::join_all, stream};
use mcp_session::{Call, Deadlines, Diagnostics, Dispatch, Error, Events, NoInput, Peer, Phase};
use mcp_transport::{ClientMessage, Error as TransportError, Replies, Transport};
use mcp_types::{
    RawJson,
    rpc::{Message, Notification, Request, Response},
};
use serde_json::json;
use std::{future::ready, sync::Arc, time::Duration};
use tokio::{sync::oneshot, time::Instant};
use tower::{ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

/// A transport whose server says this about a request.
fn server<S>(say: impl Fn(Request) -> S + Clone + Send + Sync + 'static) -> impl Transport
where
    S: Stream<Item = Message> + Send + 'static,
{
    service_fn(move |message: ClientMessage| {
        let Message::Request(request) = message.body else { panic!("only requests are sent") };
        ready(Ok::<_, TransportError>(Replies::new(say(request).map(Ok))))
    })
}

fn counting<T: Transport>(transport: T, limits: Deadlines) -> Dispatch<T> {
    let peer = Peer::new(Arc::new(NoInput::new()), Events::default(), Diagnostics::default());
    Dispatch::new(transport, peer).with_deadlines(limits)
}

fn limits(idle: u32, total: u32) -> Deadlines {
    let mut limits = Deadlines::total(SECOND * total);
    limits.idle = Some(SECOND * idle);
    limits
}

/// Says something after so many seconds.
fn later(seconds: u32, message: impl Into<Message>) -> impl Stream<Item = Message> + Send {
    let message = message.into();
    stream::once(async move {
        tokio::time::sleep(SECOND * seconds).await;
        message
    })
}

fn progress(step: u32) -> Notification {
    let params = RawJson::encode(&json!({"progressToken": 1, "progress": step})).unwrap();
    Notification::new("notifications/progress").with_params(params)
}

async fn timeout<T: Transport>(dispatch: Dispatch<T>, call: Call) -> (Phase, Duration) {
    match Error::from_layers(dispatch.oneshot(call).await.unwrap_err()) {
        Error::Timeout { phase, after, method } if *method == *"tools/call" => (phase, after),
        other => panic!("{other}"),
    }
}

fn call() -> Call {
    Call::new("tools/call")
}

// spec: CAN-01 CAN-02 CAN-04 PROG-01
#[tokio::test(start_paused = true)]
async fn time_starts_again_with_progress_that_grows_but_not_for_ever() {
    deadline(async {
        for (steps, phase, seconds) in [
            ([1, 2, 3, 4, 5], Phase::Total, 35),
            ([1, 2, 2, 2, 2], Phase::Idle, 28),
            ([0, 0, 0, 0, 0], Phase::Idle, 19),
        ] {
            let transport = server(move |request: Request| {
                // A listener that nobody asked for: progress is what keeps the call alive.
                assert!(request.params.unwrap().as_str().contains("progressToken"));
                stream::iter(steps).flat_map(|step| Box::pin(later(9, progress(step))))
            });
            let start = Instant::now();
            let ended = timeout(counting(transport, limits(10, 35)), call()).await;
            assert_eq!(ended.0, phase, "{steps:?}");
            assert_eq!(start.elapsed().as_secs(), seconds, "{steps:?}");
        }
    })
    .await;
}

// spec: CAN-01 CAN-05
#[tokio::test(start_paused = true)]
async fn each_call_ends_at_its_own_time_and_is_dropped_then() {
    deadline(async {
        let dispatch = counting(server(|_| stream::pending()), Deadlines::default());
        let calls = [600_000, 60_000, 60_000, 500, 1_000, 30_000, 4_000, 60_000, 2_500, 45_000];
        let calls = calls.into_iter().enumerate().map(|(index, limit)| {
            let (dispatch, limit) = (dispatch.clone(), Duration::from_millis(limit));
            let call = call().with_extension(Deadlines::total(limit));
            async move {
                tokio::time::sleep(SECOND * index as u32).await;
                let start = Instant::now();
                assert_eq!(timeout(dispatch, call).await, (Phase::Total, limit));
                let late = start.elapsed().checked_sub(limit).expect("no call ends early");
                assert!(late <= Duration::from_millis(1), "{limit:?} and {late:?}");
            }
        });
        join_all(calls).await;
    })
    .await;
}

// spec: CAN-03 CAN-05
#[tokio::test(start_paused = true)]
async fn a_call_whose_time_is_over_drops_its_replies() {
    deadline(async {
        let (dropped, is_dropped) = oneshot::channel::<()>();
        let dropped = Arc::new(std::sync::Mutex::new(Some(dropped)));
        let transport = server(move |_| {
            let guard = dropped.lock().unwrap().take();
            stream::pending().inspect(move |_: &Message| assert!(guard.is_some()))
        });
        let ended = timeout(counting(transport, limits(3, 60)), call()).await;
        assert_eq!(ended, (Phase::Idle, SECOND * 3));
        assert!(is_dropped.await.is_err(), "the sender is dropped with the replies");
    })
    .await;
}

// spec: CAN-01
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_counts_however_late_it_is() {
    deadline(async {
        let transport = server(|request: Request| {
            later(9, Response::success(request.id, RawJson::EMPTY_OBJECT))
        });
        let dispatch = counting(transport, limits(60, 600));
        // Nothing polls the call while its time goes by.
        let mut reply = dispatch.oneshot(call().with_extension(limits(5, 5)));
        assert!(futures_util::poll!(&mut reply).is_pending());
        tokio::time::sleep(SECOND * 10).await;
        assert!(reply.await.is_ok());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_limits_and_with_endless_ones_a_call_waits() {
    deadline(async {
        let transport = server(|request: Request| {
            later(9, Response::success(request.id, RawJson::EMPTY_OBJECT))
        });
        let dispatch = counting(transport, limits(5, 5));
        let mut endless = Deadlines::total(Duration::MAX);
        endless.idle = Some(Duration::MAX);
        for limits in [Deadlines::NONE, Deadlines::total(Duration::MAX), endless] {
            dispatch.clone().oneshot(call().with_extension(limits)).await.unwrap();
        }
    })
    .await;
}
