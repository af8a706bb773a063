//! Values that do not fit.

use serde_json::Value;
use std::fmt;

/// A typed value, or the value as it came.
pub(crate) type Fit<T> = Result<T, Misfit>;

/// A value that does not fit its type, whole, with the place and the reason.
#[derive(Debug)]
pub(crate) struct Misfit(Box<Inner>);

#[derive(Debug)]
struct Inner {
    value: Value,
    path: String,
    problem: String,
}

impl Misfit {
    /// A value of another JSON type than expected.
    #[cold]
    pub(crate) fn unexpected(value: Value, expected: &str) -> Self {
        let problem = format!("is {} instead of {expected}", kind(&value));
        Self(Box::new(Inner { value, path: String::new(), problem }))
    }

    /// A value that is not the constant it has to be.
    #[cold]
    pub(crate) fn constant(value: Value, expected: &str) -> Self {
        let problem = format!("is not {expected:?}");
        Self(Box::new(Inner { value, path: String::new(), problem }))
    }

    /// A value with a problem that somebody else has worded.
    #[cold]
    pub(crate) fn other(value: Value, problem: impl fmt::Display) -> Self {
        let problem = format!("does not fit: {problem}");
        Self(Box::new(Inner { value, path: String::new(), problem }))
    }

    /// An object without a required member.
    #[cold]
    pub(crate) fn missing(member: &str, value: Value) -> Self {
        let (path, problem) = (format!(".{member}"), "is missing".to_owned());
        Self(Box::new(Inner { value, path, problem }))
    }

    /// The same problem, seen from the value around it.
    #[cold]
    pub(crate) fn within(mut self, step: &str, outer: Value) -> Self {
        self.0.path.insert_str(0, step);
        self.0.value = outer;
        self
    }

    pub(crate) fn take_value(&mut self) -> Value {
        self.0.value.take()
    }

    pub(crate) fn into_value(self) -> Value {
        self.0.value
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.path.trim_start_matches('.') {
            "" => write!(f, "the value {}", self.0.problem),
            path => write!(f, "`{path}` {}", self.0.problem),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
