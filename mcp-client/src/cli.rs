//! The command `mcp` as a function (feature `cli`).
//!
//! ```text
//! mcp list https://example.com/mcp
//! mcp call servers/weather.py get_weather city=Oslo days=3
//! mcp call get_weather '{"city": "Oslo"}' -- npx -y @example/weather
//! mcp read cursor:files file:///srv/readme.md
//! mcp generate https://example.com/mcp --struct Weather > src/weather.rs
//! mcp login https://example.com/mcp
//! mcp list https://example.com/mcp --auth oauth
//! mcp status
//! mcp logout https://example.com/mcp
//! ```
//!
//! A target is a URL, the path of a script, a program or a config file, the name of a server in the config of an editor
//! ([`discover`](crate::config::discover)), or a command after `--`. Results go to the standard output, all else to the
//! standard error. The exit code is 0, 1 if something failed (a tool that says so, too), or 2 if the command is not
//! one. Ctrl-C ends the session and its child process in good order, and then with 130; once more ends at once.
//!
//! With `--auth oauth` the command logs in to a server that asks for it: it shows the page and opens it in a browser.
//! Where that is on another machine, the address at which it ends can be pasted. The tokens are kept in
//! `~/.config/mcp/tokens.json` (or below `XDG_CONFIG_HOME`), for its owner alone. A server of a config that has `oauth`
//! is logged in to in the same way.
//!
//! What servers write is shown without what a terminal would obey. A resource that is read into a file or a pipe is
//! written as it is.

mod coerce;
mod commands;
mod ending;
mod form;
mod input;
mod login;
mod options;
mod printable;
mod show;
mod signature;
mod target;
mod terminal;

pub use terminal::Terminal;

use clap::Parser;
use options::Options;
use std::{error, ffi::OsString, fmt, io, panic};
use tokio::task::JoinSet;

/// The exit code for an invalid command line.
const USAGE: u8 = 2;

/// Runs the command and returns its exit code.
///
/// # Cancel safety
///
/// Dropping the future ends the session, and a child process with it.
pub async fn run(arguments: impl IntoIterator<Item = OsString>, terminal: &Terminal) -> u8 {
    let arguments = arguments.into_iter().collect();
    if !terminal.ends_on_signals() {
        return execute(arguments, terminal).await;
    }
    // In a task of its own: a reader that does not read blocks the writer, and the command must end even then.
    let (mut running, own) = (JoinSet::new(), terminal.clone());
    running.spawn(async move { execute(arguments, &own).await });
    tokio::select! {
        biased;
        ended = running.join_next() => match ended {
            Some(Ok(code)) => code,
            Some(Err(error)) if error.is_panic() => panic::resume_unwind(error.into_panic()),
            _ => 1,
        },
        code = terminal.overdue() => code,
    }
}

async fn execute(mut arguments: Vec<OsString>, terminal: &Terminal) -> u8 {
    // Anything after `--` is a command, which is not ours to parse.
    let at = arguments.iter().position(|argument| argument == "--");
    let command = at.map(|at| arguments.split_off(at).split_off(1));
    let outcome = match Options::try_parse_from(arguments) {
        Ok(options) => commands::run(options, command, terminal).await,
        Err(error) if error.use_stderr() => {
            terminal.write_error(&error.render().to_string());
            return USAGE;
        }
        Err(help) => {
            terminal.write(&help.render().to_string());
            Ok(())
        }
    };
    match outcome.and_then(|()| terminal.take_lost().map_or(Ok(()), |lost| Err(unwritten(&lost)))) {
        Ok(()) => 0,
        Err(Failure::Usage(message)) => {
            terminal.say(&format!("error: {message}"));
            USAGE
        }
        Err(Failure::Tool) => 1,
        Err(Failure::Ended(code)) => code,
        Err(Failure::Other(error)) => {
            terminal.complain(&*error);
            1
        }
    }
}

/// Why the command has failed.
#[derive(Debug)]
enum Failure {
    /// The command line is invalid.
    Usage(String),
    /// A tool reported failure, and its message is shown.
    Tool,
    /// The command was told to end; its exit code says how.
    Ended(u8),
    /// Anything else.
    Other(Box<dyn error::Error + Send + Sync>),
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::new(format!("the result cannot be written: {error}"))
}

impl Failure {
    /// Creates a failure with a message for a person.
    fn new(message: impl fmt::Display) -> Self {
        Self::Other(message.to_string().into())
    }
}

impl<E: error::Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}
