//! Reading the file, and replacing it atomically.

use super::{super::jwt, document::Document};
use crate::BoxError;
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// The most that is read.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// Reads the file; a missing one is empty.
pub(super) fn read(path: &Path) -> Result<Document, BoxError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Document::default()),
        Err(error) => return Err(failed(path, "cannot be opened", &error)),
    };
    let mut text = String::new();
    let size = file.take(MAX_SIZE + 1).read_to_string(&mut text);
    let size = size.map_err(|error| failed(path, "cannot be read", &error))?;
    if size as u64 > MAX_SIZE {
        return Err(format!("{} is larger than {MAX_SIZE} bytes", path.display()).into());
    }
    // The parser's error would show parts of the content.
    serde_json::from_str(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let path = path.display();
        format!("{path} is no file of tokens (line {line}, column {column}): move it away").into()
    })
}

/// Replaces the file with another document, atomically.
pub(super) fn replace(path: &Path, document: &Document) -> Result<(), BoxError> {
    let mut text = serde_json::to_vec_pretty(document)?;
    text.push(b'\n');
    let new = beside(path, &format!("{}.new", jwt::unique()?));
    let written = private(&new).and_then(|mut file| {
        file.write_all(&text)?;
        file.sync_all()
    });
    let replaced = written.and_then(|()| fs::rename(&new, path));
    replaced.map_err(|error| {
        // What was written so far contains secrets.
        let _ = fs::remove_file(&new);
        failed(path, "cannot be written", &error)
    })
}

/// Opens the lock file, which stands in for the file itself because that is replaced.
pub(super) fn open_lock(path: &Path, name: &str) -> Result<File, BoxError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_folder(folder).map_err(|error| failed(path, "has no folder", &error))?;
    }
    let dot = if name.is_empty() { "" } else { "." };
    let lock = beside(path, &format!("{name}{dot}lock"));
    let mut options = OpenOptions::new();
    let opened = owner_only(options.create(true).append(true)).open(&lock);
    opened.map_err(|error| failed(path, "cannot be locked", &error))
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    owner_only(options.create_new(true).write(true)).open(path)
}

#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;

    options.mode(0o600)
}

#[cfg(not(unix))]
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    // The user's directory is closed to others there.
    options
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".");
    name.push(end);
    path.with_file_name(name)
}

fn failed(path: &Path, what: &str, error: &io::Error) -> BoxError {
    Box::new(io::Error::new(error.kind(), format!("{} {what}: {error}", path.display())))
}
