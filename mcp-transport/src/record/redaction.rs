//! Redaction of secrets in transcripts.

use mcp_types::{
    ErrorObject, RawJson,
    rpc::{Message, Response},
};
use serde_json::{Map, Value};

/// The replacement of a secret in a transcript.
pub(super) const REDACTED: &str = "[redacted]";

/// Names that contain one of these hold secrets.
const SECRETS: [&str; 8] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "privatekey",
    "accesskey",
    "credential",
];
/// So do names that end with one of these.
const SECRET_ENDS: [&str; 4] = ["token", "authorization", "cookie", "jwt"];
/// Except these.
const NO_SECRETS: [&str; 1] = ["progresstoken"];

/// Which values of a message are replaced by `"[redacted]"` in a transcript.
///
/// By default those of members whose names look like secrets, in any spelling: `secret`, `password`, `passwd`,
/// `passphrase`, `api_key`, `private_key`, `access_key` and `credential` anywhere in the name; `token`,
/// `authorization`, `cookie` and `jwt` at its end; and strings that begin with `Bearer `. A `progressToken` is not a
/// secret, nor is a property of that name in a JSON Schema. Free text of the server is not searched.
///
/// `requestState`, `taskId` and cursors are kept: a replay needs them, and they are useless without access to the
/// server. If yours are sensitive, add them.
///
/// ```
/// use mcp_transport::record::Redaction;
///
/// let redaction = Redaction::default().key("requestState").pointer("/params/arguments/card");
/// # let _ = redaction;
/// ```
#[derive(Clone, Debug)]
pub struct Redaction {
    looks_like_secrets: bool,
    keys: Vec<String>,
    pointers: Vec<String>,
}

impl Default for Redaction {
    fn default() -> Self {
        Self { looks_like_secrets: true, ..Self::none() }
    }
}

impl Redaction {
    /// Redacts nothing.
    pub fn none() -> Self {
        Self { looks_like_secrets: false, keys: Vec::new(), pointers: Vec::new() }
    }

    /// Also redacts members with this name, wherever they are.
    #[must_use]
    pub fn key(mut self, name: impl Into<String>) -> Self {
        self.keys.push(name.into());
        self
    }

    /// Also redacts the value at a JSON pointer into the message, like `/result/content/0/text`.
    #[must_use]
    pub fn pointer(mut self, pointer: impl Into<String>) -> Self {
        self.pointers.push(pointer.into());
        self
    }

    /// Returns a copy of a message without its secrets. Without any, the copy shares the bytes of the message.
    pub(super) fn apply(&self, message: &Message) -> Message {
        let mut message = message.clone();
        match &mut message {
            Message::Request(request) => self.apply_raw("/params", request.params.as_mut()),
            Message::Notification(it) => self.apply_raw("/params", it.params.as_mut()),
            Message::Response(Response { outcome: Ok(result), .. }) => {
                self.apply_raw("/result", Some(result));
            }
            Message::Response(Response { outcome: Err(error), .. }) => self.apply_error(error),
        }
        message
    }

    /// Removes secrets from an error of the peer.
    pub(super) fn apply_error(&self, error: &mut ErrorObject) {
        if let Some(data) = &mut error.data {
            self.redact("/error/data", data);
        }
    }

    fn apply_raw(&self, path: &str, raw: Option<&mut RawJson>) {
        let Some(raw) = raw else { return };
        let redacted = match raw.to_value() {
            Ok(mut value) => self.redact(path, &mut value).then_some(value),
            // What cannot be parsed is not recorded.
            Err(_) => Some(Value::Object(Map::new())),
        };
        if let Some(value) = redacted {
            // The outermost value has to keep the type that a message needs.
            let value = if value.is_string() { Value::Object(Map::new()) } else { value };
            *raw = RawJson::from_joined(value.to_string());
        }
    }

    /// Redacts the secrets in the value at `path`; returns whether there were any.
    fn redact(&self, path: &str, value: &mut Value) -> bool {
        let mut changed = self.redact_members(value);
        for pointer in &self.pointers {
            let found = pointer.strip_prefix(path).and_then(|rest| value.pointer_mut(rest));
            if let Some(found) = found {
                *found = REDACTED.into();
                changed = true;
            }
        }
        changed
    }

    fn redact_members(&self, value: &mut Value) -> bool {
        let mut changed = false;
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    changed |= match name.as_str() {
                        "properties" => self.redact_properties(value),
                        name => self.redact_member(name, value),
                    };
                }
            }
            Value::Array(items) => {
                for item in items {
                    changed |= self.redact_members(item);
                }
            }
            Value::String(text) if self.looks_like_secrets && is_bearer(text) => {
                *value = REDACTED.into();
                changed = true;
            }
            _ => {}
        }
        changed
    }

    /// The same for a member of an object.
    pub(super) fn redact_member(&self, name: &str, value: &mut Value) -> bool {
        let is_secret = self.keys.iter().any(|key| key == name)
            || (self.looks_like_secrets && looks_like_secret(name));
        if is_secret && !matches!(value, Value::Null | Value::Bool(_)) {
            *value = REDACTED.into();
            return true;
        }
        self.redact_members(value)
    }

    /// In a JSON Schema, the names of properties say nothing about the schemas below them.
    fn redact_properties(&self, properties: &mut Value) -> bool {
        let Value::Object(members) = properties else { return self.redact_members(properties) };
        let mut changed = false;
        for (name, value) in members {
            changed |= match value {
                Value::Object(_) => self.redact_members(value),
                _ => self.redact_member(name, value),
            };
        }
        changed
    }
}

fn looks_like_secret(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|it| it.to_ascii_lowercase())
        .collect();
    !NO_SECRETS.contains(&&*plain)
        && (SECRETS.iter().any(|word| plain.contains(word))
            || SECRET_ENDS.iter().any(|word| plain.ends_with(word)))
}

fn is_bearer(text: &str) -> bool {
    text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_types::{ErrorCode, rpc::Request};
    use serde_json::json;

    fn params(redaction: &Redaction, params: &Value) -> Value {
        let params = RawJson::encode(params).unwrap();
        let message = Request::new(1, "tools/call").with_params(params).into();
        let Message::Request(request) = redaction.apply(&message) else { panic!("a request") };
        request.params.unwrap().decode().unwrap()
    }

    #[test]
    fn what_looks_like_a_secret_is_not_told() {
        let told = json!({
            "name": "login", "requestState": "s", "taskId": "t", "cursor": "c", "maxTokens": 5,
            "_meta": { "progressToken": 7 }, "hasPassword": true, "secret": null,
            "inputSchema": { "properties": { "password": { "type": "string" } } },
        });
        assert_eq!(params(&Redaction::default(), &told), told);
        for name in [
            "token",
            "access_token",
            "refreshToken",
            "API-Key",
            "apiKey",
            "client_secret",
            "PASSWORD",
            "userPassword",
            "Authorization",
            "proxy-authorization",
            "Set-Cookie",
            "awsSecretAccessKey",
            "credentials",
            "private_key",
            "id_jwt",
        ] {
            for value in [json!("x"), json!(7), json!({ "a": "x" }), json!(["x"])] {
                let told =
                    params(&Redaction::default(), &json!({ "arguments": [{ name: value }] }));
                assert_eq!(told, json!({ "arguments": [{ name: REDACTED }] }), "{name}");
            }
        }
        let bearer =
            json!({ "headers": ["Bearer abc", "bearing"], "properties": { "password": "x" } });
        let told =
            json!({ "headers": [REDACTED, "bearing"], "properties": { "password": REDACTED } });
        assert_eq!(params(&Redaction::default(), &bearer), told);
    }

    #[test]
    fn more_can_be_redacted_and_nothing() {
        let secret = json!({ "token": "x", "arguments": { "card": 4, "pin": [1, 2] } });
        assert_eq!(params(&Redaction::none(), &secret), secret);
        let redaction = Redaction::none().key("card").pointer("/params/arguments/pin/1");
        let told = json!({ "token": "x", "arguments": { "card": REDACTED, "pin": [1, REDACTED] } });
        assert_eq!(params(&redaction, &secret), told);
        assert_eq!(params(&Redaction::none().pointer("/params"), &secret), json!({}));
        assert_eq!(params(&Redaction::none().pointer("/result"), &secret), secret);
    }

    #[test]
    fn what_holds_no_secret_keeps_its_bytes() {
        let text = r#"{ "n":1e400, "big":123456789012345678901234567890 }"#;
        let raw = RawJson::parse(text).unwrap();
        let response: Message = Response::success(1, raw).into();
        let text = |message: Message| match message {
            Message::Response(response) => response.outcome.unwrap().as_str().to_owned(),
            _ => panic!("a response"),
        };
        assert_eq!(
            text(Redaction::default().apply(&response)),
            "{}",
            "1e400 cannot be looked through"
        );
        let raw = RawJson::parse(r#"{ "big":123456789012345678901234567890 }"#).unwrap();
        let response: Message = Response::success(1, raw).into();
        let told = text(Redaction::default().apply(&response));
        assert_eq!(told, r#"{ "big":123456789012345678901234567890 }"#);
    }

    #[test]
    fn errors_are_redacted_too() {
        let error =
            ErrorObject::new(ErrorCode::INVALID_PARAMS, "no").with_data(json!({ "token": "x" }));
        let response: Message = Response::failure(1, error).into();
        let redacted = |redaction: Redaction| match redaction.apply(&response) {
            Message::Response(response) => response.outcome.unwrap_err().data.map(|data| *data),
            _ => panic!("a response"),
        };
        assert_eq!(redacted(Redaction::default()), Some(json!({ "token": REDACTED })));
        assert_eq!(redacted(Redaction::none().pointer("/error/data")), Some(json!(REDACTED)));
    }
}
