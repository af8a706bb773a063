//! Choosing the server of a command.

use super::{Failure, Terminal, login, options::Common};
use crate::{
    Client, ClientBuilder, Config, ServerConfig,
    config::{Auth, ConfigError, ServerTransport, discover},
};
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Returns the words of a command line without the target, and a client of the target.
pub(super) fn resolve(
    mut words: Vec<String>,
    command: Option<Vec<OsString>>,
    common: &Common,
    terminal: &Terminal,
) -> Result<(ClientBuilder, Vec<String>), Failure> {
    let client = match command {
        Some(command) => {
            refuse_all(common, "a command")?;
            of_command(command)?
        }
        None if words.is_empty() => {
            return Err(Failure::Usage("which server? Name a target, see --help".to_owned()));
        }
        None => of_name(&words.remove(0), common, terminal)?,
    };
    Ok((client, words))
}

/// Rejects an option that does not apply to the server, so that nobody believes it had an effect.
fn refuse(said: bool, option: &str, is_for: &str, not: &str) -> Result<(), Failure> {
    match said {
        true => Err(Failure::Usage(format!("{option} is for {is_for}, and not for {not}"))),
        false => Ok(()),
    }
}

fn refuse_all(common: &Common, target: &str) -> Result<(), Failure> {
    refuse_url(common, target)?;
    refuse(common.server.is_some(), "--server", "a config file", target)
}

fn refuse_url(common: &Common, target: &str) -> Result<(), Failure> {
    refuse(common.auth.is_some(), "--auth", "a URL", target)?;
    refuse(!common.header.is_empty(), "--header", "a URL", target)
}

fn of_command(command: Vec<OsString>) -> Result<ClientBuilder, Failure> {
    let mut command = command.into_iter();
    let Some(program) = command.next() else {
        return Err(Failure::Usage("there is no command after --".to_owned()));
    };
    let command = mcp_transport::stdio::Command::new(program).args(command);
    Ok(Client::builder(command))
}

/// Resolves a text to a server: a URL, an existing file, or a name in an editor's config.
fn of_name(text: &str, common: &Common, terminal: &Terminal) -> Result<ClientBuilder, Failure> {
    if text.contains("://") {
        return of_url(text, common, terminal);
    }
    let path = Path::new(text);
    if !path.is_file() {
        refuse_all(common, "a server of a config, which has its own settings")?;
        let server = of_config_name(text)?;
        return of_configured(&server, common, terminal);
    }
    let is_config = path.extension().is_some_and(|extension| {
        ["json", "yaml", "yml"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    });
    if is_config {
        refuse_url(common, "a config, which has its own settings")?;
        let server = of_config_file(path, common)?;
        return of_configured(&server, common, terminal);
    }
    refuse_all(common, "a program")?;
    // A program in the current folder is not looked up in the search path.
    let path = if path.components().count() == 1 { Path::new(".").join(path) } else { path.into() };
    Ok(Client::builder(path))
}

fn of_url(text: &str, common: &Common, terminal: &Terminal) -> Result<ClientBuilder, Failure> {
    refuse(common.server.is_some(), "--server", "a config file", "a URL")?;
    let server = ServerConfig::url(text);
    let headers = common.header.iter();
    let server = headers.fold(server, |server, (name, value)| server.header(name, value));
    Ok(match common.auth.as_deref() {
        None => server.client(),
        Some("oauth") => login::client(&server, common, terminal)?,
        Some(token) => server.bearer(token).client(),
    })
}

/// Builds a client for a server of a config. If it needs a login, this command's login is used.
fn of_configured(
    server: &ServerConfig,
    common: &Common,
    terminal: &Terminal,
) -> Result<ClientBuilder, Failure> {
    match &server.transport {
        ServerTransport::Remote(remote) if remote.auth == Some(Auth::OAuth) => {
            login::client(server, common, terminal)
        }
        _ => Ok(server.client()),
    }
}

/// Returns the server of a URL or config, if it supports logging in.
pub(super) fn remote(text: &str, common: &Common) -> Result<ServerConfig, Failure> {
    let is_other = common.auth.as_deref().is_some_and(|auth| auth != "oauth");
    refuse(is_other, "--auth TOKEN", "the use of a server", "logins")?;
    if text.contains("://") {
        refuse(common.server.is_some(), "--server", "a config file", "a URL")?;
        let headers = common.header.iter();
        let server = ServerConfig::url(text);
        return Ok(headers.fold(server, |server, (name, value)| server.header(name, value)));
    }
    let path = Path::new(text);
    let server = if path.is_file() { of_config_file(path, common) } else { of_config_name(text) }?;
    match server.transport {
        ServerTransport::Remote(_) => Ok(server),
        _ => Err(Failure::new(format!("{text:?} is a command: nobody logs in to that"))),
    }
}

fn of_config_file(path: &Path, common: &Common) -> Result<ServerConfig, Failure> {
    let config = Config::from_file_lossy(path)?;
    let server = match &common.server {
        Some(name) => config.server(name)?,
        None => {
            let names: Vec<_> = config.servers().map(|(name, _)| name).collect();
            let [name] = names[..] else {
                let names = names.join(", ");
                return Err(Failure::new(format!(
                    "name one of its servers with --server: {names}"
                )));
            };
            config.server(name)?
        }
    };
    Ok(server.clone())
}

fn of_config_name(name: &str) -> Result<ServerConfig, Failure> {
    let folder = env::current_dir()?;
    let home = env::home_dir().filter(|home| *home != PathBuf::new());
    let discovery = discover(home.as_deref(), &folder);
    match discovery.server(name) {
        Ok(server) => Ok(server.clone()),
        Err(error @ ConfigError::NoSuchServer { .. }) => {
            Err(Failure::new(format!("{name:?} is no URL and no file, and {error}")))
        }
        Err(error) => Err(error.into()),
    }
}
