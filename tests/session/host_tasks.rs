//! Questions of a server as tasks of the client.

use crate::{script::deadline, wire};
use async_trait::async_trait;
use conformance::script::Peer;
use mcp_session::{HostTasks, InputHandler, Mode, Options, Question, Session};
use mcp_types::{
    ErrorCode, ErrorObject, List, ProtocolVersion, RequestId,
    capabilities::{ClientCapabilities, ElicitationCapability, RootsCapability},
    elicitation::{ElicitAction, ElicitRequest, ElicitResult},
    roots::{ListRootsRequest, ListRootsResult},
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{io::DuplexStream, sync::oneshot};

/// Answers each form when the test says so; the test sees when a question is dropped.
#[derive(Default)]
struct Desk(Mutex<Vec<oneshot::Sender<Outcome>>>);

type Outcome = Result<ElicitAction, ErrorObject>;

impl Desk {
    async fn next(&self) -> oneshot::Sender<Outcome> {
        loop {
            if let Some(sender) = self.0.lock().unwrap().pop() {
                return sender;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[async_trait]
impl InputHandler for Desk {
    fn capabilities(&self) -> ClientCapabilities {
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(ElicitationCapability::default());
        capabilities.roots = Some(RootsCapability::default());
        capabilities
    }

    async fn elicit(&self, _: Question<ElicitRequest>) -> Result<ElicitResult, ErrorObject> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap().push(sender);
        let action = receiver.await.map_err(|_| ErrorObject::new(ErrorCode(1), "gone"))??;
        Ok(ElicitResult::new(action))
    }

    async fn list_roots(
        &self,
        _: Question<ListRootsRequest>,
    ) -> Result<ListRootsResult, ErrorObject> {
        Ok(ListRootsResult::new(List::new()))
    }
}

/// A server that may create tasks for its questions, and the desk where they are answered.
struct Asking {
    _session: Session,
    _driver: conformance::script::Background<Result<(), mcp_transport::Error>>,
    peer: Peer<DuplexStream>,
    desk: Arc<Desk>,
    next_id: i64,
}

impl Asking {
    async fn new(host: Option<HostTasks>) -> Self {
        let desk = Arc::new(Desk::default());
        let mut options = wire::legacy();
        options.input = Arc::clone(&desk) as Arc<dyn InputHandler>;
        options.host_tasks = host;
        let (session, driver, peer) = wire::open(options).await;
        Self { _session: session, _driver: driver, peer, desk, next_id: 0 }
    }

    /// Sends a request without receiving the answer.
    async fn send(&mut self, method: &str, params: Value) -> RequestId {
        self.next_id += 1;
        let request =
            json!({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params});
        self.peer.send(request).await;
        self.next_id.into()
    }

    /// Sends a request and returns the result, or the error code.
    async fn ask(&mut self, method: &str, params: Value) -> Result<Value, i64> {
        let id = self.send(method, params).await;
        let answer = self.peer.receive().await;
        assert_eq!(answer["id"], json!(id));
        match answer.get("result") {
            Some(result) => Ok(result.clone()),
            None => Err(answer["error"]["code"].as_i64().unwrap()),
        }
    }

    /// Sends a form as a task; returns the task as described by the client.
    async fn start(&mut self, task: Value) -> Value {
        let mut created = self.ask("elicitation/create", form(Some(task))).await.unwrap();
        assert_eq!(created["task"]["status"], "working", "{created}");
        created["task"].take()
    }

    async fn status(&mut self, id: &Value) -> Result<Value, i64> {
        let state = self.ask("tasks/get", json!({"taskId": id})).await;
        state.map(|state| state["status"].clone())
    }
}

fn form(task: Option<Value>) -> Value {
    let schema = json!({"type": "object", "properties": {}});
    let mut params = json!({"message": "Well?", "requestedSchema": schema});
    if let Some(task) = task {
        params["task"] = task;
    }
    params
}

async fn declared(version: ProtocolVersion, host: Option<HostTasks>) -> Value {
    let (connector, mut peer) = wire::pair();
    let mut options = Options::default();
    options.mode = Mode::Pinned(version.clone());
    options.input = Arc::new(Desk::default());
    options.host_tasks = host;
    let connecting = Session::builder(connector).options(options).connect();
    tokio::select! {
        _ = connecting => panic!("nobody has answered"),
        message = peer.receive() => {
            let params = &message["params"];
            let stamp = &params["_meta"]["io.modelcontextprotocol/clientCapabilities"];
            let said = if version.is_modern() { stamp } else { &params["capabilities"] };
            assert!(said["elicitation"].is_object());
            said["tasks"].clone()
        }
    }
}

// spec: TASK25-01
#[tokio::test(start_paused = true)]
async fn tasks_are_declared_where_they_are_wanted_and_known() {
    deadline(async {
        let on = Some(HostTasks::new());
        let expected =
            json!({"list": {}, "cancel": {}, "requests": {"elicitation": {"create": {}}}});
        assert_eq!(declared(ProtocolVersion::V2025_11_25, on).await, expected);
        assert_eq!(declared(ProtocolVersion::V2025_11_25, None).await, Value::Null);
        assert_eq!(declared(ProtocolVersion::V2025_06_18, on).await, Value::Null);
        assert_eq!(declared(ProtocolVersion::V2026_07_28, on).await, Value::Null);
    })
    .await;
}

// spec: TASK25-10 TASK25-11 TASK25-16
#[tokio::test(start_paused = true)]
async fn a_question_as_a_task_has_its_answer_when_it_is_there() {
    deadline(async {
        let mut server = Asking::new(Some(HostTasks::new())).await;
        let task = server.start(json!({"ttl": 60_000})).await;
        let id = &task["taskId"];
        assert_eq!(id.as_str().unwrap().len(), 32);
        assert_eq!((&task["ttl"], &task["pollInterval"]), (&json!(60_000), &json!(1_000)));
        for moment in ["createdAt", "lastUpdatedAt"] {
            let text = task[moment].as_str().unwrap();
            assert!(text.ends_with('Z') && text.len() == 20, "{text}");
        }
        assert_eq!(server.status(id).await.unwrap(), "working");
        // The result waits, without delaying other requests. Metadata does not determine the task.
        let waiting = json!({"taskId": id, "_meta": {
            "io.modelcontextprotocol/related-task": {"taskId": "another"},
        }});
        let waits = server.send("tasks/result", waiting).await;
        assert_eq!(server.status(id).await.unwrap(), "working");
        server.desk.next().await.send(Ok(ElicitAction::Accept)).unwrap();
        let answer = server.peer.receive().await;
        let expected = json!({"action": "accept", "content": {}, "_meta": {
            "io.modelcontextprotocol/related-task": {"taskId": id},
        }});
        assert_eq!((&answer["id"], &answer["result"]), (&json!(waits), &expected));
        assert_eq!(server.status(id).await.unwrap(), "completed");
        assert_eq!(server.ask("tasks/result", json!({"taskId": id})).await.unwrap(), expected);
        // The task has ended.
        assert_eq!(server.ask("tasks/cancel", json!({"taskId": id})).await, Err(-32602));
    })
    .await;
}

// spec: TASK25-16
#[tokio::test(start_paused = true)]
async fn a_task_that_is_cancelled_is_given_up_and_stays_so() {
    deadline(async {
        let mut server = Asking::new(Some(HostTasks::new())).await;
        let task = server.start(json!({})).await;
        let id = &task["taskId"];
        let mut question = server.desk.next().await;
        let waits = server.send("tasks/result", json!({"taskId": id})).await;
        let cancelled = server.send("tasks/cancel", json!({"taskId": id})).await;
        let answers = [server.peer.receive().await, server.peer.receive().await];
        let of = |id: &RequestId| answers.iter().find(|answer| answer["id"] == json!(id)).unwrap();
        assert_eq!(of(&cancelled)["result"]["status"], "cancelled");
        assert_eq!(of(&waits)["error"]["code"], -32603);
        question.closed().await;
        assert_eq!(server.status(id).await.unwrap(), "cancelled");
    })
    .await;
}

// spec: TASK25-16 TASK25-19
#[tokio::test(start_paused = true)]
async fn a_task_that_fails_says_why() {
    deadline(async {
        let mut server = Asking::new(Some(HostTasks::new())).await;
        let task = server.start(json!({})).await;
        let error = ErrorObject::new(ErrorCode(-1), "the user is away");
        server.desk.next().await.send(Err(error)).unwrap();
        assert_eq!(server.ask("tasks/result", json!({"taskId": task["taskId"]})).await, Err(-1));
        let state = server.ask("tasks/get", json!({"taskId": task["taskId"]})).await.unwrap();
        assert_eq!(
            (&state["status"], &state["statusMessage"]),
            (&json!("failed"), &json!("the user is away"))
        );
    })
    .await;
}

// spec: TASK25-16
#[tokio::test(start_paused = true)]
async fn what_is_no_task_or_not_declared_is_answered_as_ever() {
    deadline(async {
        let mut server = Asking::new(Some(HostTasks::new())).await;
        let roots = server.ask("roots/list", json!({"task": {}})).await.unwrap();
        assert_eq!(roots, json!({"roots": []}));
        let (desk, asked) =
            (Arc::clone(&server.desk), server.ask("elicitation/create", form(None)));
        let (answer, ()) = tokio::join!(asked, async {
            desk.next().await.send(Ok(ElicitAction::Decline)).unwrap();
        });
        assert_eq!(answer.unwrap(), json!({"action": "decline"}));
        for unknown in [json!({"taskId": "x"}), json!({"taskId": 7}), json!({})] {
            for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
                assert_eq!(server.ask(method, unknown.clone()).await, Err(-32602), "{unknown}");
            }
        }
        assert_eq!(server.ask("tasks/list", json!({"cursor": "x"})).await, Err(-32602));

        let mut server = Asking::new(None).await;
        assert_eq!(server.ask("tasks/list", json!({})).await, Err(-32601));
        let (desk, task) = (Arc::clone(&server.desk), form(Some(json!({}))));
        let (answer, ()) = tokio::join!(server.ask("elicitation/create", task), async {
            desk.next().await.send(Ok(ElicitAction::Cancel)).unwrap();
        });
        assert_eq!(answer.unwrap(), json!({"action": "cancel"}));
    })
    .await;
}

// spec: TASK25-16 TASK25-17
#[tokio::test(start_paused = true)]
async fn tasks_are_few_are_listed_and_end_with_their_time() {
    deadline(async {
        let mut host = HostTasks::new();
        (host.concurrent, host.max_ttl) = (2, Duration::from_secs(60));
        let mut server = Asking::new(Some(host)).await;
        let first = server.start(json!({"ttl": 1_000_000})).await;
        let second = server.start(json!({})).await;
        assert_ne!(first["taskId"], second["taskId"]);
        assert_eq!((&first["ttl"], &second["ttl"]), (&json!(60_000), &json!(60_000)));
        assert_eq!(server.ask("elicitation/create", form(Some(json!({})))).await, Err(-32603));
        let list = server.ask("tasks/list", json!({})).await.unwrap();
        let ids: Vec<_> =
            list["tasks"].as_array().unwrap().iter().map(|task| task["taskId"].clone()).collect();
        assert_eq!(ids, [first["taskId"].clone(), second["taskId"].clone()]);
        let mut question = server.desk.next().await;
        tokio::time::sleep(Duration::from_secs(61)).await;
        question.closed().await;
        for task in [first, second] {
            assert_eq!(server.status(&task["taskId"]).await, Err(-32602));
        }
        server.start(json!({})).await;
    })
    .await;
}
