//! The schemas of the tools that were listed.

use super::schema::{Schema, Unusable};
use mcp_types::RawJson;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// The maximum number of tools remembered, and of bytes of names and schemas; beyond that, all are forgotten, and
/// looked up again when needed.
const MAX_TOOLS: usize = 10_000;
const MAX_BYTES: usize = 16 << 20;

/// The schemas of the most recently listed tools.
#[derive(Debug, Default)]
pub(super) struct Catalogue(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    tools: HashMap<String, Arc<Definition>>,
    bytes: usize,
}

/// The schemas that a tool declares for its arguments and output.
#[derive(Debug, Default)]
pub(super) struct Definition {
    pub(super) input: Option<Source>,
    pub(super) output: Option<Source>,
}

/// A schema as received, compiled when needed.
#[derive(Debug)]
pub(super) struct Source {
    raw: RawJson,
    compiled: OnceLock<Result<Arc<Schema>, Unusable>>,
}

impl Source {
    fn new(raw: &RawValue) -> Option<Self> {
        let raw = RawJson::parse(raw.get().to_owned()).ok()?;
        Some(Self { raw, compiled: OnceLock::new() })
    }

    /// Returns the schema, which is compiled only once.
    pub(super) fn schema(&self) -> Result<Arc<Schema>, Unusable> {
        self.compiled.get_or_init(|| Schema::compile(&self.raw).map(Arc::new)).clone()
    }

    fn size(&self) -> usize {
        self.raw.as_bytes().len()
    }
}

impl Definition {
    fn size(&self) -> usize {
        self.input.iter().chain(&self.output).map(Source::size).sum()
    }

    fn is_as(&self, other: &Self) -> bool {
        let raw = |source: &Option<Source>| source.as_ref().map(|source| source.raw.clone());
        raw(&self.input) == raw(&other.input) && raw(&self.output) == raw(&other.output)
    }
}

/// The contents of a page.
#[derive(Default)]
pub(super) struct Page {
    pub(super) wanted: Option<Arc<Definition>>,
    pub(super) next_cursor: Option<RawJson>,
}

impl Catalogue {
    pub(super) fn get(&self, name: &str) -> Option<Arc<Definition>> {
        self.known().tools.get(name).cloned()
    }

    /// Remembers that a tool is not listed.
    pub(super) fn insert_unlisted(&self, name: &str) -> Arc<Definition> {
        self.insert(name.to_owned(), Definition::default())
    }

    /// Reads a `tools/list` result, looking for one tool in it. A malformed tool is skipped.
    // spec: TOOL-14
    pub(super) fn learn(&self, result: &RawJson, wanted: Option<&str>) -> Page {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct List<'a> {
            #[serde(borrow)]
            tools: Vec<&'a RawValue>,
            next_cursor: Option<RawJson>,
        }

        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Tool<'a> {
            #[serde(borrow)]
            name: Cow<'a, str>,
            #[serde(borrow)]
            input_schema: Option<&'a RawValue>,
            #[serde(borrow)]
            output_schema: Option<&'a RawValue>,
        }

        let Ok(list) = result.decode::<List<'_>>() else { return Page::default() };
        let mut page = Page { wanted: None, next_cursor: list.next_cursor };
        for tool in list.tools {
            let Ok(tool) = serde_json::from_str::<Tool<'_>>(tool.get()) else { continue };
            let input = tool.input_schema.and_then(Source::new);
            let output = tool.output_schema.and_then(Source::new);
            let is_wanted = wanted == Some(&*tool.name);
            let definition = self.insert(tool.name.into_owned(), Definition { input, output });
            if is_wanted {
                page.wanted = Some(definition);
            }
        }
        page
    }

    fn insert(&self, name: String, definition: Definition) -> Arc<Definition> {
        let mut known = self.known();
        if let Some(same) = known.tools.get(&name).filter(|same| same.is_as(&definition)) {
            return Arc::clone(same);
        }
        let size = name.len() + definition.size();
        if known.tools.len() >= MAX_TOOLS || known.bytes + size > MAX_BYTES {
            *known = Known::default();
        }
        let definition = Arc::new(definition);
        known.bytes += size;
        let name_size = name.len();
        if let Some(old) = known.tools.insert(name, Arc::clone(&definition)) {
            known.bytes -= name_size + old.size();
        }
        definition
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Catalogue, MAX_TOOLS};
    use mcp_types::RawJson;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn list(tools: &Value) -> RawJson {
        RawJson::encode(&json!({"tools": tools, "nextCursor": "2"})).unwrap()
    }

    // spec: TOOL-14 SCH-09
    #[test]
    fn a_schema_is_compiled_once_for_each_definition_and_a_broken_tool_harms_no_other() {
        let catalogue = Catalogue::default();
        let tool = |name: &str, kind: &str| json!({"name": name, "outputSchema": {"type": kind}});
        let broken = json!({"name": 7, "outputSchema": {}});
        let page = catalogue.learn(
            &list(&json!([broken, "x", tool("a", "string"), tool("b", "nonsense"), {"name": "c"}])),
            Some("a"),
        );
        assert!(page.wanted.is_some() && page.next_cursor.is_some());
        let schema = |name: &str| catalogue.get(name).unwrap().output.as_ref().unwrap().schema();
        let first = schema("a").unwrap();
        assert!(schema("b").is_err() && catalogue.get("c").unwrap().output.is_none());
        catalogue.learn(&list(&json!([tool("a", "string")])), None);
        assert!(Arc::ptr_eq(&first, &schema("a").unwrap()));
        catalogue.learn(&list(&json!([tool("a", "number")])), None);
        assert!(!Arc::ptr_eq(&first, &schema("a").unwrap()));
    }

    // spec: SCH-08
    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let catalogue = Catalogue::default();
        for index in 0..=MAX_TOOLS {
            catalogue.insert_unlisted(&index.to_string());
        }
        assert_eq!(catalogue.known().tools.len(), 1);
        let large = "x".repeat(200_000);
        for index in 0..200 {
            let tool = json!({"name": index.to_string(), "inputSchema": {"description": large}});
            catalogue.learn(&list(&json!([tool])), None);
        }
        let known = catalogue.known();
        assert!(known.bytes <= super::MAX_BYTES && !known.tools.is_empty());
        let sizes = known.tools.iter().map(|(name, definition)| name.len() + definition.size());
        assert_eq!(known.bytes, sizes.sum::<usize>());
        drop(known);
        for index in 0..200 {
            catalogue.insert_unlisted(&format!("{index}{large}"));
        }
        assert!(catalogue.known().tools.len() < 100, "names take room as well");
    }
}
