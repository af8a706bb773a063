//! The YAML config of Goose.

use super::{
    ConfigError, Problem, ServerConfig, Severity,
    document::Content,
    entry,
    report::Report,
    yaml::{self, Node, Yaml},
};
use serde::Deserialize;
use serde_saphyr::Spanned;

/// The member that holds the servers.
const PLACE: &str = "extensions";
/// The types of extensions that are not servers but parts of Goose.
const BUILT_IN: [&str; 4] = ["builtin", "platform", "frontend", "inline_python"];

/// The part of the file that concerns servers.
#[derive(Deserialize)]
struct Document {
    extensions: Option<Node>,
}

/// Reads the text of a `config.yaml`. Invalid servers are left out and reported.
pub(super) fn read(text: &str) -> Result<Content, ConfigError> {
    let document: Option<Document> =
        serde_saphyr::from_str(text).map_err(|error| malformed(&error))?;
    let extensions = document.and_then(|document| document.extensions);
    let extensions = extensions.ok_or(ConfigError::NoServers { path: None })?;
    let mut report = Report::new(text);
    let at = yaml::range(&extensions);
    let servers = report.within(PLACE, |report| match extensions.value {
        Yaml::Map(members) => members
            .into_iter()
            .filter_map(|(name, node)| {
                let server = report.within(&name.value, |report| server(node, report))?;
                Some((name.value, server))
            })
            .collect(),
        _ => {
            report.error(at, "must be a map");
            Vec::new()
        }
    });
    let (place, problems) = (vec![PLACE.to_owned()], report.into_problems());
    Ok(Content { place, servers, problems, is_yaml: true })
}

fn server(mut node: Node, report: &mut Report<'_>) -> Option<ServerConfig> {
    let at = yaml::range(&node);
    if let Yaml::Map(members) = &mut node.value {
        let kind = members.iter().find(|(name, _)| name.value == "type");
        if let Some((_, Spanned { value: Yaml::Text(kind), .. })) = kind
            && BUILT_IN.contains(&kind.as_str())
        {
            report.warning(at, format!("is a part of Goose (`{kind}`), and no server: left out"));
            return None;
        }
        members.retain_mut(|(name, value)| adapt(&mut name.value, value));
    }
    entry::read(&yaml::value(&node), report)
}

/// Adapts a member of Goose to the common form; returns whether it says anything.
fn adapt(name: &mut String, node: &mut Node) -> bool {
    match (name.as_str(), &mut node.value) {
        // In seconds.
        ("timeout", Yaml::Number(number)) => {
            if let Some(seconds) = number.parse().ok().and_then(|it: u64| it.checked_mul(1000)) {
                *number = seconds.to_string();
            }
        }
        // No names means all names.
        ("available_tools" | "env_keys", Yaml::List(names)) if names.is_empty() => return false,
        ("available_tools" | "env_keys", Yaml::Null) => return false,
        ("available_tools", _) => "includeTools".clone_into(name),
        ("bundled" | "display_name", _) => return false,
        _ => {}
    }
    true
}

fn malformed(error: &serde_saphyr::Error) -> ConfigError {
    let place = error.location();
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let problem = Problem {
        severity: Severity::Error,
        line: place.as_ref().map_or(1, |place| number(place.line())),
        column: place.as_ref().map_or(1, |place| number(place.column())),
        path: String::new(),
        message: "is not YAML that can be read".to_owned(),
    };
    ConfigError::Invalid { path: None, problems: vec![problem] }
}
