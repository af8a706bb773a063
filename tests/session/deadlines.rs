//! Calls whose time is counted where they are sent.

use crate::script::deadline;
use conformance::script::deadline as within;
use futures_util::{Stream, StreamExt, future::join_all, stream};
use mcp_session::{Call, Deadlines, Diagnostics, Dispatch, Error, Events, NoInput, Peer, Phase};
use mcp_transport::{
    ClientMessage, Driver, Error as TransportError, Link, Replies, Transport,
    duplex::{self, Multiplex},
};
use mcp_types::{
    RawJson,
    rpc::{Message, Notification, Request, Response},
};
use serde_json::json;
use std::{future::ready, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncWriteExt, DuplexStream},
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::Instant,
};
use tower::{Service, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

/// Creates a transport whose server sends these messages for a request.
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

/// Sends a message after this many seconds.
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
                // There is no listener: progress alone keeps the call alive.
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
        // Nothing polls the call while its time passes.
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

/// Returns a byte stream, its driver, and its other end, where nobody answers.
fn silent() -> (Multiplex, Driver, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let Link { transport, driver, .. } = duplex::connect(ours);
    (transport, driver, theirs)
}

/// Starts a call this many milliseconds after the others, and checks that it ends when its limit is up.
async fn ends_in_time<T: Transport>(dispatch: Dispatch<T>, at: u64, call: Call, limit: u64) {
    let limit = Duration::from_millis(limit);
    tokio::time::sleep(Duration::from_millis(at)).await;
    let start = Instant::now();
    assert_eq!(timeout(dispatch, call).await.1, limit);
    let late = start.elapsed().checked_sub(limit).expect("no call ends early");
    assert!(late <= Duration::from_millis(1), "{at}: {limit:?} and {late:?}");
}

async fn all_end(mut calls: JoinSet<()>, driver: Driver) {
    let ended = async {
        while let Some(ended) = calls.join_next().await {
            ended.unwrap();
        }
    };
    tokio::select! {
        () = ended => {}
        end = driver => panic!("{end:?}"),
    }
}

// spec: CAN-01 CAN-05
#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_one_byte_stream_end_each_at_its_own_time() {
    deadline(async {
        let (transport, driver, _theirs) = silent();
        let dispatch = counting(transport, limits(60, 600));
        let usual =
            [0, 0, 1, 10_000, 44_999, 45_000, 45_001, 59_000, 61_000, 89_999, 90_001, 200_000];
        // Each in a task of its own, so that none is woken for another.
        let mut calls = JoinSet::new();
        for at in usual {
            calls.spawn(ends_in_time(dispatch.clone(), at, call(), 60_000));
        }
        let own =
            [(5, 500), (10_001, 5_000), (20_000, 600_000), (45_000, 30_000), (90_000, 60_000)];
        for (at, limit) in own {
            let limits = Deadlines::total(Duration::from_millis(limit));
            let call = call().with_extension(limits);
            calls.spawn(ends_in_time(dispatch.clone(), at, call, limit));
        }
        all_end(calls, driver).await;
    })
    .await;
}

// spec: CAN-01
#[tokio::test(start_paused = true)]
async fn two_who_count_the_time_of_calls_over_one_byte_stream_end_each_in_time() {
    deadline(async {
        let (transport, driver, _theirs) = silent();
        let slow = counting(transport.clone(), limits(60, 600));
        let mut quick = counting(transport, limits(4, 600));
        for _ in 0..10 {
            // So that no two calls have the same id.
            drop(quick.ready().await.unwrap().call(call()));
        }
        let starts = [0, 500, 2_999, 3_001, 4_500];
        let mut calls = JoinSet::new();
        for at in starts {
            calls.spawn(ends_in_time(slow.clone(), at, call(), 60_000));
            calls.spawn(ends_in_time(quick.clone(), at + 1, call(), 4_000));
        }
        all_end(calls, driver).await;
    })
    .await;
}

// spec: CAN-01 PROG-01
#[tokio::test(start_paused = true)]
async fn a_call_over_a_byte_stream_that_waits_for_its_listener_ends_in_time() {
    deadline(async {
        let (transport, driver, mut theirs) = silent();
        let dispatch = counting(transport, limits(10, 35));
        let (listener, _events) = mpsc::channel(1);
        let busy = call().with_events(Events::channel(listener));
        let start = Instant::now();
        let calls = async {
            let first = timeout(dispatch.clone(), call());
            let second = async {
                let second = timeout(dispatch.clone(), busy).await;
                assert_eq!(start.elapsed().as_secs(), 12, "it hears as much as its listener");
                second
            };
            tokio::join!(first, second)
        };
        let says = async {
            for step in 1..=8 {
                tokio::time::sleep(SECOND).await;
                for token in 0..4 {
                    let params = json!({"progressToken": token, "progress": step});
                    let line = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params});
                    theirs.write_all(format!("{line}\n").as_bytes()).await.unwrap();
                }
            }
            futures_util::future::pending::<()>().await
        };
        tokio::select! {
            (first, second) = calls => {
                assert_eq!(first, (Phase::Idle, SECOND * 10));
                assert_eq!(second, (Phase::Idle, SECOND * 10));
                assert_eq!(start.elapsed().as_secs(), 18, "it hears all");
            }
            end = driver => panic!("{end:?}"),
            () = says => {}
        }
    })
    .await;
}

// spec: CAN-01
#[test]
fn a_call_in_a_runtime_of_its_own_ends_in_time_though_that_of_the_others_stands_still() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let (transport, _driver, _theirs) = silent();
    let dispatch = counting(transport, limits(1, 600));
    let mut waiting = dispatch.clone().oneshot(call());
    first.block_on(async { assert!(futures_util::poll!(&mut waiting).is_pending()) });
    let ended = second.block_on(within(timeout(dispatch, call())));
    assert_eq!(ended, (Phase::Idle, SECOND));
}
