//! The OAuth client settings of a config.

use super::{report::Report, values};
use jsonc_parser::{ast::Value, common::Ranged};
use serde_json::json;
use std::fmt;

/// The OAuth settings of a client: empty if it registers by itself.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OAuthSettings {
    /// The identifier of a preregistered client.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<String>,
    /// The scopes to ask for, in place of those that the server names.
    pub scopes: Vec<String>,
    /// The local port of the redirect URI. Default: a free one.
    pub callback_port: Option<u16>,
    /// The file in which tokens are kept, for later runs and for other processes. Default: none; they stay in memory.
    pub token_file: Option<String>,
}

/// Reads the member `oauth`; `false` means none.
pub(super) fn read(value: &Value<'_>, report: &mut Report<'_>) -> Option<Option<OAuthSettings>> {
    if let Value::BooleanLit(said) = value {
        return Some(said.value.then(OAuthSettings::default));
    }
    let Some(object) = value.as_object() else {
        report.error(value.range(), "must be an object, true or false");
        return None;
    };
    let mut settings = OAuthSettings::default();
    for member in &object.properties {
        let (name, value) = (member.name.as_str(), &member.value);
        report.within(name, |report| match name {
            "clientId" | "client_id" | "CLIENT_ID" => {
                settings.client_id = values::string(value, report)
            }
            "clientSecret" | "client_secret" | "CLIENT_SECRET" => {
                settings.client_secret = values::string(value, report);
            }
            "scopes" | "scope" => settings.scopes = scopes(value, report),
            "callbackPort" | "callback_port" => settings.callback_port = port(value, report),
            "tokenFile" | "token_file" => settings.token_file = values::string(value, report),
            _ => report.warning(member.range(), "is not known here, and has no effect"),
        });
    }
    Some(Some(settings))
}

/// Reads a list of scopes, or a string with scopes separated by spaces.
fn scopes(value: &Value<'_>, report: &mut Report<'_>) -> Vec<String> {
    match value {
        Value::StringLit(text) => text.value.split_ascii_whitespace().map(str::to_owned).collect(),
        other => values::strings(other, report).unwrap_or_default(),
    }
}

fn port(value: &Value<'_>, report: &mut Report<'_>) -> Option<u16> {
    let port = match value {
        Value::NumberLit(number) => number.value.parse().ok(),
        _ => None,
    };
    if port.is_none() {
        report.error(value.range(), "must be a port, between 0 and 65535");
    }
    port
}

impl OAuthSettings {
    /// Returns the member as written; `None` if nothing is set.
    pub(super) fn written(&self) -> Option<serde_json::Value> {
        let mut members = serde_json::Map::new();
        let mut put = |name: &str, value: Option<serde_json::Value>| {
            members.extend(value.map(|value| (name.to_owned(), value)));
        };
        put("clientId", self.client_id.as_ref().map(|text| json!(text)));
        put("clientSecret", self.client_secret.as_ref().map(|text| json!(text)));
        put("scopes", (!self.scopes.is_empty()).then(|| json!(self.scopes)));
        put("callbackPort", self.callback_port.map(|port| json!(port)));
        put("tokenFile", self.token_file.as_ref().map(|path| json!(path)));
        (!members.is_empty()).then_some(members.into())
    }
}

impl fmt::Debug for OAuthSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthSettings")
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .field("callback_port", &self.callback_port)
            .field("token_file", &self.token_file)
            .finish_non_exhaustive()
    }
}
