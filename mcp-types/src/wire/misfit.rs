//! Values that do not fit their type.

use crate::json::{Mark, Reader};
use serde_json::{Error, Value};
use std::{borrow::Cow, fmt};

/// Why no value was made of text.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is something in the text that no value can be made of.
    Text(Error),
    /// The value is of another shape.
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
    /// A value that begins with this byte, of another JSON type than expected.
    #[cold]
    pub(crate) fn unexpected(first: u8, expected: &str) -> Self {
        Self::Misfit(Misfit::new(
            String::new(),
            format!("is {} instead of {expected}", kind(first)),
        ))
    }

    /// A value that is not the constant it has to be.
    #[cold]
    pub(crate) fn constant(expected: &str) -> Self {
        Self::Misfit(Misfit::new(String::new(), format!("is not {expected:?}")))
    }

    /// An object without a required member.
    #[cold]
    pub(crate) fn missing(member: &str) -> Self {
        Self::Misfit(Misfit::new(format!(".{member}"), "is missing"))
    }

    /// The same problem, seen from the value around it.
    #[cold]
    pub(crate) fn within(mut self, step: fmt::Arguments<'_>) -> Self {
        if let Self::Misfit(misfit) = &mut self {
            misfit.0.path.insert_str(0, &step.to_string());
        }
        self
    }

    /// The value as it is, read again from its start on, and the reason why it does not fit.
    ///
    /// # Errors
    ///
    /// No value can be made of the text.
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
    /// No value can be made of the text.
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

/// What a value is that begins with this byte.
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
