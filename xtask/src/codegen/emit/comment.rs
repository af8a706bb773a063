//! Doc comments.

use super::{Emitter, Item, module_of, short};
use crate::codegen::{
    model::{Field, Kind},
    revisions::{Revisions, Source},
};
use std::fmt::Write;

const WIDTH: usize = 110;
const SITE: &str = "https://modelcontextprotocol.io/specification";

impl Emitter<'_> {
    /// Writes the sentence of a type, its revisions, and a link to the specification.
    pub(super) fn type_docs(&mut self, item: &Item<'_>) -> String {
        let doc = self.docs.sentence(item.key, "doc");
        let page = self.docs.sentence(item.key, "page");
        let revisions = item.concept.revisions;
        let mut paragraphs = vec![doc];
        let mut facts = Vec::new();
        if let Some((kind, method)) = &item.concept.method {
            let kind = match kind {
                Kind::Request => "request",
                Kind::Notification => "notification",
            };
            facts.push(format!("Parameters of the {kind} `{method}`."));
        }
        if let Some(last) = revisions.last() {
            facts.extend(revisions.describe(core()).map(|words| sentence(&words)));
            let page = format!("{SITE}/{}/{page}", last.name());
            paragraphs.extend((!facts.is_empty()).then(|| facts.join(" ")));
            paragraphs.push(format!("[Specification]({page})"));
        } else {
            paragraphs.extend((!facts.is_empty()).then(|| facts.join(" ")));
            paragraphs.push(format!("[Specification]({page})"));
        }
        self.comment(&paragraphs, "")
    }

    /// Writes the sentence of a field, and its revisions.
    pub(super) fn field_docs(
        &mut self,
        item: &Item<'_>,
        name: &str,
        field: &Field,
        option: bool,
    ) -> String {
        let mut doc = self.docs.sentence(item.key, name);
        let all = item.concept.revisions;
        let presence = match field.present.last() {
            None if all.last().is_some() => Some("with the tasks extension".to_owned()),
            _ => field.present.describe(all),
        };
        let required = match field.required {
            required if required.is_empty() || !option => None,
            required => Some(required.describe(field.present)),
        };
        let facts = match (presence, required) {
            (None, None) => None,
            (None, Some(None)) => Some("The specification requires it.".to_owned()),
            (None, Some(Some(when))) => Some(format!("Required {when}.")),
            (Some(there), None) => Some(sentence(&there)),
            (Some(there), Some(None)) => Some(sentence(&format!("{there}, and required there"))),
            (Some(there), Some(Some(when))) => {
                Some(format!("{} Required {when}.", sentence(&there)))
            }
        };
        if let Some(facts) = facts {
            doc = format!("{doc} {facts}");
        }
        self.comment(&[doc], "    ")
    }

    /// Writes the sentence of a variant, and its revisions.
    pub(super) fn variant_docs(
        &mut self,
        item: &Item<'_>,
        name: &str,
        present: Revisions,
    ) -> String {
        let mut doc = self.docs.sentence(item.key, name);
        if let Some(words) = present.describe(item.concept.revisions) {
            doc = format!("{doc} {}", sentence(&words));
        }
        self.comment(&[doc], "    ")
    }

    /// Writes paragraphs as a doc comment, with link targets for types of other modules.
    fn comment(&self, paragraphs: &[String], indent: &str) -> String {
        let mut text = String::new();
        let mut links = Vec::new();
        for (index, paragraph) in paragraphs.iter().enumerate() {
            if index > 0 {
                let _ = writeln!(text, "{indent}///");
            }
            wrap(paragraph, indent, &mut text);
            links.extend(self.links(paragraph));
        }
        links.sort();
        links.dedup();
        if !links.is_empty() {
            let _ = writeln!(text, "{indent}///");
        }
        for link in links {
            let _ = writeln!(text, "{indent}/// {link}");
        }
        text
    }

    fn links(&self, paragraph: &str) -> Vec<String> {
        let starts = paragraph.match_indices("[`").map(|(start, _)| start + 2);
        let names = starts.filter_map(|start| paragraph[start..].split_once("`]"));
        let foreign = names.filter_map(|(name, _)| {
            let module = module_of(name)?;
            let target = format!("[`{name}`]: crate::{}::{}", module.name, short(name));
            (module.name != self.module.name || name != short(name)).then_some(target)
        });
        foreign.collect()
    }
}

/// Returns the revisions without the extension.
fn core() -> Revisions {
    let mut all = Revisions::default();
    Source::all().filter(|source| !source.is_extension()).for_each(|source| all.insert(source));
    all
}

fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).chain(['.']).collect()
}

fn wrap(paragraph: &str, indent: &str, text: &mut String) {
    let mut line = String::new();
    for word in paragraph.split_whitespace() {
        if !line.is_empty() && indent.len() + 5 + line.len() + word.len() > WIDTH {
            let _ = writeln!(text, "{indent}/// {line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(text, "{indent}/// {line}");
}
