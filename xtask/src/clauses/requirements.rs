//! The requirements themselves, as `tests/clauses.toml` lists them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Clause;

/// The path of the list.
pub(crate) const PATH: &str = "tests/clauses.toml";

/// All requirements, by section.
pub(super) struct Requirements {
    pub(super) sections: Vec<Section>,
    /// The requirements known to be missing.
    pub(super) open: Vec<Clause>,
}

pub(super) struct Section {
    pub(super) name: String,
    pub(super) about: String,
    /// Whether it waits for OAuth.
    pub(super) is_later: bool,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Row {
    pub(super) clause: Clause,
    pub(super) must: bool,
    pub(super) who: Who,
}

/// What covers a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Who {
    /// A test of the library.
    Library,
    /// A test of the mechanism; the policy is up to the host.
    Both,
    /// The documentation for hosts.
    Host,
    /// Only the documentation can.
    Text,
}

#[derive(Deserialize)]
struct Document {
    later: Vec<String>,
    open: Vec<String>,
    #[serde(flatten)]
    sections: BTreeMap<String, Listed>,
}

#[derive(Deserialize)]
struct Listed {
    about: String,
    /// Number, revisions, level, and what covers it.
    clauses: Vec<(String, String, String, Who)>,
}

/// The levels that a requirement can have.
const LEVELS: [&str; 8] = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "REC", "MAY", "DER", "impl"];

impl Requirements {
    /// Reads the list.
    pub(super) fn read(text: &str) -> Result<Self> {
        let document: Document = toml::from_str(text).context(PATH)?;
        if let Some(name) =
            document.later.iter().find(|name| !document.sections.contains_key(*name))
        {
            bail!("{PATH}: no section has the name {name}");
        }
        let mut sections = Vec::new();
        for (name, listed) in document.sections {
            let is_later = document.later.contains(&name);
            let rows = listed.clauses.into_iter().map(|row| Row::new(&name, row));
            let rows = rows.collect::<Result<_>>()?;
            sections.push(Section { name, about: listed.about, is_later, rows });
        }
        let parse = |text: &String| Clause::parse(text).with_context(|| format!("{PATH}: {text}"));
        let open = document.open.iter().map(parse).collect::<Result<_>>()?;
        let requirements = Self { sections, open };
        requirements.check_numbers()?;
        Ok(requirements)
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&Section, &Row)> {
        self.sections.iter().flat_map(|section| section.rows.iter().map(move |row| (section, row)))
    }

    fn check_numbers(&self) -> Result<()> {
        let mut seen = BTreeSet::new();
        for (_, row) in self.rows() {
            if !seen.insert(&row.clause) {
                bail!("{PATH}: {} is there twice", row.clause);
            }
        }
        match self.open.iter().find(|clause| !seen.contains(clause)) {
            Some(clause) => bail!("{PATH}: {clause} is open and no requirement"),
            None => Ok(()),
        }
    }
}

impl Row {
    fn new(section: &str, (number, _, level, who): (String, String, String, Who)) -> Result<Self> {
        let text = format!("{section}-{number}");
        let clause = Clause::parse(&text).with_context(|| format!("{PATH}: {text}"))?;
        if !LEVELS.contains(&&*level) {
            bail!("{PATH}: {clause} has the unknown level {level}");
        }
        Ok(Self { clause, must: level.starts_with("MUST"), who })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(row: &str) -> Result<Requirements> {
        Requirements::read(&format!(
            "later = [\"B\"]\nopen = []\n[A]\nabout = \"first\"\nclauses = [{row}]\n[B]\nabout = \"second\"\nclauses = []\n"
        ))
    }

    #[test]
    fn a_list_is_read() {
        let list =
            list(r#"["01", "all", "MUST NOT", "library"], ["02", "26", "MAY", "host"]"#).unwrap();
        let rows: Vec<_> = list.rows().map(|(_, row)| (row.must, row.who)).collect();
        assert_eq!(rows, [(true, Who::Library), (false, Who::Host)]);
        assert!(list.sections[1].is_later);
    }

    #[test]
    fn what_is_wrong_with_a_list_is_named() {
        let message = |row| format!("{:#}", list(row).map(|_| ()).unwrap_err());
        assert!(message(r#"["1", "all", "MUST", "library"]"#).contains("A-1"));
        assert!(message(r#"["01", "all", "MIGHT", "library"]"#).contains("MIGHT"));
        let twice = r#"["01", "all", "MUST", "library"], ["01", "all", "MUST", "library"]"#;
        assert!(message(twice).contains("A-01 is there twice"));
    }
}
