//! From the shown arguments to those of the server.

use super::ToolTransform;
use crate::{InvalidParams, Params, params::Members};
use mcp_types::RawJson;
use std::borrow::Cow;

/// Translates the arguments of a call to what the server expects; `None` if nothing changes.
pub(super) fn original(
    params: &Params,
    transform: &ToolTransform,
) -> Result<Option<RawJson>, InvalidParams> {
    if transform.arguments.is_empty() {
        return Ok(None);
    }
    let mut arguments = match params.as_raw().find(&["arguments"]) {
        Some(arguments) if arguments != "null" => Members::of(arguments)?,
        _ => Members::default(),
    };
    for (name, _) in &mut arguments.0 {
        if let Some(original) = original_name(name, transform)? {
            *name = Cow::Owned(original.to_owned());
        }
    }
    let defaults = defaults(transform)?;
    for (name, value) in &defaults {
        if arguments.0.iter().all(|(given, _)| given != name) {
            arguments.0.push((Cow::Borrowed(name), value.as_str()));
        }
    }
    Ok(Some(arguments.encode()))
}

/// Returns the server's name for an argument, if it differs.
fn original_name<'a>(
    shown: &str,
    transform: &'a ToolTransform,
) -> Result<Option<&'a str>, InvalidParams> {
    let mut renamed = transform.arguments.iter();
    let renamed = renamed.find(|(_, it)| !it.is_hidden && it.name.as_deref() == Some(shown));
    if let Some((original, _)) = renamed {
        return Ok(Some(original));
    }
    match transform.arguments.get(shown) {
        Some(it) if it.is_hidden => {
            let reason = format!("this client does not show an argument {shown:?} of the tool");
            Err(InvalidParams::new(reason))
        }
        Some(it) => match &it.name {
            Some(name) => {
                let reason = format!("the argument {shown:?} of the tool is called {name:?} here");
                Err(InvalidParams::new(reason))
            }
            None => Ok(None),
        },
        None => Ok(None),
    }
}

/// Returns the values sent for arguments that are not given.
fn defaults(transform: &ToolTransform) -> Result<Vec<(&str, RawJson)>, InvalidParams> {
    let mut defaults = Vec::new();
    for (name, it) in &transform.arguments {
        if let Some(value) = &it.default {
            defaults.push((name.as_str(), RawJson::encode(value)?));
        }
    }
    Ok(defaults)
}

#[cfg(test)]
mod tests {
    use super::{super::ArgumentTransform, *};
    use serde_json::{Value, json};

    fn sent(arguments: &Value) -> Result<Value, String> {
        let transform = ToolTransform::new()
            .argument("q", ArgumentTransform::new().rename("city"))
            .argument("units", ArgumentTransform::fix("metric"))
            .argument("days", ArgumentTransform::new().with_default(3))
            .argument("debug", ArgumentTransform::new().hide());
        let params = Params::encode(&json!({"name": "t", "arguments": arguments})).unwrap();
        let sent = original(&params, &transform).map_err(|error| error.to_string())?;
        Ok(sent.unwrap().decode().unwrap())
    }

    #[test]
    fn arguments_are_renamed_fixed_and_filled_in() {
        for (given, expected) in [
            (json!({"city": "Oslo"}), json!({"q": "Oslo", "units": "metric", "days": 3})),
            (json!({"days": 1, "x": [1]}), json!({"days": 1, "x": [1], "units": "metric"})),
            (json!(null), json!({"units": "metric", "days": 3})),
        ] {
            assert_eq!(sent(&given).unwrap(), expected);
        }
    }

    #[test]
    fn arguments_that_are_not_shown_are_refused() {
        for (given, reason) in [
            (json!({"q": "Oslo"}), r#""q" of the tool is called "city" here"#),
            (json!({"units": "imperial"}), r#"does not show an argument "units""#),
            (json!({"debug": true}), r#"does not show an argument "debug""#),
        ] {
            let error = sent(&given).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
