//! The tool rules of a config: which tools are shown, and how.

use super::{report::Report, values};
use crate::suggest::{did_you_mean, near};
use jsonc_parser::{
    ast::{Object, Value},
    common::Ranged,
};
use mcp_session::{ArgumentTransform, ToolTransform, TransformToolsLayer};
use serde_json::{Map, json};
use std::collections::BTreeMap;

/// Which tools of a server are shown, and how. Without rules, all tools are shown unchanged.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ToolRules {
    /// Patterns for the names of the only tools that are shown. `*` stands for any text, `?` for one character.
    pub include: Vec<String>,
    /// Patterns for the names of tools that are hidden.
    pub exclude: Vec<String>,
    /// Only tools with one of these tags are shown.
    pub include_tags: Vec<String>,
    /// Tools with one of these tags are hidden.
    pub exclude_tags: Vec<String>,
    /// How single tools are changed, by their names at the server.
    pub transforms: BTreeMap<String, ToolTransform>,
}

impl ToolRules {
    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The layer that applies these rules.
    pub fn layer(&self) -> TransformToolsLayer {
        let layer = TransformToolsLayer::new();
        let layer = self.include.iter().fold(layer, |layer, pattern| layer.include(pattern));
        let layer = self.exclude.iter().fold(layer, |layer, pattern| layer.exclude(pattern));
        let layer = self.include_tags.iter().fold(layer, TransformToolsLayer::include_tag);
        let layer = self.exclude_tags.iter().fold(layer, TransformToolsLayer::exclude_tag);
        let transforms = self.transforms.iter();
        transforms.fold(layer, |layer, (name, transform)| layer.tool(name, transform.clone()))
    }
}

/// The content of `tools`.
pub(super) enum Tools {
    /// The names of the tools that are shown.
    Names(Vec<String>),
    Transforms(BTreeMap<String, ToolTransform>),
}

pub(super) fn read(value: &Value<'_>, report: &mut Report<'_>) -> Option<Tools> {
    match value {
        Value::Array(_) => values::strings(value, report).map(Tools::Names),
        _ => values::object(value, report, tool).map(Tools::Transforms),
    }
}

fn tool(value: &Value<'_>, report: &mut Report<'_>) -> Option<ToolTransform> {
    const NAMES: [&str; 6] = ["name", "title", "description", "tags", "enabled", "arguments"];

    let mut transform = ToolTransform::new();
    each(value, &NAMES, report, |name, value, report| match name {
        "name" => transform.name = values::string(value, report),
        "title" => transform.title = values::string(value, report),
        "description" => transform.description = values::string(value, report),
        "tags" => transform.tags = values::strings(value, report),
        "enabled" => transform.is_hidden = values::boolean(value, report) == Some(false),
        _ => {
            let arguments = values::object(value, report, argument);
            transform.arguments = arguments.unwrap_or_default();
        }
    })?;
    Some(transform)
}

fn argument(value: &Value<'_>, report: &mut Report<'_>) -> Option<ArgumentTransform> {
    const NAMES: [&str; 4] = ["name", "description", "default", "hide"];

    let mut transform = ArgumentTransform::new();
    each(value, &NAMES, report, |name, value, report| match name {
        "name" => transform.name = values::string(value, report),
        "description" => transform.description = values::string(value, report),
        "hide" => transform.is_hidden = values::boolean(value, report).unwrap_or_default(),
        _ => transform.default = Some(value.clone().into()),
    })?;
    Some(transform)
}

/// Reads the known members of an object, and reports the others.
fn each(
    value: &Value<'_>,
    known: &[&str],
    report: &mut Report<'_>,
    mut read: impl FnMut(&str, &Value<'_>, &mut Report<'_>),
) -> Option<()> {
    let object: &Object<'_> = match value.as_object() {
        Some(object) => object,
        None => return values::wrong(value, "an object", report),
    };
    for member in &object.properties {
        let name = member.name.as_str();
        report.within(name, |report| {
            if known.contains(&name) {
                return read(name, &member.value, report);
            }
            let near = near(name, known.iter().copied());
            let message = format!("is not known here, and has no effect{}", did_you_mean(&near));
            report.warning(member.range(), message);
        });
    }
    Some(())
}

/// Returns the transforms as written.
pub(super) fn written(transforms: &BTreeMap<String, ToolTransform>) -> serde_json::Value {
    let tools = transforms.iter().map(|(name, tool)| {
        let mut members = Map::new();
        put(&mut members, "name", tool.name.as_ref());
        put(&mut members, "title", tool.title.as_ref());
        put(&mut members, "description", tool.description.as_ref());
        put(&mut members, "tags", tool.tags.as_ref());
        put(&mut members, "enabled", tool.is_hidden.then_some(false));
        let arguments: Map<_, _> =
            tool.arguments.iter().map(|(name, it)| (name.clone(), written_argument(it))).collect();
        put(&mut members, "arguments", (!arguments.is_empty()).then_some(arguments));
        (name.clone(), members.into())
    });
    serde_json::Value::Object(tools.collect())
}

fn written_argument(argument: &ArgumentTransform) -> serde_json::Value {
    let mut members = Map::new();
    put(&mut members, "name", argument.name.as_ref());
    put(&mut members, "description", argument.description.as_ref());
    put(&mut members, "default", argument.default.as_ref());
    put(&mut members, "hide", argument.is_hidden.then_some(true));
    members.into()
}

fn put(
    members: &mut Map<String, serde_json::Value>,
    name: &str,
    value: Option<impl serde::Serialize>,
) {
    if let Some(value) = value {
        members.insert(name.to_owned(), json!(value));
    }
}
