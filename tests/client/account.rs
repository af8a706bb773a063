//! Logging in with the command `mcp`.

use crate::{connections::gate::eventually, deadline};
use base64::{Engine, prelude::BASE64_STANDARD};
use conformance::{
    http_server::Answer,
    log::Log,
    oauth::{self, World, follow, redirect_of},
};
use mcp_client::{
    Client, Target,
    cli::{Terminal, run},
    oauth::{ClientCredentials, FileStore, OAuth, SigningKey},
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::Value;
use std::{
    ffi::OsString,
    io::{self, BufReader, Read},
    sync::mpsc,
};

/// The output and the exit code.
struct Outcome {
    code: u8,
    out: String,
    err: String,
}

/// A scripted person who pastes what is sent.
struct Lines(mpsc::Receiver<String>);

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Ok(line) = self.0.recv() else { return Ok(0) };
        buffer[..line.len()].copy_from_slice(line.as_bytes());
        Ok(line.len())
    }
}

struct Shell {
    folder: tempfile::TempDir,
    err: Log,
    /// Whether the command line names the token file.
    is_told_where: bool,
}

impl Shell {
    fn new() -> Self {
        let (folder, err) = (tempfile::tempdir().unwrap(), Log::default());
        Self { folder, err, is_told_where: true }
    }

    fn words(&self, words: &[&str]) -> Vec<OsString> {
        let tokens = self.folder.path().join("tokens.json");
        let place = self.is_told_where.then(|| ["--tokens".into(), tokens.into_os_string()]);
        let words = ["mcp"].iter().chain(words).chain(&["--no-browser"]).map(OsString::from);
        words.chain(place.into_iter().flatten()).collect()
    }

    async fn run(&self, words: &[&str]) -> Outcome {
        let (out, err) = (Log::default(), Log::default());
        let code = deadline(run(self.words(words), &Terminal::new(out.clone(), err.clone()))).await;
        Outcome { code, out: out.text(), err: err.text() }
    }

    /// Returns the page that the user is shown.
    async fn page(&self) -> String {
        let page =
            |text: &str| text.lines().find_map(|line| Some(line.strip_prefix("  ")?.to_owned()));
        eventually(|| page(&self.err.text()).is_some()).await;
        page(&self.err.text()).unwrap()
    }

    /// Runs a command with a user who sees its page.
    async fn with_user(&self, words: &[&str], user: impl AsyncFnOnce(String)) -> Outcome {
        let out = Log::default();
        let terminal = Terminal::new(out.clone(), self.err.clone());
        let user = async { user(self.page().await).await };
        let (code, ()) = tokio::join!(deadline(run(self.words(words), &terminal)), deadline(user));
        Outcome { code, out: out.text(), err: self.err.text() }
    }
}

// seed: 19
#[tokio::test]
async fn a_call_that_needs_a_login_shows_the_page_and_keeps_the_tokens() {
    let world = World::start(|_| ()).await.unwrap();
    let shell = Shell::new();
    let list = ["list", world.url(), "--auth", "oauth", "--tools"];
    let listed =
        shell.with_user(&list, async |page| assert_eq!(follow(&page).await.unwrap().0, 200)).await;
    assert_eq!(listed.code, 0, "{}", listed.err);
    assert!(listed.out.contains("echo"), "{}", listed.out);
    assert!(
        listed.err.contains("Log in to ") && listed.err.contains(world.url()),
        "{}",
        listed.err
    );

    let again = shell.run(&list).await;
    assert_eq!((again.code, &*again.err), (0, ""), "the tokens are still good");
    assert_eq!(world.asked("/authorize").len(), 1);
    let refused = shell.run(&["list", world.url(), "--auth", "wrong"]).await;
    assert_eq!(refused.code, 1);
    let misplaced = shell.run(&["list", "nowhere", "--auth", "oauth"]).await;
    assert_eq!(misplaced.code, 2, "{}", misplaced.err);
}

#[tokio::test]
async fn one_logs_in_sees_where_and_logs_out() {
    let world = World::start(|_| ()).await.unwrap();
    let (shell, url) = (Shell::new(), world.url());
    let none = shell.run(&["status"]).await;
    assert_eq!((none.code, &*none.out, &*none.err), (0, "", "not logged in anywhere\n"));
    assert_eq!(shell.run(&["status", url]).await.code, 1);
    let early = shell.run(&["logout", url]).await;
    assert_eq!((early.code, early.err), (1, format!("error: not logged in to {url}\n")));

    let words = ["login", url];
    let login = shell.with_user(&words, async |page| drop(follow(&page).await.unwrap())).await;
    assert_eq!(login.code, 0, "{}", login.err);
    let told = format!("{url}: logged in at {}", world.issuer(0));
    assert!(login.out.starts_with(&told), "{}", login.out);
    let again = shell.run(&["login", url]).await;
    assert!(again.code == 0 && again.out.starts_with(&told), "it is done already");
    for words in [&["status"][..], &["status", url]] {
        let status = shell.run(words).await;
        assert!(status.code == 0 && status.out.starts_with(&told), "{}", status.out);
    }
    let json = shell.run(&["status", "--json"]).await;
    let kept: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&kept[0]["server"], kept.as_array().unwrap().len()), (&url.into(), 1));
    for secret in world.secrets() {
        assert!(!json.out.contains(&secret) && !login.out.contains(&secret), "{secret}");
    }

    let out = shell.run(&["logout", url]).await;
    assert_eq!(out.code, 0, "{}", out.err);
    assert!(out.err.starts_with(&format!("Logged out of {url}\n")), "{}", out.err);
    assert!(out.err.contains("revokes no tokens"), "{}", out.err);
    assert_eq!(shell.run(&["status", url]).await.code, 1);
    assert_eq!(world.asked("/authorize").len(), 1);
}

#[tokio::test]
async fn who_logs_out_has_the_tokens_revoked_or_is_told_that_they_are_not() {
    let world = World::start(|rules| rules.servers[0].revokes = true).await.unwrap();
    let (shell, url) = (Shell::new(), world.url());
    let user = async |page: String| drop(follow(&page).await.unwrap());
    assert_eq!(shell.with_user(&["login", url], user).await.code, 0);
    let out = shell.run(&["logout", url]).await;
    assert_eq!((out.code, out.err), (0, format!("Logged out of {url}\n")));
    assert_eq!(world.asked("/revoke").len(), 2);
    assert_eq!(world.secrets().iter().filter(|secret| secret.starts_with("access")).count(), 0);

    let shell = Shell::new();
    assert_eq!(shell.with_user(&["login", url], user).await.code, 0);
    world.change(|rules| rules.servers[0].always("/revoke", Answer::status(503)));
    let out = shell.run(&["logout", url]).await;
    assert_eq!(out.code, 0, "they are forgotten: {}", out.err);
    assert!(out.err.contains("may be good until they expire"), "{}", out.err);
    assert!(out.err.contains("503"), "{}", out.err);
    assert_eq!(shell.run(&["status", url]).await.code, 1);
}

#[tokio::test]
async fn tokens_of_a_client_with_a_key_are_forgotten_and_it_is_told_what_could_not_be_proved() {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random);
    let known = oauth::Client::with_key(pair.unwrap().public_key().as_ref());
    let world = World::start(|rules| {
        rules.servers[0].revokes = true;
        rules.servers[0].method.clone_from(&known.method);
        rules.servers[0].clients.insert("me".to_owned(), known);
    });
    let (world, shell) = (world.await.unwrap(), Shell::new());
    let text = BASE64_STANDARD.encode(pkcs8);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    // A program with the key has logged in, and keeps its tokens where the command does.
    let program = OAuth::new("Service")
        .client_id("me")
        .assert_client(SigningKey::from_pem(pem.as_bytes()).unwrap())
        .grant(ClientCredentials)
        .store(FileStore::new(shell.folder.path().join("tokens.json")));
    let connecting = Client::connect_to(Target::oauth(world.url(), program));
    deadline(deadline(connecting).await.unwrap().close()).await;
    let status = shell.run(&["status", world.url(), "--json"]).await;
    assert!(status.code == 0 && status.out.contains("\"me\""), "{}", status.out);

    let out = shell.run(&["logout", world.url()]).await;
    assert_eq!(out.code, 0, "{}", out.err);
    for part in ["Logged out of ", "may be good until they expire", "no key"] {
        assert!(out.err.contains(part), "{part:?} is not in {}", out.err);
    }
    assert!(world.asked("/revoke").is_empty(), "nobody would believe it");
    assert_eq!(shell.run(&["status", world.url()]).await.code, 1);
}

#[tokio::test]
async fn tokens_are_kept_where_a_config_says() {
    let world = World::start(|rules| rules.servers[0].revokes = true).await.unwrap();
    let mut shell = Shell::new();
    shell.is_told_where = false;
    let tokens = shell.folder.path().join("of a config.json");
    let path = shell.folder.path().join("servers.json");
    let server = serde_json::json!({"url": world.url(), "oauth": {"tokenFile": tokens}});
    let config = serde_json::json!({"mcpServers": {"world": server}});
    std::fs::write(&path, config.to_string()).unwrap();
    let path = path.display().to_string();
    let user = async |page: String| drop(follow(&page).await.unwrap());
    let login = shell.with_user(&["login", &path], user).await;
    assert_eq!(login.code, 0, "{}", login.err);
    let text = std::fs::read_to_string(&tokens).unwrap();
    assert!(text.contains(world.url()), "{text}");
    assert_eq!(shell.run(&["status", &path]).await.code, 0);
    assert_eq!(shell.run(&["logout", &path]).await.code, 0);
    assert_eq!(shell.run(&["status", &path]).await.code, 1);
    assert_eq!(world.asked("/revoke").len(), 2);
}

#[tokio::test]
async fn the_address_at_which_a_browser_elsewhere_ends_can_be_pasted() {
    let world = World::start(|_| ()).await.unwrap();
    let shell = Shell::new();
    let (paste, lines) = mpsc::sync_channel(4);
    let terminal =
        Terminal::interactive(BufReader::new(Lines(lines)), Log::default(), shell.err.clone());
    let user = async {
        let page = shell.page().await;
        eventually(|| shell.err.text().contains("paste that here")).await;
        paste.send("http://127.0.0.1/callback?code=guess&state=other\n".to_owned()).unwrap();
        paste.send(redirect_of(&page).await.unwrap() + "\n").unwrap();
    };
    let login = run(shell.words(&["login", world.url()]), &terminal);
    let (code, ()) = tokio::join!(deadline(login), deadline(user));
    assert_eq!(code, 0, "{}", shell.err.text());
    assert_eq!(shell.run(&["status", world.url()]).await.code, 0);
}

#[tokio::test]
async fn a_server_of_a_config_is_logged_in_to_as_it_says_there() {
    let world = World::start(|_| ()).await.unwrap();
    let shell = Shell::new();
    let path = shell.folder.path().join("servers.json");
    let config = serde_json::json!({"mcpServers": {
        "world": {"url": world.url(), "oauth": {"scopes": ["a", "b"]}}, "local": {"command": "true"},
    }});
    std::fs::write(&path, config.to_string()).unwrap();
    let path = path.display().to_string();
    let words = ["login", &path, "--server", "world"];
    let login = shell.with_user(&words, async |page| drop(follow(&page).await.unwrap())).await;
    assert_eq!(login.code, 0, "{}", login.err);
    assert!(world.authorization_requests()[0]["scope"].contains("a b"));
    let list = shell.run(&["list", &path, "--server", "world", "--tools"]).await;
    assert!(list.code == 0 && list.out.contains("echo"), "{}", list.err);
    let local = shell.run(&["login", &path, "--server", "local"]).await;
    assert!(local.code == 1 && local.err.contains("nobody logs in to that"), "{}", local.err);
}

#[tokio::test]
async fn a_server_that_asks_for_no_login_is_told_apart() {
    let world = World::start(|rules| rules.resource.open = ["server/discover".to_owned()].into());
    let world = world.await.unwrap();
    let shell = Shell::new();
    let login = shell.run(&["login", world.url()]).await;
    assert_eq!((login.code, login.out), (0, String::new()), "{}", login.err);
    assert!(login.err.ends_with("asks for no login\n"), "{}", login.err);
}
