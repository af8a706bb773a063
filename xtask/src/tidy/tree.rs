//! The files that the rules check.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Finding;
use crate::workspace;

/// Every text file of the repository, tracked or about to be.
pub(super) struct Tree {
    pub(super) files: Vec<SourceFile>,
}

/// One text file, with its path from the root of the repository.
pub(super) struct SourceFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Directories of files that are generated or come from elsewhere.
const NOT_OURS: [&str; 3] =
    ["mcp-types/schema/", "mcp-types/src/generated.rs", "mcp-types/src/generated/"];

/// Files written by package managers.
const LOCK_FILES: [&str; 5] = [
    "Cargo.lock",
    "tests/bench/Cargo.lock",
    "tests/peers/fastmcp2/requirements.txt",
    "tests/peers/package-lock.json",
    "tests/peers/requirements.txt",
];

impl Tree {
    pub(super) fn read() -> Result<Self> {
        let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let output = Command::new("git")
            .args(list)
            .current_dir(workspace::root())
            .output()
            .context("cannot run git to list the files of the repository")?;
        if !output.status.success() {
            bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let names = String::from_utf8(output.stdout).context("a path is not UTF-8")?;
        let files = names.split_terminator('\0').filter_map(|path| {
            // Missing if deleted but not committed, not text if it is an image: nothing to check in either case.
            let text = std::fs::read_to_string(workspace::root().join(path)).ok()?;
            Some(SourceFile { path: path.into(), text })
        });
        Ok(Self { files: files.collect() })
    }

    /// Returns handwritten files: neither generated nor lock files.
    pub(super) fn written(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| !file.is_lock_file() && !file.is_not_ours())
    }

    /// Returns the handwritten Rust files.
    pub(super) fn rust(&self) -> impl Iterator<Item = &SourceFile> {
        self.written().filter(|file| file.has_extension("rs"))
    }
}

impl SourceFile {
    pub(super) fn is_lock_file(&self) -> bool {
        LOCK_FILES.iter().any(|lock| self.path == Path::new(lock))
    }

    fn is_not_ours(&self) -> bool {
        NOT_OURS.iter().any(|folder| self.path.starts_with(folder))
    }

    pub(super) fn has_extension(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|found| found == extension)
    }

    /// Returns the lines with their numbers.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().zip(1..).map(|(line, number)| (number, line))
    }

    /// Returns the lines that are not comments. A string that looks like one is missed.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    pub(super) fn finding(&self, line: usize, message: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, message: message.into() }
    }
}

/// Checks that `rule` finds exactly these lines of a made-up file.
#[cfg(test)]
#[track_caller]
pub(super) fn assert_finds(rule: super::Rule, path: &str, text: &str, lines: &[usize]) {
    let file = SourceFile { path: path.into(), text: text.to_owned() };
    let findings = rule(&Tree { files: vec![file] }).unwrap();
    let found: Vec<_> = findings.into_iter().map(|finding| finding.line).collect();
    assert_eq!(found, lines);
}
