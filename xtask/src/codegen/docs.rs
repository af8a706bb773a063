//! The sentences of the documentation, from `mcp-types/schema/docs.toml`.

use crate::schema::directory;
use anyhow::{Context, Result, ensure};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
};

/// All sentences, and which of them were used.
pub(crate) struct Docs {
    types: BTreeMap<String, BTreeMap<String, String>>,
    used: BTreeSet<(String, String)>,
    missing: BTreeMap<String, Vec<String>>,
}

const DEFAULT: &str = "default";

impl Docs {
    pub(crate) fn load() -> Result<Self> {
        let path = directory().join("docs.toml");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let types = toml::from_str(text)?;
        Ok(Self { types, used: BTreeSet::new(), missing: BTreeMap::new() })
    }

    /// Returns the sentence of a type (`doc`), its page (`page`), or the sentence of a member or variant.
    pub(crate) fn sentence(&mut self, ty: &str, key: &str) -> String {
        for table in [ty, DEFAULT] {
            if let Some(text) = self.types.get(table).and_then(|table| table.get(key)) {
                self.used.insert((table.to_owned(), key.to_owned()));
                return text.clone();
            }
        }
        self.missing.entry(ty.to_owned()).or_default().push(key.to_owned());
        "Not documented yet.".to_owned()
    }

    /// Returns what has to be added to the file.
    pub(crate) fn skeleton(&self) -> String {
        let mut skeleton = String::new();
        for (ty, keys) in &self.missing {
            let quoted = if ty.contains('.') { format!("\"{ty}\"") } else { ty.clone() };
            let _ = writeln!(skeleton, "[{quoted}]");
            for key in keys {
                let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                let bare = key.chars().all(is_bare);
                let key = if bare { key.clone() } else { format!("\"{key}\"") };
                let _ = writeln!(skeleton, "{key} = \"\"");
            }
            skeleton.push('\n');
        }
        for (ty, key) in self.stale() {
            let _ = writeln!(skeleton, "# stale: [{ty}] {key}");
        }
        skeleton
    }

    /// Fails if a sentence is missing or unused.
    pub(crate) fn check(&self) -> Result<()> {
        let missing: Vec<String> = self
            .missing
            .iter()
            .flat_map(|(ty, keys)| keys.iter().map(move |key| format!("[{ty}] {key}")))
            .collect();
        ensure!(
            missing.is_empty(),
            "docs.toml lacks these sentences (`cargo xtask codegen --missing-docs` prints a skeleton):\n{}",
            missing.join("\n")
        );
        let stale = self.stale().map(|(ty, key)| format!("[{ty}] {key}")).collect::<Vec<_>>();
        ensure!(stale.is_empty(), "docs.toml documents what is not there:\n{}", stale.join("\n"));
        Ok(())
    }

    fn stale(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.types.iter().flat_map(|(ty, keys)| keys.keys().map(move |key| (ty, key)));
        all.filter(|(ty, key)| !self.used.contains(&((*ty).clone(), (*key).clone())))
            .map(|(ty, key)| (ty.as_str(), key.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::Docs;

    #[test]
    fn a_default_stands_in() {
        let mut docs = Docs::parse("[default]\n_meta = 'D'\n[A]\n_meta = 'O'\n").unwrap();
        assert_eq!(docs.sentence("A", "_meta"), "O");
        assert_eq!(docs.sentence("B", "_meta"), "D");
        docs.check().unwrap();
    }

    #[test]
    fn missing_and_stale_sentences_are_named() {
        let mut docs = Docs::parse("[A]\nold = 'x'\n").unwrap();
        docs.sentence("x.B", "$new");
        assert!(docs.check().unwrap_err().to_string().ends_with("[x.B] $new"));
        assert_eq!(docs.skeleton(), "[\"x.B\"]\n\"$new\" = \"\"\n\n# stale: [A] old\n");
        let docs = Docs::parse("[A]\nold = 'x'\n").unwrap();
        assert!(docs.check().unwrap_err().to_string().ends_with("[A] old"));
    }
}
