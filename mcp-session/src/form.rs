//! Elicitation forms: their defaults, and validation of what was filled in.
//!
//! The schema of a form is a small part of JSON Schema: an object whose members are texts, numbers, booleans, and
//! choices of one or several values
//! ([clause](https://modelcontextprotocol.io/specification/2026-07-28/client/elicitation#requested-schema)). Every
//! answer to a server is checked before it is sent; a program that shows a form can [`check`] it while the user fills
//! it in. What a schema says beyond that part is for the server to check.
//!
//! ```
//! use mcp_session::form;
//! use serde_json::json;
//!
//! let schema = serde_json::from_value(json!({
//!     "type": "object",
//!     "properties": {"seats": {"type": "integer", "minimum": 1, "default": 2}, "name": {"type": "string"}},
//!     "required": ["name"],
//! }))?;
//! let mut answer = form::defaults(&schema);
//! let error = form::check(&schema, &answer).unwrap_err();
//! assert_eq!(error.to_string(), "`name` is missing");
//! answer.insert("name".into(), "Ada".into());
//! assert!(form::check(&schema, &answer).is_ok());
//! # Ok::<(), serde_json::Error>(())
//! ```

mod field;
mod format;

use mcp_types::{JsonObject, elicitation::ElicitationSchema, schema::PrimitiveSchemaDefinition};
use serde_json::Value;
use std::{borrow::Cow, error, fmt};

/// The maximum number of fields named in an error.
const NAMED: usize = 8;

/// The values of the fields before the user has changed any; fields without a default are absent.
///
/// A default that its own field does not allow counts as missing.
// spec: ELI-10
pub fn defaults(form: &ElicitationSchema) -> JsonObject {
    let mut content = JsonObject::new();
    fill_in(form, &mut content);
    content
}

/// Fills absent fields with their defaults.
pub(crate) fn fill_in(form: &ElicitationSchema, content: &mut JsonObject) {
    for (name, schema) in &form.properties {
        if content.contains_key(name) {
            continue;
        }
        if let Some(default) = field::default(schema)
            && field::check(schema, &default).is_ok()
        {
            content.insert(name.clone(), default);
        }
    }
}

/// Checks the content of a form that is filled in.
///
/// # Errors
///
/// A field must be filled in and is not, has a value that it does not allow, or is not one of the form's.
// spec: ELI-11
pub fn check(form: &ElicitationSchema, content: &JsonObject) -> Result<(), InvalidForm> {
    let required = form.required.iter().flatten();
    let missing = required
        .filter(|name| !content.contains_key(*name))
        .map(|name| InvalidField::new(name, "is missing"));
    let wrong = content.iter().filter_map(|(name, value)| match form.properties.get(name) {
        Some(schema) => {
            let reason = field::check(schema, value).err()?;
            Some(InvalidField::new(name, reason))
        }
        None => Some(InvalidField::new(name, "is not a field of the form")),
    });
    let fields: Vec<_> = missing.chain(wrong).collect();
    if fields.is_empty() { Ok(()) } else { Err(InvalidForm { fields }) }
}

/// Checks that a form may be shown: it has no nested forms.
// spec: ELI-23
pub(crate) fn check_flat(form: &ElicitationSchema) -> Result<(), InvalidForm> {
    let nested = form.properties.iter().filter_map(|(name, schema)| match schema {
        PrimitiveSchemaDefinition::Unknown(schema) if is_nested(schema) => {
            Some(InvalidField::new(name, "is no single value"))
        }
        _ => None,
    });
    let fields: Vec<_> = nested.collect();
    if fields.is_empty() { Ok(()) } else { Err(InvalidForm { fields }) }
}

fn is_nested(schema: &Value) -> bool {
    let is = |schema: &Value, kind| schema.get("type").is_some_and(|own| own == kind);
    is(schema, "object") || schema.get("items").is_some_and(|items| is(items, "object"))
}

/// An answer that does not fit its form: at least one field is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidForm {
    fields: Vec<InvalidField>,
}

/// A field that is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidField {
    name: Box<str>,
    reason: Cow<'static, str>,
}

impl InvalidForm {
    /// The wrong fields, missing ones first.
    pub fn fields(&self) -> &[InvalidField] {
        &self.fields
    }
}

impl InvalidField {
    fn new(name: &str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), reason: reason.into() }
    }

    /// The name of the field. Untrusted, unless it comes from the program itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is wrong with it, without the name, like `is missing`.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for InvalidForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, field) in self.fields.iter().take(NAMED).enumerate() {
            f.write_str(if index > 0 { "; " } else { "" })?;
            field.fmt(f)?;
        }
        match self.fields.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.name, self.reason)
    }
}

impl error::Error for InvalidForm {}

#[cfg(test)]
mod tests;
