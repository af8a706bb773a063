//! What counts as a pass.
//!
//! For the suite it is a pass if nothing failed; here something must also have succeeded, so that a client which does
//! nothing never passes.

use serde::Deserialize;

/// The outcome of one run of the suite.
#[derive(Debug, Default)]
pub(super) struct Ran {
    /// Whether it is a pass for the suite: no failure, no warning, no timeout, and no error that the scenario forbids.
    pub(super) is_pass: bool,
    /// The checks of the suite, if it got that far.
    pub(super) checks: Option<Vec<Check>>,
    /// Its output.
    pub(super) log: String,
    pub(super) seconds: f64,
}

/// One check of the suite.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Check {
    id: String,
    status: Status,
    error_message: Option<String>,
    #[serde(default)]
    description: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Success,
    Failure,
    Warning,
    Skipped,
    Info,
}

/// Lines of the suite that say why it is not a pass although no check failed.
const REMARKS: [&str; 2] = ["CLIENT TIMED OUT", "CLIENT EXITED WITH ERROR"];

/// How much of the log of a run without checks is shown.
const LAST_LINES: usize = 12;

impl Ran {
    /// Returns how many checks succeeded.
    pub(super) fn successes(&self) -> usize {
        self.with_status(Status::Success).count()
    }

    /// Returns why it is not a pass; empty if it is one.
    pub(super) fn objections(&self) -> Vec<String> {
        let bad = self.with_status(Status::Failure).chain(self.with_status(Status::Warning));
        let mut objections: Vec<_> = bad.map(Check::complaint).collect();
        let remarks =
            self.log.lines().filter(|line| REMARKS.iter().any(|part| line.contains(part)));
        objections.extend(remarks.map(|line| line.trim().to_owned()));
        if self.checks.is_none() {
            objections
                .push(format!("the suite made no checks; it said last:\n{}", self.end_of_log()));
        } else if self.successes() == 0 {
            objections.push("no check succeeded".to_owned());
        }
        if !self.is_pass && objections.is_empty() {
            objections.push(format!("the suite says no more than:\n{}", self.end_of_log()));
        }
        if !objections.is_empty() {
            objections.extend(self.client_said());
        }
        objections
    }

    /// Returns what the client wrote to stderr, which the suite shows if it exited with an error.
    fn client_said(&self) -> Option<String> {
        let (_, after) = self.log.split_once("\nStderr:\n")?;
        let end = after.find("\nResults saved").unwrap_or(after.len());
        Some(format!("the client said:\n{}", after[..end].trim()))
    }

    fn with_status(&self, status: Status) -> impl Iterator<Item = &Check> {
        self.checks.iter().flatten().filter(move |check| check.status == status)
    }

    fn end_of_log(&self) -> String {
        let lines: Vec<_> = self.log.trim_end().lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }
}

impl Check {
    fn complaint(&self) -> String {
        let message = self.error_message.as_ref().unwrap_or(&self.description);
        format!("{}: {message}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(is_pass: bool, checks: &str, log: &str) -> Ran {
        let checks = serde_json::from_str(checks).unwrap();
        Ran { is_pass, checks, log: log.to_owned(), seconds: 0.0 }
    }

    const GOOD: &str = r#"{"id": "good", "name": "n", "status": "SUCCESS", "description": "d"}"#;

    #[test]
    fn a_pass_has_a_check_that_succeeded() {
        let info = r#"{"id": "i", "status": "INFO"}"#;
        assert!(ran(true, &format!("[{GOOD}, {info}]"), "").objections().is_empty());
        assert_eq!(ran(true, &format!("[{info}]"), "").objections(), ["no check succeeded"]);
        assert_eq!(ran(true, "[]", "").objections(), ["no check succeeded"]);
    }

    #[test]
    fn failures_and_warnings_are_named() {
        let bad =
            r#"{"id": "a", "status": "FAILURE", "errorMessage": "wrong", "description": "d"}"#;
        let odd = r#"{"id": "b", "status": "WARNING", "description": "late"}"#;
        let ran = ran(false, &format!("[{GOOD}, {bad}, {odd}]"), "");
        assert_eq!(ran.objections(), ["a: wrong", "b: late"]);
    }

    #[test]
    fn a_timeout_and_a_bad_exit_are_no_pass() {
        let ran = ran(false, &format!("[{GOOD}]"), "one\n⚠️  CLIENT TIMED OUT - Test incomplete\n");
        assert_eq!(ran.objections(), ["⚠️  CLIENT TIMED OUT - Test incomplete"]);
    }

    #[test]
    fn an_error_that_the_scenario_expects_is_a_pass_and_any_other_is_shown() {
        let log = "Client exited with code 1\n\nStderr:\nno digest\n\nResults saved to x\n";
        assert!(ran(true, &format!("[{GOOD}]"), log).objections().is_empty());
        let objections = ran(true, "[]", log).objections();
        assert_eq!(objections, ["no check succeeded", "the client said:\nno digest"]);
    }

    #[test]
    fn a_run_that_came_to_nothing_shows_what_was_said_last() {
        let silent = Ran { log: "a\nb\n".to_owned(), ..Ran::default() };
        assert!(silent.objections()[0].ends_with("a\nb"), "{:?}", silent.objections());
        assert!(!ran(false, &format!("[{GOOD}]"), "a").objections().is_empty());
    }
}
