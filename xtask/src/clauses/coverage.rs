//! How much of the requirements is covered, by tests and by the documentation for hosts.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};

use super::requirements::{PATH, Requirements, Row, Section, Who};
use super::{CRATES, Clause, MARK, Source, citations, tables};

/// The documentation for hosts; it names the requirements that are up to them.
const HOST: &str = "docs/host.md";

/// The files that are read in addition to the tests.
pub(super) const READ: [&str; 2] = [PATH, HOST];

/// A finding: path, line, and what to do.
pub(crate) type Flaw = (String, usize, String);

/// The requirements, and which of them are covered.
pub(crate) struct Coverage {
    requirements: Requirements,
    tested: BTreeSet<Clause>,
    told: BTreeSet<Clause>,
}

impl Coverage {
    pub(crate) fn read(sources: &[Source<'_>]) -> Result<Self> {
        let list = text(sources, PATH).with_context(|| format!("{PATH} is missing"))?;
        let folders: Vec<&str> = CRATES.iter().flat_map(|(_, folders)| *folders).copied().collect();
        let host = text(sources, HOST).unwrap_or_default();
        Ok(Self {
            requirements: Requirements::read(list)?,
            tested: tables::table(sources, &folders).into_keys().collect(),
            told: words(host).filter_map(Clause::parse).collect(),
        })
    }

    /// Returns every MUST without coverage, and every invalid citation.
    pub(crate) fn flaws(&self, sources: &[Source<'_>]) -> Vec<Flaw> {
        let mut flaws = self.false_citations(sources);
        for (section, row) in self.requirements.rows() {
            let clause = &row.clause;
            let is_open = self.requirements.open.contains(clause);
            let message = match (self.shows(row), is_open) {
                (true, true) => {
                    format!("{clause} is shown and no longer open; run `cargo xtask clauses`")
                }
                (false, false) if row.must && !section.is_later => match row.who {
                    Who::Library | Who::Both => format!(
                        "{clause} is shown by no test; write one and name it there: `// spec: {clause}`"
                    ),
                    Who::Host | Who::Text => format!("{clause} is not told in {HOST}"),
                },
                _ => continue,
            };
            flaws.push((PATH.to_owned(), 1, message));
        }
        flaws
    }

    /// Returns the list of requirements, with those covered now removed from the open ones.
    pub(super) fn shorten(&self, sources: &[Source<'_>]) -> Result<(String, String)> {
        let list = text(sources, PATH).with_context(|| format!("{PATH} is missing"))?;
        let rows = self.requirements.rows().map(|(_, row)| row);
        let shown: BTreeSet<_> =
            rows.filter(|row| self.shows(row)).map(|row| &row.clause).collect();
        let is_done = |line: &str| {
            let name = line.strip_prefix("    \"").and_then(|line| line.strip_suffix("\","));
            name.and_then(Clause::parse).is_some_and(|clause| shown.contains(&clause))
        };
        let kept = list.lines().filter(|line| !is_done(line)).map(|line| format!("{line}\n"));
        Ok((PATH.to_owned(), kept.collect()))
    }

    /// Returns citations of unknown requirements, and those that no test follows.
    fn false_citations(&self, sources: &[Source<'_>]) -> Vec<Flaw> {
        let known: BTreeSet<_> = self.requirements.rows().map(|(_, row)| &row.clause).collect();
        let is_known = |text: &&str| Clause::parse(text).is_some_and(|it| known.contains(&it));
        let mut flaws = Vec::new();
        for (path, text) in sources {
            let is_ours = |folder: &&str| path.starts_with(folder);
            if !CRATES.iter().flat_map(|(_, folders)| *folders).any(is_ours) {
                continue;
            }
            for citation in citations((path, text), MARK) {
                let mut flaw = |message| {
                    flaws.push((path.display().to_string(), citation.line, message));
                };
                if citation.test.is_none() && path.starts_with("tests") {
                    flaw("the comment stands before no test".to_owned());
                }
                for clause in citation.words.iter().filter(|clause| !is_known(clause)) {
                    flaw(format!("no requirement has the number {clause}; see {PATH}"));
                }
            }
        }
        flaws
    }

    fn shows(&self, row: &Row) -> bool {
        let is_tested = self.tested.contains(&row.clause);
        match row.who {
            Who::Library | Who::Both => is_tested,
            Who::Host | Who::Text => is_tested || self.told.contains(&row.clause),
        }
    }

    fn missing(&self, section: &Section) -> Vec<String> {
        let missing = section.rows.iter().filter(|row| !self.shows(row));
        missing.map(|row| row.clause.to_string()).collect()
    }
}

/// A line for each section, and the sums.
impl fmt::Display for Coverage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections = self.requirements.sections.iter();
        for section in sections.clone().filter(|section| !section.is_later) {
            let missing = self.missing(section);
            let all = section.rows.len();
            let shown = all - missing.len();
            write!(formatter, "  {:<8} {shown:>3} of {all:>3}  {}", section.name, section.about)?;
            let missing = if missing.is_empty() {
                String::new()
            } else {
                format!("; not {}", missing.join(" "))
            };
            writeln!(formatter, "{missing}")?;
        }
        let count = |must: bool, shown: bool| {
            let rows = self.requirements.rows().filter(|(section, _)| !section.is_later);
            rows.filter(|(_, row)| (row.must || !must) && (!shown || self.shows(row))).count()
        };
        write!(
            formatter,
            "requirements: {} of {} are shown, {} of {} that say MUST; {} are known to be missing",
            count(false, true),
            count(false, false),
            count(true, true),
            count(true, false),
            self.requirements.open.len(),
        )?;
        let later: usize =
            sections.filter(|section| section.is_later).map(|it| it.rows.len()).sum();
        if later > 0 { write!(formatter, ", {later} are not asked for yet") } else { Ok(()) }
    }
}

fn text<'a>(sources: &[Source<'a>], path: &str) -> Option<&'a str> {
    sources.iter().find(|(found, _)| *found == Path::new(path)).map(|(_, text)| *text)
}

/// Returns the words of a text, without surrounding punctuation.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_ascii_alphanumeric() && char != '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"
        later = ["C"]
        open = ["A-03"]
        [A]
        about = "first"
        clauses = [["01", "all", "MUST", "library"], ["02", "all", "MUST NOT", "both"], ["03", "26", "MUST", "library"]]
        [B]
        about = "second"
        clauses = [["01", "25", "MUST", "host"], ["02", "25", "SHOULD", "library"]]
        [C]
        about = "third"
        clauses = [["01", "25", "MUST", "library"]]
    "#;

    fn messages(tests: &str, host: &str) -> Vec<String> {
        let sources = [
            (Path::new(PATH), LIST),
            (Path::new(HOST), host),
            (Path::new("tests/client/calls.rs"), tests),
        ];
        let coverage = Coverage::read(&sources).unwrap();
        coverage.flaws(&sources).into_iter().map(|(_, _, message)| message).collect()
    }

    fn cited(clauses: &str) -> String {
        format!("// spec: {clauses}\n#[test]\nfn shown() {{}}\n")
    }

    #[test]
    fn a_must_that_nothing_shows_is_found() {
        let found = messages(&cited("A-01"), "");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("A-02 is shown by no test"), "{found:?}");
        assert!(found[1].starts_with("B-01 is not told"), "{found:?}");
        assert!(messages(&cited("A-01 A-02"), "- **B-01**: told.").is_empty());
        assert!(!messages(&cited("A-01"), "A-02 B-01").is_empty(), "words do not test");
    }

    #[test]
    fn what_is_open_and_shown_leaves_the_list() {
        let found = messages(&cited("A-01 A-02 A-03"), "B-01");
        assert!(found.len() == 1 && found[0].starts_with("A-03 is shown"), "{found:?}");
        let list = "open = [\n    \"A-01\",\n    \"A-02\",\n]\nlater = []\n[A]\nabout = \"\"\nclauses = [\n    [\"01\", \"all\", \"MUST\", \"library\"],\n    [\"02\", \"all\", \"MUST\", \"library\"],\n]\n";
        let tests = cited("A-01");
        let sources = [(Path::new(PATH), list), (Path::new("tests/client/calls.rs"), &*tests)];
        let (_, shorter) = Coverage::read(&sources).unwrap().shorten(&sources).unwrap();
        assert_eq!(shorter, list.replacen("    \"A-01\",\n", "", 1));
    }

    #[test]
    fn citations_of_nothing_or_before_nothing_are_found() {
        let tests = format!("{}// spec: A-01\nconst A: u8 = 1;\n", cited("A-01 A-02 X-01"));
        let found = messages(&tests, "B-01");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("X-01") && found[1].contains("before no test"), "{found:?}");
    }
}
