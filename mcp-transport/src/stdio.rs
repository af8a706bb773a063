//! Child processes as servers: messages over their standard input and output.
//!
//! ```no_run
//! use mcp_transport::{Connector, stdio::Command};
//!
//! # async fn example() -> Result<(), mcp_transport::Error> {
//! let command = Command::new("python3").args(["-m", "weather_server"]).env("UNITS", "metric");
//! let link = command.connect().await?;
//! // Poll `link.driver`; send with `link.transport`.
//! # drop(link);
//! # Ok(())
//! # }
//! ```
//!
//! # The life of a child
//!
//! It is started without a shell, in its own process group, with few of the parent's environment variables. When the
//! last clone of the transport is gone, its standard input is closed; if it does not exit in time, its group is asked
//! to terminate, and finally killed
//! ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/stdio#shutdown)). When it exits
//! by itself, every pending call fails with its exit status and the end of its standard error, and the rest of its
//! group is killed. Dropping the driver kills the group at once, also when a task panics or the runtime ends. A
//! descendant that has left the group, for example with `setsid`, is out of reach.
//!
//! # One child, one session
//!
//! A [`Command`] starts one child per connection, and the child ends with it. A process is never reused for another
//! connection, because it would not be in a fresh state: a server of an older revision may be initialized only once,
//! old subscriptions would still send notifications, and a late answer could be mistaken for that of a new call with
//! the same id. To keep a process, keep the connection: it lives as long as there is a clone of its transport, and so
//! do the session and the client above it.
//!
//! # Consent
//!
//! The author of a config decides which command runs. [`Command::fingerprint`] (feature `fingerprint`) is what a
//! program should remember when its user has agreed to start a server.

mod check;
mod driver;
mod environment;
#[cfg(feature = "fingerprint")]
mod fingerprint;
mod group;
mod launch;
#[cfg(any(windows, test))]
mod lookup;
mod pipes;
mod process;
mod runners;
mod stderr;

#[cfg(feature = "fingerprint")]
pub use fingerprint::Fingerprint;
pub use runners::{Npx, Uv, Uvx};
pub use stderr::{LineFunction, Stderr};

use crate::{
    Binding, Connector, Driver, Error, Link,
    duplex::{self, Limits, Multiplex},
};
use check::Requirement;
use driver::Lifetime;
use environment::Environment;
use std::{ffi::OsString, fmt, path::PathBuf, time::Duration};

/// Starts a child process for each connection.
///
/// A program without a path separator is looked up in the `PATH` of the child. No shell is ever involved, except that
/// Windows uses one to start batch files: there `npx` also finds `npx.cmd`, and an argument that cannot be passed to a
/// batch file unchanged is an error.
#[derive(Clone)]
#[must_use = "a command does nothing until it is connected"]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    environment: Environment,
    current_dir: Option<PathBuf>,
    stderr: Stderr,
    stderr_tail: usize,
    requirements: Vec<Requirement>,
    graces: Graces,
    limits: Limits,
}

/// The time limits for the steps of a child's shutdown.
#[derive(Clone, Copy, Debug)]
struct Graces {
    /// To exit after its standard input was closed.
    exit: Duration,
    /// To exit after it was asked to terminate.
    terminate: Duration,
}

impl Command {
    /// Starts `program`.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            environment: Environment::default(),
            current_dir: None,
            stderr: Stderr::default(),
            stderr_tail: 64 * 1024,
            requirements: Vec::new(),
            graces: Graces { exit: Duration::from_secs(2), terminate: Duration::from_secs(2) },
            limits: Limits::default(),
        }
    }

    /// Adds an argument, which is passed unchanged.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable of the child.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.set(name.into(), value.into());
        self
    }

    /// Sets environment variables of the child.
    pub fn envs<N: Into<OsString>, V: Into<OsString>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        for (name, value) in variables {
            self.environment.set(name.into(), value.into());
        }
        self
    }

    /// Passes the whole environment of the parent to the child, including its secrets.
    ///
    /// By default the child gets only basic variables: `HOME`, `LANG`, `LC_*`, `LOGNAME`, `PATH`, `SHELL`, `TERM`,
    /// `TMPDIR`, `USER`, and what programs need on Windows.
    pub fn inherit_env(mut self) -> Self {
        self.environment.inherit_all();
        self
    }

    /// Passes one more variable of the parent's environment, if it is set when the child is started.
    pub fn inherit_var(mut self, name: impl Into<OsString>) -> Self {
        self.environment.inherit(name.into());
        self
    }

    /// Sets the working directory; a relative path of the program is relative to it.
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.current_dir = Some(directory.into());
        self
    }

    /// Sets what happens to the child's standard error.
    pub fn stderr(mut self, policy: Stderr) -> Self {
        self.stderr = policy;
        self
    }

    /// Sets how many bytes of the end of standard error are kept, for the error when the child dies: 64 KiB by default.
    pub fn stderr_tail(mut self, bytes: usize) -> Self {
        self.stderr_tail = bytes;
        self
    }

    /// Sets how long the child may take to exit after its standard input was closed: 2 s by default.
    pub fn exit_grace(mut self, grace: Duration) -> Self {
        self.graces.exit = grace;
        self
    }

    /// Sets how long the child may take to exit after it was asked to terminate: 2 s by default.
    pub fn terminate_grace(mut self, grace: Duration) -> Self {
        self.graces.terminate = grace;
        self
    }

    /// Sets the limits of what is read and queued.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds a check before the child is started.
    fn requires(mut self, requirement: Requirement) -> Self {
        self.requirements.push(requirement);
        self
    }
}

impl Connector for Command {
    type Transport = Multiplex;

    /// Starts the child, in a tokio runtime with IO and time enabled.
    ///
    /// # Errors
    ///
    /// The program, its script, its directory or its standard error file does not exist, or the child cannot be started
    /// ([`Error::is_connect`]).
    async fn connect(&self) -> Result<Link<Multiplex>, Error> {
        self.start()
    }
}

impl Command {
    /// Starts the child. Not a future, which would be compiled again by each crate that awaits it.
    fn start(&self) -> Result<Link<Multiplex>, Error> {
        let (process, pipes, stderr) = self.launch()?;
        let (multiplex, unsolicited, connection) = duplex::multiplex_unlocked(pipes, self.limits);
        let release = connection.0.release();
        let lifetime = Lifetime::new(connection, process, stderr, self.graces);
        Ok(Link::new(multiplex, Binding::ByteStream)
            .with_unsolicited(unsolicited)
            .with_driver(Driver::new(lifetime.run()).with_shut_down(release)))
    }
}

impl fmt::Display for Command {
    /// Shows only the program: arguments may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.program.to_string_lossy(), f)
    }
}

impl fmt::Debug for Command {
    /// Shows the names of environment variables, not their values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("environment", &self.environment)
            .field("current_dir", &self.current_dir)
            .finish_non_exhaustive()
    }
}
