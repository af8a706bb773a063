//! Which scenario runs at which revision, from the suite's own list.

use std::fmt;

use anyhow::{Context, Result};

/// A scenario at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) scenario: String,
    pub(super) revision: String,
    /// Whether the suite has to be forced to run it there.
    pub(super) forced: bool,
}

impl fmt::Display for Pair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.scenario, self.revision)
    }
}

/// What the suite lists instead of revisions for a scenario of an extension.
const EXTENSION: &str = "extension";

/// The revisions at which those are run: one of each era.
const EXTENSION_REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];

/// Parses lines like `  - tools_call [2025-06-18,2025-11-25]`.
pub(super) fn read(list: &str) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for line in list.lines().filter_map(|line| line.trim_start().strip_prefix("- ")) {
        let (scenario, rest) = line.split_once(" [").with_context(|| {
            format!("the suite lists a scenario without its revisions: {line:?}")
        })?;
        let revisions = rest.trim_end().trim_end_matches(']');
        let forced = revisions == EXTENSION;
        let revisions =
            if forced { EXTENSION_REVISIONS.to_vec() } else { revisions.split(',').collect() };
        pairs.extend(revisions.into_iter().map(|revision| Pair {
            scenario: scenario.to_owned(),
            revision: revision.trim().to_owned(),
            forced,
        }));
    }
    Ok(pairs)
}

/// Parses the names below the heading of the client, from the list of what a revision requires.
pub(super) fn read_required(list: &str) -> Vec<String> {
    let lines = list.lines().skip_while(|line| !line.starts_with("Client scenarios")).skip(1);
    let names = lines.map_while(|line| line.trim_start().strip_prefix("- "));
    names.map(|name| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(list: &str) -> Vec<String> {
        let pairs = read(list).unwrap();
        pairs.iter().map(|pair| format!("{pair} {}", pair.forced)).collect()
    }

    #[test]
    fn a_scenario_is_run_at_each_of_its_revisions() {
        let list =
            "Client scenarios:\n  - tools_call [2025-06-18,2026-07-28]\n  - a/b [2025-11-25]\n";
        assert_eq!(
            shown(list),
            ["tools_call 2025-06-18 false", "tools_call 2026-07-28 false", "a/b 2025-11-25 false"]
        );
    }

    #[test]
    fn an_extension_is_forced_at_a_revision_of_each_era() {
        assert_eq!(shown("  - x [extension]\n"), ["x 2025-11-25 true", "x 2026-07-28 true"]);
    }

    #[test]
    fn a_list_of_another_form_is_an_error() {
        assert!(read("  - x\n").is_err());
    }

    #[test]
    fn what_is_required_of_clients_is_told_from_the_rest() {
        let list = "Server scenarios (a):\n  - s\n\nClient scenarios (b):\n  - c/d\n  - e\n\nNot:\n  - f [client]\n";
        assert_eq!(read_required(list), ["c/d", "e"]);
    }
}
