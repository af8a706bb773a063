//! Our own servers, each made with another SDK.

use super::{Error, HttpPeer, Program, installed, node, python, sources};

/// The TypeScript SDK 2, over stdio: both eras.
///
/// # Errors
///
/// If it is not installed, or the run is one without peers.
pub fn typescript_stdio() -> Result<Program, Error> {
    let script = sources().join("typescript_server.mjs");
    Ok(Program::new(node()?, &[&script, &installed("node")?]))
}

/// The TypeScript SDK 2, over streamable HTTP: both eras, without sessions in the older one.
///
/// # Errors
///
/// If it is not installed or does not start, or the run is one without peers.
pub fn typescript_http() -> Result<HttpPeer, Error> {
    listening(typescript_stdio()?, "--http", "/mcp")
}

/// The low-level server of the Python SDK 2, over stdio: both eras.
///
/// # Errors
///
/// If it is not installed, or the run is one without peers.
pub fn lowlevel_stdio() -> Result<Program, Error> {
    Ok(Program::new(python()?, &[&sources().join("lowlevel_server.py")]))
}

/// The low-level server of the Python SDK 2, over streamable HTTP: both eras.
///
/// # Errors
///
/// If it is not installed or does not start, or the run is one without peers.
pub fn lowlevel_http() -> Result<HttpPeer, Error> {
    listening(lowlevel_stdio()?, "--http", "/mcp")
}

/// FastMCP 2, over stdio: a handshake, and tasks of 2025-11-25.
///
/// # Errors
///
/// If it is not installed, or the run is one without peers.
pub fn fastmcp2_stdio() -> Result<Program, Error> {
    let script = sources().join("fastmcp2_server.py");
    Ok(Program::new(installed("fastmcp2/bin/python")?, &[&script]))
}

/// FastMCP 2, over streamable HTTP.
///
/// # Errors
///
/// If it is not installed or does not start, or the run is one without peers.
pub fn fastmcp2_http() -> Result<HttpPeer, Error> {
    listening(fastmcp2_stdio()?, "--http", "/mcp")
}

/// FastMCP 2, over HTTP with SSE, the transport of 2024-11-05.
///
/// # Errors
///
/// If it is not installed or does not start, or the run is one without peers.
pub fn fastmcp2_sse() -> Result<HttpPeer, Error> {
    listening(fastmcp2_stdio()?, "--sse", "/sse")
}

fn listening(mut program: Program, option: &str, path: &str) -> Result<HttpPeer, Error> {
    program.arguments.extend([option.into(), "0".into()]);
    HttpPeer::start(&program, path)
}
