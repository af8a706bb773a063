//! Tests named in the documentation exist.

use anyhow::Result;

use super::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let documents = tree.written().filter(|file| file.path.starts_with("docs"));
    for file in documents.filter(|file| file.has_extension("md")) {
        for (number, line) in file.lines() {
            for name in paths(line).filter(|name| !is_there(tree, name)) {
                let message = format!("no test has the name `{name}`");
                findings.push(file.finding(number, message));
            }
        }
    }
    Ok(findings)
}

/// Returns what looks like the path of a test: in backticks, lowercase, with at least two parts before the name.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let is_path = |text: &&str| {
        let is_word =
            |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
        text.matches("::").count() > 1 && text.chars().all(|char| is_word(char) || char == ':')
    };
    line.split('`').filter(is_path)
}

fn is_there(tree: &Tree, path: &str) -> bool {
    let name = path.rsplit("::").next().unwrap_or(path);
    let signature = format!("fn {name}(");
    tree.rust().any(|file| file.text.contains(&signature))
}

#[cfg(test)]
mod tests {
    use super::super::tree::assert_finds;
    use super::*;

    #[test]
    fn a_test_that_does_not_exist_is_found() {
        let text = "`session::eras::gone`\n`Client::new` and `mcp_client::clauses`\n";
        assert_finds(check, "docs/a.md", text, &[1]);
        assert_finds(check, "README.md", text, &[]);
    }
}
