//! Problems in a config.

use crate::suggest::{did_you_mean, near};
use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// Something in a config that is wrong, or that has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Whether it is an error or a warning.
    pub severity: Severity,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The place in the document, like `mcpServers.weather.timeout`; empty for the document itself.
    pub path: String,
    /// What is wrong, and what to do about it. Never quotes possible secrets.
    pub message: String,
}

/// How severe a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Something has no effect; the rest is used.
    Warning,
    /// The server, or the whole file, cannot be used.
    Error,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// A config cannot be read, used, changed or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written; its old content is unchanged.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no map of servers where one is expected.
    #[error("no MCP servers are defined in {}: they belong into `mcpServers`", place(path.as_deref()))]
    NoServers {
        /// The file, if it came from one.
        path: Option<PathBuf>,
    },
    /// The text is not valid JSON or YAML, or entries in it are invalid. All problems are listed.
    #[error("{} is not a valid config of MCP servers:{}", place(path.as_deref()), list(problems))]
    Invalid {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// What is wrong, in the order of the text.
        problems: Vec<Problem>,
    },
    /// The text is YAML, which can be read but not changed.
    #[error("a config in YAML is only read: change it by hand, or by `goose configure`")]
    ReadOnly,
    /// No server has this name.
    #[error("there is no server {name:?}{}", did_you_mean(near))]
    NoSuchServer {
        /// The name.
        name: String,
        /// Names like it.
        near: Vec<String>,
    },
    /// Several servers have this name.
    #[error("there are several servers {name:?}: say one of {}", of.join(", "))]
    Ambiguous {
        /// The name.
        name: String,
        /// The addresses of each.
        of: Vec<String>,
    },
    /// A server with this name exists already.
    #[error("there is a server {name:?} already")]
    Exists {
        /// The name.
        name: String,
    },
}

impl ConfigError {
    /// Returns the error for an unknown server name.
    pub(super) fn no_such_server<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let near = near(name, known).into_iter().map(str::to_owned).collect();
        Self::NoSuchServer { name: name.to_owned(), near }
    }

    /// The problems of the text, if those are the reason.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems, .. } => problems,
            _ => &[],
        }
    }

    /// Adds the file to the error.
    pub(super) fn in_file(mut self, file: &Path) -> Self {
        if let Self::NoServers { path } | Self::Invalid { path, .. } = &mut self {
            *path = Some(file.to_owned());
        }
        self
    }
}

fn place(path: Option<&Path>) -> String {
    path.map_or_else(|| "the text".to_owned(), |path| path.display().to_string())
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
