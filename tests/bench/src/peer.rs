//! The server process of a run.

use crate::plan::{Over, Plan};
use anyhow::{Context, Result, bail};
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};
use tokio::process::{ChildStdin, ChildStdout};

/// The program of the server and its arguments.
pub fn command(plan: &Plan) -> Result<(PathBuf, Vec<&'static str>)> {
    let program = std::env::current_exe()?.with_file_name("server");
    let over = match plan.over {
        Over::Stdio | Over::Memory | Over::Process => "stdio",
        Over::Http => "http",
        Over::Sse => "sse",
    };
    let mut arguments = vec!["--over", over];
    if plan.modern {
        arguments.push("--modern");
    }
    Ok((program, arguments))
}

/// Starts the server as a child of the runtime's, which ends with the handle.
pub fn spawn(plan: &Plan) -> Result<(tokio::process::Child, ChildStdin, ChildStdout)> {
    let (program, arguments) = command(plan)?;
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        bail!("the pipes of the server are missing");
    };
    Ok((child, input, output))
}

/// A server over HTTP; it ends with this value.
pub struct HttpServer {
    child: Child,
    pub port: u16,
}

impl HttpServer {
    pub fn start(plan: &Plan) -> Result<Self> {
        let (program, arguments) = command(plan)?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the server")?;
        let Some(stdout) = child.stdout.take() else { bail!("its output is not piped") };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let port = line.trim().parse().context("the server did not say its port")?;
        Ok(Self { child, port })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
