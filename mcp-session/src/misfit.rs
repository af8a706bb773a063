//! Violations of a JSON schema.

use std::fmt;

/// Where and how a value does not fit its schema.
///
/// It names places and rules, but never quotes the value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Misfit {
    /// The part of the value that does not fit, as a JSON pointer; empty for the whole.
    pub pointer: Box<str>,
    /// The keyword of the schema that is violated, like `type` or `required`.
    pub rule: Box<str>,
    /// The place of that keyword in the schema, as a JSON pointer.
    pub schema_pointer: Box<str>,
    /// What is wrong, for a person. May quote the schema: untrusted.
    pub reason: Box<str>,
}

#[cfg(feature = "validate")]
impl Misfit {
    /// Describes an error in the value as a whole.
    pub(crate) fn whole(rule: &str, reason: impl Into<Box<str>>) -> Self {
        let (pointer, schema_pointer) = (Box::default(), Box::default());
        Self { pointer, rule: rule.into(), schema_pointer, reason: reason.into() }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pointer, rule, reason, .. } = self;
        match &**pointer {
            "" => write!(f, "{reason} (rule {rule:?})"),
            pointer => write!(f, "{reason} (rule {rule:?}, at {pointer:?})"),
        }
    }
}
