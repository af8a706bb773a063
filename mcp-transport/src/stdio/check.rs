//! Checks before a child is started.

use std::path::{Path, PathBuf};

/// A precondition whose violation the program would report late or unclearly.
#[derive(Clone, Debug)]
pub(super) enum Requirement {
    /// A script that exists, with one of these extensions if any are given.
    Script { path: PathBuf, extensions: &'static [&'static str] },
    /// A directory that exists.
    Directory(PathBuf),
    /// A name that the program cannot mistake for one of its options.
    Name(String),
}

impl Requirement {
    /// Returns what is wrong, if anything is. Relative paths are resolved against `base`.
    pub(super) fn check(&self, base: &Path) -> Result<(), String> {
        match self {
            Self::Script { path, extensions } => {
                let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
                if !extensions.is_empty() && !extensions.contains(&extension) {
                    let path = path.display();
                    return Err(format!("script {path} does not end in .{}", extensions[0]));
                }
                let place = base.join(path);
                let is_there = place.is_file();
                is_there
                    .then_some(())
                    .ok_or_else(|| format!("there is no script {}", place.display()))
            }
            Self::Directory(path) => {
                let place = base.join(path);
                let is_there = place.is_dir();
                is_there
                    .then_some(())
                    .ok_or_else(|| format!("there is no directory {}", place.display()))
            }
            Self::Name(name) if name.is_empty() || name.starts_with('-') => {
                Err(format!("`{name}` is an option and not a name"))
            }
            Self::Name(_) => Ok(()),
        }
    }
}
