//! The rules of one form field.

use super::format::fits;
use mcp_types::schema::{
    EnumOption, NumberSchema, NumberSchemaType, PrimitiveSchemaDefinition as Field, StringSchema,
};
use regex_lite::RegexBuilder;
use serde_json::{Number, Value};
use std::{borrow::Cow, cmp::Ordering};

/// Why a value is not allowed in the field.
type Reason = Cow<'static, str>;

/// The memory limit for a compiled pattern; a larger one is not checked.
const MAX_PATTERN: usize = 256 * 1024;
/// The maximum number of values named in a reason.
const NAMED: usize = 10;

/// Returns the value of a field before anyone has set it.
pub(super) fn default(field: &Field) -> Option<Value> {
    let one = |default: &Option<String>| default.clone().map(Value::from);
    let several = |default: &Option<Vec<String>>| default.clone().map(Value::from);
    match field {
        Field::String(schema) => one(&schema.default),
        Field::Number(schema) => schema.default.clone().map(Value::from),
        Field::Boolean(schema) => schema.default.map(Value::from),
        Field::LegacyTitledEnum(schema) => one(&schema.default),
        Field::UntitledSingleSelectEnum(schema) => one(&schema.default),
        Field::TitledSingleSelectEnum(schema) => one(&schema.default),
        Field::UntitledMultiSelectEnum(schema) => several(&schema.default),
        Field::TitledMultiSelectEnum(schema) => several(&schema.default),
        Field::Unknown(schema) => schema.get("default").filter(|value| !value.is_null()).cloned(),
        _ => None,
    }
}

/// Checks a value.
pub(super) fn check(field: &Field, value: &Value) -> Result<(), Reason> {
    match field {
        Field::String(schema) => text(schema, value),
        Field::Number(schema) => number(schema, value),
        Field::Boolean(_) if value.is_boolean() => Ok(()),
        Field::Boolean(_) => Err("must be true or false".into()),
        Field::LegacyTitledEnum(schema) => one_of(value, plain(&schema.r#enum)),
        Field::UntitledSingleSelectEnum(schema) => one_of(value, plain(&schema.r#enum)),
        Field::TitledSingleSelectEnum(schema) => one_of(value, titled(&schema.one_of)),
        Field::UntitledMultiSelectEnum(schema) => {
            let limits = (schema.min_items, schema.max_items);
            several_of(value, plain(&schema.items.r#enum), limits)
        }
        Field::TitledMultiSelectEnum(schema) => {
            let limits = (schema.min_items, schema.max_items);
            several_of(value, titled(&schema.items.any_of), limits)
        }
        Field::Unknown(schema) => kind(schema, value),
        _ => Ok(()),
    }
}

/// Checks the type of a value in a field whose rules cannot be read: only the server knows what they mean.
fn kind(schema: &Value, value: &Value) -> Result<(), Reason> {
    let (fits, reason) = match schema.get("type").and_then(Value::as_str) {
        Some("string") => (value.is_string(), "must be a text"),
        Some("number" | "integer") => (value.is_number(), "must be a number"),
        Some("boolean") => (value.is_boolean(), "must be true or false"),
        Some("array") => (value.is_array(), "must be a list"),
        _ => return Ok(()),
    };
    if fits { Ok(()) } else { Err(reason.into()) }
}

fn text(schema: &StringSchema, value: &Value) -> Result<(), Reason> {
    let text = value.as_str().ok_or("must be a text")?;
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    count(length, (schema.min_length, schema.max_length), "characters")?;
    if let Some(format) = &schema.format {
        fits(text, format)?;
    }
    let Some(pattern) = schema.extra.get("pattern").and_then(Value::as_str) else { return Ok(()) };
    // Patterns use another dialect; those that cannot be compiled here are left to the server.
    match RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build() {
        Ok(regex) if !regex.is_match(text) => Err(format!("must match {pattern:?}").into()),
        _ => Ok(()),
    }
}

fn number(schema: &NumberSchema, value: &Value) -> Result<(), Reason> {
    let Value::Number(number) = value else { return Err("must be a number".into()) };
    let is_whole = |number: &Number| {
        number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|it| it.fract() == 0.0)
    };
    if schema.r#type == NumberSchemaType::Integer && !is_whole(number) {
        return Err("must be a whole number".into());
    }
    let beyond = |limit: &Option<Number>, side: Ordering| {
        limit.clone().filter(|limit| compare(number, limit) == Some(side))
    };
    if let Some(least) = beyond(&schema.minimum, Ordering::Less) {
        return Err(format!("must be at least {least}").into());
    }
    match beyond(&schema.maximum, Ordering::Greater) {
        Some(most) => Err(format!("must be at most {most}").into()),
        None => Ok(()),
    }
}

/// Compares numbers, exactly if both are integers.
fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

fn plain(choices: &[String]) -> impl Iterator<Item = &str> + Clone {
    choices.iter().map(String::as_str)
}

fn titled(choices: &[EnumOption]) -> impl Iterator<Item = &str> + Clone {
    choices.iter().map(|choice| &*choice.r#const)
}

fn one_of<'a>(
    value: &Value,
    mut choices: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), Reason> {
    let allowed = choices.clone();
    match value.as_str() {
        Some(chosen) if choices.any(|choice| choice == chosen) => Ok(()),
        _ => Err(format!("must be {}", list(allowed)).into()),
    }
}

fn several_of<'a>(
    value: &Value,
    choices: impl Iterator<Item = &'a str> + Clone,
    limits: (Option<i64>, Option<i64>),
) -> Result<(), Reason> {
    let chosen = value.as_array().ok_or("must be a list")?;
    count(i64::try_from(chosen.len()).unwrap_or(i64::MAX), limits, "values")?;
    let is_choice = |value: &Value| one_of(value, choices.clone()).is_ok();
    if chosen.iter().all(is_choice) {
        return Ok(());
    }
    Err(format!("must have no values but {}", list(choices)).into())
}

fn count(number: i64, limits: (Option<i64>, Option<i64>), what: &str) -> Result<(), Reason> {
    match limits {
        (Some(least), _) if number < least => {
            Err(format!("must have at least {least} {what}").into())
        }
        (_, Some(most)) if number > most => Err(format!("must have at most {most} {what}").into()),
        _ => Ok(()),
    }
}

/// Lists the choices, if there are only a few.
fn list<'a>(choices: impl Iterator<Item = &'a str> + Clone) -> String {
    if choices.clone().nth(NAMED).is_some() {
        return "one of the choices".into();
    }
    choices.map(|choice| format!("{choice:?}")).collect::<Vec<_>>().join(" or ")
}
