//! Structs.

use super::{Emitter, Item};
use crate::codegen::{
    model::{Field, Object, Shape, Type},
    names::snake,
    tables::is_hint,
};
use anyhow::{Context, Result};
use std::fmt::Write;

/// Members that may be absent even if the schema requires them: a session adds them, or older servers do not send them.
const MAY_BE_ABSENT: [&str; 4] = ["_meta", "cacheScope", "resultType", "ttlMs"];

/// Required members that stand first, as arguments of the constructor.
const FIRST: [&str; 13] = [
    "taskId",
    "id",
    "uri",
    "uriTemplate",
    "name",
    "protocolVersion",
    "supportedVersions",
    "role",
    "messages",
    "level",
    "progressToken",
    "ref",
    "toolUseId",
];

/// How a member is read and written, in the terms of the macro.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Required,
    Present,
    Optional,
    Nullable,
    Hints,
}

impl Group {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Required, "required"),
        (Self::Present, "present"),
        (Self::Optional, "optional"),
        (Self::Nullable, "nullable"),
        (Self::Hints, "hints"),
    ];

    fn of(item: &Item<'_>, name: &str, field: &Field) -> Self {
        let always = field.required == item.concept.revisions && !MAY_BE_ABSENT.contains(&name);
        match &field.ty {
            Type::Nullable(_) => Self::Present,
            _ if always => Self::Required,
            Type::Value => Self::Nullable,
            _ if is_hint(item.key, name) => Self::Hints,
            _ => Self::Optional,
        }
    }
}

/// A field, in the order of the struct.
struct Line<'a> {
    name: &'a str,
    field: &'a Field,
    group: Group,
    ty: String,
}

impl Emitter<'_> {
    pub(super) fn object(&mut self, item: &Item<'_>, object: &Object) -> Result<String> {
        let mut lines = Vec::new();
        for (name, field) in &object.fields {
            let group = Group::of(item, name, field);
            lines.push(Line { name, field, group, ty: self.rust_type(&field.ty) });
        }
        lines.sort_by_key(|line| {
            let rank = FIRST.iter().position(|first| *first == line.name);
            (line.name == "_meta", line.group != Group::Required, rank.unwrap_or(FIRST.len()))
        });
        self.import("crate::Extra");
        self.import("crate::wire::object");
        let mut text = self.type_docs(item);
        let default =
            if lines.iter().any(|line| line.group == Group::Required) { "" } else { "Default, " };
        let _ = writeln!(text, "#[derive(Clone, Debug, {default}PartialEq)]\n#[non_exhaustive]");
        let _ = writeln!(text, "pub struct {} {{", item.rust);
        for line in &lines {
            let is_option = line.group != Group::Required;
            let is_lax = is_option && line.group != Group::Present;
            text.push_str(&self.field_docs(item, line.name, line.field, is_lax));
            let ty = if is_option { format!("Option<{}>", line.ty) } else { line.ty.clone() };
            let _ = writeln!(text, "    pub {}: {ty},", snake(line.name));
        }
        text.push_str(
            "    /// Members that have no field of their own.\n    pub extra: Extra,\n}\n\n",
        );
        text.push_str(&form(item, object, &lines));
        if let Some(base) = &object.extends {
            text.push_str(&self.conversion(item, base)?);
        }
        Ok(text)
    }

    /// Writes the conversion to the struct that it extends.
    fn conversion(&mut self, item: &Item<'_>, base: &str) -> Result<String> {
        let concept = self.model.concepts.get(base).context("a base is a type")?;
        let Shape::Object(object) = &concept.shape else { return Ok(String::new()) };
        let base = self.named(base);
        let mut text = format!("impl From<{}> for {base} {{\n", item.rust);
        let _ = writeln!(text, "    /// Leaves the members behind that only the larger type has.");
        let _ = writeln!(text, "    fn from(whole: {}) -> Self {{\n        Self {{", item.rust);
        for name in object.fields.keys().map(|name| snake(name)).chain(["extra".to_owned()]) {
            let _ = writeln!(text, "{name}: whole.{name},");
        }
        text.push_str("        }\n    }\n}\n\n");
        Ok(text)
    }
}

/// Writes the macro call that gives the struct its JSON form.
fn form(item: &Item<'_>, object: &Object, lines: &[Line<'_>]) -> String {
    let mut text = format!("object!({} {{\n", item.rust);
    if let Some((tag, constant)) = &object.tag {
        let _ = writeln!(text, "    tag {tag:?} = {constant:?}");
    }
    for (group, word) in Group::ALL {
        let mut members = lines.iter().filter(|line| line.group == group).peekable();
        if members.peek().is_none() {
            continue;
        }
        let _ = writeln!(text, "    {word} {{");
        for line in members {
            let field = snake(line.name);
            let ty =
                if group == Group::Required { format!(": {}", line.ty) } else { String::new() };
            let _ = writeln!(text, "        {field}{ty} = {:?},", line.name);
        }
        text.push_str("    }\n");
    }
    text + "});\n\n"
}
