//! No dependency tree grows unnoticed.

use anyhow::Result;

use super::Finding;
use super::tree::Tree;
use crate::crates;

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let file = tree.files.iter().find(|file| file.path.as_os_str() == crates::TABLE);
    let table = file.map_or("", |file| &file.text);
    let wrong = crates::compare(table, &crates::count()?)?;
    Ok(wrong.into_iter().map(|message| finding(tree, message)).collect())
}

/// Points to the line of the table that begins the tree.
fn finding(tree: &Tree, message: String) -> Finding {
    let name = message.split_once(' ').map_or("", |(name, _)| name);
    let file = tree.files.iter().find(|file| file.path.as_os_str() == crates::TABLE);
    let head = format!("[{name}]");
    let line = file.and_then(|file| file.lines().find(|(_, line)| *line == head));
    Finding { path: crates::TABLE.into(), line: line.map_or(1, |(number, _)| number), message }
}
