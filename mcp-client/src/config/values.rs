//! Reading typed values out of an entry.

use super::report::Report;
use jsonc_parser::{ast::Value, common::Ranged};
use std::{collections::BTreeMap, time::Duration};

/// Shorter limits were probably meant in seconds.
const SUSPICIOUS: Duration = Duration::from_millis(100);

pub(super) fn string(value: &Value<'_>, report: &mut Report<'_>) -> Option<String> {
    match value {
        Value::StringLit(text) => Some(text.value.clone().into_owned()),
        other => wrong(other, "a string", report),
    }
}

/// Reads a string, or an unquoted value that stands for one.
fn text(value: &Value<'_>, report: &mut Report<'_>) -> Option<String> {
    match value {
        Value::NumberLit(number) => Some(number.value.to_owned()),
        Value::BooleanLit(boolean) => Some(boolean.value.to_string()),
        other => string(other, report),
    }
}

pub(super) fn strings(value: &Value<'_>, report: &mut Report<'_>) -> Option<Vec<String>> {
    let Some(array) = value.as_array() else { return wrong(value, "an array of strings", report) };
    let read = |(index, element): (usize, &Value<'_>)| {
        report.within(&index.to_string(), |report| text(element, report))
    };
    // All items are read, so that every problem is reported.
    let read: Vec<_> = array.elements.iter().enumerate().map(read).collect();
    read.into_iter().collect()
}

pub(super) fn string_map(
    value: &Value<'_>,
    report: &mut Report<'_>,
) -> Option<BTreeMap<String, String>> {
    let Some(object) = value.as_object() else {
        return wrong(value, "an object of strings", report);
    };
    let mut map = BTreeMap::new();
    let mut is_good = true;
    for member in &object.properties {
        let name = member.name.as_str();
        // Some write `null` for a member that is not set.
        if member.value.as_null_keyword().is_some() {
            continue;
        }
        match report.within(name, |report| text(&member.value, report)) {
            Some(text) => drop(map.insert(name.to_owned(), text)),
            None => is_good = false,
        }
    }
    is_good.then_some(map)
}

/// Reads an object whose members are all of one kind.
pub(super) fn object<T>(
    value: &Value<'_>,
    report: &mut Report<'_>,
    read: impl Fn(&Value<'_>, &mut Report<'_>) -> Option<T>,
) -> Option<BTreeMap<String, T>> {
    let Some(object) = value.as_object() else { return wrong(value, "an object", report) };
    // All members are read, so that every problem is reported.
    let members = object.properties.iter().map(|member| {
        let name = member.name.as_str();
        report.within(name, |report| Some((name.to_owned(), read(&member.value, report)?)))
    });
    let members: Vec<_> = members.collect();
    members.into_iter().collect()
}

pub(super) fn boolean(value: &Value<'_>, report: &mut Report<'_>) -> Option<bool> {
    match value {
        Value::BooleanLit(boolean) => Some(boolean.value),
        other => wrong(other, "`true` or `false`", report),
    }
}

pub(super) fn milliseconds(value: &Value<'_>, report: &mut Report<'_>) -> Option<Duration> {
    let number = value.as_number_lit().and_then(|number| number.value.parse().ok());
    let Some(milliseconds) = number else {
        return wrong(value, "a whole number of milliseconds", report);
    };
    let limit = Duration::from_millis(milliseconds);
    if !limit.is_zero() && limit < SUSPICIOUS {
        let message = format!("is {limit:?}, which is very short: the unit is milliseconds");
        report.warning(value.range(), message);
    }
    Some(limit)
}

/// Reads a time in seconds, which may be fractional.
pub(super) fn seconds(value: &Value<'_>, report: &mut Report<'_>) -> Option<Duration> {
    let number = value.as_number_lit().and_then(|number| number.value.parse().ok());
    let limit = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    limit.or_else(|| wrong(value, "a number of seconds", report))
}

/// Reports a value of the wrong type.
pub(super) fn wrong<T>(value: &Value<'_>, expected: &str, report: &mut Report<'_>) -> Option<T> {
    let found = match value {
        Value::StringLit(_) => "a string",
        Value::NumberLit(_) if expected.contains("number") => "another number",
        Value::NumberLit(_) => "a number",
        Value::BooleanLit(_) => "a boolean",
        Value::Object(_) => "an object",
        Value::Array(_) => "an array",
        Value::NullKeyword(_) => "null",
    };
    report.error(value.range(), format!("must be {expected}, and is {found}"));
    None
}
