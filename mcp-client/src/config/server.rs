//! The settings of one server.

use super::{OAuthSettings, TlsFiles, ToolRules};
use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

/// The settings of one server: how to reach it, and how to use it.
///
/// Values are kept as they are written. Their `${…}` are expanded when the server becomes a [`Target`](crate::Target)
/// or a [client](Self::client). `Debug` shows no values that may be secret.
///
/// ```
/// use mcp_client::ServerConfig;
///
/// let files = ServerConfig::command("npx").arg("@example/files").env("TOKEN", "${FILES_TOKEN}");
/// let remote = ServerConfig::url("https://example.com/mcp").bearer("${EXAMPLE_TOKEN}");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// How to reach it.
    pub transport: ServerTransport,
    /// How long a call may take in total. Milliseconds in the file; zero means no limit. Default: that of the client.
    pub timeout: Option<Duration>,
    /// How long connecting may take. Milliseconds in the file; zero means no limit. Default: that of the client.
    pub init_timeout: Option<Duration>,
    /// Whether the server is disabled.
    pub disabled: bool,
    /// Whether its session outlives the connections to it. Default: no.
    pub keep_alive: bool,
    /// A description for people.
    pub description: Option<String>,
    /// Which of its tools are shown, and how.
    pub tools: ToolRules,
    /// The base of relative paths: the folder of the config file that it was read from, if any.
    pub folder: Option<PathBuf>,
}

/// How to reach a server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ServerTransport {
    /// A child process.
    Stdio(StdioServer),
    /// A URL.
    Remote(RemoteServer),
}

impl ServerTransport {
    /// Returns the command or the URL as configured, for a person to read.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Stdio(server) => server.command.clone(),
            Self::Remote(server) => crate::target::without_secrets(&server.url),
        }
    }
}

/// A child process that is a server.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct StdioServer {
    /// The program: a path, or a name that is looked up in `PATH`. No shell reads it.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment variables, in addition to the few that a child inherits.
    pub env: BTreeMap<String, String>,
    /// A file of environment variables, one `NAME=VALUE` per line. It is read whenever the child is started;
    /// [`env`](Self::env) takes precedence. A relative path is relative to the folder of the config.
    pub env_file: Option<String>,
    /// The working directory. Default: that of this process.
    pub cwd: Option<String>,
}

/// A remote server, behind a URL.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct RemoteServer {
    /// The URL.
    pub url: String,
    /// The transport that is spoken there.
    pub protocol: RemoteProtocol,
    /// Headers of every request.
    pub headers: BTreeMap<String, String>,
    /// How the client authenticates. Default: not at all, or with one of the headers.
    pub auth: Option<Auth>,
    /// The settings for an OAuth login.
    pub oauth: OAuthSettings,
    /// Files with certificates.
    pub tls: TlsFiles,
    /// Whether the certificate of the server is verified. With `false`, connecting to an `https` URL is an error: put
    /// its certificate authority into [`tls`](Self::tls) instead. Default: `true`.
    pub verify: bool,
    /// How long an HTTP response or an event stream may be silent. Seconds in the file, as `sse_read_timeout`. Default:
    /// no limit.
    pub idle_timeout: Option<Duration>,
}

/// The transport that is spoken at a URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RemoteProtocol {
    /// What the URL suggests: WebSocket for `ws:` and `wss:`, HTTP with server-sent events if a segment of the path is
    /// `sse`, else streamable HTTP.
    #[default]
    Auto,
    /// Streamable HTTP.
    Http,
    /// HTTP with server-sent events, the transport of 2024-11-05.
    HttpSse,
    /// WebSocket (feature `ws`).
    WebSocket,
}

/// How a client authenticates.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Auth {
    /// With this token.
    Bearer(String),
    /// With OAuth.
    OAuth,
}

impl ServerConfig {
    /// A child process.
    pub fn command(command: impl Into<String>) -> Self {
        Self::new(ServerTransport::Stdio(StdioServer {
            command: command.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            env_file: None,
            cwd: None,
        }))
    }

    /// A remote server, behind a URL.
    pub fn url(url: impl Into<String>) -> Self {
        Self::new(ServerTransport::Remote(RemoteServer {
            url: url.into(),
            protocol: RemoteProtocol::Auto,
            headers: BTreeMap::new(),
            auth: None,
            oauth: OAuthSettings::default(),
            tls: TlsFiles::default(),
            verify: true,
            idle_timeout: None,
        }))
    }

    pub(super) fn new(transport: ServerTransport) -> Self {
        Self {
            transport,
            timeout: None,
            init_timeout: None,
            disabled: false,
            keep_alive: false,
            description: None,
            tools: ToolRules::default(),
            folder: None,
        }
    }

    /// Adds an argument to the command. No effect on a remote server.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        if let ServerTransport::Stdio(server) = &mut self.transport {
            server.args.push(arg.into());
        }
        self
    }

    /// Adds an environment variable to the command. No effect on a remote server.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let ServerTransport::Stdio(server) = &mut self.transport {
            server.env.insert(name.into(), value.into());
        }
        self
    }

    /// Adds a header to every request. No effect on a child process.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let ServerTransport::Remote(server) = &mut self.transport {
            server.headers.insert(name.into(), value.into());
        }
        self
    }

    /// Authenticates with a bearer token. No effect on a child process.
    #[must_use]
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        if let ServerTransport::Remote(server) = &mut self.transport {
            server.auth = Some(Auth::Bearer(token.into()));
        }
        self
    }

    /// Logs in with OAuth when the server asks for it (feature `oauth`). No effect on a child process.
    #[must_use]
    pub fn oauth(mut self, settings: OAuthSettings) -> Self {
        if let ServerTransport::Remote(server) = &mut self.transport {
            server.auth = Some(Auth::OAuth);
            server.oauth = settings;
        }
        self
    }

    /// Limits how long each call may take.
    #[must_use]
    pub fn timeout(self, limit: Duration) -> Self {
        Self { timeout: Some(limit), ..self }
    }
}

impl fmt::Debug for StdioServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StdioServer")
            .field("command", &self.command)
            .field("args", &self.args.len())
            .field("env", &self.env.keys())
            .field("env_file", &self.env_file)
            .field("cwd", &self.cwd)
            .finish()
    }
}

impl fmt::Debug for RemoteServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteServer")
            .field("url", &without_secrets(&self.url))
            .field("protocol", &self.protocol)
            .field("headers", &self.headers.keys())
            .field("auth", &self.auth)
            .field("oauth", &self.oauth)
            .field("tls", &self.tls)
            .field("verify", &self.verify)
            .field("idle_timeout", &self.idle_timeout)
            .finish()
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(..)",
            Self::OAuth => "OAuth",
        })
    }
}

/// Strips the user, password, query and fragment from a URL.
fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = host.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::ServerConfig;

    #[test]
    fn debug_shows_no_secret() {
        let child = ServerConfig::command("npx").arg("--key=hunter2").env("TOKEN", "hunter2");
        let remote = ServerConfig::url("https://me:hunter2@example.com/mcp?key=hunter2#hunter2");
        let remote = remote.header("X-Key", "hunter2").bearer("hunter2");
        let text = format!("{child:?}{remote:?}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("https://example.com/mcp") && text.contains("TOKEN"), "{text}");
    }
}
