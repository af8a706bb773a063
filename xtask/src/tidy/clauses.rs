//! The tables of clauses and tests are up to date, and every MUST is covered.

use std::path::PathBuf;

use anyhow::Result;

use super::{Finding, Tree};
use crate::{
    clauses::{self, Source, coverage::Coverage},
    seed,
};

pub(super) fn check_tables(tree: &Tree) -> Result<Vec<Finding>> {
    let finding = |path: String| Finding {
        path: PathBuf::from(path),
        line: 1,
        message: "the table is not what the tests say; run `cargo xtask clauses`".to_owned(),
    };
    Ok(clauses::stale(&sources(tree)).into_iter().map(finding).collect())
}

pub(super) fn check_seed(tree: &Tree) -> Result<Vec<Finding>> {
    let finding = |number: usize| Finding {
        path: PathBuf::from(seed::PATH),
        line: 1,
        message: format!(
            "no test says that it shows case {number}: `// seed: {number}` before one"
        ),
    };
    Ok(seed::without_test(&sources(tree)).into_iter().map(finding).collect())
}

pub(super) fn check_coverage(tree: &Tree) -> Result<Vec<Finding>> {
    let sources = sources(tree);
    let flaws = Coverage::read(&sources)?.flaws(&sources);
    let finding = |(path, line, message): clauses::coverage::Flaw| Finding {
        path: PathBuf::from(path),
        line,
        message,
    };
    Ok(flaws.into_iter().map(finding).collect())
}

/// Returns how much of the specification is covered, by section.
pub(super) fn coverage(tree: &Tree) -> Result<Coverage> {
    Coverage::read(&sources(tree))
}

fn sources(tree: &Tree) -> Vec<Source<'_>> {
    tree.files.iter().map(|file| (file.path.as_path(), &*file.text)).collect()
}
