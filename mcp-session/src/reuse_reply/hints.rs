//! The caching hints of a result: `ttlMs` and `cacheScope`.

use crate::{
    Reply,
    member::{text, value},
    result_type,
};
use memchr::memmem;
use serde_json::Value;
use std::time::Duration;

/// The hints of a cacheable result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hints {
    pub(super) ttl: Duration,
    pub(super) is_public: bool,
}

impl Hints {
    /// Reads the hints of a result; `None` if it must not be cached. An invalid hint counts as missing and is never an
    /// error.
    // spec: CACHE-03 CACHE-05 CACHE-10 CACHE-16 MRTR-12
    pub(super) fn read(reply: &Reply, max_ttl: Duration) -> Option<Self> {
        memmem::find(reply.result.as_bytes(), br#""ttlMs""#)?;
        if result_type(&reply.result).ok()? != "complete" {
            return None;
        }
        let ttl = value(&reply.result, "ttlMs").ok()?;
        let ttl = milliseconds(&ttl).min(max_ttl);
        let is_public = text(&reply.result, "cacheScope").is_some_and(|scope| scope == "public");
        (!ttl.is_zero()).then_some(Self { ttl, is_public })
    }
}

fn milliseconds(value: &Value) -> Duration {
    let fraction = || value.as_f64().filter(|millis| *millis >= 1.0);
    // The cast saturates.
    let millis = value.as_u64().or_else(|| fraction().map(|millis| millis as u64));
    Duration::from_millis(millis.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_types::RawJson;

    // spec: CACHE-03 CACHE-05 CACHE-10 CACHE-16
    #[test]
    fn hints_are_clamped_and_what_is_broken_counts_as_missing() {
        let day = Duration::from_secs(86_400);
        for (text, expected) in [
            (r#"{"ttlMs":5,"cacheScope":"public"}"#, Some((5, true))),
            (r#"{"ttlMs":5,"cacheScope":"private"}"#, Some((5, false))),
            (r#"{"ttlMs":5,"cacheScope":"Public"}"#, Some((5, false))),
            (r#"{"ttlMs":5,"cacheScope":7}"#, Some((5, false))),
            (r#"{"ttlMs":5}"#, Some((5, false))),
            (r#"{"ttlMs":5.9}"#, Some((5, false))),
            (r#"{"ttlMs":18446744073709551615}"#, Some((86_400_000, false))),
            (r#"{"ttlMs":1e300}"#, Some((86_400_000, false))),
            (r#"{"ttlMs":0}"#, None),
            (r#"{"ttlMs":-5}"#, None),
            (r#"{"ttlMs":-1e300}"#, None),
            (r#"{"ttlMs":"5"}"#, None),
            (r#"{"ttlMs":1e999}"#, None),
            (r#"{"cacheScope":"public"}"#, None),
            (r#"{"ttlMs":5,"resultType":"input_required"}"#, None),
            ("{}", None),
        ] {
            let reply = Reply::new(RawJson::parse(text).unwrap());
            let hints = Hints::read(&reply, day);
            let found = hints.map(|hints| (hints.ttl.as_millis(), hints.is_public));
            assert_eq!(found, expected, "{text}");
        }
    }
}
