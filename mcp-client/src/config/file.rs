//! Reading and writing files.

use super::ConfigError;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// The maximum size of a file: agents keep a lot besides their servers.
const MOST: u64 = 64 * 1024 * 1024;

/// Whether a file name has a YAML extension.
pub(super) fn is_yaml(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|it| it.eq_ignore_ascii_case("yaml") || it.eq_ignore_ascii_case("yml"))
}

/// Reads a file, which is UTF-8 on every system.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let text = || {
        let mut text = String::new();
        File::open(path)?.take(MOST + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MOST {
            let message = format!("it is longer than {MOST} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(text)
    };
    text().map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

/// Writes a file atomically: readers see either the old text or the new one. Permissions are kept, and a link is
/// followed to its target. Missing folders are created.
pub(super) fn write(path: &Path, text: &str) -> Result<(), ConfigError> {
    replace(path, text).map_err(|source| ConfigError::Write { path: path.to_owned(), source })
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    fs::create_dir_all(&folder)?;
    // In the same folder, so that it can replace the old file; readable only by the user, because it may hold keys.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    match fs::metadata(&path) {
        Ok(old) => file.as_file().set_permissions(old.permissions())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}
