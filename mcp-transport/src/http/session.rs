//! The session id of a legacy server.

use super::headers;
use crate::{Delivery, Error, error::Kind, splice};
use http::{HeaderMap, HeaderValue};
use mcp_types::RawJson;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the answer to `initialize` established. The id is a secret: it is marked sensitive, and `Debug` does not show
/// it.
#[derive(Debug)]
pub(super) struct Session {
    id: Option<HeaderValue>,
    version: Option<HeaderValue>,
    expired: AtomicBool,
}

impl Session {
    /// Reads the session from the headers and the result of an answer to `initialize`.
    ///
    /// # Errors
    ///
    /// The session id contains something other than visible ASCII.
    pub(super) fn read(headers: &HeaderMap, result: &RawJson, url: &str) -> Result<Self, Error> {
        let mut id = headers.get(headers::SESSION_ID).cloned();
        if let Some(id) = &mut id {
            if id.is_empty() || !id.as_bytes().iter().all(u8::is_ascii_graphic) {
                let message = format!("session id of {url} is not visible ASCII");
                return Err(Error::new(Kind::Malformed, Delivery::Delivered, message));
            }
            id.set_sensitive(true);
        }
        // A result without a version is left for the layer above to refuse.
        let version = splice::find(result, &["protocolVersion"]).and_then(RawJson::read_str);
        let version = version.and_then(|version| HeaderValue::from_str(&version).ok());
        Ok(Self { id, version, expired: AtomicBool::new(false) })
    }

    /// Adds the session to the headers of a request; a version that is already set stays.
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        if let Some(id) = &self.id {
            headers.insert(headers::SESSION_ID, id.clone());
        }
        if let Some(version) = &self.version {
            headers.entry(headers::PROTOCOL_VERSION).or_insert_with(|| version.clone());
        }
    }

    /// Returns whether the server has assigned an id.
    pub(super) fn has_id(&self) -> bool {
        self.id.is_some()
    }

    /// Notes that the server no longer knows the id.
    pub(super) fn expire(&self) {
        self.expired.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_expired(&self) -> bool {
        self.expired.load(Ordering::Relaxed)
    }
}
