//! What a notification says about the request that it belongs to.

use mcp_types::{RequestId, keys, rpc::Notification};

/// The request that a notification belongs to, and how it says so.
#[derive(Debug, PartialEq)]
pub(super) enum Subject {
    /// Progress of the request.
    Progress(RequestId),
    /// An event of the subscription that the request opened.
    Subscription(RequestId),
    /// The peer gives the request up. A legacy peer names one of its own.
    Cancelled(RequestId),
}

/// Tells the request that a notification belongs to.
pub(super) fn subject(notification: &Notification) -> Option<Subject> {
    let params = notification.params.as_ref()?;
    let id = |path: &[&str]| params.find(path).and_then(|text| RequestId::from_json(text).ok());
    match &*notification.method {
        "notifications/progress" => id(&[keys::PROGRESS_TOKEN]).map(Subject::Progress),
        "notifications/cancelled" => id(&["requestId"]).map(Subject::Cancelled),
        _ => id(&["_meta", keys::SUBSCRIPTION_ID]).map(Subject::Subscription),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_types::RawJson;

    #[track_caller]
    fn check(method: &'static str, params: &'static str, subject: impl Into<Option<Subject>>) {
        let params = RawJson::parse(params).unwrap();
        let notification = Notification::new(method).with_params(params);
        assert_eq!(super::subject(&notification), subject.into());
    }

    // spec: STDIO-07 SUB-04 PROG-01
    #[test]
    fn a_notification_names_its_request() {
        let progress = r#"{"progressToken":7,"progress":1.5,"message":"\u0041"}"#;
        check("notifications/progress", progress, Subject::Progress(7.into()));
        let event = r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":"7","x":[1]}}"#;
        check("notifications/tools/list_changed", event, Subject::Subscription("7".into()));
        check("notifications/cancelled", r#"{"requestId":1}"#, Subject::Cancelled(1.into()));
    }

    #[test]
    fn a_key_of_another_kind_or_type_names_nothing() {
        check("notifications/message", r#"{"progressToken":7,"data":1}"#, None);
        check("notifications/progress", r#"{"progressToken":7.5}"#, None);
        check("notifications/progress", r#"{"progressToken":null}"#, None);
        check("notifications/x", r#"{"_meta":7}"#, None);
        check("notifications/x", "[]", None);
    }
}
