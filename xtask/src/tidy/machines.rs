//! Files in the repository work on every machine: they name no directory of this one, and registries only in lock
//! files.

use std::path::Path;

use anyhow::Result;

use super::Finding;
use super::tree::Tree;
use crate::workspace;

/// Concatenated, so that the rule does not find itself.
const REGISTRIES: [&str; 5] = [
    concat!("npm", "js.org"),
    concat!("npm", "js.com"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("crates", ".io"),
];

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let folders = folders_of_this_machine(workspace::root(), std::env::home_dir().as_deref());
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !file.is_lock_file()) {
        for (number, line) in file.lines() {
            if let Some(folder) = folders.iter().find(|folder| line.contains(*folder)) {
                let message = format!("`{folder}` is on this machine only; use a relative path");
                findings.push(file.finding(number, message));
            }
            if let Some(host) = REGISTRIES.iter().find(|host| line.contains(**host)) {
                let message = format!("`{host}` is a package registry; leave it to the lock files");
                findings.push(file.finding(number, message));
            }
        }
    }
    Ok(findings)
}

/// Returns the checkout, the directory around it, and hidden directories of the home directory; but no common directory
/// like `/tmp` or `/home`.
fn folders_of_this_machine(root: &Path, home: Option<&Path>) -> Vec<String> {
    let mut folders = vec![root.display().to_string()];
    if let Some(around) = root.parent()
        && around.parent().is_some()
        && around != std::env::temp_dir()
        && !home.is_some_and(|home| home.starts_with(around))
    {
        folders.push(format!("{}/", around.display()));
    }
    folders.extend(home.map(|home| format!("{}/.", home.display())));
    folders
}

#[cfg(test)]
mod tests {
    use super::super::tree::assert_finds;
    use super::*;

    #[test]
    fn registries_are_found_except_in_lock_files() {
        let text = format!("good\nhttps://{}/simple\n", REGISTRIES[2]);
        assert_finds(check, "README.md", &text, &[2]);
        assert_finds(check, "Cargo.lock", &text, &[]);
    }

    #[test]
    fn the_checkout_is_found() {
        let text = workspace::root().join("README.md").display().to_string();
        assert_finds(check, "README.md", &text, &[1]);
    }

    #[test]
    fn common_folders_are_left_alone() {
        let folders = |root, home| folders_of_this_machine(Path::new(root), Some(Path::new(home)));
        assert_eq!(folders("/home/ada/mcp", "/home/ada"), ["/home/ada/mcp", "/home/ada/."]);
        assert_eq!(folders("/src/mcp", "/home/ada"), ["/src/mcp", "/src/", "/home/ada/."]);
        assert_eq!(folders("/mcp", "/home/ada"), ["/mcp", "/home/ada/."]);
    }
}
