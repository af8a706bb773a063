//! Writing Rust.

mod comment;
mod object;
mod one_of;

use super::{
    docs::Docs,
    facts,
    model::{Concept, EXTENSION_PREFIX, Kind, Model, Shape, Type},
    tables::{BOXED, MODULES, Module},
};
use anyhow::{Context, Result};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

/// Returns the generated files, relative to `src`, not formatted yet.
pub(crate) fn files(model: &Model, docs: &mut Docs) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut root = "//! The vocabulary, one module per area of the specification.\n\n\
                    pub(crate) mod facts;\n"
        .to_owned();
    let mut exports = String::new();
    for module in MODULES {
        let _ = writeln!(root, "pub mod {};", module.name);
        // The two task vocabularies use the same names.
        if !module.name.starts_with("tasks") {
            let names = module.types.join(", ");
            let _ = writeln!(exports, "#[doc(no_inline)] pub use {}::{{{names}}};", module.name);
        }
        let text = Emitter { model, docs, module, imports: BTreeSet::new() }.module()?;
        files.insert(format!("generated/{}.rs", module.name), text);
    }
    files.insert("generated.rs".to_owned(), root + "\n" + &exports);
    files.insert("generated/facts.rs".to_owned(), facts::file(model)?);
    Ok(files)
}

/// Writes one module.
pub(super) struct Emitter<'a> {
    pub(super) model: &'a Model,
    pub(super) docs: &'a mut Docs,
    module: &'static Module,
    imports: BTreeSet<String>,
}

/// A type to write.
pub(super) struct Item<'a> {
    /// The name in tables and docs.
    pub(super) key: &'a str,
    /// The name in Rust.
    pub(super) rust: &'a str,
    pub(super) concept: &'a Concept,
}

impl Emitter<'_> {
    fn module(mut self) -> Result<String> {
        let mut body = String::new();
        for key in self.module.types {
            let concept = self.model.concepts.get(*key).context("checked before")?;
            let rust = short(key);
            let item = Item { key, rust, concept };
            body.push_str(&match &concept.shape {
                Shape::Object(object) => self.object(&item, object)?,
                Shape::Strings(values) => self.strings(&item, values),
                Shape::Union(types) => self.union(&item, types)?,
                Shape::Map(ty) => self.map(&item, ty),
            });
            body.push_str(&self.message(&item));
        }
        let mut text = format!("//! {}\n\n", self.module.doc);
        for (krate, paths) in self.grouped_imports() {
            let _ = writeln!(text, "use {krate}::{{{}}};", paths.join(", "));
        }
        Ok(text + "\n" + &body)
    }

    fn map(&mut self, item: &Item<'_>, ty: &Type) -> String {
        let docs = self.type_docs(item);
        let ty = self.rust_type(ty);
        self.import("indexmap::IndexMap");
        format!("{docs}pub type {} = IndexMap<String, {ty}>;\n\n", item.rust)
    }

    /// Writes the implementation of `Request` or `Notification`.
    fn message(&mut self, item: &Item<'_>) -> String {
        let Some((kind, name)) = &item.concept.method else { return String::new() };
        let rust = item.rust;
        if *kind == Kind::Notification {
            self.import("crate::Notification");
            return format!(
                "impl Notification for {rust} {{ const METHOD: &'static str = {name:?}; }}\n\n"
            );
        }
        let methods = self.model.methods.iter();
        let result =
            methods.filter(|method| method.params == item.key).find_map(|m| m.result.as_ref());
        let result = result.map(|result| self.named(result)).unwrap_or_default();
        self.import("crate::Request");
        self.import("crate::MetaObject");
        let meta = match &item.concept.shape {
            Shape::Union(types) => {
                let variants = types.iter().map(|(ty, _)| super::tables::variant(item.key, ty));
                let arms = variants
                    .chain(["Unknown"])
                    .map(|variant| format!("Self::{variant}(params) => &mut params.meta,"));
                format!("match self {{ {} }}", arms.collect::<String>())
            }
            _ => "&mut self.meta".to_owned(),
        };
        format!(
            "impl Request for {rust} {{
                const METHOD: &'static str = {name:?};
                type Result = {result};

                fn meta_mut(&mut self) -> &mut Option<MetaObject> {{ {meta} }}
            }}\n\n"
        )
    }

    pub(super) fn import(&mut self, path: &str) {
        self.imports.insert(path.to_owned());
    }

    /// Returns the name of a generated type, and imports it if it is in another module.
    pub(super) fn named(&mut self, key: &str) -> String {
        if let Some(module) = module_of(key)
            && module.name != self.module.name
        {
            self.import(&format!("crate::{}::{}", module.name, short(key)));
        }
        short(key).to_owned()
    }

    /// Returns the name of a generated type, boxed if it is listed for that.
    pub(super) fn named_or_boxed(&mut self, key: &str) -> String {
        let name = self.named(key);
        if BOXED.contains(&key) { format!("Box<{name}>") } else { name }
    }

    pub(super) fn rust_type(&mut self, ty: &Type) -> String {
        match ty {
            Type::Bool => "bool".to_owned(),
            Type::Text => "String".to_owned(),
            Type::Integer => "i64".to_owned(),
            Type::Float => "f64".to_owned(),
            Type::Number => self.imported("serde_json", "Number"),
            Type::Value => self.imported("serde_json", "Value"),
            Type::JsonObject => self.imported("crate", "JsonObject"),
            Type::Root(name) => self.imported("crate", name),
            Type::Named(name) => self.named_or_boxed(name),
            Type::Vec(item) => format!("Vec<{}>", self.rust_type(item)),
            Type::List(item) => {
                format!("{}<{}>", self.imported("crate", "List"), self.rust_type(item))
            }
            Type::OneOrMany(item) => {
                format!("{}<{}>", self.imported("crate", "OneOrMany"), self.rust_type(item))
            }
            Type::Map(value) => {
                let map = self.imported("indexmap", "IndexMap");
                format!("{map}<String, {}>", self.rust_type(value))
            }
            Type::Nullable(inner) => self.rust_type(inner),
        }
    }

    /// Groups the imports by crate, and those of one module together.
    fn grouped_imports(&self) -> BTreeMap<&str, Vec<String>> {
        let mut crates: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
        for import in &self.imports {
            let (krate, path) = import.split_once("::").unwrap_or((import, ""));
            let (module, name) = path.split_once("::").unwrap_or(("", path));
            crates.entry(krate).or_default().entry(module).or_default().push(name);
        }
        let path = |(module, names): (&str, Vec<&str>)| match module {
            "" => names.join(", "),
            _ => format!("{module}::{{{}}}", names.join(", ")),
        };
        let group = |modules: BTreeMap<_, _>| modules.into_iter().map(path).collect();
        crates.into_iter().map(|(krate, modules)| (krate, group(modules))).collect()
    }

    fn imported(&mut self, path: &str, name: &str) -> String {
        self.import(&format!("{path}::{name}"));
        name.to_owned()
    }
}

/// Returns the module of a generated type.
pub(super) fn module_of(key: &str) -> Option<&'static Module> {
    MODULES.iter().find(|module| module.types.contains(&key))
}

/// Returns the name of a type within its module.
pub(crate) fn short(key: &str) -> &str {
    key.strip_prefix(EXTENSION_PREFIX).unwrap_or(key)
}
