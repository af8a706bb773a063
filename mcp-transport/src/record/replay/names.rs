//! Mapping recorded ids and progress tokens to those of the replay.

use crate::splice;
use mcp_types::{
    RequestId, keys,
    rpc::{Message, Request},
};
use serde_json::Value;
use std::collections::HashMap;

/// Maps the names of the recording to those of the client in the replay.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: HashMap<RequestId, RequestId>,
    tokens: HashMap<RequestId, RequestId>,
}

impl Names {
    /// Notes the names of a request that was sent again.
    pub(super) fn learn(&mut self, recorded: &Request, sent: &Request) {
        self.ids.insert(recorded.id.clone(), sent.id.clone());
        if let (Some(recorded), Some(sent)) = (token(recorded), token(sent)) {
            self.tokens.insert(recorded, sent);
        }
    }

    /// Converts a message of the recorded client to what the client would send now.
    pub(super) fn expected(&self, form: &mut Value) {
        if form["method"] == "notifications/cancelled" {
            let Some(id) = form.pointer_mut("/params/requestId") else { return };
            let recorded = match &*id {
                Value::String(id) => Some(id.as_str().into()),
                id => id.as_i64().map(RequestId::from),
            };
            if let Some(now) = recorded.and_then(|recorded| self.ids.get(&recorded)) {
                *id = value(now);
            }
        }
    }

    /// Converts a message of the recorded server for the client of the replay.
    pub(super) fn told(&self, message: &mut Message) {
        match message {
            Message::Response(response) => {
                let id = response.id.as_ref().and_then(|id| self.ids.get(id));
                response.id = id.or(response.id.as_ref()).cloned();
            }
            Message::Notification(notification) => {
                let (path, names) = match &*notification.method {
                    "notifications/progress" => (&[keys::PROGRESS_TOKEN][..], &self.tokens),
                    "notifications/cancelled" => (&["requestId"][..], &self.ids),
                    _ => (&["_meta", keys::SUBSCRIPTION_ID][..], &self.ids),
                };
                let Some(params) = &mut notification.params else { return };
                let recorded =
                    splice::find(params, path).and_then(|it| RequestId::from_json(it).ok());
                let Some(now) = recorded.and_then(|recorded| names.get(&recorded)) else { return };
                if let Some(renamed) = splice::replace(params, path, &value(now).to_string()) {
                    *params = renamed;
                }
            }
            Message::Request(_) => {}
        }
    }
}

pub(super) fn value(id: &RequestId) -> Value {
    match id {
        RequestId::Integer(id) => (*id).into(),
        RequestId::String(id) => Value::String(id.to_string()),
    }
}

fn token(request: &Request) -> Option<RequestId> {
    let path = ["_meta", keys::PROGRESS_TOKEN];
    RequestId::from_json(splice::find(request.params.as_ref()?, &path)?).ok()
}
