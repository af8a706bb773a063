//! Locating the servers in a config text.

use super::{ConfigError, Problem, ServerConfig, Severity, entry, report::Report};
use jsonc_parser::{
    CollectOptions, ParseOptions,
    ast::{Object, Value},
    common::Ranged,
    errors::ParseError,
    parse_to_ast,
};
use std::collections::HashSet;

/// Where editors and agents keep their servers.
const PLACES: [&[&str]; 3] = [&["mcpServers"], &["servers"], &["mcp", "servers"]];
/// The members that mark an object as a server if servers are at the root.
const MARKS: [&str; 4] = ["command", "url", "httpUrl", "serverUrl"];
/// The members allowed beside servers at the root.
const BESIDE: [&str; 2] = ["$schema", "inputs"];

/// JSON with comments and trailing commas, as in editors' files.
pub(super) const SYNTAX: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The content of a text.
#[derive(Clone)]
pub(super) struct Content {
    /// The path of member names to the map of servers.
    pub(super) place: Vec<String>,
    pub(super) servers: Vec<(String, ServerConfig)>,
    pub(super) problems: Vec<Problem>,
    /// Whether the text is YAML, which cannot be edited.
    pub(super) is_yaml: bool,
}

/// Reads a text; the servers are at `place`, or else in one of the usual places.
///
/// Invalid servers are left out and reported among the problems.
pub(super) fn read(text: &str, place: Option<&[String]>) -> Result<Content, ConfigError> {
    let none = || ConfigError::NoServers { path: None };
    let mut report = Report::new(text);
    let parsed = parse_to_ast(text, &CollectOptions::default(), &SYNTAX)
        .map_err(|error| malformed(&error))?;
    let root = match parsed.value {
        None => return Err(none()),
        Some(Value::Object(root)) => root,
        Some(other) => {
            report.error(other.range(), "must be an object");
            return Err(ConfigError::Invalid { path: None, problems: report.into_problems() });
        }
    };
    let place = match place {
        Some(place) => place.to_vec(),
        None => find(&root).ok_or_else(none)?,
    };
    let servers = at(&root, &place, &mut report).ok_or_else(none)?;
    let servers = servers.map_or_else(Vec::new, |map| read_servers(map, &place, &mut report));
    Ok(Content { place, servers, problems: report.into_problems(), is_yaml: false })
}

/// Finds the map of servers.
fn find(root: &Object<'_>) -> Option<Vec<String>> {
    let usual = PLACES.iter().find(|place| {
        let mut steps = place.iter();
        let first = steps.next().and_then(|name| root.get(name));
        first.is_some_and(|first| {
            let last = steps.try_fold(&first.value, |value, name| {
                value.as_object().and_then(|object| object.get(name)).map(|member| &member.value)
            });
            last.is_some()
        })
    });
    if let Some(place) = usual {
        return Some(place.iter().map(|name| (*name).to_owned()).collect());
    }
    let is_server = |value: &Value<'_>| {
        value.as_object().is_some_and(|object| MARKS.iter().any(|mark| object.get(mark).is_some()))
    };
    root.properties.iter().any(|member| is_server(&member.value)).then(Vec::new)
}

/// Returns the object at a place: `None` if there is none; if something else is there, reports it and returns
/// `Some(None)`.
fn at<'a, 'b>(
    root: &'b Object<'a>,
    place: &[String],
    report: &mut Report<'_>,
) -> Option<Option<&'b Object<'a>>> {
    let mut object = root;
    for (depth, name) in place.iter().enumerate() {
        let value = &object.get(name)?.value;
        match value.as_object() {
            Some(next) => object = next,
            None => {
                report.within(&place[..=depth].join("."), |report| {
                    report.error(value.range(), "must be an object");
                });
                return Some(None);
            }
        }
    }
    Some(Some(object))
}

fn read_servers(
    map: &Object<'_>,
    place: &[String],
    report: &mut Report<'_>,
) -> Vec<(String, ServerConfig)> {
    let mut servers = Vec::new();
    let mut seen = HashSet::new();
    for member in &map.properties {
        let name = member.name.as_str();
        if place.is_empty() && BESIDE.contains(&name) {
            continue;
        }
        let path: Vec<_> = place.iter().map(String::as_str).chain([name]).collect();
        let server = report.within(&path.join("."), |report| {
            if !seen.insert(name) {
                report.error(member.range(), "is there twice: give one of them another name");
                return None;
            }
            entry::read(&member.value, report)
        });
        servers.extend(server.map(|server| (name.to_owned(), server)));
    }
    servers
}

fn malformed(error: &ParseError) -> ConfigError {
    let problem = Problem {
        severity: Severity::Error,
        line: error.line_display(),
        column: error.column_display(),
        path: String::new(),
        message: format!("is not JSON: {}", error.kind()),
    };
    ConfigError::Invalid { path: None, problems: vec![problem] }
}
