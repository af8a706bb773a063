//! Calls that are given up from outside.

use crate::{builder, connect, deadline, said};
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Cancellation, Error};
use mcp_types::RequestId;
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// Creates a server on which calls of `slow` never end.
fn server(begun: &Arc<Notify>) -> InProcess {
    let begun = Arc::clone(begun);
    InProcess::modern(move |asked: Asked| {
        let is_slow = asked.params["name"] == "slow";
        if is_slow {
            begun.notify_one();
        }
        async move {
            if is_slow {
                std::future::pending::<()>().await;
            }
            Ok::<_, mcp_types::ErrorObject>(said("done"))
        }
    })
}

// spec: CAN-05
#[tokio::test]
async fn a_cancellation_gives_up_the_calls_that_have_it_and_no_other() {
    let begun = Arc::new(Notify::new());
    let client = connect(&server(&begun)).await;
    let stop = Cancellation::new();
    let (slow, other, ()) = tokio::join!(
        deadline(client.call_tool("slow").cancel_with(stop.clone())),
        deadline(client.call_tool("quick")),
        async {
            deadline(begun.notified()).await;
            stop.cancel_because("enough");
        }
    );
    let Err(Error::Cancelled { method, reason }) = slow else { panic!("{slow:?}") };
    assert_eq!((&*method, reason.as_deref()), ("tools/call", Some("enough")));
    assert_eq!(other.unwrap().text(), "done");
    // A call that is already cancelled is not sent.
    let late = deadline(client.call_tool("quick").cancel_with(stop)).await.unwrap_err();
    assert!(late.is_cancelled(), "{late:?}");
}

// spec: CAN-01 CAN-05
#[tokio::test]
async fn a_call_is_given_up_by_the_id_of_its_request() {
    let begun = Arc::new(Notify::new());
    let server = server(&begun);
    let client = connect(&server).await;
    let ids = Arc::new(Mutex::new(Vec::<RequestId>::new()));
    let tell = |ids: &Arc<Mutex<Vec<RequestId>>>| {
        let ids = Arc::clone(ids);
        move |id: &RequestId| ids.lock().unwrap().push(id.clone())
    };
    deadline(client.call_tool("quick").on_request_id(tell(&ids))).await.unwrap();
    let (outcome, ()) =
        tokio::join!(deadline(client.call_tool("slow").on_request_id(tell(&ids))), async {
            deadline(begun.notified()).await;
            let ids = ids.lock().unwrap().clone();
            let [done, running] = ids.as_slice() else { panic!("{ids:?}") };
            assert!(!client.cancel(done, None), "it is over");
            assert!(!client.cancel(&RequestId::from("never"), None));
            assert!(client.cancel(running, Some("enough")));
        });
    let Err(Error::Cancelled { reason, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason.as_deref(), Some("enough"));
    let sent: Vec<_> = server.sent("tools/call").iter().map(|call| call["id"].clone()).collect();
    let told: Vec<_> = ids.lock().unwrap().iter().map(|id| serde_json::json!(id)).collect();
    assert_eq!(sent, told);
    assert!(!client.cancel(&ids.lock().unwrap()[1], None), "it is forgotten");
}

/// Reports when it is dropped.
struct Noted(tokio::sync::mpsc::Sender<&'static str>);

impl Drop for Noted {
    fn drop(&mut self) {
        let _ = self.0.try_send("given up");
    }
}

// spec: CAN-11 CAN-13
#[tokio::test]
async fn a_question_that_its_server_gives_up_on_the_stream_of_a_call_stops_its_handler() {
    let (sender, notes) = tokio::sync::mpsc::channel(4);
    let notes = Arc::new(tokio::sync::Mutex::new(notes));
    let server = InProcess::legacy(move |asked: Asked| {
        let notes = Arc::clone(&notes);
        async move {
            let mut notes = notes.lock().await;
            let question = asked.ask("roots/list", json!({}));
            tokio::select! {
                answer = question => panic!("{answer:?}"),
                note = notes.recv() => assert_eq!(note, Some("asked")),
            }
            let id = format!("{}/roots/list", asked.params["_meta"]["progressToken"]);
            for id in [json!("another"), json!(id), json!(id)] {
                asked.tell("notifications/cancelled", json!({"requestId": id})).await;
            }
            assert_eq!(notes.recv().await, Some("given up"));
            Ok(said("done"))
        }
    });
    let client = builder(&server).on_list_roots(move || {
        let noted = Noted(sender.clone());
        async move {
            noted.0.send("asked").await.unwrap();
            std::future::pending().await
        }
    });
    let client = deadline(client.build().connect()).await.unwrap();
    assert_eq!(deadline(client.call_tool("x")).await.unwrap().text(), "done");
    let answered = server.record().into_iter().filter(|message| message.contains("/roots/list"));
    assert_eq!(answered.count(), 0, "no answer is sent");
}
