//! Committed code is finished, and a test that does not run says why.

use anyhow::Result;

use super::Finding;
use super::tree::Tree;

/// Concatenated, so that the rule does not find itself.
const MACROS: [&str; 2] = [concat!("todo", "!("), concat!("unimplemented", "!(")];
const MARK: &str = concat!("FIX", "ME");
const IGNORE: &str = concat!("#[", "ignore]");

pub(super) fn check_placeholders(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.written() {
        for (number, _) in file.lines().filter(|(_, line)| line.contains(MARK)) {
            findings
                .push(file.finding(number, format!("`{MARK}` is a promise; keep it or remove it")));
        }
    }
    for file in tree.rust() {
        for (number, line) in file.code() {
            if let Some(name) = MACROS.iter().find(|name| line.contains(**name)) {
                let message = format!("`{name}..)` panics; write the code or return an error");
                findings.push(file.finding(number, message));
            }
        }
    }
    Ok(findings)
}

pub(super) fn check_ignored_tests(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        for (number, _) in file.code().filter(|(_, line)| line.contains(IGNORE)) {
            let message = "the test is ignored without a reason; write `#[ignore = \"why\"]`";
            findings.push(file.finding(number, message));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::super::tree::assert_finds;
    use super::*;

    #[test]
    fn placeholders_are_found() {
        let text = format!("//! {MARK}\n{})\n// {})\n", MACROS[0], MACROS[1]);
        assert_finds(check_placeholders, "a.rs", &text, &[1, 2]);
        assert_finds(check_placeholders, "a.md", &text, &[1]);
    }

    #[test]
    fn a_reason_excuses_an_ignored_test() {
        let text = format!("{IGNORE}\n#[ignore = \"needs a network\"]\n");
        assert_finds(check_ignored_tests, "a.rs", &text, &[1]);
    }
}
