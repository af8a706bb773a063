//! The number of crates behind each way to use the layers, and its limits.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::workspace;

/// The table of limits, relative to the root of the repository.
pub(crate) const TABLE: &str = "tests/bench/weight.toml";

/// The platform to count for, so that the counts are the same on every machine.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// What is counted: its name in the table, a crate, and its features.
const TREES: [(&str, &str, &[&str]); 5] = [
    ("types", "mcp-types", &[]),
    ("client-bare", "mcp-client", &["--no-default-features"]),
    ("client-stdio", "mcp-client", &["--no-default-features", "--features", "stdio"]),
    ("client-http", "mcp-client", &["--no-default-features", "--features", "http"]),
    ("client-default", "mcp-client", &[]),
];

/// The crates of one tree, including the crate itself and the layers below it, each version once. Dependencies of tests
/// and build scripts only are not counted.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Count {
    /// Those linked into a program.
    pub(crate) linked: usize,
    /// Those that only generate code: procedural macros and their dependencies.
    pub(crate) macros: usize,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} crates and {} for macros", self.linked, self.macros)
    }
}

/// Counts every tree.
pub(crate) fn count() -> Result<Vec<(&'static str, Count)>> {
    let count = |(name, package, features)| {
        let linked = crates(package, features, "normal,no-proc-macro")?;
        let all = crates(package, features, "normal")?;
        Ok((name, Count { linked: linked.len(), macros: all.difference(&linked).count() }))
    };
    TREES.into_iter().map(count).collect()
}

fn crates(package: &str, features: &[&str], edges: &str) -> Result<BTreeSet<String>> {
    let tree = ["tree", "--locked", "--target", PLATFORM, "--prefix", "none", "--format", "{p}"];
    let mut cargo = workspace::cargo();
    cargo.args(tree).args(["--edges", edges, "--package", package]).args(features);
    let output = cargo.output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(names(&String::from_utf8(output.stdout)?))
}

/// Parses the output of `cargo tree`: a star marks a crate that was listed before.
fn names(text: &str) -> BTreeSet<String> {
    text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

/// Returns what is wrong with the counts, by the name of the tree.
pub(crate) fn compare(table: &str, counts: &[(&'static str, Count)]) -> Result<Vec<String>> {
    let table: BTreeMap<String, Count> =
        toml::from_str(table).with_context(|| format!("cannot read {TABLE}"))?;
    let wrong = counts.iter().filter_map(|(name, count)| match table.get(*name) {
        Some(most) if count.linked <= most.linked && count.macros <= most.macros => None,
        Some(most) => Some(format!(
            "{name} has grown to {count}, from {most}; find something lighter, or put it behind a feature, or write the \
             new count here and say in the commit what it is worth"
        )),
        None => Some(format!("{name} is missing, which has {count}")),
    });
    Ok(wrong.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_counts_once() {
        assert_eq!(names("a v1.0.0\nb v1.0.0 (proc-macro)\na v2.0.0\na v1.0.0 (*)\n").len(), 3);
    }

    #[test]
    fn a_tree_may_shrink_but_not_grow() {
        let table = "[types]\nlinked = 3\nmacros = 1\n";
        let wrong = |linked, macros| {
            compare(table, &[("types", Count { linked, macros })]).unwrap().concat()
        };
        assert_eq!(wrong(3, 1), "");
        assert_eq!(wrong(2, 0), "");
        assert!(wrong(4, 0).contains("has grown to 4 crates and 0 for macros, from 3"));
        assert!(wrong(3, 2).contains("has grown"));
        let unknown = compare(table, &[("client", Count { linked: 1, macros: 0 })]).unwrap();
        assert!(unknown[0].contains("client is missing"));
        assert!(compare("[types]\nlinked = 3\nmacro = 1\n", &[]).is_err());
    }
}
