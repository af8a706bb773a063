//! Enums: strings with known values, and unions.

use super::{Emitter, Item};
use crate::codegen::{
    model::Shape,
    names::pascal,
    revisions::Revisions,
    tables::{Telling, telling, variant},
};
use anyhow::{Context, Result};
use std::{collections::BTreeMap, fmt::Write};

impl Emitter<'_> {
    pub(super) fn strings(
        &mut self,
        item: &Item<'_>,
        values: &BTreeMap<String, Revisions>,
    ) -> String {
        self.import("crate::wire::string_enum");
        let mut text = self.type_docs(item);
        text.push_str("#[derive(Clone, Debug, PartialEq, Eq, Hash)]\n#[non_exhaustive]\n");
        let _ = writeln!(text, "pub enum {} {{", item.rust);
        let mut form = String::new();
        for (value, present) in values {
            text.push_str(&self.variant_docs(item, value, *present));
            let _ = writeln!(text, "    {},", pascal(value));
            let _ = writeln!(form, "    {value:?} => {},", pascal(value));
        }
        text.push_str("    /// A value that this version of the library does not know.\n");
        text.push_str("    Unknown(String),\n}\n\n");
        let _ = write!(text, "string_enum!({} {{\n{form}}});\n\n", item.rust);
        text
    }

    pub(super) fn union(
        &mut self,
        item: &Item<'_>,
        types: &[(String, Revisions)],
    ) -> Result<String> {
        let telling = telling(item.key).context("a union without an entry in `telling`")?;
        let mut text = self.type_docs(item);
        text.push_str("#[derive(Clone, Debug, PartialEq)]\n#[non_exhaustive]\n");
        let _ = writeln!(text, "pub enum {} {{", item.rust);
        for (ty, present) in types {
            text.push_str(&self.variant_docs(item, ty, *present));
            let inner = self.named_or_boxed(ty);
            let _ = writeln!(text, "    {}({inner}),", variant(item.key, ty));
        }
        let unknown = match telling {
            Telling::Mode(..) => {
                self.import("crate::OpenObject");
                "OpenObject"
            }
            _ => {
                self.import("serde_json::Value");
                "Value"
            }
        };
        text.push_str("    /// What this version of the library does not know, or what does not fit the type that it says\n");
        let _ =
            writeln!(text, "    /// to be: the value as it came.\n    Unknown({unknown}),\n}}\n");
        text.push_str(&self.telling(item, &telling, types)?);
        Ok(text)
    }

    /// Writes the macro call that distinguishes the types.
    fn telling(
        &mut self,
        item: &Item<'_>,
        telling: &Telling,
        types: &[(String, Revisions)],
    ) -> Result<String> {
        let arm = |ty: &str| format!("{}({}),\n", variant(item.key, ty), super::short(ty));
        let mut arms = String::new();
        let (name, head) = match telling {
            Telling::Method => {
                arms.extend(types.iter().map(|(ty, _)| arm(ty)));
                ("by_method", item.rust.to_owned())
            }
            Telling::Tag(tag) => {
                for (ty, _) in types {
                    let _ = write!(arms, "{:?} => {}", self.constant(ty, tag)?, arm(ty));
                }
                ("by_tag", format!("{}, {tag:?}", item.rust))
            }
            Telling::Mode(tag, default) => {
                for (ty, _) in types {
                    let constant = self.constant(ty, tag).unwrap_or_else(|_| (*default).to_owned());
                    let _ = write!(arms, "{constant:?} => {}", arm(ty));
                }
                ("by_mode", format!("{}, {tag:?} = {default:?}", item.rust))
            }
            Telling::Key(keys) => {
                arms.extend(keys.iter().map(|(key, ty)| format!("{key:?} => {}", arm(ty))));
                ("by_key", item.rust.to_owned())
            }
            Telling::Shape(keys) => {
                let condition = |key: &str, values: &[&str]| match (key, values) {
                    ("", _) => String::new(),
                    (key, []) => format!("{key:?} => "),
                    (key, values) => format!("{key:?} in {values:?} => "),
                };
                arms.extend(keys.iter().map(|(key, values, ty)| condition(key, values) + &arm(ty)));
                ("by_shape", item.rust.to_owned())
            }
        };
        self.import(&format!("crate::wire::{name}"));
        // rustfmt does not indent what it cannot parse.
        let arms: String = arms.lines().map(|arm| format!("    {arm}\n")).collect();
        Ok(format!("{name}!({head} {{\n{arms}}});\n\n"))
    }

    /// Returns the constant by which a union recognizes a type.
    fn constant(&self, ty: &str, tag: &str) -> Result<String> {
        let concept = self.model.concepts.get(ty).context("a union of types")?;
        let Shape::Object(object) = &concept.shape else { anyhow::bail!("{ty} is no object") };
        let (name, constant) = object.tag.as_ref().with_context(|| format!("{ty} has no tag"))?;
        anyhow::ensure!(name == tag, "{ty} has the tag {name}");
        Ok(constant.clone())
    }
}
