//! The reference servers that people use every day. All of them talk over stdin and stdout, and have a handshake or both eras.

use std::path::Path;

use super::{Error, Program, installed, node};

/// Reads and writes files below a folder.
///
/// # Errors
///
/// If it is not installed, or the run is one without peers.
pub fn filesystem(folder: &Path) -> Result<Program, Error> {
    Ok(Program::new(node()?, &[&package("server-filesystem")?, &folder]))
}

/// Keeps a graph of what it is told, in a file.
///
/// # Errors
///
/// If it is not installed, or the run is one without peers.
pub fn memory(file: &Path) -> Result<Program, Error> {
    let mut program = Program::new(node()?, &[&package("server-memory")?]);
    program.environment.push(("MEMORY_FILE_PATH".to_owned(), file.display().to_string()));
    Ok(program)
}

/// Knows what time it is elsewhere.
///
/// # Errors
///
/// If it is not installed, or the run is one without peers.
pub fn time() -> Result<Program, Error> {
    Ok(Program::new(installed("python/bin/mcp-server-time")?, &[&"--local-timezone", &"UTC"]))
}

/// Reads and changes a repository.
///
/// # Errors
///
/// If it is not installed, or the run is one without peers.
pub fn git(repository: &Path) -> Result<Program, Error> {
    Ok(Program::new(installed("python/bin/mcp-server-git")?, &[&"--repository", &repository]))
}

fn package(name: &str) -> Result<std::path::PathBuf, Error> {
    installed(&format!("node/node_modules/@modelcontextprotocol/{name}/dist/index.js"))
}
