//! Rust files are short enough to be read in one go, and begin with their purpose.

use anyhow::Result;

use super::Finding;
use super::tree::Tree;

const MOST_LINES: usize = 450;

pub(super) fn check_length(tree: &Tree) -> Result<Vec<Finding>> {
    let findings = tree.rust().filter_map(|file| {
        let lines = file.text.lines().count();
        let message = format!(
            "the file has {lines} lines, the limit is {MOST_LINES}; move one of its concerns to a file of its own"
        );
        (lines > MOST_LINES).then(|| file.finding(MOST_LINES + 1, message))
    });
    Ok(findings.collect())
}

pub(super) fn check_module_docs(tree: &Tree) -> Result<Vec<Finding>> {
    let undocumented = tree.rust().filter(|file| !file.text.starts_with("//! "));
    let message = "the file does not begin with a `//!` comment; say in a sentence what it is for";
    Ok(undocumented.map(|file| file.finding(1, message)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::tree::assert_finds;
    use super::*;

    #[test]
    fn a_file_over_the_limit_is_found() {
        let lines = |count| "x\n".repeat(count);
        assert_finds(check_length, "a.rs", &lines(450), &[]);
        assert_finds(check_length, "a.rs", &lines(451), &[451]);
        assert_finds(check_length, "mcp-types/src/generated/a.rs", &lines(451), &[]);
        assert_finds(check_length, "a.md", &lines(451), &[]);
    }

    #[test]
    fn a_file_without_module_docs_is_found() {
        assert_finds(check_module_docs, "a.rs", "//! What it is for.\n", &[]);
        assert_finds(check_module_docs, "a.rs", "// A comment.\n", &[1]);
        assert_finds(check_module_docs, "a.rs", "", &[1]);
    }
}
