//! The files in which editors and agents keep their servers (feature `config`).
//!
//! [`Config`] reads, checks and changes them:
//!
//! ```
//! use mcp_client::{Client, Config, ServerConfig};
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config: Config = r#"{
//!   "mcpServers": {
//!     // Comments stay where they are.
//!     "weather": {"url": "https://example.com/mcp", "headers": {"X-Key": "${WEATHER_KEY}"}},
//!   }
//! }"#.parse()?;
//! let client = Client::new(config.server("weather")?);
//!
//! config.add_server("files", &ServerConfig::command("npx").arg("@example/files"))?;
//! println!("{}", config.text());
//! # Ok(())
//! # }
//! ```
//!
//! # Shapes
//!
//! | shape | who has it |
//! |---|---|
//! | `{"mcpServers": {…}}` | Claude Desktop, Claude Code, Cursor, Windsurf, Gemini, FastMCP |
//! | `{"servers": {…}, "inputs": […]}`, `{"mcp": {"servers": {…}}}` | VS Code |
//! | `{"name": {"command": …}, …}` | servers at the root |
//! | `{"projects": {"/folder": {"mcpServers": {…}}}}` | Claude Code, for one project: [`Config::parse_at`] |
//! | `extensions: {…}` | Goose, in YAML: [`Config::parse_goose`], and files that end in `.yaml` or `.yml` |
//!
//! All others are JSON, with comments and trailing commas. YAML can be read but not changed. Goose counts its `timeout`
//! in seconds, and its built-in extensions are not servers, which is reported as a warning.
//!
//! # A server
//!
//! | member | also | what |
//! |---|---|---|
//! | `command`, `args`, `env`, `cwd` | | a child process |
//! | `envFile` | `env_file` | a file of environment variables for it, lines of `NAME=VALUE`, read whenever it is started |
//! | `env_keys` | `envKeys` | names of environment variables that it gets from the environment of this process |
//! | `url` | `httpUrl`, `serverUrl` | a server behind a URL |
//! | `type` | `transport` | `stdio`, `http` or `streamable-http`, `sse`, `ws`; without it, command or URL say it |
//! | `headers`, `auth` | | headers of every request; a bearer token, or `"oauth"` |
//! | `oauth` | `auth` as an object | `{"clientId", "clientSecret", "scopes", "callbackPort", "tokenFile"}`: the settings of an OAuth login |
//! | `tls` | | `{"ca", "cert", "key"}`: PEM files: authorities to trust in addition to those of the platform, and a client certificate |
//! | `verify` | | a path is `tls.ca`; `false` is refused when a client connects: certificates are always verified |
//! | `sse_read_timeout` | `sseReadTimeout` | how long an HTTP answer may be silent, in seconds |
//! | `timeout`, `init_timeout` | `initTimeout` | limits of a call, and of connecting, in milliseconds |
//! | `disabled` | `enabled` | whether the server is used |
//! | `keep_alive` | `keepAlive` | whether its session outlives the connections to it |
//! | `description` | | a description for people |
//! | `tools` | | how tools are shown: `{"name": {"name", "title", "description", "tags", "enabled", "arguments"}}`; or an array of the names to show |
//! | `includeTools`, `excludeTools` | `include_tools`, `exclude_tools` | patterns for the names of tools to show, or to hide |
//! | `include_tags`, `exclude_tags` | `includeTags`, `excludeTags` | tags of tools to show, or to hide |
//!
//! An argument of a tool has `{"name", "description", "default", "hide"}`: one that is hidden and has a default is
//! fixed.
//!
//! Relative paths in `envFile` and `tls` are relative to the folder of the config.
//!
//! If there is a command and a URL, `type` decides, and without it the command is used. Values may contain
//! [`Variables`]. Unknown members are reported as warnings, and kept.

mod discover;
mod document;
mod edit;
mod entry;
#[cfg(feature = "stdio")]
mod env_file;
mod file;
#[cfg(any(feature = "stdio", feature = "http"))]
mod files;
mod goose;
mod keys;
#[cfg(feature = "cli")]
mod login;
mod oauth;
mod problem;
mod report;
mod server;
mod target;
mod tls;
mod tools;
mod values;
mod variables;
mod yaml;

pub use discover::{Address, Discovered, Discovery, discover};
pub use oauth::OAuthSettings;
pub use problem::{ConfigError, Problem, Severity};
pub use server::{Auth, RemoteProtocol, RemoteServer, ServerConfig, ServerTransport, StdioServer};
pub use tls::TlsFiles;
pub use tools::ToolRules;
pub use variables::Variables;

use document::Content;
use edit::Edit;
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// A byte order mark, which some editors put before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of a config file, and the servers in it. See the [module](self).
///
/// Changes are made in the text itself: unknown members, order and comments are preserved.
#[derive(Clone)]
pub struct Config {
    text: String,
    content: Content,
    /// The base of its servers' relative paths.
    folder: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl Config {
    /// Creates a config without servers.
    pub fn new() -> Self {
        let place = vec!["mcpServers".to_owned()];
        let content = Content { place, servers: Vec::new(), problems: Vec::new(), is_yaml: false };
        Self { text: "{\n  \"mcpServers\": {}\n}\n".to_owned(), content, folder: None }
    }

    /// Parses a config.
    ///
    /// ```
    /// use mcp_client::{Client, Config};
    /// use serde_json::json;
    ///
    /// let servers = json!({"mcpServers": {
    ///     "weather": {"url": "https://example.com/mcp", "auth": "${TOKEN}"},
    ///     "files": {"command": "files-server", "args": ["--root", "."], "env": {"LOG_LEVEL": "info"}},
    /// }});
    /// // One client of both: their tools are `weather_…` and `files_…`.
    /// let client = Client::new(Config::parse(&servers.to_string())?);
    /// # Ok::<(), mcp_client::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The text is not JSON, has no map of servers, or an entry is invalid. The error lists all problems, with lines
    /// and columns.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::read(text, None)?.checked()
    }

    /// Reads a text, and leaves out servers that are not what they have to be: [`problems`](Self::problems) tells them.
    ///
    /// # Errors
    ///
    /// The text is not JSON, or there is no map of servers in it.
    pub fn parse_lossy(text: &str) -> Result<Self, ConfigError> {
        Self::read(text, None)
    }

    /// Parses the servers at one place in the text, given as the names of the members that lead there.
    ///
    /// ```
    /// use mcp_client::Config;
    ///
    /// let text = r#"{"projects": {"/srv/a": {"mcpServers": {"b": {"command": "c"}}}}}"#;
    /// let config = Config::parse_at(text, ["projects", "/srv/a", "mcpServers"])?;
    /// assert!(config.server("b").is_ok());
    /// # Ok::<(), mcp_client::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`parse`](Self::parse).
    pub fn parse_at<N: Into<String>>(
        text: &str,
        place: impl IntoIterator<Item = N>,
    ) -> Result<Self, ConfigError> {
        let place: Vec<_> = place.into_iter().map(Into::into).collect();
        Self::read(text, Some(&place))?.checked()
    }

    /// Parses the text of a Goose `config.yaml`. It can be used like any other config, but not changed.
    ///
    /// ```
    /// use mcp_client::Config;
    ///
    /// let config = Config::parse_goose("extensions:\n  files:\n    type: stdio\n    cmd: files-server\n")?;
    /// assert!(config.server("files").is_ok());
    /// # Ok::<(), mcp_client::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The text is not YAML, has no `extensions`, or an entry is invalid.
    pub fn parse_goose(text: &str) -> Result<Self, ConfigError> {
        Self::read_as(text, true)?.checked()
    }

    /// Reads a config file, in the format of Goose if its name ends in `.yaml` or `.yml`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or those of [`parse`](Self::parse).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let config = Self::read_as(&file::read(path)?, file::is_yaml(path));
        let config = config.map(|config| config.of_file(path));
        config.and_then(Self::checked).map_err(|error| error.in_file(path))
    }

    /// Reads a file, and leaves out servers that are not what they have to be: [`problems`](Self::problems) tells them.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is not JSON, or has no map of servers.
    pub fn from_file_lossy(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let config = Self::read_as(&file::read(path)?, file::is_yaml(path));
        config.map(|config| config.of_file(path)).map_err(|error| error.in_file(path))
    }

    /// Makes the servers' file names relative to the folder of this file.
    fn of_file(self, path: &Path) -> Self {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        self.in_folder(folder.map(Path::to_owned))
    }

    fn in_folder(mut self, folder: Option<PathBuf>) -> Self {
        for (_, server) in &mut self.content.servers {
            server.folder.clone_from(&folder);
        }
        Self { folder, ..self }
    }

    /// Writes the text to a file atomically, and creates missing folders. An existing file keeps its permissions; a new
    /// one is private to the user, because it may hold keys.
    ///
    /// # Errors
    ///
    /// The file cannot be written; its old content is unchanged.
    pub fn write_to(&self, path: impl AsRef<Path>) -> Result<(), ConfigError> {
        file::write(path.as_ref(), &self.text)
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The servers with their names, in the order of the text, including disabled ones.
    pub fn servers(&self) -> impl ExactSizeIterator<Item = (&str, &ServerConfig)> {
        self.content.servers.iter().map(|(name, server)| (name.as_str(), server))
    }

    /// The server with this name.
    ///
    /// # Errors
    ///
    /// No server has this name; the error suggests similar names.
    pub fn server(&self, name: &str) -> Result<&ServerConfig, ConfigError> {
        self.find(name).ok_or_else(|| self.no_such(name))
    }

    /// Everything that is wrong or has no effect, in the order of the text: only warnings, unless it was parsed
    /// lossily.
    pub fn problems(&self) -> &[Problem] {
        &self.content.problems
    }

    /// Adds a server after the others.
    ///
    /// # Errors
    ///
    /// A server with this name exists already.
    pub fn add_server(&mut self, name: &str, server: &ServerConfig) -> Result<(), ConfigError> {
        let edit = self.edit()?;
        if edit.has(name) {
            return Err(ConfigError::Exists { name: name.to_owned() });
        }
        edit.add(name, server);
        self.finish(edit)
    }

    /// Updates a server. Only members that differ are written; unknown members are preserved.
    ///
    /// # Errors
    ///
    /// There is no server with this name.
    pub fn update_server(&mut self, name: &str, server: &ServerConfig) -> Result<(), ConfigError> {
        let old = self.server(name)?.clone();
        // The folder comes from the location of the file.
        let server = &ServerConfig { folder: self.folder.clone(), ..server.clone() };
        let mut changed = self.clone();
        let edit = self.edit()?;
        edit.update(name, &old, server);
        changed.finish(edit)?;
        // If the text says something in several ways, the smallest edit may not be enough.
        if changed.find(name) != Some(server) {
            let edit = self.edit()?;
            edit.rewrite(name, server);
            changed.finish(edit)?;
        }
        *self = changed;
        Ok(())
    }

    /// Removes a server, even an invalid one.
    ///
    /// # Errors
    ///
    /// There is no server with this name.
    pub fn remove_server(&mut self, name: &str) -> Result<(), ConfigError> {
        let edit = self.edit()?;
        if !edit.has(name) {
            return Err(self.no_such(name));
        }
        edit.remove(name);
        self.finish(edit)
    }

    fn read(text: &str, place: Option<&[String]>) -> Result<Self, ConfigError> {
        let content = document::read(text.trim_start_matches(BYTE_ORDER_MARK), place)?;
        Ok(Self { text: text.to_owned(), content, folder: None })
    }

    fn read_as(text: &str, is_yaml: bool) -> Result<Self, ConfigError> {
        if !is_yaml {
            return Self::read(text, None);
        }
        let content = goose::read(text.trim_start_matches(BYTE_ORDER_MARK))?;
        Ok(Self { text: text.to_owned(), content, folder: None })
    }

    /// Returns the config, unless a server was left out.
    fn checked(self) -> Result<Self, ConfigError> {
        let problems = &self.content.problems;
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(ConfigError::Invalid { path: None, problems: self.content.problems });
        }
        Ok(self)
    }

    fn edit(&self) -> Result<Edit, ConfigError> {
        if self.content.is_yaml {
            return Err(ConfigError::ReadOnly);
        }
        let text = self.text.trim_start_matches(BYTE_ORDER_MARK);
        Edit::begin(text, &self.content.place).ok_or(ConfigError::NoServers { path: None })
    }

    /// Adopts an edit.
    fn finish(&mut self, edit: Edit) -> Result<(), ConfigError> {
        let mark = if self.text.starts_with(BYTE_ORDER_MARK) { "\u{feff}" } else { "" };
        let text = format!("{mark}{}", edit.finish());
        *self = Self::read(&text, Some(&self.content.place))?.in_folder(self.folder.clone());
        Ok(())
    }

    fn find(&self, name: &str) -> Option<&ServerConfig> {
        self.servers().find(|(known, _)| *known == name).map(|(_, server)| server)
    }

    fn no_such(&self, name: &str) -> ConfigError {
        ConfigError::no_such_server(name, self.servers().map(|(name, _)| name))
    }
}

impl FromStr for Config {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        Self::parse(text)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.servers()).finish()
    }
}
