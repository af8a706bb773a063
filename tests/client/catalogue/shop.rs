//! A server of either era whose tools change.

use crate::said;
use conformance::in_process::{Asked, InProcess, Outcome};
use mcp_client::{Client, Connection};
use mcp_types::{ErrorCode, ErrorObject, ProtocolVersion};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{sync::broadcast, time::sleep};

/// The eras, with a revision of each.
pub(crate) const ERAS: [ProtocolVersion; 2] =
    [ProtocolVersion::LATEST, ProtocolVersion::LATEST_LEGACY];

/// A server whose tools change.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) server: InProcess,
    pub(crate) state: Arc<State>,
}

/// The server's state.
pub(crate) struct State {
    pub(crate) tools: Mutex<Value>,
    /// Other members of a result.
    pub(crate) hints: Mutex<Value>,
    /// How long a list takes.
    pub(crate) delay: Mutex<Duration>,
    /// How long a subscription takes.
    pub(crate) hesitation: Mutex<Duration>,
    /// Whether lists fail.
    pub(crate) is_broken: Mutex<bool>,
    /// What subscribers are told: whether more will follow.
    said: broadcast::Sender<bool>,
    pub(crate) subscribers: AtomicUsize,
    listing: AtomicUsize,
    /// The maximum number of lists read at the same time.
    pub(crate) most: AtomicUsize,
}

/// Counts as one while it lives.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Shop {
    /// Creates a server that notifies about changes.
    pub(crate) fn new(version: ProtocolVersion) -> Self {
        Self::with_capabilities(version, json!({"tools": {"listChanged": true}}))
    }

    /// Creates a server with these capabilities.
    pub(crate) fn with_capabilities(version: ProtocolVersion, capabilities: Value) -> Self {
        let state = Arc::new(State {
            tools: Mutex::new(tools(&["a", "b"])),
            hints: Mutex::new(json!({})),
            delay: Mutex::default(),
            hesitation: Mutex::default(),
            is_broken: Mutex::default(),
            said: broadcast::Sender::new(1_024),
            subscribers: AtomicUsize::new(0),
            listing: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let answering = Arc::clone(&state);
        let server = InProcess::new(version, capabilities, move |asked: Asked| {
            let state = Arc::clone(&answering);
            async move { state.answer(asked).await }
        });
        Self { server, state }
    }

    /// Replaces the tools, and notifies whoever wants to know.
    pub(crate) async fn change(&self, client: &Client, tools: Value) {
        *self.state.tools.lock().unwrap() = tools;
        self.tell(client).await;
    }

    /// Announces that the tools have changed.
    pub(crate) async fn tell(&self, client: &Client) {
        if self.state.subscribers.load(SeqCst) > 0 {
            self.state.said.send(true).unwrap();
        } else {
            // A server with a handshake announces it in the middle of any call.
            client.call_tool("change").await.unwrap();
        }
    }

    /// Ends all subscriptions.
    pub(crate) fn end_subscriptions(&self) {
        self.state.said.send(false).unwrap();
    }

    /// Returns how often the list was requested.
    pub(crate) fn listed(&self) -> usize {
        self.server.sent("tools/list").len()
    }

    /// Returns how often a subscription was requested.
    pub(crate) fn subscriptions(&self) -> usize {
        self.server.sent("subscriptions/listen").len()
    }
}

impl State {
    async fn answer(&self, asked: Asked) -> Outcome {
        match &*asked.method {
            "tools/list" => self.list().await,
            "tools/call" => {
                asked.tell("notifications/tools/list_changed", json!({})).await;
                Ok(said("changed"))
            }
            "subscriptions/listen" => self.listen(asked).await,
            _ => Ok(json!({})),
        }
    }

    async fn list(&self) -> Outcome {
        let _listing = Counted::new(&self.listing);
        self.most.fetch_max(self.listing.load(SeqCst), SeqCst);
        let delay = *self.delay.lock().unwrap();
        sleep(delay).await;
        if *self.is_broken.lock().unwrap() {
            return Err(ErrorObject::new(ErrorCode::INTERNAL_ERROR, "out of order"));
        }
        let mut result = self.hints.lock().unwrap().clone();
        result["tools"] = self.tools.lock().unwrap().clone();
        result["resultType"] = "complete".into();
        Ok(result)
    }

    async fn listen(&self, asked: Asked) -> Outcome {
        let hesitation = *self.hesitation.lock().unwrap();
        sleep(hesitation).await;
        let mut said = self.said.subscribe();
        let _subscriber = Counted::new(&self.subscribers);
        let acknowledged = json!({"notifications": asked.params["notifications"]});
        asked.tell("notifications/subscriptions/acknowledged", acknowledged).await;
        while said.recv().await.unwrap() {
            asked.tell("notifications/tools/list_changed", json!({})).await;
        }
        Ok(json!({"resultType": "complete"}))
    }
}

/// Returns tools with these names.
pub(crate) fn tools(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"name": name, "inputSchema": {"type": "object"}})).collect()
}

/// Connects to the server.
pub(crate) async fn connect(shop: &Shop) -> Connection {
    crate::connect(&shop.server).await
}
