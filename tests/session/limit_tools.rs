//! How many calls of a tool are under way.

use crate::{
    mock::{answer, around, call},
    script::deadline,
};
use futures_util::FutureExt;
use mcp_session::{Call, Error, LimitToolsLayer};
use serde_json::json;
use tower::{Service, ServiceExt};

fn tool(name: &str) -> Call {
    call("tools/call", json!({"name": name}))
}

#[tokio::test]
async fn calls_of_one_tool_wait_their_turn_and_others_do_not() {
    deadline(async {
        let (mut service, mut mock) = around(&LimitToolsLayer::new(1).with_tool("wide", 2));
        let mut calls: Vec<_> = ["a", "a", "b", "wide", "wide", "wide"]
            .into_iter()
            .map(|name| service.call(tool(name)))
            .collect();
        calls.push(service.call(Call::new("tools/list")));
        let mut sent = Vec::new();
        for call in &mut calls {
            assert!(call.now_or_never().is_none());
            sent.extend(mock.next_request().now_or_never());
        }
        let names: Vec<_> =
            sent.iter().map(|sent| sent.as_ref().unwrap().0.params.as_raw().to_string()).collect();
        let wide = r#"{"name":"wide"}"#;
        assert_eq!(names, [r#"{"name":"a"}"#, r#"{"name":"b"}"#, wide, wide, "{}"]);
    })
    .await;
}

#[tokio::test]
async fn who_came_first_is_first_and_who_leaves_makes_room() {
    deadline(async {
        let (service, mut mock) = around(&LimitToolsLayer::new(1));
        let marked = |mark: u8| {
            Box::pin(service.clone().oneshot(call("tools/call", json!({"name": "t", "n": mark}))))
        };
        let (mut first, mut second, mut third) = (marked(1), marked(2), marked(3));
        for call in [&mut first, &mut second, &mut third] {
            assert!(call.now_or_never().is_none());
        }
        let (_, held) = mock.next_request().await.unwrap();
        drop(second);
        drop(first);
        drop(held);
        let (outcome, sent) = tokio::join!(third, answer(&mut mock, json!({})));
        assert!(outcome.is_ok() && sent.params.as_raw().as_str().contains(r#""n":3"#));
        let (outcome, _) = tokio::join!(marked(4), answer(&mut mock, json!({})));
        assert!(outcome.is_ok(), "the turn was given back");
    })
    .await;
}

#[tokio::test]
async fn a_queue_that_is_full_takes_no_more() {
    deadline(async {
        let (mut service, _mock) = around(&LimitToolsLayer::new(0).with_waiting(1));
        let mut calls: Vec<_> = (0..2).map(|_| service.call(tool("t"))).collect();
        for call in &mut calls {
            assert!(call.now_or_never().is_none());
        }
        let refused = |outcome| match Error::from_layers(outcome) {
            Error::Overloaded { limit, .. } => limit,
            other => panic!("{other}"),
        };
        assert_eq!(refused(service.call(tool("t")).await.unwrap_err()), 1);
        drop(calls.pop());
        assert!(service.call(tool("t")).now_or_never().is_none(), "a place is free again");
    })
    .await;
}
