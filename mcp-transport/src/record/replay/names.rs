//! Ids and progress tokens: what they were in the recording, and what they are now.

use mcp_types::{
    RawJson, RequestId, keys,
    rpc::{Message, Request},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// From the names of the recording to those of the client that is played to.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: HashMap<RequestId, RequestId>,
    tokens: HashMap<RequestId, RequestId>,
}

impl Names {
    /// Notes that a request was sent again.
    pub(super) fn learn(&mut self, recorded: &Request, sent: &Request) {
        self.ids.insert(recorded.id.clone(), sent.id.clone());
        if let (Some(recorded), Some(sent)) = (token(recorded), token(sent)) {
            self.tokens.insert(recorded, sent);
        }
    }

    /// A message of the recorded client, as the client would send it now.
    pub(super) fn expected(&self, form: &mut Value) {
        if form["method"] == "notifications/cancelled" {
            rename(form.pointer_mut("/params/requestId"), &self.ids);
        }
    }

    /// A message of the recorded server, as the client has to be told it now.
    pub(super) fn told(&self, message: &mut Message) {
        match message {
            Message::Response(response) => {
                let id = response.id.as_ref().and_then(|id| self.ids.get(id));
                response.id = id.or(response.id.as_ref()).cloned();
            }
            Message::Notification(notification) => {
                let (pointer, names) = match &*notification.method {
                    "notifications/progress" => ("/progressToken", &self.tokens),
                    "notifications/cancelled" => ("/requestId", &self.ids),
                    _ => ("/_meta/io.modelcontextprotocol~1subscriptionId", &self.ids),
                };
                let Some(params) = &mut notification.params else { return };
                let Ok(mut value) = params.decode::<Value>() else { return };
                if rename(value.pointer_mut(pointer), names) {
                    *params = RawJson::from_joined(value.to_string());
                }
            }
            Message::Request(_) => {}
        }
    }
}

/// Puts in the name of now; returns whether it is another one.
fn rename(value: Option<&mut Value>, names: &HashMap<RequestId, RequestId>) -> bool {
    let Some(value) = value else { return false };
    let recorded = RequestId::deserialize(&*value).ok();
    let now = recorded.and_then(|recorded| names.get(&recorded)).map(|now| json!(now));
    match now {
        Some(now) if now != *value => {
            *value = now;
            true
        }
        _ => false,
    }
}

fn token(request: &Request) -> Option<RequestId> {
    let params: Value = request.params.as_ref()?.decode().ok()?;
    RequestId::deserialize(params.get("_meta")?.get(keys::PROGRESS_TOKEN)?).ok()
}
