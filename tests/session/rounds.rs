//! Calls that take several rounds, side by side.

use crate::script::{Answer, Script, deadline, discovered};
use async_trait::async_trait;
use mcp_session::{Call, InputHandler, Options, Params, Question};
use mcp_transport::Binding;
use mcp_types::{
    ErrorObject, List,
    capabilities::{ClientCapabilities, RootsCapability},
    roots::{ListRootsRequest, ListRootsResult},
    rpc::Request,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Barrier;

/// Answers when both calls have asked, so that their rounds overlap.
struct Together(Barrier);

#[async_trait]
impl InputHandler for Together {
    fn capabilities(&self) -> ClientCapabilities {
        let mut capabilities = ClientCapabilities::default();
        capabilities.roots = Some(RootsCapability::default());
        capabilities
    }

    async fn list_roots(
        &self,
        _: Question<ListRootsRequest>,
    ) -> Result<ListRootsResult, ErrorObject> {
        self.0.wait().await;
        Ok(ListRootsResult::new(List::new()))
    }
}

fn params(request: &Request) -> Value {
    request.params.as_ref().unwrap().decode().unwrap()
}

/// Asks each call under a key and with a state of its own; a call that brings no answers to a tool `plain` just ends.
fn answer(request: &Request) -> Answer {
    let params = params(request);
    let name = params["name"].as_str().unwrap_or_default().to_owned();
    let done = json!({"resultType": "complete", "content": [], "echo": params});
    if name == "plain" || !params["inputResponses"].is_null() {
        return Answer::Result(done);
    }
    Answer::Result(json!({
        "resultType": "input_required", "requestState": format!("state of {name}"),
        "inputRequests": {format!("question of {name}"): {"method": "roots/list"}},
    }))
}

// spec: MRTR-07
#[tokio::test(start_paused = true)]
async fn what_a_call_is_asked_is_in_its_own_next_try_and_in_no_other_request() {
    deadline(async {
        let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "server/discover" => discovered(&["2026-07-28"]),
            _ => answer(request),
        });
        let mut options = Options::default();
        options.input = Arc::new(Together(Barrier::new(2)));
        let session = script.connect(options).await.unwrap();
        let call = async |name: &str| {
            let params = Params::encode(&json!({"name": name})).unwrap();
            let reply =
                session.call_raw(Call::new("tools/call").with_params(params)).await.unwrap();
            let mut echo = reply.decode::<Value>().unwrap()["echo"].clone();
            echo.as_object_mut().unwrap().remove("_meta");
            echo
        };
        let (a, b, plain) = tokio::join!(call("a"), call("b"), call("plain"));
        for (name, echo) in [("a", a), ("b", b)] {
            let answers = json!({format!("question of {name}"): {"roots": []}});
            let state = format!("state of {name}");
            let expected = json!({"name": name, "inputResponses": answers, "requestState": state});
            assert_eq!(echo, expected);
        }
        assert_eq!(plain, json!({"name": "plain"}));
        assert_eq!(call("plain").await, json!({"name": "plain"}), "nor in a later one");
    })
    .await;
}
