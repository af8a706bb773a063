//! Logging in from a terminal.

use super::{Failure, Terminal, options::Common};
use crate::{
    ClientBuilder, ServerConfig,
    oauth::{AuthorizationRequest, FileStore, Loopback, open_browser},
};
use std::{
    env,
    future::pending,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

/// Builds a client that logs in the way this command does: in a browser, after showing the URL; tokens are stored for
/// the next time.
pub(super) fn client(
    server: &ServerConfig,
    common: &Common,
    terminal: &Terminal,
) -> Result<ClientBuilder, Failure> {
    let store = store(Some(server), common)?;
    Ok(server.client_logging_in(|oauth, port| {
        oauth.store(store).receiver(receiver(common, terminal).port(port))
    }))
}

/// Returns the token store: as set on the command line, or in the server's config, or the default of this command.
pub(super) fn store(server: Option<&ServerConfig>, common: &Common) -> Result<FileStore, Failure> {
    let configured = || server?.token_file().map(PathBuf::from);
    let path = common.tokens.clone().or_else(configured).or_else(default_path);
    let path = path
        .ok_or_else(|| Failure::new("there is no folder for tokens: name a file with --tokens"))?;
    Ok(FileStore::new(path))
}

/// Shows the page, opens it, and accepts the final address if the browser ends elsewhere.
fn receiver(common: &Common, terminal: &Terminal) -> Loopback {
    let opens = !common.no_browser;
    let is_pasted = Arc::new(AtomicBool::new(false));
    let (wanted, reader) = (Arc::clone(&is_pasted), terminal.clone());
    let terminal = terminal.clone();
    let receiver = Loopback::new(move |request| {
        let (terminal, is_pasted) = (terminal.clone(), Arc::clone(&is_pasted));
        async move {
            let is_here = show(&request, opens, &terminal).await;
            if !is_here && terminal.is_interactive() {
                let text = "If the browser is on another machine, it ends at an address that it cannot open: paste that here.";
                terminal.say(text);
                is_pasted.store(true, Relaxed);
            }
            Ok(())
        }
    });
    receiver.or_pasted(move || {
        let (terminal, is_wanted) = (reader.clone(), wanted.load(Relaxed));
        async move {
            if !is_wanted {
                return pending().await;
            }
            terminal.read_line().await.ok_or_else(|| "nobody is there".into())
        }
    })
}

/// Shows the page of a login, and opens it if wanted; returns whether the browser is on this machine.
async fn show(request: &AuthorizationRequest, opens: bool, terminal: &Terminal) -> bool {
    let place = format!("Log in to {} at {}:", request.server, request.issuer);
    terminal.say(&format!("{place}\n  {}", request.url));
    if !opens {
        return false;
    }
    match open_browser(&request.url).await {
        Ok(()) => env::var_os("SSH_CONNECTION").is_none(),
        Err(error) => {
            terminal.say(&format!("({error})"));
            false
        }
    }
}

/// Returns the file in this user's configuration folder.
fn default_path() -> Option<PathBuf> {
    let named = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::home_dir().filter(|home| home.is_absolute()).map(|it| it.join(".config"));
    Some(named.or_else(home)?.join("mcp").join("tokens.json"))
}
