//! Editing a config text in place.

use super::{
    Auth, RemoteProtocol, ServerConfig, ServerTransport,
    document::SYNTAX,
    keys::{self, Key},
    tools,
};
use jsonc_parser::cst::{CstInputValue as Input, CstObject, CstObjectProp, CstRootNode};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, time::Duration};

/// A text that is being edited.
pub(super) struct Edit {
    root: CstRootNode,
    servers: CstObject,
}

impl Edit {
    /// Starts editing the servers at a place. Missing objects on the way are created; `None` if something else is
    /// there.
    pub(super) fn begin(text: &str, place: &[String]) -> Option<Self> {
        let root = CstRootNode::parse(text, &SYNTAX).ok()?;
        let mut servers = root.object_value_or_create()?;
        for name in place {
            servers = servers.object_value_or_create(name)?;
        }
        Some(Self { root, servers })
    }

    pub(super) fn add(&self, name: &str, server: &ServerConfig) {
        let members = members(server).into_iter();
        let members = members.map(|(key, value)| (keys::name(key).to_owned(), input(value)));
        self.servers.append(name, Input::Object(members.collect()));
    }

    pub(super) fn remove(&self, name: &str) {
        if let Some(member) = self.servers.get(name) {
            member.remove();
        }
    }

    /// Whether any entry has this name, even if it is not a server.
    pub(super) fn has(&self, name: &str) -> bool {
        self.servers.get(name).is_some()
    }

    /// Changes the members in which a server differs; its other members and its comments stay.
    pub(super) fn update(&self, name: &str, old: &ServerConfig, new: &ServerConfig) {
        let Some(entry) = self.entry(name) else { return };
        let (old, new) = (members(old), members(new));
        for (key, value) in &new {
            if old.get(key) != Some(value) {
                set(&entry, *key, value);
            }
        }
        for key in old.keys().filter(|key| !new.contains_key(key)) {
            remove(&entry, *key);
        }
    }

    /// Rewrites all members that have an effect; the others stay.
    pub(super) fn rewrite(&self, name: &str, new: &ServerConfig) {
        let Some(entry) = self.entry(name) else { return };
        for member in entry.properties() {
            if member.decoded_name().is_some_and(|name| keys::key(&name).is_some()) {
                member.remove();
            }
        }
        for (key, value) in members(new) {
            entry.append(keys::name(key), input(value));
        }
    }

    pub(super) fn finish(self) -> String {
        self.root.to_string()
    }

    fn entry(&self, name: &str) -> Option<CstObject> {
        self.servers.get(name)?.object_value()
    }
}

/// Returns the members that represent a server.
fn members(server: &ServerConfig) -> BTreeMap<Key, Value> {
    let mut members = BTreeMap::new();
    match &server.transport {
        ServerTransport::Stdio(stdio) => {
            members.insert(Key::Command, json!(stdio.command));
            put(&mut members, Key::Args, json!(stdio.args), !stdio.args.is_empty());
            put(&mut members, Key::Env, json!(stdio.env), !stdio.env.is_empty());
            put(&mut members, Key::EnvFile, json!(stdio.env_file), stdio.env_file.is_some());
            put(&mut members, Key::Cwd, json!(stdio.cwd), stdio.cwd.is_some());
        }
        ServerTransport::Remote(remote) => {
            let protocol = protocol(remote.protocol);
            put(&mut members, Key::Transport, json!(protocol), protocol.is_some());
            members.insert(Key::Url, json!(remote.url));
            put(&mut members, Key::Headers, json!(remote.headers), !remote.headers.is_empty());
            let auth = remote.auth.as_ref().map(|auth| match auth {
                Auth::Bearer(token) => token.as_str(),
                Auth::OAuth => "oauth",
            });
            put(&mut members, Key::Auth, json!(auth), auth.is_some());
            let oauth = remote.oauth.written();
            put(&mut members, Key::OAuth, json!(oauth), oauth.is_some());
            let tls = remote.tls.written();
            put(&mut members, Key::Tls, json!(tls), tls.is_some());
            put(&mut members, Key::Verify, json!(false), !remote.verify);
            let limit = remote.idle_timeout.map(|limit| limit.as_secs_f64());
            put(&mut members, Key::SseReadTimeout, json!(limit), limit.is_some());
        }
    }
    for (key, limit) in [(Key::Timeout, server.timeout), (Key::InitTimeout, server.init_timeout)] {
        put(&mut members, key, json!(limit.map(milliseconds)), limit.is_some());
    }
    put(&mut members, Key::Disabled, json!(true), server.disabled);
    put(&mut members, Key::KeepAlive, json!(true), server.keep_alive);
    put(&mut members, Key::Description, json!(server.description), server.description.is_some());
    let tools = &server.tools;
    put(&mut members, Key::Tools, tools::written(&tools.transforms), !tools.transforms.is_empty());
    for (key, names) in [
        (Key::IncludeTools, &tools.include),
        (Key::ExcludeTools, &tools.exclude),
        (Key::IncludeTags, &tools.include_tags),
        (Key::ExcludeTags, &tools.exclude_tags),
    ] {
        put(&mut members, key, json!(names), !names.is_empty());
    }
    members
}

fn put(members: &mut BTreeMap<Key, Value>, key: Key, value: Value, is_there: bool) {
    if is_there {
        members.insert(key, value);
    }
}

fn protocol(protocol: RemoteProtocol) -> Option<&'static str> {
    match protocol {
        RemoteProtocol::Auto => None,
        RemoteProtocol::Http => Some("http"),
        RemoteProtocol::HttpSse => Some("sse"),
        RemoteProtocol::WebSocket => Some("ws"),
    }
}

fn milliseconds(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the properties that represent a member.
fn properties(entry: &CstObject, key: Key) -> impl Iterator<Item = CstObjectProp> {
    let is_it =
        move |member: &CstObjectProp| member.decoded_name().and_then(|name| keys::key(&name));
    entry.properties().into_iter().filter(move |member| is_it(member) == Some(key))
}

fn set(entry: &CstObject, key: Key, value: &Value) {
    let mut members = properties(entry, key);
    let Some(member) = members.next() else {
        entry.append(keys::name(key), input(value.clone()));
        return;
    };
    // A second name would contradict the first.
    members.for_each(CstObjectProp::remove);
    match (value, member.object_value()) {
        (Value::Object(wanted), Some(there)) => merge(&there, wanted),
        _ => member.set_value(input(value.clone())),
    }
}

/// Updates an object to these members: those that already match keep their formatting.
fn merge(there: &CstObject, wanted: &Map<String, Value>) {
    for member in there.properties() {
        if member.decoded_name().is_none_or(|name| !wanted.contains_key(&name)) {
            member.remove();
        }
    }
    for (name, value) in wanted {
        match there.get(name) {
            None => drop(there.append(name, input(value.clone()))),
            Some(member) if member.to_serde_value().as_ref() == Some(value) => {}
            Some(member) => member.set_value(input(value.clone())),
        }
    }
}

fn remove(entry: &CstObject, key: Key) {
    properties(entry, key).for_each(CstObjectProp::remove);
}

fn input(value: Value) -> Input {
    match value {
        Value::Null => Input::Null,
        Value::Bool(value) => Input::Bool(value),
        Value::Number(number) => Input::Number(number.to_string()),
        Value::String(text) => Input::String(text),
        Value::Array(elements) => Input::Array(elements.into_iter().map(input).collect()),
        Value::Object(members) => {
            Input::Object(members.into_iter().map(|(name, value)| (name, input(value))).collect())
        }
    }
}
