//! The names that editors and agents give to the members of an entry.

use crate::suggest::{did_you_mean, near};

/// A member of a server that has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key {
    Command,
    Args,
    Env,
    EnvKeys,
    EnvFile,
    Cwd,
    Url,
    Transport,
    Headers,
    Auth,
    OAuth,
    Tls,
    Verify,
    SseReadTimeout,
    Timeout,
    InitTimeout,
    Disabled,
    Enabled,
    KeepAlive,
    Description,
    Tools,
    IncludeTools,
    ExcludeTools,
    IncludeTags,
    ExcludeTags,
}

/// The names of each member; the first is the one written.
const NAMES: [(Key, &[&str]); 25] = [
    (Key::Transport, &["type", "transport", "transportType"]),
    (Key::Command, &["command", "cmd"]),
    (Key::Args, &["args"]),
    (Key::Env, &["env", "envs"]),
    (Key::EnvKeys, &["env_keys", "envKeys"]),
    (Key::EnvFile, &["envFile", "env_file"]),
    (Key::Cwd, &["cwd"]),
    (Key::Url, &["url", "httpUrl", "serverUrl", "uri"]),
    (Key::Headers, &["headers"]),
    (Key::Auth, &["auth"]),
    (Key::OAuth, &["oauth"]),
    (Key::Tls, &["tls"]),
    (Key::Verify, &["verify"]),
    (Key::SseReadTimeout, &["sse_read_timeout", "sseReadTimeout"]),
    (Key::Timeout, &["timeout"]),
    (Key::InitTimeout, &["init_timeout", "initTimeout"]),
    (Key::Disabled, &["disabled"]),
    (Key::Enabled, &["enabled"]),
    (Key::KeepAlive, &["keep_alive", "keepAlive"]),
    (Key::Description, &["description"]),
    (Key::Tools, &["tools"]),
    (Key::IncludeTools, &["includeTools", "include_tools", "enabledTools"]),
    (Key::ExcludeTools, &["excludeTools", "exclude_tools", "disabledTools"]),
    (Key::IncludeTags, &["include_tags", "includeTags"]),
    (Key::ExcludeTags, &["exclude_tags", "excludeTags"]),
];

/// Members meant for others: for the editor itself, or for people.
const FOREIGN: [&str; 17] = [
    "$schema",
    "//",
    "_comment",
    "alwaysAllow",
    "authentication",
    "autoApprove",
    "comment",
    "dev",
    "displayName",
    "gallery",
    "icon",
    "metadata",
    "name",
    "notes",
    "source",
    "trust",
    "version",
];

/// Members of other clients that change how a server is reached, and are not supported here.
const UNBUILT: [&str; 1] = ["sandbox"];

/// Returns the member with this name, if it has an effect.
pub(super) fn key(name: &str) -> Option<Key> {
    NAMES.iter().find(|(_, names)| names.contains(&name)).map(|(key, _)| *key)
}

/// Returns the name under which a member is written.
pub(super) fn name(key: Key) -> &'static str {
    NAMES.iter().find(|(known, _)| *known == key).map_or("", |(_, names)| names[0])
}

/// Explains why a member has no effect here, if that is worth saying.
pub(super) fn no_effect(name: &str) -> Option<String> {
    if FOREIGN.contains(&name) {
        return None;
    }
    if UNBUILT.contains(&name) {
        return Some("is not built here, and has no effect".to_owned());
    }
    let known = NAMES.iter().flat_map(|(_, names)| names.iter().copied());
    let near = near(name, known);
    Some(format!("is not known here, and has no effect{}", did_you_mean(&near)))
}
