//! Turning a server entry into a client.

use super::{
    Auth, Config, OAuthSettings, RemoteProtocol, RemoteServer, ServerConfig, ServerTransport,
    StdioServer, TlsFiles, Variables,
};
use crate::{Client, ClientBuilder, Deadlines, Group, Options, Target, dial::Plan};
use mcp_session::BoxCallService;
use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};
use tower_layer::Layer;

impl ServerConfig {
    /// Returns the server as a target, with its time limits and tool rules, expanded with the variables of this
    /// process.
    ///
    /// Invalid settings and variables without a value are reported when a client connects.
    pub fn target(&self) -> Target {
        self.target_with(&Variables::from_env())
    }

    /// Returns the server as a target, expanded with these variables.
    pub fn target_with(&self, variables: &Variables) -> Target {
        let outcome = if self.disabled {
            Err(Refusal::new("the server is disabled in its config"))
        } else {
            match &self.transport {
                ServerTransport::Stdio(server) => stdio(server, self.folder.as_deref(), variables),
                ServerTransport::Remote(server) => {
                    remote(server, self.folder.as_deref(), variables)
                }
            }
        };
        let target = outcome
            .unwrap_or_else(|Refusal(reason)| Target::invalid(&self.transport.place(), reason));
        let server = self.clone();
        target.planned(move |plan| server.amend(plan))
    }

    /// Applies the config to the plan of a connection; the client's own settings take precedence.
    fn amend(&self, plan: &mut Plan) {
        let (options, defaults) = (&mut plan.options, Options::default());
        if let Some(limit) = self.timeout.filter(|_| options.deadlines == defaults.deadlines) {
            options.deadlines = deadlines(limit);
        }
        let is_default = options.connect_timeout == defaults.connect_timeout;
        if let Some(limit) = self.init_timeout.filter(|_| is_default) {
            options.connect_timeout = (!limit.is_zero()).then_some(limit);
        }
        if !self.tools.is_empty() {
            let layer = self.tools.layer();
            // Innermost, so that other layers see the tools as they are shown.
            plan.wrap.push(Arc::new(move |service| BoxCallService::new(layer.layer(service))));
        }
    }

    /// Starts configuring a client of the server, with its time limits and the variables of this process.
    ///
    /// ```
    /// use mcp_client::{Config, Handlers};
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::parse(r#"{"mcpServers": {"files": {"command": "files-server"}}}"#)?;
    /// let client = config.server("files")?.client().input(Handlers::new()).build();
    /// # Ok(())
    /// # }
    /// ```
    pub fn client(&self) -> ClientBuilder {
        self.client_with(&Variables::from_env())
    }

    /// Starts configuring a client of the server, with its time limits and these variables.
    pub fn client_with(&self, variables: &Variables) -> ClientBuilder {
        self.begin(self.target_with(variables))
    }

    pub(super) fn begin(&self, target: Target) -> ClientBuilder {
        let mut client = Client::builder(target);
        if let Some(limit) = self.timeout {
            client = client.deadlines(deadlines(limit));
        }
        if let Some(limit) = self.init_timeout {
            client = client.connect_timeout(limit);
        }
        if self.keep_alive { client.keep_alive() } else { client }
    }
}

fn deadlines(limit: Duration) -> Deadlines {
    if limit.is_zero() { Deadlines::NONE } else { Deadlines::total(limit) }
}

/// Why a config does not yield a target.
pub(super) struct Refusal(pub(super) String);

impl Refusal {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    #[cfg(feature = "http")]
    fn of(error: &mcp_transport::Error) -> Self {
        Self(error.to_string())
    }
}

/// Expands variables, and remembers those without a value.
struct Filler<'a> {
    variables: &'a Variables,
    missing: BTreeSet<String>,
}

impl<'a> Filler<'a> {
    fn new(variables: &'a Variables) -> Self {
        Self { variables, missing: BTreeSet::new() }
    }

    fn fill(&mut self, text: &str) -> String {
        self.variables.fill(text, &mut self.missing)
    }

    fn finish(self) -> Result<(), Refusal> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<_> = self.missing.into_iter().collect();
        Err(Refusal(format!("no value for {}", missing.join(", "))))
    }
}

#[cfg(feature = "stdio")]
fn stdio(
    server: &StdioServer,
    folder: Option<&Path>,
    variables: &Variables,
) -> Result<Target, Refusal> {
    let mut filler = Filler::new(variables);
    let args: Vec<_> = server.args.iter().map(|arg| filler.fill(arg)).collect();
    let env: Vec<_> =
        server.env.iter().map(|(name, value)| (name.clone(), filler.fill(value))).collect();
    let command = mcp_transport::stdio::Command::new(filler.fill(&server.command));
    let cwd = server.cwd.as_ref().map(|cwd| filler.fill(cwd));
    let file =
        server.env_file.as_ref().map(|path| super::files::within(folder, &filler.fill(path)));
    filler.finish()?;
    let command = command.args(args);
    let command = match cwd {
        Some(cwd) => command.current_dir(cwd),
        None => command,
    };
    let Some(file) = file else { return Ok(command.envs(env).into()) };
    let name = Target::from(command.clone()).name().to_owned();
    let read = move || super::files::variables(&file);
    Ok(super::files::target(name, read, move |read| {
        command.clone().envs(read).envs(env.iter().cloned()).into()
    }))
}

#[cfg(not(feature = "stdio"))]
fn stdio(_: &StdioServer, _: Option<&Path>, _: &Variables) -> Result<Target, Refusal> {
    Err(Refusal::new("child processes need the feature `stdio`"))
}

/// A remote server with its variables expanded.
#[cfg_attr(
    not(any(feature = "http", feature = "ws")),
    expect(dead_code, reason = "without a binding nobody sends them")
)]
pub(super) struct Filled {
    pub(super) url: mcp_transport::Url,
    pub(super) headers: Vec<(http::HeaderName, http::HeaderValue)>,
    token: Option<String>,
    /// The settings of a client that logs in.
    pub(super) oauth: Option<OAuthSettings>,
    pub(super) tls: TlsFiles,
    /// How long an answer may stall.
    #[cfg(feature = "http")]
    pub(super) idle_timeout: Option<Duration>,
}

fn remote(
    server: &RemoteServer,
    folder: Option<&Path>,
    variables: &Variables,
) -> Result<Target, Refusal> {
    let filled = filled(server, variables)?;
    let is_websocket = matches!(filled.url.scheme(), "ws" | "wss");
    match server.protocol {
        RemoteProtocol::WebSocket => websocket(filled),
        RemoteProtocol::Auto if is_websocket => websocket(filled),
        protocol => http(protocol, folder, filled),
    }
}

pub(super) fn filled(server: &RemoteServer, variables: &Variables) -> Result<Filled, Refusal> {
    let mut filler = Filler::new(variables);
    let url = filler.fill(&server.url);
    let headers: Vec<_> =
        server.headers.iter().map(|(name, value)| (name, filler.fill(value))).collect();
    let token = match &server.auth {
        Some(Auth::Bearer(token)) => Some(filler.fill(token)),
        Some(Auth::OAuth) | None => None,
    };
    let mut fill = |text: &String| filler.fill(text);
    let oauth = server.auth.as_ref().filter(|auth| **auth == Auth::OAuth).map(|_| OAuthSettings {
        client_id: server.oauth.client_id.as_ref().map(&mut fill),
        client_secret: server.oauth.client_secret.as_ref().map(&mut fill),
        scopes: server.oauth.scopes.iter().map(&mut fill).collect(),
        callback_port: server.oauth.callback_port,
        token_file: server.oauth.token_file.as_ref().map(&mut fill),
    });
    let mut fill = |text: &Option<String>| text.as_ref().map(|text| filler.fill(text));
    let TlsFiles { ca, cert, key } = &server.tls;
    let tls = TlsFiles { ca: fill(ca), cert: fill(cert), key: fill(key) };
    filler.finish()?;
    let url = mcp_transport::Url::parse(&url);
    let url = url.map_err(|error| Refusal(format!("`url` is {error}")))?;
    if !server.verify && matches!(url.scheme(), "https" | "wss") {
        let reason = "certificates are always verified: in place of `verify: false`, give the authority of the server as `tls.ca`";
        return Err(Refusal::new(reason));
    }
    let headers = headers.into_iter().map(|(name, value)| header(name, &value));
    Ok(Filled {
        url,
        headers: headers.collect::<Result<_, _>>()?,
        token,
        oauth,
        tls,
        #[cfg(feature = "http")]
        idle_timeout: server.idle_timeout,
    })
}

fn header(name: &str, value: &str) -> Result<(http::HeaderName, http::HeaderValue), Refusal> {
    let invalid = |what| Refusal(format!("the {what} of the header {name:?} cannot be sent"));
    let parsed = name.parse().map_err(|_| invalid("name"))?;
    let mut value = http::HeaderValue::from_str(value).map_err(|_| invalid("value"))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

#[cfg(feature = "http")]
pub(super) fn http_endpoint(
    protocol: RemoteProtocol,
    url: mcp_transport::Url,
    headers: Vec<(http::HeaderName, http::HeaderValue)>,
    idle_timeout: Option<Duration>,
) -> Result<mcp_transport::http::Endpoint, Refusal> {
    use mcp_transport::http::Endpoint;

    let is_sse = protocol == RemoteProtocol::HttpSse
        || (protocol == RemoteProtocol::Auto && crate::target::is_http_sse(url.as_str()));
    let endpoint = Endpoint::new(url).map_err(|error| Refusal::of(&error))?;
    let endpoint = headers.into_iter().fold(endpoint, |it, (name, value)| it.header(name, value));
    let endpoint = match idle_timeout {
        Some(limit) => endpoint.idle_timeout(limit),
        None => endpoint,
    };
    Ok(if is_sse { endpoint.http_sse() } else { endpoint })
}

#[cfg(feature = "http")]
fn http(
    protocol: RemoteProtocol,
    folder: Option<&Path>,
    filled: Filled,
) -> Result<Target, Refusal> {
    let Filled { url, headers, token, oauth, tls, idle_timeout } = filled;
    let endpoint = http_endpoint(protocol, url, headers, idle_timeout)?;
    if tls.is_empty() {
        return shown(endpoint, token, oauth);
    }
    // Other problems are reported whatever the files contain.
    let name = shown(endpoint.clone(), token.clone(), oauth.clone())?.name().to_owned();
    let folder = folder.map(Path::to_owned);
    let read = move || super::files::tls(&tls, folder.as_deref());
    let place = name.clone();
    Ok(super::files::target(name, read, move |tls| {
        let target = shown(endpoint.clone().tls(tls), token.clone(), oauth.clone());
        target.unwrap_or_else(|Refusal(reason)| Target::invalid(&place, reason))
    }))
}

/// Returns an endpoint whose client authenticates.
#[cfg(feature = "http")]
fn shown(
    endpoint: mcp_transport::http::Endpoint,
    token: Option<String>,
    oauth: Option<OAuthSettings>,
) -> Result<Target, Refusal> {
    use mcp_transport::http::AddBearerLayer;

    if let Some(settings) = oauth {
        return login(endpoint, settings);
    }
    Ok(match token {
        Some(token) => {
            let layer = AddBearerLayer::new(&token).map_err(|error| Refusal::of(&error))?;
            endpoint.layer(layer).into()
        }
        None => endpoint.into(),
    })
}

#[cfg(feature = "oauth")]
fn login(
    endpoint: mcp_transport::http::Endpoint,
    settings: OAuthSettings,
) -> Result<Target, Refusal> {
    let receiver = crate::oauth::in_browser().port(settings.callback_port.unwrap_or_default());
    Ok(Target::logging_in(endpoint, oauth("mcp-client", settings).receiver(receiver)))
}

/// Returns the login of a config, for a client with this name.
#[cfg(feature = "oauth")]
pub(super) fn oauth(name: &str, settings: OAuthSettings) -> crate::oauth::OAuth {
    use crate::oauth::{FileStore, OAuth};

    let mut oauth = OAuth::new(name).scopes(settings.scopes);
    if let Some(client_id) = settings.client_id {
        oauth = oauth.client_id(client_id);
    }
    if let Some(secret) = settings.client_secret {
        oauth = oauth.client_secret(secret);
    }
    if let Some(path) = settings.token_file {
        oauth = oauth.store(FileStore::new(path));
    }
    oauth
}

#[cfg(all(feature = "http", not(feature = "oauth")))]
fn login(_: mcp_transport::http::Endpoint, _: OAuthSettings) -> Result<Target, Refusal> {
    Err(Refusal::new("a login by OAuth needs the feature `oauth`"))
}

#[cfg(not(feature = "http"))]
fn http(_: RemoteProtocol, _: Option<&Path>, _: Filled) -> Result<Target, Refusal> {
    Err(Refusal::new("HTTP needs the feature `http`"))
}

#[cfg(feature = "ws")]
fn websocket(filled: Filled) -> Result<Target, Refusal> {
    let Filled { url, headers, token, oauth, tls, .. } = filled;
    if !tls.is_empty() {
        return Err(Refusal::new("`tls` is for HTTP, and not for WebSocket"));
    }
    if oauth.is_some() {
        return Err(Refusal::new("a login by OAuth is for HTTP, and not for WebSocket"));
    }
    let token = token.map(|token| header("authorization", &format!("Bearer {token}")));
    let headers = headers.into_iter().map(Ok).chain(token).collect::<Result<Vec<_>, _>>()?;
    let socket = mcp_transport::websocket::WebSocket::new(url);
    Ok(headers.into_iter().fold(socket, |it, (name, value)| it.header(name, value)).into())
}

#[cfg(not(feature = "ws"))]
fn websocket(_: Filled) -> Result<Target, Refusal> {
    Err(Refusal::new("WebSocket needs the feature `ws`"))
}

impl From<&ServerConfig> for Target {
    fn from(server: &ServerConfig) -> Self {
        server.target()
    }
}

impl From<ServerConfig> for Target {
    fn from(server: ServerConfig) -> Self {
        server.target()
    }
}

/// The servers that are not disabled: a single one as it is, several as a [`Group`], which is created anew for each
/// session. Its members have the options of the client, so that the client's handlers answer all of them.
impl From<&Config> for Target {
    fn from(config: &Config) -> Self {
        let enabled: Vec<_> = config.servers().filter(|(_, server)| !server.disabled).collect();
        match &enabled[..] {
            [] => Self::invalid("a config", "the config has no server that is enabled"),
            [(_, server)] => server.target(),
            several => Group::target_of(config, several.len()),
        }
    }
}

impl From<Config> for Target {
    fn from(config: Config) -> Self {
        Self::from(&config)
    }
}
