//! The record next to an installed directory of what it was installed from.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Source;

/// The inputs themselves and not a hash of them: no algorithm to choose, and no collisions.
pub(super) struct Stamp {
    installed: PathBuf,
    path: PathBuf,
    inputs: String,
}

impl Stamp {
    pub(super) fn new(folder: &Path, inputs: &Path, source: &Source) -> Result<Self> {
        let mut text = format!("{}\n", (source.machine)());
        for name in source.inputs {
            let path = inputs.join(name);
            let content = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            text.push_str(&content);
        }
        let installed = folder.join(source.name);
        Ok(Self { path: installed.with_extension("stamp"), installed, inputs: text })
    }

    /// Returns whether the directory was installed completely from these inputs, and still exists.
    pub(super) fn is_current(&self) -> bool {
        self.installed.is_dir()
            && fs::read_to_string(&self.path).is_ok_and(|stamp| stamp == self.inputs)
    }

    pub(super) fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.path.display()))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn write(&self) -> Result<()> {
        fs::write(&self.path, &self.inputs)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Source = Source {
        name: "any",
        inputs: &["lock"],
        machine: || "machine".to_owned(),
        missing: || None,
        install: |_, _| Ok(()),
    };

    #[test]
    fn a_stamp_is_current_until_its_inputs_change() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("lock"), "one").unwrap();

        let stamp = Stamp::new(&folder, &folder, &SOURCE).unwrap();
        assert!(!stamp.is_current());
        stamp.write().unwrap();
        assert!(!stamp.is_current(), "nothing is installed");
        fs::create_dir(folder.join("any")).unwrap();
        assert!(stamp.is_current());

        fs::write(folder.join("lock"), "two").unwrap();
        assert!(!Stamp::new(&folder, &folder, &SOURCE).unwrap().is_current());
        assert!(stamp.is_current());
        stamp.remove().unwrap();
        stamp.remove().unwrap();
        assert!(!stamp.is_current());
        fs::remove_dir_all(&folder).unwrap();
    }
}
