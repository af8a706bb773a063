//! Values that do not fit their type.

use crate::json::{Mark, Reader};
use serde_json::{Error, Value};
use std::{borrow::Cow, fmt};

/// Why no value could be read.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The text contains something that cannot be read as any value.
    Text(Error),
    /// The value has another shape.
    Misfit(Misfit),
}

/// The place in a value that does not fit its type, and the reason.
#[derive(Debug)]
pub(crate) struct Misfit(Box<Inner>);

#[derive(Debug)]
struct Inner {
    path: String,
    problem: Cow<'static, str>,
}

impl Misfit {
    fn new(path: String, problem: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { path, problem: problem.into() }))
    }
}

impl Failure {
    /// A value that begins with this byte has another JSON type than expected.
    #[cold]
    pub(crate) fn unexpected(first: u8, expected: &str) -> Self {
        Self::Misfit(Misfit::new(
            String::new(),
            format!("is {} instead of {expected}", kind(first)),
        ))
    }

    /// A value is not the required constant.
    #[cold]
    pub(crate) fn constant(expected: &str) -> Self {
        Self::Misfit(Misfit::new(String::new(), format!("is not {expected:?}")))
    }

    /// An object lacks a required member.
    #[cold]
    pub(crate) fn missing(member: &str) -> Self {
        Self::Misfit(Misfit::new(format!(".{member}"), "is missing"))
    }

    /// Adds a step to the path, seen from the surrounding value.
    #[cold]
    pub(crate) fn within(mut self, step: fmt::Arguments<'_>) -> Self {
        if let Self::Misfit(misfit) = &mut self {
            misfit.0.path.insert_str(0, &step.to_string());
        }
        self
    }

    /// Reads the value again from its start, as plain JSON, and returns it with the reason why it does not fit.
    ///
    /// # Errors
    ///
    /// The text cannot be read as any value.
    #[cold]
    pub(crate) fn set_aside(
        self,
        reader: &mut Reader<'_>,
        start: Mark,
    ) -> Result<(Value, Misfit), Error> {
        match self {
            Self::Text(error) => Err(error),
            Self::Misfit(misfit) => Ok((reader.again(start)?, misfit)),
        }
    }

    /// Goes back to the start of the value, to read it as another type.
    ///
    /// # Errors
    ///
    /// The text cannot be read as any value.
    #[cold]
    pub(crate) fn retry(self, reader: &mut Reader<'_>, start: Mark) -> Result<(), Error> {
        match self {
            Self::Text(error) => Err(error),
            Self::Misfit(_) => reader.back(start),
        }
    }
}

impl From<Error> for Failure {
    #[cold]
    fn from(error: Error) -> Self {
        Self::Text(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(error) => error.fmt(f),
            Self::Misfit(misfit) => misfit.fmt(f),
        }
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

/// Returns the JSON type of a value that begins with this byte.
fn kind(first: u8) -> &'static str {
    match first {
        b'n' => "null",
        b't' | b'f' => "a boolean",
        b'"' => "a string",
        b'[' => "an array",
        b'{' => "an object",
        _ => "a number",
    }
}
