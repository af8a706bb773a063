//! Problems in a config.

use crate::near::{did_you_mean, near};
use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// Something in a file of servers that is wrong, or that has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// Where in the document it is, like `mcpServers.weather.timeout`; empty for the document.
    pub path: String,
    /// What is wrong, and what to do. Never quotes what may be a secret.
    pub message: String,
}

/// How bad a [`Problem`] is.
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

/// A file of servers cannot be read, used, changed or written.
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
    /// The file cannot be written; it is as it was.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no map of servers where one is looked for.
    #[error("no MCP servers are defined in {}", place(path.as_deref()))]
    NoServers {
        /// The file, if it came from one.
        path: Option<PathBuf>,
    },
    /// The text is not JSON, or not YAML where that is expected, or servers in it are not what servers have to be. All that is wrong is listed.
    #[error("{} is not a valid config of MCP servers:{}", place(path.as_deref()), list(problems))]
    Invalid {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// What is wrong, in the order of the text.
        problems: Vec<Problem>,
    },
    /// The text is YAML, which is read and not changed.
    #[error("a config in YAML is only read: change it by hand, or by `goose configure`")]
    ReadOnly,
    /// There is no server of this name.
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
    /// There is a server of this name already.
    #[error("there is a server {name:?} already")]
    Exists {
        /// The name.
        name: String,
    },
}

impl ConfigError {
    /// The error of a name that no server has.
    pub(super) fn no_such_server<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let near = near(name, known).into_iter().map(str::to_owned).collect();
        Self::NoSuchServer { name: name.to_owned(), near }
    }

    /// What is wrong with the text, if that is the matter.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems, .. } => problems,
            _ => &[],
        }
    }

    /// The same error about a file.
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
