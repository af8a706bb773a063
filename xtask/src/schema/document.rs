//! One schema file: its definitions.

use super::{Additional, Schema};
use anyhow::{Result, bail};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::{
    fs,
    path::{Path, PathBuf},
};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The facts of one revision or extension.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    #[serde(rename = "$schema")]
    dialect: String,
    #[serde(rename = "$defs")]
    pub(crate) definitions: IndexMap<String, Schema>,
}

/// A published file: two dialects, and prose.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Official {
    #[serde(rename = "$schema")]
    _dialect: String,
    #[serde(rename = "$id")]
    _id: Option<String>,
    #[serde(rename = "title")]
    _title: Option<IgnoredAny>,
    #[serde(rename = "description")]
    _description: Option<IgnoredAny>,
    #[serde(rename = "$defs", alias = "definitions")]
    definitions: IndexMap<String, Schema>,
}

impl Document {
    /// Reduces a published file.
    pub(crate) fn official(text: &str) -> Result<Self> {
        let mut official: Official = serde_json::from_str(text)?;
        official.definitions.sort_keys();
        for (name, schema) in &mut official.definitions {
            schema.visit_mut(&mut |schema| {
                let Some(reference) = &mut schema.reference else { return Ok(()) };
                let target = reference.rsplit_once('/').map(|(_, target)| target.to_owned());
                match target.filter(|_| reference.starts_with("#/")) {
                    Some(target) => *reference = format!("#/$defs/{target}"),
                    None => bail!("{name} refers to {reference}, which is not in the file"),
                }
                Ok(())
            })?;
        }
        Ok(Self { dialect: DIALECT.to_owned(), definitions: official.definitions })
    }

    /// Reads a reduced file.
    pub(crate) fn load(source: &str) -> Result<Self> {
        let text = fs::read_to_string(directory().join(format!("{source}.json")))?;
        Ok(serde_json::from_str(&text)?)
    }

    pub(crate) fn to_text(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl Schema {
    /// Calls a function on this schema and all schemas in it.
    pub(crate) fn visit_mut(
        &mut self,
        change: &mut dyn FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        change(self)?;
        let parts = self.properties.iter_mut().flat_map(|properties| properties.values_mut());
        let lists = [&mut self.any_of, &mut self.all_of, &mut self.one_of];
        let singles = [&mut self.items, &mut self.not, &mut self.property_names];
        for part in parts
            .chain(lists.into_iter().flatten().flatten())
            .chain(singles.into_iter().flatten().map(|single| &mut **single))
        {
            part.visit_mut(change)?;
        }
        match &mut self.additional {
            Some(Additional::Schema(schema)) => schema.visit_mut(change),
            _ => Ok(()),
        }
    }
}

/// Returns the directory of the reduced files.
pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mcp-types/schema")
}

#[cfg(test)]
mod tests {
    use super::Document;

    fn reduced(definition: &str) -> anyhow::Result<String> {
        let text = format!(
            r#"{{"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {{"A": {definition}}}}}"#
        );
        Document::official(&text)?.to_text()
    }

    #[test]
    fn facts_stay_and_prose_goes() {
        let definition = r##"{"description": "Prose.", "type": "object", "required": ["title"], "properties": {
            "title": {"type": "string", "description": "Prose.", "$comment": "Prose.", "format": "uri"},
            "description": {"$ref": "#/definitions/A"}
        }}"##;
        let text = reduced(definition).unwrap();
        assert!(!text.contains("Prose"), "{text}");
        for fact in ["\"title\"", "\"description\"", "\"uri\"", "\"#/$defs/A\"", "2020-12"] {
            assert!(text.contains(fact), "{fact} in {text}");
        }
        let again: Document = serde_json::from_str(&text).unwrap();
        assert_eq!(again.to_text().unwrap(), text);
    }

    #[test]
    fn a_new_keyword_stops_the_import() {
        let error = reduced(r#"{"type": "string", "pattern": "a*"}"#).unwrap_err();
        assert!(error.to_string().contains("pattern"), "{error}");
    }

    #[test]
    fn a_reference_out_of_the_file_stops_the_import() {
        assert!(reduced(r##"{"$ref": "https://example.com/schema#/$defs/B"}"##).is_err());
    }
}
