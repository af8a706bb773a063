//! The workspace that this program belongs to, and how to run cargo in it.

use std::path::Path;
use std::process::Command;

/// The directory of the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// Creates a cargo command that runs in the workspace.
///
/// `cargo run` sets variables about this package. They are not passed on, because build scripts of dependencies that
/// watch them would run again at every change between `cargo xtask test` and `cargo test`.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(tells_about_package) {
            command.env_remove(name);
        }
    }
    command
}

fn tells_about_package(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| variable.starts_with(prefix))
        || ["CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"].contains(&variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_the_user_reach_cargo() {
        assert!(tells_about_package("CARGO_PKG_NAME"));
        assert!(!tells_about_package("CARGO_TARGET_DIR"));
        assert!(!tells_about_package("CARGO_TERM_COLOR"));
    }
}
