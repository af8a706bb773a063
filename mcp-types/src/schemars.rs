//! JSON schemas from Rust types (feature `schemars`).

use crate::{
    JsonObject, elicitation::ElicitationSchema, schema::PrimitiveSchemaDefinition, tools::Tool,
};
use ::schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};
use std::{error, fmt};

impl Tool {
    /// The `inputSchema` of a tool whose arguments are deserialized into `T`.
    ///
    /// ```
    /// # use mcp_types::tools::Tool;
    /// #[derive(schemars::JsonSchema, serde::Deserialize)]
    /// struct Arguments {
    ///     /// Where to look.
    ///     city: String,
    /// }
    ///
    /// let schema = Tool::input_schema_of::<Arguments>()?;
    /// assert_eq!(schema["properties"]["city"]["description"], "Where to look.");
    /// # Ok::<(), mcp_types::UnsuitableType>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The type does not serialize to a JSON object, as arguments have to.
    pub fn input_schema_of<T: JsonSchema>() -> Result<JsonObject, UnsuitableType> {
        let schema = schema_of::<T>(SchemaSettings::draft2020_12().for_deserialize());
        match schema.get("type") {
            Some(ty) if ty == "object" => Ok(schema),
            _ => Err(UnsuitableType::new("", "is not an object in JSON, as arguments have to be")),
        }
    }

    /// The `outputSchema` of a tool whose structured content is serialized from `T`.
    ///
    /// Until 2025-11-25 structured content has to be an object; since 2026-07-28 it may be any type.
    pub fn output_schema_of<T: JsonSchema>() -> JsonObject {
        schema_of::<T>(SchemaSettings::draft2020_12().for_serialize())
    }
}

impl ElicitationSchema {
    /// The schema of a form whose answers are deserialized into `T`: a struct of strings, numbers, booleans, enums
    /// without data, lists of such enums, and options of all these.
    ///
    /// ```
    /// # use mcp_types::elicitation::ElicitationSchema;
    /// #[derive(schemars::JsonSchema, serde::Deserialize)]
    /// struct Trip {
    ///     /// Name of the traveller.
    ///     name: String,
    ///     class: Option<Class>,
    /// }
    ///
    /// #[derive(schemars::JsonSchema, serde::Deserialize)]
    /// enum Class { First, Second }
    ///
    /// let form = ElicitationSchema::of::<Trip>()?;
    /// assert_eq!(form.required.as_deref(), Some(&["name".to_owned()][..]));
    /// assert_eq!(form.properties.len(), 2);
    /// # Ok::<(), mcp_types::UnsuitableType>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The type, or the type of a field, cannot be shown in a form.
    pub fn of<T: JsonSchema>() -> Result<Self, UnsuitableType> {
        let mut settings = SchemaSettings::draft2020_12().for_deserialize();
        settings.inline_subschemas = true;
        let mut schema = schema_of::<T>(settings);
        let Some(Value::Object(properties)) = schema.remove("properties") else {
            return Err(UnsuitableType::new("", "is not a struct with named fields"));
        };
        let fields = properties.into_iter().map(|(name, schema)| {
            let field = field(schema).map_err(|reason| UnsuitableType::new(&name, reason))?;
            Ok((name, field))
        });
        let mut form = Self::new(fields.collect::<Result<indexmap::IndexMap<_, _>, _>>()?);
        let required = schema.remove("required");
        form.required = required.and_then(|names| serde_json::from_value(names).ok());
        Ok(form)
    }
}

fn schema_of<T: JsonSchema>(settings: SchemaSettings) -> JsonObject {
    match settings.into_generator().into_root_schema_for::<T>().to_value() {
        Value::Object(schema) => schema,
        // A schema that accepts everything may also be written as `true`.
        _ => JsonObject::new(),
    }
}

/// Converts the schema of a form field.
fn field(schema: Value) -> Result<PrimitiveSchemaDefinition, &'static str> {
    let mut field = without_null(schema).ok_or("has a schema that a form cannot show")?;
    if field.get("type").is_some_and(|ty| ty == "array") {
        let items = field.remove("items").and_then(without_null).unwrap_or_default();
        let items = choices(items).ok_or("is a list of something else than fixed values")?;
        field.insert("items".to_owned(), items.into_list().into());
    } else if let Some(choices) = choices(field.clone()) {
        field.retain(|name, _| !["enum", "oneOf"].contains(&name.as_str()));
        field.insert("type".to_owned(), "string".into());
        field.extend(choices.into_one());
    }
    let allowed: &[&str] = match field.get("type").and_then(Value::as_str) {
        Some("string") => &["minLength", "maxLength", "format", "enum", "oneOf"],
        Some("integer" | "number") => &["minimum", "maximum"],
        Some("boolean") => &[],
        Some("array") => &["minItems", "maxItems", "items"],
        _ => return Err("is neither a string, a number, a boolean nor a choice"),
    };
    let common = ["type", "title", "description", "default"];
    let is_allowed = |name: &str| common.contains(&name) || allowed.contains(&name);
    let formats = ["date", "date-time", "email", "uri"];
    field.retain(|name, value| {
        let is_known = name != "format" || value.as_str().is_some_and(|it| formats.contains(&it));
        is_allowed(name) && is_known && !(name == "default" && value.is_null())
    });
    match serde_json::from_value(field.into()) {
        Ok(PrimitiveSchemaDefinition::Unknown(_)) | Err(_) => {
            Err("has a schema that a form cannot show")
        }
        Ok(field) => Ok(field),
    }
}

/// Returns the schema without null, because in a form null means that the field is absent.
fn without_null(schema: Value) -> Option<JsonObject> {
    let Value::Object(mut schema) = schema else { return None };
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|ty| ty != "null");
        if let [ty] = types.as_slice() {
            let ty = ty.clone();
            schema.insert("type".to_owned(), ty);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(mut types)) = schema.remove("anyOf") {
        types.retain(|ty| ty.get("type").is_none_or(|ty| ty != "null"));
        let only = if types.len() == 1 { types.pop() } else { None };
        let mut inner = without_null(only?)?;
        inner.extend(schema);
        return Some(inner);
    }
    Some(schema)
}

/// The values of an enumeration, with titles if any value has one.
enum Choices {
    Plain(Vec<Value>),
    Titled(Vec<Value>),
}

impl Choices {
    fn into_one(self) -> [(String, Value); 1] {
        match self {
            Self::Plain(values) => [("enum".to_owned(), values.into())],
            Self::Titled(values) => [("oneOf".to_owned(), values.into())],
        }
    }

    fn into_list(self) -> JsonObject {
        let members = match self {
            Self::Plain(values) => json!({ "type": "string", "enum": values }),
            Self::Titled(values) => json!({ "anyOf": values }),
        };
        members.as_object().cloned().unwrap_or_default()
    }
}

/// Returns the values of a string enumeration. The documentation of a value becomes its title.
fn choices(mut schema: JsonObject) -> Option<Choices> {
    match (schema.remove("enum"), schema.remove("oneOf")) {
        (Some(Value::Array(values)), None) if values.iter().all(Value::is_string) => {
            Some(Choices::Plain(values))
        }
        (None, Some(Value::Array(variants))) => {
            let mut titled = Vec::new();
            for variant in variants {
                let title = variant.get("title").or(variant.get("description"));
                let several = variant.get("enum").and_then(Value::as_array).cloned();
                let values =
                    several.or_else(|| variant.get("const").map(|only| vec![only.clone()]));
                for value in values?.into_iter().filter(|value| !value.is_null()) {
                    let title = title.and_then(Value::as_str).or(value.as_str())?;
                    titled.push(json!({ "const": value.as_str()?, "title": title }));
                }
            }
            Some(Choices::Titled(titled))
        }
        _ => None,
    }
}

/// A Rust type that has no schema of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsuitableType {
    field: String,
    reason: &'static str,
}

impl UnsuitableType {
    fn new(field: &str, reason: &'static str) -> Self {
        Self { field: field.to_owned(), reason }
    }
}

impl fmt::Display for UnsuitableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "the type {}", self.reason),
            field => write!(f, "the field `{field}` {}", self.reason),
        }
    }
}

impl error::Error for UnsuitableType {}
