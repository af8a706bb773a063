//! Typed tools: generates Rust code for the tools of a server.
//!
//! [`Generator`] makes a module from a saved `tools/list` result: a struct around a [`Client`](crate::Client) with one method per
//! tool, and types for its arguments and, if it has an output schema, its output. Use it in a `build.rs`, or run `mcp
//! generate`, which writes a file to check in.
//!
//! ```no_run
//! use mcp_client::codegen::Generator;
//!
//! // build.rs
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let saved = std::fs::read_to_string("weather.tools.json")?;
//! let module = Generator::new().struct_name("Weather").generate_json(&saved)?;
//! std::fs::write(format!("{}/weather.rs", std::env::var("OUT_DIR")?), module)?;
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//! mod weather {
//!     include!(concat!(env!("OUT_DIR"), "/weather.rs"));
//! }
//!
//! let weather = weather::Weather::new(&connection);
//! let drift = weather.verify().await?;
//! assert!(drift.is_harmless(), "{drift}");
//! let city = weather::get_weather::Arguments { city: "Oslo".to_owned(), unit: None };
//! let today = weather.get_weather(&city).timeout(Duration::from_secs(5)).await?;
//! ```
//!
//! The code needs the crates `mcp-client`, `serde` and `serde_json`, and no feature of this crate. It does not depend
//! on the order in which the server lists its tools. Server text is not trusted: names become valid identifiers or
//! errors, descriptions become plain words in comments, without code blocks that would run as tests, and a schema (or a
//! part of one) without a Rust type becomes any JSON value. Ranges, lengths and patterns are left for the server to
//! check.

mod docs;
mod module;
mod names;
mod schema;
mod types;

use mcp_types::{ListToolsResult, Tool};
use module::Named;
use std::collections::BTreeMap;

/// The maximum number of tools.
const MAX_TOOLS: usize = 10_000;

/// Generates Rust code for tools.
#[derive(Clone, Debug)]
#[must_use = "nothing is made before `generate`"]
pub struct Generator {
    struct_name: String,
    renames: BTreeMap<String, String>,
    skipped: Vec<String>,
}

/// Why code could not be generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The text is not a result of `tools/list`.
    #[error("the saved tools cannot be read: neither a result of tools/list nor a list of tools")]
    Unreadable(#[source] serde_json::Error),
    /// A tool cannot be read.
    #[error("tool {index} of the list cannot be read: {reason}")]
    BrokenTool {
        /// Its place in the list, from 0.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The saved list has further pages.
    #[error("the saved tools are not all: the list goes on with another page")]
    Incomplete,
    /// There are too many tools.
    #[error("there are {0} tools, and code is made for {MAX_TOOLS} at most")]
    TooMany(usize),
    /// Nothing in the name of a tool can be part of a name in Rust.
    #[error(
        "tool {tool:?} has no name in Rust: give it one with `rename`, or leave it out with `skip`"
    )]
    NoName {
        /// The tool.
        tool: String,
    },
    /// Two tools would have the same method.
    #[error(
        "tools {first:?} and {second:?} would both be the method `{method}`: rename one with `rename`, or leave it out \
         with `skip`"
    )]
    Collision {
        /// One of them.
        first: String,
        /// The other.
        second: String,
        /// The method.
        method: String,
    },
    /// A given name is not a valid Rust identifier.
    #[error("`{name}` cannot be a name in Rust")]
    InvalidName {
        /// The name.
        name: String,
    },
    /// A tool was to be renamed or left out that is not there.
    #[error(
        "there is no tool {tool:?} which could be renamed or left out: look for its name in the list"
    )]
    UnknownTool {
        /// The name that was given.
        tool: String,
    },
    /// The generated code is invalid: a bug in this library.
    #[error("the code cannot be written")]
    Write(#[source] syn::Error),
}

impl Default for Generator {
    fn default() -> Self {
        Self { struct_name: "Tools".to_owned(), renames: BTreeMap::new(), skipped: Vec::new() }
    }
}

impl Generator {
    /// A generator with default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name of the struct. Default: `Tools`.
    pub fn struct_name(mut self, name: impl Into<String>) -> Self {
        self.struct_name = name.into();
        self
    }

    /// Sets the name of a tool's method, and of the module of its types. Default: the name of the tool in snake case,
    /// followed by `_` where it would be a keyword or is taken. It is an error if there is no such tool.
    pub fn rename(mut self, tool: impl Into<String>, method: impl Into<String>) -> Self {
        self.renames.insert(tool.into(), method.into());
        self
    }

    /// Leaves a tool out. It is an error if there is no such tool.
    pub fn skip(mut self, tool: impl Into<String>) -> Self {
        self.skipped.push(tool.into());
        self
    }

    /// Generates the module from JSON: a saved result of `tools/list`, or an array of tools.
    ///
    /// # Errors
    ///
    /// The JSON cannot be read or is incomplete, or a name is unusable.
    pub fn generate_json(&self, saved: &str) -> Result<String, GenerateError> {
        let mut tools = match serde_json::from_str::<ListToolsResult>(saved) {
            Ok(result) if result.next_cursor.is_some() => return Err(GenerateError::Incomplete),
            Ok(result) => result.tools,
            Err(error) => {
                serde_json::from_str(saved).map_err(|_| GenerateError::Unreadable(error))?
            }
        };
        if let Some(broken) = tools.take_broken().into_iter().next() {
            let (index, reason) = (broken.index, broken.reason);
            return Err(GenerateError::BrokenTool { index, reason });
        }
        self.generate(&tools)
    }

    /// Generates the module for these tools.
    ///
    /// # Errors
    ///
    /// A name is unusable.
    pub fn generate(&self, tools: &[Tool]) -> Result<String, GenerateError> {
        let named = self.named(tools)?;
        let is_name = |name: &str| names::is_ident(name) && name.starts_with(char::is_uppercase);
        if !is_name(&self.struct_name) {
            return Err(GenerateError::InvalidName { name: self.struct_name.clone() });
        }
        let tokens = module::write(&self.struct_name, &named);
        let file = syn::parse2(tokens).map_err(GenerateError::Write)?;
        let code = prettyplease::unparse(&file);
        Ok(format!(
            "// Generated by `mcp_client::codegen` from a list of tools, do not edit by hand.\n\n{code}"
        ))
    }

    /// Assigns methods to the tools, sorted by method.
    fn named<'a>(&self, tools: &'a [Tool]) -> Result<Vec<Named<'a>>, GenerateError> {
        if tools.len() > MAX_TOOLS {
            return Err(GenerateError::TooMany(tools.len()));
        }
        let is_unknown = |name: &&String| tools.iter().all(|tool| tool.name != **name);
        if let Some(tool) = self.renames.keys().chain(&self.skipped).find(is_unknown) {
            return Err(GenerateError::UnknownTool { tool: tool.clone() });
        }
        let mut methods: BTreeMap<String, &Tool> = BTreeMap::new();
        for tool in tools.iter().filter(|tool| !self.skipped.contains(&tool.name)) {
            let method = self.method(&tool.name)?;
            if let Some(other) = methods.insert(method.clone(), tool) {
                let (first, second) = (other.name.clone(), tool.name.clone());
                return Err(GenerateError::Collision { first, second, method });
            }
        }
        Ok(methods.into_iter().map(|(method, tool)| Named { tool, method }).collect())
    }

    fn method(&self, tool: &str) -> Result<String, GenerateError> {
        match self.renames.get(tool) {
            Some(name) if names::method(name).as_ref() == Some(name) => Ok(name.clone()),
            Some(name) => Err(GenerateError::InvalidName { name: name.clone() }),
            None => {
                names::method(tool).ok_or_else(|| GenerateError::NoName { tool: tool.to_owned() })
            }
        }
    }
}
