//! Parsing the entry of one server.

use super::{
    Auth, OAuthSettings, RemoteProtocol, RemoteServer, ServerConfig, ServerTransport, StdioServer,
    TlsFiles, ToolRules,
    keys::{self, Key},
    oauth,
    report::Report,
    tls,
    tools::{self, Tools},
    values, variables,
};
use jsonc_parser::{
    ast::{Object, ObjectProp, Value},
    common::{Range, Ranged},
};
use std::collections::{BTreeMap, HashMap};

/// The members of a server that have an effect.
type Members<'a, 'b> = HashMap<Key, &'b ObjectProp<'a>>;

/// The members that only servers with a command have.
const OF_COMMANDS: [Key; 6] =
    [Key::Command, Key::Args, Key::Cwd, Key::Env, Key::EnvKeys, Key::EnvFile];
/// The members that only servers with a URL have.
const OF_URLS: [Key; 7] =
    [Key::Url, Key::Headers, Key::Auth, Key::OAuth, Key::Tls, Key::Verify, Key::SseReadTimeout];

/// The transport that a server's entry states.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stated {
    Stdio,
    Remote(RemoteProtocol),
}

/// Reads a server; `None` if it has an error.
pub(super) fn read(value: &Value<'_>, report: &mut Report<'_>) -> Option<ServerConfig> {
    let before = report.errors();
    let Some(entry) = value.as_object() else {
        report.error(value.range(), "is no server: a server is an object");
        return None;
    };
    let members = members(entry, report);
    let stated = members.get(&Key::Transport).and_then(|member| stated(member, report));
    let transport = transport(entry.range, &members, stated, report);
    // Without a transport there was an error, but all other problems are still to be reported.
    let mut server = transport.map_or_else(|| ServerConfig::command(""), ServerConfig::new);
    read_rest(&members, &mut server, report);
    (report.errors() == before).then_some(server)
}

/// Finds the members that have an effect, and reports those that have none.
fn members<'a, 'b>(entry: &'b Object<'a>, report: &mut Report<'_>) -> Members<'a, 'b> {
    let mut members: Members<'a, 'b> = HashMap::new();
    for member in &entry.properties {
        let name = member.name.as_str();
        report.within(name, |report| match keys::key(name) {
            None => {
                if let Some(message) = keys::no_effect(name) {
                    report.warning(member.range(), message);
                }
            }
            Some(key) => match members.get(&key) {
                None => drop(members.insert(key, member)),
                Some(first) if first.name.as_str() == name => {
                    report.error(member.range(), "is there twice");
                }
                Some(first) => second_name(first, member, report),
            },
        });
    }
    members
}

/// Reports a member that is present under two names.
fn second_name(first: &ObjectProp<'_>, second: &ObjectProp<'_>, report: &mut Report<'_>) {
    if !same(&first.value, &second.value) {
        let first = first.name.as_str();
        let message = format!("says something else than `{first}`, which means the same");
        report.error(second.range(), message);
    }
}

fn same(one: &Value<'_>, other: &Value<'_>) -> bool {
    let value = |value: &Value<'_>| serde_json::Value::from(value.clone());
    let (one, other) = (value(one), value(other));
    match (one.as_str().map(protocol), other.as_str().map(protocol)) {
        (Some(Some(one)), Some(Some(other))) => one == other,
        _ => one == other,
    }
}

/// Reads `type` or `transport`.
fn stated(member: &ObjectProp<'_>, report: &mut Report<'_>) -> Option<Stated> {
    report.within(member.name.as_str(), |report| {
        let text = values::string(&member.value, report)?;
        let stated = protocol(&text);
        if stated.is_none() {
            let message = "is none of `stdio`, `http`, `streamable-http`, `sse`, `ws`";
            report.error(member.value.range(), message);
        }
        stated
    })
}

fn protocol(text: &str) -> Option<Stated> {
    let text = text.to_ascii_lowercase().replace('_', "-");
    Some(match text.as_str() {
        "stdio" | "local" => Stated::Stdio,
        "http" | "streamable-http" | "streamablehttp" => Stated::Remote(RemoteProtocol::Http),
        "sse" => Stated::Remote(RemoteProtocol::HttpSse),
        "ws" | "websocket" => Stated::Remote(RemoteProtocol::WebSocket),
        "remote" => Stated::Remote(RemoteProtocol::Auto),
        _ => return None,
    })
}

fn transport(
    at: Range,
    members: &Members<'_, '_>,
    stated: Option<Stated>,
    report: &mut Report<'_>,
) -> Option<ServerTransport> {
    let (command, url) = (members.get(&Key::Command), members.get(&Key::Url));
    match (stated, command, url) {
        (Some(Stated::Remote(protocol)), _, Some(url)) => {
            unused(members, &OF_COMMANDS, "a URL", report);
            remote(url, Some(protocol), members, report)
        }
        (_, Some(command), _) if !matches!(stated, Some(Stated::Remote(_))) => {
            unused(members, &OF_URLS, "a command", report);
            stdio(command, members, report)
        }
        (None, None, Some(url)) => {
            unused(members, &OF_COMMANDS, "a URL", report);
            remote(url, None, members, report)
        }
        (Some(Stated::Stdio), None, _) => missing(at, "`command`", report),
        (Some(Stated::Remote(_)), _, None) => missing(at, "`url`", report),
        _ => missing(at, "`command` or `url`", report),
    }
}

fn missing<T>(at: Range, name: &str, report: &mut Report<'_>) -> Option<T> {
    report.error(at, format!("needs {name}"));
    None
}

/// Reports members that apply only to the other kind of server.
fn unused(members: &Members<'_, '_>, keys: &[Key], kind: &str, report: &mut Report<'_>) {
    for member in keys.iter().filter_map(|key| members.get(key)) {
        report.within(member.name.as_str(), |report| {
            report.warning(member.range(), format!("has no effect for a server with {kind}"));
        });
    }
}

fn stdio(
    command: &ObjectProp<'_>,
    members: &Members<'_, '_>,
    report: &mut Report<'_>,
) -> Option<ServerTransport> {
    let text = field(command, report, values::string);
    if text.as_deref().is_some_and(|command| command.trim().is_empty()) {
        report.within("command", |report| report.error(command.value.range(), "is empty"));
    }
    let args = read_key(members, Key::Args, report, values::strings);
    let env = read_key(members, Key::Env, report, values::string_map);
    let passed_on = read_key(members, Key::EnvKeys, report, variable_names).unwrap_or_default();
    let env_file = read_key(members, Key::EnvFile, report, values::string);
    let cwd = read_key(members, Key::Cwd, report, values::string);
    let (args, mut env) = (args.unwrap_or_default(), env.unwrap_or_default());
    for name in passed_on {
        let value = format!("${{{name}}}");
        env.entry(name).or_insert(value);
    }
    Some(ServerTransport::Stdio(StdioServer { command: text?, args, env, env_file, cwd }))
}

fn remote(
    url: &ObjectProp<'_>,
    stated: Option<RemoteProtocol>,
    members: &Members<'_, '_>,
    report: &mut Report<'_>,
) -> Option<ServerTransport> {
    let text = field(url, report, values::string);
    if let Some(text) = &text {
        report.within(url.name.as_str(), |report| check_url(text, url.value.range(), report));
    }
    let headers = read_key(members, Key::Headers, report, values::string_map).unwrap_or_default();
    let said = read_key(members, Key::Auth, report, auth);
    let (auth, client) = said.map_or((None, None), |(auth, client)| (Some(auth), client));
    let oauth = read_key(members, Key::OAuth, report, oauth::read).flatten().or(client);
    let auth = auth.or_else(|| oauth.as_ref().map(|_| Auth::OAuth));
    let oauth = oauth.unwrap_or_default();
    let mut tls = read_key(members, Key::Tls, report, tls::read).unwrap_or_default();
    let verify = verify(members, &mut tls, report);
    let idle_timeout = read_key(members, Key::SseReadTimeout, report, values::seconds);
    check_authorization(members, &headers, auth.as_ref(), report);
    let named = (url.name.as_str() == "httpUrl").then_some(RemoteProtocol::Http);
    let protocol = stated.or(named).unwrap_or_default();
    if protocol == RemoteProtocol::WebSocket {
        unused(members, &[Key::SseReadTimeout], "a WebSocket", report);
    }
    let idle_timeout = idle_timeout.filter(|limit| !limit.is_zero());
    let url = text?;
    Some(ServerTransport::Remote(RemoteServer {
        url,
        protocol,
        headers,
        auth,
        oauth,
        tls,
        verify,
        idle_timeout,
    }))
}

/// Reads the names of environment variables.
fn variable_names(value: &Value<'_>, report: &mut Report<'_>) -> Option<Vec<String>> {
    let names = values::strings(value, report)?;
    if let Some(wrong) = names.iter().find(|name| !variables::is_name(name)) {
        report.error(value.range(), format!("has {wrong:?}, which is no name of a variable"));
        return None;
    }
    Some(names)
}

/// Reads `verify`: whether to verify certificates; a path is that of a trusted authority.
fn verify(members: &Members<'_, '_>, tls: &mut TlsFiles, report: &mut Report<'_>) -> bool {
    let said = read_key(members, Key::Verify, report, |value, report| match value {
        Value::BooleanLit(said) => Some((said.value, None)),
        Value::StringLit(path) => Some((true, Some(path.value.clone().into_owned()))),
        other => values::wrong(other, "`true` or the path of a file of certificates", report),
    });
    let Some((verify, path)) = said else { return true };
    match (&tls.ca, path) {
        (None, Some(path)) => tls.ca = Some(path),
        (Some(ca), Some(path)) if *ca != path => {
            unused(members, &[Key::Verify], "`tls.ca`", report);
        }
        _ => {}
    }
    verify
}

/// Reads `auth`: `oauth`, a token, or, as in Cursor, an object about the client that logs in.
fn auth(value: &Value<'_>, report: &mut Report<'_>) -> Option<(Auth, Option<OAuthSettings>)> {
    if value.as_object().is_some() {
        return Some((Auth::OAuth, oauth::read(value, report)?));
    }
    let text = values::string(value, report)?;
    let is_oauth = text.eq_ignore_ascii_case("oauth");
    Some((if is_oauth { Auth::OAuth } else { Auth::Bearer(text) }, None))
}

/// Checks as much of a URL as is present: any part may be a variable.
fn check_url(text: &str, at: Range, report: &mut Report<'_>) {
    const SCHEMES: [&str; 4] = ["http", "https", "ws", "wss"];

    if text.contains("${") {
        return;
    }
    match mcp_transport::Url::parse(text) {
        Err(error) => report.error(at, format!("is {error}")),
        Ok(url) if !SCHEMES.contains(&url.scheme()) => {
            report.error(at, format!("has the scheme {:?}: use http or https", url.scheme()));
        }
        Ok(_) => {}
    }
}

fn check_authorization(
    members: &Members<'_, '_>,
    headers: &BTreeMap<String, String>,
    auth: Option<&Auth>,
    report: &mut Report<'_>,
) {
    let has_header = headers.keys().any(|name| name.eq_ignore_ascii_case("authorization"));
    if let (true, Some(_), Some(member)) = (has_header, auth, members.get(&Key::Auth)) {
        let message = "and the header `Authorization` are both there: keep one of them";
        report.within(member.name.as_str(), |report| report.error(member.range(), message));
    }
}

/// Reads the members common to both kinds of server.
fn read_rest(members: &Members<'_, '_>, server: &mut ServerConfig, report: &mut Report<'_>) {
    server.timeout = read_key(members, Key::Timeout, report, values::milliseconds);
    server.init_timeout = read_key(members, Key::InitTimeout, report, values::milliseconds);
    server.description = read_key(members, Key::Description, report, values::string);
    let flag = |key, report: &mut Report<'_>| read_key(members, key, report, values::boolean);
    let (disabled, enabled) = (flag(Key::Disabled, report), flag(Key::Enabled, report));
    server.disabled = disabled.unwrap_or_default() || enabled == Some(false);
    server.keep_alive = flag(Key::KeepAlive, report).unwrap_or_default();
    server.tools = tools(members, report);
}

/// Reads which tools are shown, and how.
fn tools(members: &Members<'_, '_>, report: &mut Report<'_>) -> ToolRules {
    let tools = read_key(members, Key::Tools, report, tools::read);
    let mut names = |key| read_key(members, key, report, values::strings).unwrap_or_default();
    let mut rules = ToolRules {
        include: names(Key::IncludeTools),
        exclude: names(Key::ExcludeTools),
        include_tags: names(Key::IncludeTags),
        exclude_tags: names(Key::ExcludeTags),
        ..ToolRules::default()
    };
    match tools {
        Some(Tools::Names(names)) => rules.include.extend(names),
        Some(Tools::Transforms(transforms)) => rules.transforms = transforms,
        None => {}
    }
    rules
}

fn read_key<T>(
    members: &Members<'_, '_>,
    key: Key,
    report: &mut Report<'_>,
    read: impl FnOnce(&Value<'_>, &mut Report<'_>) -> Option<T>,
) -> Option<T> {
    let member = members.get(&key)?;
    // Some write `null` for a member that is not set.
    if member.value.as_null_keyword().is_some() {
        return None;
    }
    field(member, report, read)
}

fn field<T>(
    member: &ObjectProp<'_>,
    report: &mut Report<'_>,
    read: impl FnOnce(&Value<'_>, &mut Report<'_>) -> Option<T>,
) -> Option<T> {
    report.within(member.name.as_str(), |report| read(&member.value, report))
}
