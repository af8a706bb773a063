//! Every queue has a limit. Clippy finds the usual constructors by path; this finds the others by name.

use anyhow::Result;

use super::Finding;
use super::tree::Tree;

/// Concatenated, so that the rule does not find itself.
const NAMES: [&str; 5] = [
    concat!("unbounded", "_channel"),
    concat!("::", "unbounded("),
    concat!("::", "unbounded::<"),
    concat!("Unbounded", "Sender"),
    concat!("Unbounded", "Receiver"),
];

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        for (number, line) in file.code() {
            if let Some(name) = NAMES.iter().find(|name| line.contains(**name)) {
                let message = format!(
                    "`{name}` has no limit; use a bounded channel and decide what happens when it is full"
                );
                findings.push(file.finding(number, message));
            }
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::super::tree::assert_finds;
    use super::*;

    #[test]
    fn queues_without_a_limit_are_found() {
        let text = format!("mpsc::channel(8)\nmpsc{}\n// {}\n", NAMES[1], NAMES[0]);
        assert_finds(check, "a.rs", &text, &[2]);
    }
}
