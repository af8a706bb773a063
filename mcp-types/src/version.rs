//! Protocol versions.

use crate::wire::deserialize;
use serde_core::{Serialize, Serializer};
use std::{borrow::Cow, fmt};

/// A revision of the protocol, named by its date.
///
/// Revisions that this library does not know are kept as they are and compare by date.
///
/// ```
/// use mcp_types::ProtocolVersion;
///
/// let version = ProtocolVersion::from("2025-06-18");
/// assert_eq!(version, ProtocolVersion::V2025_06_18);
/// assert!(version < ProtocolVersion::LATEST && !version.is_modern());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolVersion(Cow<'static, str>);

impl ProtocolVersion {
    /// Revision 2024-11-05, the first: stdio, and HTTP with server-sent events.
    pub const V2024_11_05: Self = Self(Cow::Borrowed("2024-11-05"));
    /// Revision 2025-03-26: streamable HTTP, batches, tool annotations.
    pub const V2025_03_26: Self = Self(Cow::Borrowed("2025-03-26"));
    /// Revision 2025-06-18: elicitation, structured results.
    pub const V2025_06_18: Self = Self(Cow::Borrowed("2025-06-18"));
    /// Revision 2025-11-25: tasks, sampling with tools, the last with a handshake.
    pub const V2025_11_25: Self = Self(Cow::Borrowed("2025-11-25"));
    /// Revision 2026-07-28: stateless, no handshake.
    pub const V2026_07_28: Self = Self(Cow::Borrowed("2026-07-28"));

    /// The newest revision that this library speaks.
    pub const LATEST: Self = Self::V2026_07_28;
    /// The newest revision that begins with an `initialize` handshake.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;
    /// Every revision that this library speaks, oldest first.
    pub const KNOWN: [Self; 5] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
        Self::V2026_07_28,
    ];

    /// The revision as written on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this library speaks the revision.
    pub fn is_known(&self) -> bool {
        Self::KNOWN.contains(self)
    }

    /// Whether the revision is stateless: no handshake, and metadata on every request.
    pub fn is_modern(&self) -> bool {
        *self >= Self::V2026_07_28
    }
}

impl Serialize for ProtocolVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

deserialize!(ProtocolVersion);

impl From<&str> for ProtocolVersion {
    fn from(text: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|known| known.as_str() == text);
        known.unwrap_or_else(|| Self(Cow::Owned(text.to_owned())))
    }
}

impl From<String> for ProtocolVersion {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
