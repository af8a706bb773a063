//! The subcommands.

mod account;
mod generate;
mod list;

use super::{
    Failure, Terminal, coerce, form,
    options::{Command, Common, Options},
    printable::{one_line, quoted},
    show,
    signature::signature,
    target::resolve,
};
use crate::{
    ClientBuilder, Connection, Deadlines, Era, Error,
    suggest::{did_you_mean, near},
};
use futures_util::{FutureExt, TryFutureExt};
use mcp_types::{
    CompletionReference, Implementation, PromptReference, ResourceContents,
    ResourceTemplateReference, Tool,
};
use serde_json::{Map, Value, json};
use std::ffi::OsString;
use tokio::time::Instant;

/// Runs a command; `program` is the command line of a server, if one was given.
pub(super) async fn run(
    options: Options,
    program: Option<Vec<OsString>>,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let Options { command, common } = options;
    if let Command::Generate { words, name, rename, skip, output } = command {
        let generator = generate::generator(name, rename, skip);
        return generate::run(words, program, &common, &generator, output, terminal).await;
    }
    match &command {
        Command::Login { target } => return account::log_in(target, &common, terminal).await,
        Command::Logout { target } => {
            return unless_ended(terminal, account::log_out(target, &common, terminal)).await;
        }
        Command::Status { target } => {
            let status = account::status(target.as_deref(), &common, terminal);
            return unless_ended(terminal, status).await;
        }
        _ => {}
    }
    let words = match &command {
        Command::List { words, .. }
        | Command::Call { words }
        | Command::Read { words }
        | Command::Prompt { words }
        | Command::Ping { words }
        | Command::Complete { words }
        | Command::Generate { words, .. } => words.clone(),
        Command::Login { .. } | Command::Logout { .. } | Command::Status { .. } => Vec::new(),
    };
    let targets = usize::from(program.is_none());
    check_words(&command, words.len().saturating_sub(targets))?;
    let (client, words) = resolve(words, program, &common, terminal)?;
    let started = Instant::now();
    let session =
        Session { connection: connect(client, &common, terminal).await?, common, terminal };
    let outcome = unless_ended(terminal, session.run(command, &words, started)).await;
    closed(session.connection, terminal, outcome).await
}

/// Runs some work, unless the command is told to end meanwhile.
async fn unless_ended<T>(
    terminal: &Terminal,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        // First, so that signals are handled before the work starts.
        code = terminal.told_to_end() => Err(Failure::Ended(code)),
        outcome = work => outcome,
    }
}

/// Closes a session gracefully, unless there is no time for that; returns the result of its work.
async fn closed<T>(
    connection: Connection,
    terminal: &Terminal,
    outcome: Result<T, Failure>,
) -> Result<T, Failure> {
    unless_ended(terminal, connection.close().map(Ok)).await?;
    outcome
}

/// Checks the number of words besides the target.
fn check_words(command: &Command, words: usize) -> Result<(), Failure> {
    let (least, most, what) = match command {
        Command::Call { .. } => (1, usize::MAX, "a target and a tool"),
        Command::Read { .. } => (1, 1, "a target and a URI"),
        Command::Prompt { .. } => (1, usize::MAX, "a target and a prompt"),
        Command::Complete { .. } => (2, 3, "a target, a prompt or template, and an argument"),
        _ => (0, 0, "a target"),
    };
    if (least..=most).contains(&words) {
        return Ok(());
    }
    Err(Failure::Usage(format!("the command takes {what}, see --help")))
}

/// Connects, with the listeners that write to the terminal.
async fn connect(
    client: ClientBuilder,
    common: &Common,
    terminal: &Terminal,
) -> Result<Connection, Failure> {
    let info = Implementation::new("mcp", env!("CARGO_PKG_VERSION"));
    let mut client = client.client_info(info).input(form::handlers(terminal));
    if let Some(limit) = common.timeout {
        let limits = if limit.is_zero() { Deadlines::NONE } else { Deadlines::total(limit) };
        client = client.connect_timeout(limit).deadlines(limits);
    }
    if common.verbose {
        let terminal = terminal.clone();
        client = client.log_level(mcp_types::LoggingLevel::Debug).on_log(move |message| {
            let data =
                message.data.as_str().map_or_else(|| message.data.to_string(), str::to_owned);
            terminal.say(&format!("{}: {}", message.level.as_str(), quoted(&data)));
        });
    }
    let client = client.build();
    let connection = unless_ended(terminal, client.connect().map_err(Failure::from)).await?;
    if common.verbose {
        terminal.say(&about(&connection)?);
    }
    Ok(connection)
}

/// Describes the server.
fn about(connection: &Connection) -> Result<String, Error> {
    let server = connection.server()?;
    let name = server.info.as_ref().map(|info| format!("{} {}", info.name, info.version));
    let name = name.unwrap_or_else(|| "a server without a name".to_owned());
    Ok(one_line(&format!("{name}, protocol {}", server.version)))
}

/// A session, and how to show its results.
struct Session<'a> {
    connection: Connection,
    common: Common,
    terminal: &'a Terminal,
}

impl Session<'_> {
    async fn run(
        &self,
        command: Command,
        words: &[String],
        started: Instant,
    ) -> Result<(), Failure> {
        match command {
            Command::List { what, .. } => list::run(self, what).await,
            Command::Call { .. } => self.call(words).await,
            Command::Read { .. } => self.read(&words[0]).await,
            Command::Prompt { .. } => self.prompt(words).await,
            Command::Complete { .. } => self.complete(words).await,
            _ => self.ping(started).await,
        }
    }

    async fn call(&self, words: &[String]) -> Result<(), Failure> {
        let (name, words) = words.split_first().ok_or_else(|| Failure::new("which tool?"))?;
        let tools = self.connection.list_tools().await?;
        let tool = find(&tools, name)?;
        let schema = Value::Object(tool.input_schema.clone());
        let arguments = coerce::arguments(&schema, words)
            .map_err(|message| Failure::new(format!("{message}\n{}", signature(tool))))?;
        let terminal = self.terminal.clone();
        let call = self.connection.call_tool(name).arguments(arguments);
        let call = call.on_progress(move |progress| terminal.say(&show::progress(&progress)));
        if self.common.json {
            let result = call.raw().await?;
            show::json(self.terminal, &result)?;
            return if result.is_error == Some(true) { Err(Failure::Tool) } else { Ok(()) };
        }
        let result = call.await?;
        for part in show::result(&result) {
            if result.is_error { self.terminal.say(&part) } else { self.terminal.print(&part) }
        }
        if result.is_error { Err(Failure::Tool) } else { Ok(()) }
    }

    async fn read(&self, uri: &str) -> Result<(), Failure> {
        let call = self.connection.read_resource(uri);
        if self.common.json {
            return Ok(show::json(self.terminal, &call.raw().await?)?);
        }
        for part in call.await? {
            let bytes = match &part {
                ResourceContents::Text(text) => Some(text.text.clone().into_bytes()),
                part => crate::Content::bytes(part).transpose()?,
            };
            if bytes.is_none_or(|bytes| !self.terminal.write_bytes(&bytes)) {
                self.terminal.print(&show::contents(&part));
            }
        }
        Ok(())
    }

    async fn prompt(&self, words: &[String]) -> Result<(), Failure> {
        let (name, words) = words.split_first().ok_or_else(|| Failure::new("which prompt?"))?;
        let prompts = self.connection.list_prompts().await?;
        let Some(prompt) = prompts.iter().find(|prompt| prompt.name == *name) else {
            let near = near(name, prompts.iter().map(|prompt| prompt.name.as_str()));
            let near = did_you_mean(&near);
            return Err(Failure::new(format!("the server has no prompt {name:?}{near}")));
        };
        // Arguments of prompts are strings, whatever they look like.
        let arguments = prompt.arguments.iter().flatten();
        let properties: Map<_, _> =
            arguments.clone().map(|it| (it.name.clone(), json!({"type": "string"}))).collect();
        let required = arguments.filter(|it| it.required == Some(true)).map(|it| &it.name);
        let required: Vec<_> = required.collect();
        let schema = json!({"properties": properties, "required": required});
        let arguments = coerce::arguments(&schema, words).map_err(Failure::new)?;
        let result = self.connection.get_prompt(name).arguments(arguments).await?;
        if self.common.json {
            return Ok(show::json(self.terminal, &result)?);
        }
        for message in &result.messages {
            let text = show::block(&message.content);
            self.terminal.print(&format!("{}: {text}", message.role.as_str()));
        }
        Ok(())
    }

    async fn complete(&self, words: &[String]) -> Result<(), Failure> {
        let [reference, argument, beginning @ ..] = words else {
            return Err(Failure::new("what is to be completed?"));
        };
        let beginning = beginning.first().cloned().unwrap_or_default();
        let is_template = reference.contains("://") || reference.contains('{');
        let reference = match is_template {
            true => CompletionReference::from(ResourceTemplateReference::new(reference)),
            false => CompletionReference::from(PromptReference::new(reference)),
        };
        let proposals = self.connection.complete(reference, argument, beginning);
        if self.common.json {
            return Ok(show::json(self.terminal, &proposals.raw().await?)?);
        }
        for value in proposals.await?.values {
            self.terminal.print(&value);
        }
        Ok(())
    }

    async fn ping(&self, started: Instant) -> Result<(), Failure> {
        let server = self.connection.server()?;
        // A stateless server has no ping, but it has answered by now.
        if server.era == Era::Legacy {
            self.connection.ping().await?;
        }
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if self.common.json {
            let answer = json!({
                "server": server.info, "protocolVersion": server.version, "milliseconds": millis,
            });
            return Ok(show::json(self.terminal, &answer)?);
        }
        self.terminal.print(&format!("{}, answered after {millis} ms", about(&self.connection)?));
        Ok(())
    }
}

/// Finds a tool by name.
fn find<'a>(tools: &'a [Tool], name: &str) -> Result<&'a Tool, Failure> {
    tools.iter().find(|tool| tool.name == name).ok_or_else(|| {
        let near = did_you_mean(&near(name, tools.iter().map(|tool| tool.name.as_str())));
        Failure::new(format!("the server has no tool {name:?}{near}"))
    })
}
