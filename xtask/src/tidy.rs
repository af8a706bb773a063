//! The rules of the repository that no other tool checks, one file per rule.

mod channels;
mod clauses;
mod layering;
mod machines;
mod named_tests;
mod rust_files;
mod spelling;
mod tree;
mod unfinished;
mod weight;

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};

use self::tree::Tree;

/// A violation: where it is, and what to do about it.
struct Finding {
    path: PathBuf,
    /// Counted from 1.
    line: usize,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path.display(), self.line, self.message)
    }
}

type Rule = fn(&Tree) -> Result<Vec<Finding>>;

const RULES: [Rule; 14] = [
    clauses::check_tables,
    clauses::check_coverage,
    clauses::check_seed,
    layering::check,
    rust_files::check_length,
    rust_files::check_module_docs,
    spelling::check_trailing_space,
    spelling::check_tabs,
    unfinished::check_ignored_tests,
    unfinished::check_placeholders,
    channels::check,
    machines::check,
    named_tests::check,
    weight::check,
];

/// Checks every rule, prints all violations, and fails if there are any.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::read()?;
    println!("{}", clauses::coverage(&tree)?);
    let mut broken = 0;
    for rule in RULES {
        for finding in rule(&tree)? {
            println!("{finding}");
            broken += 1;
        }
    }
    let summary = format!("tidy: {} rules, {} files", RULES.len(), tree.files.len());
    if broken > 0 {
        bail!("{summary}, {broken} findings");
    }
    println!("{summary}, no findings");
    Ok(())
}
