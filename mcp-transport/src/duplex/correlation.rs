//! Which request a notification belongs to.

use mcp_types::{RequestId, keys, rpc::Notification};

/// The request that a notification belongs to, and in what way.
#[derive(Debug, PartialEq)]
pub(super) enum Subject {
    /// Progress of the request.
    Progress(RequestId),
    /// An event of the subscription that the request opened.
    Subscription(RequestId),
    /// The peer cancels the request. A legacy peer means one of its own.
    Cancelled(RequestId),
}

impl Subject {
    /// Returns the id of the request.
    pub(super) fn id(&self) -> &RequestId {
        let (Self::Progress(id) | Self::Subscription(id) | Self::Cancelled(id)) = self;
        id
    }
}

/// Finds the request that a notification belongs to.
pub(super) fn subject(notification: &Notification) -> Option<Subject> {
    let params = notification.params.as_ref()?;
    let id = |path: &[&str]| params.find(path).and_then(|text| RequestId::from_json(text).ok());
    match &*notification.method {
        "notifications/progress" => {
            let token = first_token(params.as_bytes()).map(RequestId::Integer);
            token.or_else(|| id(&[keys::PROGRESS_TOKEN])).map(Subject::Progress)
        }
        "notifications/cancelled" => id(&["requestId"]).map(Subject::Cancelled),
        _ => id(&["_meta", keys::SUBSCRIPTION_ID]).map(Subject::Subscription),
    }
}

/// Returns the progress token if it is the first member and a number, as most servers write it: progress comes in
/// floods, and this takes a tenth of a full search.
fn first_token(params: &[u8]) -> Option<i64> {
    let rest = params.strip_prefix(br#"{"progressToken":"#)?;
    let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    // More digits would be too large, or need a careful parser.
    let digits = rest.get(..end).filter(|digits| (1..=18).contains(&digits.len()))?;
    let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    matches!(rest[end], b',' | b'}').then_some(value)
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
    fn a_token_is_the_same_wherever_it_stands() {
        for token in ["7", "0", "123456789012345678", "-7", "9223372036854775807", "\"7\""] {
            let id = RequestId::from_json(token).unwrap();
            for params in [
                format!("{{\"progressToken\":{token},\"progress\":1}}"),
                format!("{{\"progressToken\":{token}}}"),
                format!("{{\"progressToken\": {token} }}"),
                format!("{{\"progress\":1,\"progressToken\":{token}}}"),
            ] {
                let params = RawJson::parse(params).unwrap();
                let notification = Notification::new("notifications/progress").with_params(params);
                assert_eq!(subject(&notification), Some(Subject::Progress(id.clone())), "{token}");
            }
        }
        check("notifications/progress", r#"{"progressToken":7e0,"progressToken":7}"#, None);
        check("notifications/progress", r#"{"progressToken":99999999999999999999}"#, None);
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
