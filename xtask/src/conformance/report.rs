//! The outcomes of the pairs: a line for each, a table, a file, a count.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::fs;

use anyhow::{Context, Result};
use serde::Serialize;

use super::pairs::Pair;
use super::verdict::Ran;
use crate::count::Count;
use crate::workspace;

/// The outcome of one pair.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    scenario: String,
    revision: String,
    verdict: Verdict,
    /// How many checks of the suite succeeded.
    successes: usize,
    /// Why it does not pass.
    objections: Vec<String>,
    seconds: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Passed,
    Failed,
}

/// The outcomes of all pairs.
pub(super) struct Report(Vec<Outcome>);

impl Outcome {
    pub(super) fn new(pair: &Pair, ran: &Ran) -> Self {
        let objections = ran.objections();
        let verdict = if objections.is_empty() { Verdict::Passed } else { Verdict::Failed };
        Self {
            scenario: pair.scenario.clone(),
            revision: pair.revision.clone(),
            verdict,
            successes: ran.successes(),
            objections,
            seconds: ran.seconds,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, revision, verdict, successes, seconds, .. } = self;
        let verdict = verdict.name();
        write!(formatter, "{verdict} {revision} {scenario} ({successes} checks, {seconds:.1} s)")
    }
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
        }
    }
}

impl Report {
    pub(super) fn new(outcomes: Vec<Outcome>) -> Self {
        Self(outcomes)
    }

    pub(super) fn failed(&self) -> usize {
        self.with(Verdict::Failed).count()
    }

    pub(super) fn count(&self, count: &mut Count) {
        count.passed += self.with(Verdict::Passed).count();
        count.failed += self.failed();
    }

    /// Returns a Markdown table with a row per scenario and a column per revision.
    pub(super) fn table(&self) -> String {
        let revisions: BTreeSet<_> = self.0.iter().map(|outcome| &*outcome.revision).collect();
        let mut scenarios: Vec<_> = self.0.iter().map(|outcome| &*outcome.scenario).collect();
        scenarios.dedup();
        let width = scenarios.iter().map(|name| name.len() + 2).max().unwrap_or_default();
        let row = |name: &str, cells: &mut dyn Iterator<Item = &str>| {
            let cells: String = cells.map(|cell| format!(" {cell:<10} |")).collect();
            format!("| {name:<width$} |{cells}\n")
        };
        let mut table = row("scenario", &mut revisions.iter().copied());
        table += &row(&"-".repeat(width), &mut revisions.iter().map(|_| "----------"));
        for scenario in scenarios {
            let mut cells = revisions.iter().map(|revision| self.cell(scenario, revision));
            table += &row(&format!("`{scenario}`"), &mut cells);
        }
        table
    }

    fn cell(&self, scenario: &str, revision: &str) -> &'static str {
        self.find(scenario, revision).map_or("", |outcome| outcome.verdict.name())
    }

    /// Reports how much of what a revision requires passes.
    pub(super) fn required(&self, revision: &str, scenarios: &[String]) -> String {
        let verdicts = scenarios.iter().filter_map(|scenario| self.find(scenario, revision));
        let passed = verdicts.filter(|outcome| outcome.verdict == Verdict::Passed).count();
        format!("{revision} requires {} client scenarios: {passed} pass", scenarios.len())
    }

    /// Lists all failures and their reasons.
    pub(super) fn failures(&self) -> String {
        let mut text = String::new();
        for outcome in self.with(Verdict::Failed) {
            // Writing to a string does not fail.
            let _ = writeln!(text, "\n{outcome}");
            for objection in &outcome.objections {
                let _ = writeln!(text, "  {}", objection.replace('\n', "\n  "));
            }
        }
        text
    }

    pub(super) fn write_json(&self, suite: &str) -> Result<()> {
        #[derive(Serialize)]
        struct File<'a> {
            suite: &'a str,
            pairs: &'a [Outcome],
        }

        let path = workspace::root().join("target/conformance.json");
        let text = serde_json::to_string_pretty(&File { suite, pairs: &self.0 })?;
        fs::write(&path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }

    fn find(&self, scenario: &str, revision: &str) -> Option<&Outcome> {
        self.0.iter().find(|one| one.scenario == scenario && one.revision == revision)
    }

    fn with(&self, verdict: Verdict) -> impl Iterator<Item = &Outcome> {
        self.0.iter().filter(move |outcome| outcome.verdict == verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(scenario: &str, revision: &str, verdict: Verdict) -> Outcome {
        let (scenario, revision) = (scenario.to_owned(), revision.to_owned());
        let objections = vec!["a: wrong\nmore".to_owned()];
        Outcome { scenario, revision, verdict, successes: 1, objections, seconds: 0.5 }
    }

    fn report() -> Report {
        Report(vec![
            outcome("a", "2025-11-25", Verdict::Passed),
            outcome("a", "2026-07-28", Verdict::Failed),
            outcome("auth/b", "2026-07-28", Verdict::Passed),
        ])
    }

    #[test]
    fn a_scenario_is_a_row_and_a_revision_a_column() {
        let expected = "\
| scenario | 2025-11-25 | 2026-07-28 |
| -------- | ---------- | ---------- |
| `a`      | passed     | FAILED     |
| `auth/b` |            | passed     |
";
        assert_eq!(report().table(), expected);
    }

    #[test]
    fn what_passed_and_what_did_not_is_counted() {
        let mut count = Count::default();
        report().count(&mut count);
        assert_eq!(count.to_string(), "2 passed, 1 failed, 0 skipped");
        let required = ["a".to_owned(), "c".to_owned()];
        let line = "2025-11-25 requires 2 client scenarios: 1 pass";
        assert_eq!(report().required("2025-11-25", &required), line);
    }

    #[test]
    fn a_failure_says_what_is_wrong() {
        let expected = "\nFAILED 2026-07-28 a (1 checks, 0.5 s)\n  a: wrong\n  more\n";
        assert_eq!(report().failures(), expected);
    }

    #[test]
    fn a_pair_that_does_nothing_is_a_failure() {
        let check = serde_json::from_str(r#"[{"id": "a", "status": "SUCCESS"}]"#).unwrap();
        let ran = Ran { is_pass: true, checks: check, ..Ran::default() };
        let pair = pair("tools_call", "2025-11-25");
        assert_eq!(Outcome::new(&pair, &ran).verdict, Verdict::Passed);
        assert_eq!(Outcome::new(&pair, &Ran::default()).verdict, Verdict::Failed);
    }

    fn pair(scenario: &str, revision: &str) -> Pair {
        Pair { scenario: scenario.to_owned(), revision: revision.to_owned(), forced: false }
    }
}
