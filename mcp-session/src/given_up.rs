//! What a server with a handshake says when it gives a question up.

use mcp_types::{RawJson, RequestId, rpc::Notification};
use serde::Deserialize;

/// What a server says of a question that it has given up.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GivenUp {
    pub(crate) request_id: RequestId,
    pub(crate) reason: Option<String>,
}

impl GivenUp {
    /// The question that a notification is about, if it is of this kind and can be read.
    pub(crate) fn of(notification: &Notification) -> Option<Self> {
        if notification.method != "notifications/cancelled" {
            return None;
        }
        notification.params.as_ref().map(RawJson::decode).and_then(Result::ok)
    }
}
