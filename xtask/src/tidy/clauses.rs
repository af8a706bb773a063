//! The tables of clauses and tests are what the tests say.

use std::path::PathBuf;

use anyhow::Result;

use super::{Finding, Tree};
use crate::clauses;

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let sources: Vec<_> =
        tree.files.iter().map(|file| (file.path.as_path(), &*file.text)).collect();
    let finding = |path: String| Finding {
        path: PathBuf::from(path),
        line: 1,
        message: "the table is not what the tests say; run `cargo xtask clauses`".to_owned(),
    };
    Ok(clauses::stale(&sources).into_iter().map(finding).collect())
}
