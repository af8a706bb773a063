//! The TLS settings of a config.

use super::{report::Report, values};
use jsonc_parser::{ast::Value, common::Ranged};
use serde_json::json;

/// PEM files for TLS: trusted authorities and a client certificate. Relative paths are relative to the folder of the
/// config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFiles {
    /// Certificate authorities to trust in addition to those of the platform.
    pub ca: Option<String>,
    /// The certificate chain of the client.
    pub cert: Option<String>,
    /// The private key of that certificate. Default: in the same file.
    pub key: Option<String>,
}

/// Reads the member `tls`.
pub(super) fn read(value: &Value<'_>, report: &mut Report<'_>) -> Option<TlsFiles> {
    let Some(object) = value.as_object() else {
        report.error(value.range(), "must be an object with `ca`, `cert` and `key`");
        return None;
    };
    let mut files = TlsFiles::default();
    for member in &object.properties {
        let (name, value) = (member.name.as_str(), &member.value);
        report.within(name, |report| match name {
            "ca" | "caFile" | "ca_file" => files.ca = values::string(value, report),
            "cert" | "certFile" | "cert_file" => files.cert = values::string(value, report),
            "key" | "keyFile" | "key_file" => files.key = values::string(value, report),
            _ => report.warning(member.range(), "is not known here, and has no effect"),
        });
    }
    if files.key.is_some() && files.cert.is_none() {
        report.error(value.range(), "has a `key`, and no `cert` that it belongs to");
    }
    Some(files)
}

impl TlsFiles {
    #[cfg(any(feature = "http", feature = "ws"))]
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the member as written; `None` if nothing is set.
    pub(super) fn written(&self) -> Option<serde_json::Value> {
        let all = [("ca", &self.ca), ("cert", &self.cert), ("key", &self.key)];
        let said = all.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?)));
        let members: serde_json::Map<_, _> =
            said.map(|(name, path)| (name.to_owned(), json!(path))).collect();
        (!members.is_empty()).then_some(members.into())
    }
}
