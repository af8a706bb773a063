//! White space that editors disagree about.

use anyhow::Result;

use super::Finding;
use super::tree::Tree;

pub(super) fn check_trailing_space(tree: &Tree) -> Result<Vec<Finding>> {
    let message = "the line ends with white space; remove it (in a string, write it as an escape)";
    Ok(lines_with(tree, message, |line| line.ends_with(char::is_whitespace)))
}

pub(super) fn check_tabs(tree: &Tree) -> Result<Vec<Finding>> {
    let message = "the line has a tab; use spaces (in a string, write it as an escape)";
    Ok(lines_with(tree, message, |line| line.contains('\t')))
}

fn lines_with(tree: &Tree, message: &str, bad: fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.written() {
        let lines = file.lines().filter(|(_, line)| bad(line));
        findings.extend(lines.map(|(number, _)| file.finding(number, message)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::assert_finds;
    use super::*;

    #[test]
    fn white_space_at_the_end_of_a_line_is_found() {
        assert_finds(check_trailing_space, "a.md", "good\nbad \nbad\t\n\n", &[2, 3]);
        assert_finds(check_trailing_space, "Cargo.lock", "bad \n", &[]);
    }

    #[test]
    fn tabs_are_found() {
        assert_finds(check_tabs, "a.rs", "good\n\tbad\nb\tad\n", &[2, 3]);
    }
}
