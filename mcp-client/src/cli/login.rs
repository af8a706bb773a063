//! Logging in from a terminal.

use super::{Failure, Terminal, options::Common};
use crate::oauth::{FileStore, Loopback, OAuth, open_browser};
use std::{env, path::PathBuf};

/// How the command logs in: in a browser, after it has shown where; the tokens are kept for the next time.
pub(super) fn oauth(common: &Common, terminal: &Terminal) -> Result<OAuth, Failure> {
    let path =
        common.tokens.clone().or_else(default_path).ok_or_else(|| {
            Failure::new("there is no folder for tokens: name a file with --tokens")
        })?;
    let (terminal, opens) = (terminal.clone(), !common.no_browser);
    let receiver = Loopback::new(move |request| {
        let terminal = terminal.clone();
        async move {
            let place = format!("Log in to {} at {}:", request.server, request.issuer);
            terminal.say(&format!("{place}\n  {}", request.url));
            if opens && let Err(error) = open_browser(&request.url).await {
                terminal.say(&format!("({error})"));
            }
            Ok(())
        }
    });
    Ok(OAuth::new("mcp").store(FileStore::new(path)).receiver(receiver))
}

/// The file in the folder for configuration of this user.
fn default_path() -> Option<PathBuf> {
    let named = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::home_dir().filter(|home| home.is_absolute()).map(|it| it.join(".config"));
    Some(named.or_else(home)?.join("mcp").join("tokens.json"))
}
