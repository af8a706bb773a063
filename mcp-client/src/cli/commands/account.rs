//! `mcp login`, `logout` and `status`.

use super::{closed, connect, unless_ended};
use crate::{
    ServerConfig,
    cli::{Failure, Terminal, login, options::Common, show, target},
    oauth::{FileStore, Key, LoggedOut, Store, Tokens},
};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Logs in to a server, if it requires that and no login exists yet.
pub(super) async fn log_in(
    name: &str,
    common: &Common,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let server = target::remote(name, common)?;
    let client = login::client(&server, common, terminal)?;
    closed(connect(client, common, terminal).await?, terminal, Ok(())).await?;
    let (store, key) = (login::store(Some(&server), common)?, key(name, &server)?);
    let kept = unless_ended(terminal, kept(&store, Some(&key))).await?;
    if kept.is_empty() {
        terminal.say(&format!("{name} asks for no login"));
    }
    tell(&kept, common, terminal)
}

/// Forgets the tokens of a server, and revokes them where possible.
pub(super) async fn log_out(
    name: &str,
    common: &Common,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let server = target::remote(name, common)?;
    let store = login::store(Some(&server), common)?;
    let kept = kept(&store, Some(&key(name, &server)?)).await?;
    if kept.is_empty() {
        return Err(Failure::new(format!("not logged in to {name}")));
    }
    for (key, _) in kept {
        let (endpoint, oauth) = server.login()?;
        let oauth = match &key.client_id {
            Some(client_id) => oauth.client_id(client_id),
            None => oauth,
        };
        let outcome = endpoint.oauth(oauth.store(store.clone())).log_out().await?;
        terminal.say(&format!("Logged out of {}", key.server));
        match outcome {
            LoggedOut::NotRevoked(error) => {
                terminal.say("The tokens are forgotten here, and may be good until they expire:");
                terminal.complain(&error);
            }
            LoggedOut::NotRevocable => {
                terminal.say(
                    "Its authorization server revokes no tokens: they are good until they expire",
                );
            }
            _ => {}
        }
    }
    Ok(())
}

/// Shows the logins: all of them, or that of one server.
pub(super) async fn status(
    name: Option<&str>,
    common: &Common,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let server = name.map(|name| target::remote(name, common)).transpose()?;
    let key = name.zip(server.as_ref()).map(|(name, server)| key(name, server)).transpose()?;
    let kept = kept(&login::store(server.as_ref(), common)?, key.as_ref()).await?;
    match name {
        Some(name) if kept.is_empty() => Err(Failure::new(format!("not logged in to {name}"))),
        None if kept.is_empty() && !common.json => {
            terminal.say("not logged in anywhere");
            Ok(())
        }
        _ => tell(&kept, common, terminal),
    }
}

/// Returns the key of a server's tokens, whatever client they belong to.
fn key(name: &str, server: &ServerConfig) -> Result<Key, Failure> {
    let url = server.filled_url();
    let url = url.ok_or_else(|| Failure::new(format!("the URL of {name:?} is not known")))?;
    Ok(Key::of(&url, None))
}

/// Returns the stored tokens: all, or those of a server.
async fn kept(store: &FileStore, of: Option<&Key>) -> Result<Vec<(Key, Tokens)>, Failure> {
    let mut kept = Vec::new();
    for key in store.keys().await.map_err(Failure::Other)? {
        if of.is_some_and(|of| of.server != key.server) {
            continue;
        }
        if let Some(tokens) = store.tokens(&key).await.map_err(Failure::Other)? {
            kept.push((key, tokens));
        }
    }
    Ok(kept)
}

fn tell(kept: &[(Key, Tokens)], common: &Common, terminal: &Terminal) -> Result<(), Failure> {
    if common.json {
        let kept: Vec<Value> = kept.iter().map(|(key, tokens)| written(key, tokens)).collect();
        return Ok(show::json(terminal, &kept)?);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    for (key, tokens) in kept {
        let scopes = match &tokens.scopes[..] {
            [] => String::new(),
            scopes => format!(", for {}", scopes.join(" ")),
        };
        let (server, issuer) = (&key.server, &tokens.issuer);
        terminal.print(&format!("{server}: logged in at {issuer}{scopes}, {}", lasts(tokens, now)));
    }
    Ok(())
}

/// Returns a stored entry without its secrets.
fn written(key: &Key, tokens: &Tokens) -> Value {
    json!({
        "server": key.server, "issuer": tokens.issuer, "clientId": tokens.client.client_id,
        "scopes": tokens.scopes, "expiresAt": tokens.expires_at,
        "isRefreshed": tokens.refresh_token.is_some(),
    })
}

/// Describes how long a token is valid.
fn lasts(tokens: &Tokens, now: u64) -> String {
    let is_refreshed = tokens.refresh_token.is_some();
    let Some(end) = tokens.expires_at else {
        return "until the server says otherwise".to_owned();
    };
    match (end.saturating_sub(now), is_refreshed) {
        (0, true) => "expired, and refreshed when it is used".to_owned(),
        (0, false) => "expired".to_owned(),
        (left, true) => format!("for {}, and refreshed then", span(left)),
        (left, false) => format!("for {}", span(left)),
    }
}

/// Formats a duration for a person, in the largest unit that fits.
fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..120 => (seconds, "s"),
        120..7_200 => (seconds / 60, "min"),
        7_200..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit}")
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn a_span_is_told_in_the_unit_that_fits() {
        let spans = [59, 3_599, 7_200, 200_000].map(span);
        assert_eq!(spans, ["59 s", "59 min", "2 h", "2 days"]);
    }
}
