//! The command line options.

use clap::{Args, Parser, Subcommand};
use std::{path::PathBuf, time::Duration};

/// A client of Model Context Protocol servers.
#[derive(Debug, Parser)]
#[command(
    name = "mcp",
    version,
    after_help = "\
A TARGET is a URL, the path of a script, a program or a config file (.json, .yaml), the name of a server in the config
of an editor, or a command after `--`, as in `mcp list -- node server.js`.

Results go to the standard output, all else to the standard error. Exit codes: 0; 1 if something failed, a tool that
says so too; 2 if the command is not one; 130 or 143 if it was told to end (Ctrl-C, SIGTERM)."
)]
pub(super) struct Options {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Args, Debug)]
pub(super) struct Common {
    /// Prints JSON, as the server gave it.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Sends a header with each HTTP request; `${VARIABLES}` are filled in.
    #[arg(long, global = true, value_name = "NAME:VALUE", value_parser = header)]
    pub(super) header: Vec<(String, String)>,
    /// How to log in to a URL: `oauth`, or a bearer token; `${VARIABLES}` are filled in.
    #[arg(long, global = true, value_name = "oauth|TOKEN")]
    pub(super) auth: Option<String>,
    /// Where the tokens of logins are kept. Default: the `tokenFile` of a config, or `mcp/tokens.json` in the folder for
    /// configuration.
    #[arg(long, visible_alias = "token-file", global = true, value_name = "FILE")]
    pub(super) tokens: Option<PathBuf>,
    /// Only shows the page of a login, and opens no browser.
    #[arg(long, global = true)]
    pub(super) no_browser: bool,
    /// Limits how long connecting and each call may take; 0 is no limit.
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub(super) timeout: Option<Duration>,
    /// Which server of a config file, where it has several.
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) server: Option<String>,
    /// Says who answers, and shows what the server logs.
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists tools, prompts, resources and resource templates.
    #[command(
        override_usage = "mcp list [OPTIONS] <TARGET>\n       mcp list [OPTIONS] -- <COMMAND>..."
    )]
    List {
        #[command(flatten)]
        what: What,
        #[arg(value_name = "TARGET", hide = true)]
        words: Vec<String>,
    },
    /// Calls a tool. Exits with 1 if the tool says that it failed.
    #[command(
        override_usage = "mcp call [OPTIONS] <TARGET> <TOOL> [NAME=VALUE]... | [JSON]\n       \
        mcp call [OPTIONS] <TOOL> [NAME=VALUE]... | [JSON] -- <COMMAND>..."
    )]
    Call {
        #[arg(value_name = "TARGET, TOOL, ARGUMENTS", hide = true)]
        words: Vec<String>,
    },
    /// Reads a resource.
    #[command(
        override_usage = "mcp read [OPTIONS] <TARGET> <URI>\n       mcp read [OPTIONS] <URI> -- <COMMAND>..."
    )]
    Read {
        #[arg(value_name = "TARGET, URI", hide = true)]
        words: Vec<String>,
    },
    /// Gets a prompt.
    #[command(override_usage = "mcp prompt [OPTIONS] <TARGET> <PROMPT> [NAME=VALUE]...\n       \
        mcp prompt [OPTIONS] <PROMPT> [NAME=VALUE]... -- <COMMAND>...")]
    Prompt {
        #[arg(value_name = "TARGET, PROMPT, ARGUMENTS", hide = true)]
        words: Vec<String>,
    },
    /// Connects, and says who answers and in what time.
    #[command(
        override_usage = "mcp ping [OPTIONS] <TARGET>\n       mcp ping [OPTIONS] -- <COMMAND>..."
    )]
    Ping {
        #[arg(value_name = "TARGET", hide = true)]
        words: Vec<String>,
    },
    /// Proposes values for an argument of a prompt, or of a resource template.
    #[command(
        override_usage = "mcp complete [OPTIONS] <TARGET> <PROMPT or TEMPLATE> <ARGUMENT> [BEGINNING]\n       \
        mcp complete [OPTIONS] <PROMPT or TEMPLATE> <ARGUMENT> [BEGINNING] -- <COMMAND>..."
    )]
    Complete {
        #[arg(value_name = "TARGET, REFERENCE, ARGUMENT, BEGINNING", hide = true)]
        words: Vec<String>,
    },
    /// Logs in to a server with OAuth, and keeps the tokens for the next time.
    Login {
        /// A URL, or a server of a config.
        target: String,
    },
    /// Forgets the tokens of a server, and has its authorization server revoke them if it can.
    Logout {
        /// A URL, or a server of a config.
        target: String,
    },
    /// Says where one is logged in. Exits with 1 if a server is named and that is not there.
    Status {
        /// A URL, or a server of a config; all of them, if none is named.
        target: Option<String>,
    },
    /// Writes Rust code for the tools of a server, or for those in a file that `mcp list --tools --json` has written.
    #[command(
        override_usage = "mcp generate [OPTIONS] <TARGET or FILE>\n       mcp generate [OPTIONS] -- <COMMAND>..."
    )]
    Generate {
        /// The name of the struct.
        #[arg(long = "struct", default_value = "Tools", value_name = "NAME")]
        name: String,
        /// The method of a tool, where its own name is none.
        #[arg(long, value_name = "TOOL=METHOD", value_parser = pair)]
        rename: Vec<(String, String)>,
        /// A tool to leave out.
        #[arg(long, value_name = "TOOL")]
        skip: Vec<String>,
        /// Where to write, instead of the standard output.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[arg(value_name = "TARGET", hide = true)]
        words: Vec<String>,
    },
}

/// What to list; all of it, if nothing is named.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct What {
    /// Only tools, or what else is named.
    #[arg(long)]
    pub(super) tools: bool,
    /// Only prompts, or what else is named.
    #[arg(long)]
    pub(super) prompts: bool,
    /// Only resources, or what else is named.
    #[arg(long)]
    pub(super) resources: bool,
    /// Only resource templates, or what else is named.
    #[arg(long)]
    pub(super) templates: bool,
}

impl What {
    pub(super) fn or_all(self) -> Self {
        let Self { tools, prompts, resources, templates } = self;
        let is_all = !(tools || prompts || resources || templates);
        if is_all {
            Self { tools: true, prompts: true, resources: true, templates: true }
        } else {
            self
        }
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is NAME:VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (tool, method) = text.split_once('=').ok_or("a rename is TOOL=METHOD")?;
    Ok((tool.to_owned(), method.to_owned()))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Options, header, seconds};
    use clap::CommandFactory;
    use std::time::Duration;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn headers_and_times_are_read() {
        assert_eq!(header("A: b:c ").unwrap(), ("A".to_owned(), "b:c".to_owned()));
        assert!(header("A").is_err());
        assert_eq!(seconds("0.5").unwrap(), Duration::from_millis(500));
        assert!(seconds("-1").is_err() && seconds("x").is_err() && seconds("1e300").is_err());
    }
}
