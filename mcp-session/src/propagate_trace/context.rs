//! W3C trace context on the wire.

use mcp_types::keys;
use std::fmt;

/// The maximum length of `tracestate` and `baggage`: what the standards require every participant to propagate.
const MAX_STATE: usize = 512;
const MAX_BAGGAGE: usize = 8_192;

/// Which trace something belongs to: values that follow [W3C Trace Context](https://www.w3.org/TR/trace-context/) and
/// [W3C Baggage](https://www.w3.org/TR/baggage/).
///
/// ```
/// use mcp_session::TraceContext;
///
/// let context = TraceContext::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?
///     .with_state("vendor=value")?;
/// assert!(TraceContext::new("no trace").is_err());
/// # Ok::<(), mcp_session::InvalidTrace>(())
/// ```
// spec: META-13
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    parent: Box<str>,
    state: Option<Box<str>>,
    baggage: Option<Box<str>>,
}

impl TraceContext {
    /// Creates the context of this `traceparent`.
    ///
    /// # Errors
    ///
    /// It is not one.
    pub fn new(traceparent: &str) -> Result<Self, InvalidTrace> {
        if !is_parent(traceparent) {
            return Err(InvalidTrace(keys::TRACEPARENT));
        }
        Ok(Self { parent: traceparent.into(), state: None, baggage: None })
    }

    /// Sets the `tracestate`.
    ///
    /// # Errors
    ///
    /// It is not one.
    pub fn with_state(mut self, tracestate: &str) -> Result<Self, InvalidTrace> {
        let is_entry = |(key, value): (&str, &str)| {
            !key.is_empty()
                && key.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@'))
                && !value.is_empty()
                && value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=')
        };
        if tracestate.len() > MAX_STATE || !is_list(tracestate, 32, is_entry) {
            return Err(InvalidTrace(keys::TRACESTATE));
        }
        self.state = Some(tracestate.into());
        Ok(self)
    }

    /// Sets the `baggage`.
    ///
    /// # Errors
    ///
    /// It is not one.
    pub fn with_baggage(mut self, baggage: &str) -> Result<Self, InvalidTrace> {
        let is_entry = |(key, value): (&str, &str)| {
            let key = key.trim_matches(' ');
            !key.is_empty()
                && key.bytes().all(is_token)
                && value
                    .bytes()
                    .all(|byte| (b' '..=b'~').contains(&byte) && !b"\"\\".contains(&byte))
        };
        if baggage.len() > MAX_BAGGAGE || !is_list(baggage, 180, is_entry) {
            return Err(InvalidTrace(keys::BAGGAGE));
        }
        self.baggage = Some(baggage.into());
        Ok(self)
    }

    /// Returns the members of `_meta`.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let parent = Some((keys::TRACEPARENT, &*self.parent));
        let state = self.state.as_deref().map(|state| (keys::TRACESTATE, state));
        let baggage = self.baggage.as_deref().map(|baggage| (keys::BAGGAGE, baggage));
        [parent, state, baggage].into_iter().flatten()
    }
}

/// Whether the text is `version-trace-parent-flags` in lower-case hex digits, with non-zero ids.
fn is_parent(text: &str) -> bool {
    let hex = |part: &str, length| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, parent, flags] = parts[..] else { return false };
    hex(version, 2)
        && version != "ff"
        && hex(trace, 32)
        && !is_zero(trace)
        && hex(parent, 16)
        && !is_zero(parent)
        && hex(flags, 2)
}

/// Whether the text is a list of at most `max` `key=value` entries.
fn is_list(text: &str, max: usize, is_entry: impl Fn((&str, &str)) -> bool) -> bool {
    let mut entries = text.split(',').map(|entry| entry.trim_matches([' ', '\t']));
    text.split(',').count() <= max
        && entries.all(|entry| entry.split_once('=').is_some_and(&is_entry))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A trace value that violates its standard, and is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTrace(&'static str);

impl fmt::Display for InvalidTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {}: it does not follow the standards of the W3C", self.0)
    }
}

impl std::error::Error for InvalidTrace {}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    // spec: META-13
    #[test]
    fn only_values_of_the_standards_are_taken() {
        assert!(TraceContext::new(PARENT).is_ok());
        for wrong in [
            "",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        ] {
            assert!(TraceContext::new(wrong).is_err(), "{wrong}");
        }
        let context = TraceContext::new(PARENT).unwrap();
        let states =
            [("a=1", true), ("a=1, b@c=x y", true), ("a", false), ("a=", false), ("A=1", false)];
        for (state, valid) in states {
            assert_eq!(context.clone().with_state(state).is_ok(), valid, "{state}");
        }
        assert!(context.clone().with_state(&"a=1,".repeat(33)).is_err());
        let baggage = [("a=1;p=2, b=%20", true), ("a=\"", false), ("a=\n", false), ("ä=1", false)];
        for (baggage, valid) in baggage {
            assert_eq!(context.clone().with_baggage(baggage).is_ok(), valid, "{baggage}");
        }
        assert!(context.with_baggage(&format!("a={}", "x".repeat(8_192))).is_err());
    }
}
