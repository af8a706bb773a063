//! A policy over calls and tools.

use crate::{
    mock::{answer, around, call},
    script::deadline,
};
use async_trait::async_trait;
use futures_util::FutureExt;
use mcp_session::{Call, Error, GuardLayer, GuardPolicy, Params, Verdict};
use mcp_types::RawJson;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;
use tower::{Service, ServiceExt};

/// Denies what is named `bad`, rewrites what is named `old`, and waits for approval of `asked`.
struct House(Arc<Notify>);

#[async_trait]
impl GuardPolicy for House {
    async fn judge_call(&self, call: &Call) -> Verdict<Call> {
        let params: Value = call.params.as_raw().decode().unwrap();
        match params["name"].as_str() {
            Some("bad") => Verdict::deny("house rule"),
            Some("old") => {
                let params = Params::encode(&json!({"name": "new"})).unwrap();
                Verdict::Rewrite(call.clone().with_params(params))
            }
            Some("asked") => {
                self.0.notified().await;
                Verdict::Allow
            }
            _ => Verdict::Allow,
        }
    }

    async fn judge_tool(&self, tool: &Value) -> Verdict<Value> {
        match tool["description"].as_str() {
            Some("evil") => Verdict::deny("evil"),
            Some("long") => Verdict::Rewrite(json!({"name": tool["name"], "description": "short"})),
            _ => Verdict::Allow,
        }
    }
}

fn reason(error: mcp_transport::BoxError) -> String {
    match Error::from_layers(error) {
        Error::Denied { reason, .. } => reason.into(),
        other => panic!("{other}"),
    }
}

// spec: TOOL-02 TOOL-06
#[tokio::test]
async fn a_call_is_denied_before_it_is_sent_rewritten_or_waits_for_an_answer() {
    deadline(async {
        let asked = Arc::new(Notify::new());
        let (mut service, mut mock) = around(&GuardLayer::new(House(Arc::clone(&asked))));
        let mut send = |name| service.call(call("tools/call", json!({"name": name})));
        assert_eq!(reason(send("bad").await.unwrap_err()), "house rule");

        let (outcome, sent) = tokio::join!(send("old"), answer(&mut mock, json!({})));
        assert_eq!((outcome.is_ok(), sent.params.as_raw().as_str()), (true, r#"{"name":"new"}"#));

        let mut waiting = send("asked");
        assert!((&mut waiting).now_or_never().is_none());
        assert!(mock.next_request().now_or_never().is_none(), "not sent yet");
        asked.notify_one();
        let (outcome, _) = tokio::join!(waiting, answer(&mut mock, json!({})));
        assert!(outcome.is_ok());
    })
    .await;
}

// spec: TRUST-03
#[tokio::test]
async fn tools_are_left_out_or_rewritten_and_the_rest_of_the_list_is_as_it_came() {
    deadline(async {
        let (mut service, mut mock) = around(&GuardLayer::new(House(Arc::default())));
        let list = r#"{"tools":[{"name":"a","n":1e999},{"name":"b","description":"evil"},{"name":"c","description":"long"},{"name":"d", "x":10000000000000000000000001}],"ttlMs":5, "nextCursor":"n"}"#;
        let listed = service.ready().await.unwrap().call(Call::new("tools/list"));
        let (listed, ()) = tokio::join!(listed, async {
            let (_, respond) = mock.next_request().await.unwrap();
            respond.send_response(mcp_session::Reply::new(RawJson::parse(list).unwrap()));
        });
        let expected = r#"{"tools":[{"name":"c","description":"short"},{"name":"d", "x":10000000000000000000000001}],"ttlMs":5,"nextCursor":"n"}"#;
        assert_eq!(listed.unwrap().result.as_str(), expected, "`a` has no value that can be judged");

        let sent = service.ready().await.unwrap().call(call("tools/call", json!({"name": "b"})));
        assert_eq!(reason(sent.await.unwrap_err()), "evil", "what is left out cannot be called");

        let good = json!({"tools": [{"name": "b"}]});
        let listed = service.ready().await.unwrap().call(Call::new("tools/list"));
        let (listed, _) = tokio::join!(listed, answer(&mut mock, good.clone()));
        assert_eq!(listed.unwrap().result.as_str(), good.to_string());
        let sent = service.ready().await.unwrap().call(call("tools/call", json!({"name": "b"})));
        assert!(tokio::join!(sent, answer(&mut mock, json!({}))).0.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_list_that_cannot_be_judged_does_not_pass() {
    deadline(async {
        for list in ["{}", r#"{"tools":7}"#, r#"{"tools":[],"tools":[{"name":"b"}]}"#] {
            let (service, mut mock) = around(&GuardLayer::new(House(Arc::default())));
            let (listed, ()) = tokio::join!(service.oneshot(Call::new("tools/list")), async {
                let (_, respond) = mock.next_request().await.unwrap();
                respond.send_response(mcp_session::Reply::new(RawJson::parse(list).unwrap()));
            });
            assert!(matches!(Error::from_layers(listed.unwrap_err()), Error::Misbehaved { .. }));
        }
    })
    .await;
}
