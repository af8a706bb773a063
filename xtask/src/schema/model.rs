//! The keywords of JSON Schema that the protocol's files use. Any other keyword is an error.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Number, Value};

/// A schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Schema {
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) types: Option<Types>,
    #[serde(rename = "const", skip_serializing_if = "Option::is_none")]
    pub(crate) constant: Option<Value>,
    #[serde(rename = "enum", skip_serializing_if = "Option::is_none")]
    pub(crate) values: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) minimum: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) maximum: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_items: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) properties: Option<IndexMap<String, Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) required: Option<Vec<String>>,
    #[serde(rename = "additionalProperties", skip_serializing_if = "Option::is_none")]
    pub(crate) additional: Option<Additional>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) property_names: Option<Box<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) items: Option<Box<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) any_of: Option<Vec<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) all_of: Option<Vec<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) one_of: Option<Vec<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not: Option<Box<Self>>,
    /// Prose, and the dialect of a nested schema: read and dropped.
    #[serde(skip_serializing, rename = "description")]
    pub(crate) description: Forgotten,
    #[serde(skip_serializing, rename = "title")]
    pub(crate) title: Forgotten,
    #[serde(skip_serializing, rename = "$comment")]
    pub(crate) comment: Forgotten,
    #[serde(skip_serializing, rename = "examples")]
    pub(crate) examples: Forgotten,
    #[serde(skip_serializing, rename = "$schema")]
    pub(crate) dialect: Forgotten,
}

/// A keyword whose value does not matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forgotten;

impl PartialEq for Forgotten {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<'de> Deserialize<'de> for Forgotten {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// The JSON types of a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Types {
    One(String),
    Many(Vec<String>),
}

/// Which other members an object may have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Additional {
    Any(bool),
    Schema(Box<Schema>),
}

impl Schema {
    /// Returns the name of the definition that this refers to.
    pub(crate) fn target(&self) -> Option<&str> {
        self.reference.as_deref()?.strip_prefix("#/$defs/")
    }

    /// Creates a reference to a definition.
    pub(crate) fn reference_to(name: &str) -> Self {
        Self { reference: Some(format!("#/$defs/{name}")), ..Self::default() }
    }

    /// Returns the schema of a member.
    pub(crate) fn property(&self, name: &str) -> Option<&Self> {
        self.properties.as_ref()?.get(name)
    }

    /// Returns whether a member is required.
    pub(crate) fn requires(&self, name: &str) -> bool {
        self.required.iter().flatten().any(|required| required == name)
    }

    /// Returns whether this is its only type.
    pub(crate) fn is(&self, name: &str) -> bool {
        matches!(&self.types, Some(Types::One(only)) if only == name)
    }

    /// Returns the constant string, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        self.constant.as_ref()?.as_str()
    }
}
