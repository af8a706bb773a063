//! The table of what exists in which revision.

use super::{
    model::{EXTENSION_PREFIX, Kind, Method, Model, Shape},
    revisions::{Revisions, Source},
};
use anyhow::Result;
use std::{collections::BTreeMap, fmt::Write};

/// A method in all sources in which its parameters have the same type.
#[derive(Default)]
struct Row<'a> {
    result: Option<&'a str>,
    client: Revisions,
    server: Revisions,
    input: Revisions,
}

pub(crate) fn file(model: &Model) -> Result<String> {
    let mut rows: BTreeMap<(&str, Kind, &str), Row<'_>> = BTreeMap::new();
    for method in &model.methods {
        let row = rows.entry((&method.name, method.kind, &method.params)).or_default();
        row.result = method.result.as_deref();
        row.add(method);
    }
    let mut text = "//! What exists in which revision.\n\n\
        use crate::revision::{Field, Kind, Method, Revisions, Type};\n\n\
        pub(crate) static METHODS: &[Method] = &[\n"
        .to_owned();
    for ((name, kind, params), row) in &rows {
        let is_extension = params.starts_with(EXTENSION_PREFIX);
        let extension = is_extension.then_some("io.modelcontextprotocol/tasks");
        let _ = writeln!(
            text,
            "Method {{ name: {name:?}, kind: Kind::{kind:?}, params: {params:?}, result: {:?}, \
             extension: {extension:?}, from_client: Revisions({}), from_server: Revisions({}), as_input: Revisions({}) }},",
            row.result,
            bits(row.client),
            bits(row.server),
            bits(row.input),
        );
    }
    text.push_str("];\n\npub(crate) static TYPES: &[Type] = &[\n");
    for (name, concept) in &model.concepts {
        let revisions = bits(concept.revisions);
        let _ =
            writeln!(text, "Type {{ name: {name:?}, revisions: Revisions({revisions}), fields: &[");
        if let Shape::Object(object) = &concept.shape {
            let fields: BTreeMap<_, _> = object.fields.iter().collect();
            for (name, field) in fields {
                // No revision has the members that an extension adds to a type.
                let is_joined =
                    field.present.last().is_none() && concept.revisions.last().is_some();
                let present = if is_joined { Revisions::default() } else { field.present };
                let (present, required) = (bits(present), bits(field.required));
                let _ = writeln!(text, "Field::new({name:?}, {present}, {required}),");
            }
            if let Some((tag, _)) = &object.tag {
                let _ = writeln!(text, "Field::new({tag:?}, {revisions}, {revisions}),");
            }
        }
        text.push_str("] },\n");
    }
    Ok(text + "];\n")
}

impl Row<'_> {
    fn add(&mut self, method: &Method) {
        if method.from_client {
            self.client.insert(method.source);
        }
        if method.from_server {
            self.server.insert(method.source);
        }
        if method.as_input {
            self.input.insert(method.source);
        }
    }
}

/// Returns the set in the form of the library: the extension belongs to the last revision.
fn bits(revisions: Revisions) -> String {
    let core = revisions.0 & !(1 << Source::EXTENSION.0);
    let is_extended = core == 0 && revisions.contains(Source::EXTENSION);
    let core = if is_extended { 1 << (Source::EXTENSION.0 - 1) } else { core };
    format!("0b{core:05b}")
}
