//! Files that a config names.

use crate::deadline;
use conformance::http_server::{Answer, HttpServer, Recorded};
use mcp_client::{Client, Config, ServerConfig, config::ServerTransport};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig as TlsConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use serde_json::{Value, json};
use std::{error::Error as _, fs, path::Path, sync::Arc};

/// Writes a config with one server to a file in this folder.
fn write(folder: &Path, server: &Value) -> Config {
    let path = folder.join("mcp.json");
    fs::write(&path, json!({"mcpServers": {"a": server}}).to_string()).unwrap();
    let config = Config::from_file(&path).unwrap();
    assert!(config.problems().is_empty(), "{:?}", config.problems());
    config
}

/// Returns the error of connecting with its causes, and the last output of the child.
async fn refusal(config: &Config) -> (String, String) {
    let error = deadline(Client::connect_to(config.clone())).await.unwrap_err();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    (text, error.stderr_tail().unwrap_or_default().to_owned())
}

#[cfg(unix)]
#[tokio::test]
async fn the_variables_of_a_file_are_read_whenever_the_child_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let server = json!({
        "command": "sh", "args": ["-c", "echo \"$KEY $BOTH\" >&2; exit 3"],
        "env": {"BOTH": "config"}, "envFile": "keys/.env",
    });
    let config = write(folder.path(), &server);
    fs::create_dir(folder.path().join("keys")).unwrap();
    for secret in ["hunter2", "hunter3"] {
        let text = format!("# keys\nexport KEY='{secret}'\nBOTH=file\n");
        fs::write(folder.path().join("keys/.env"), text).unwrap();
        let (told, last_words) = refusal(&config).await;
        assert!(last_words.contains(&format!("{secret} config")), "{told}\n{last_words}");
        let shown = format!("{config:?}{:?}{}", config.server("a"), config.text());
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn the_servers_of_a_file_that_was_changed_are_still_those_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = write(folder.path(), &json!({"command": "sh", "envFile": "keys/.env"}));
    let before = config.server("a").unwrap().clone();
    config.add_server("b", &ServerConfig::command("x")).unwrap();
    config.update_server("b", &ServerConfig::command("y")).unwrap();
    assert_eq!(*config.server("a").unwrap(), before);
    let folders = config.servers().map(|(_, server)| server.folder.as_deref());
    assert_eq!(folders.collect::<Vec<_>>(), [Some(folder.path()); 2]);
    config.remove_server("b").unwrap();
    assert_eq!(*config.server("a").unwrap(), before);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_of_variables_that_cannot_be_used_starts_nothing_and_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let config = write(folder.path(), &json!({"command": "sh", "envFile": "${NO:-.env}"}));
    let (missing, _) = refusal(&config).await;
    assert!(missing.contains("`envFile` ") && missing.contains(".env cannot be used"), "{missing}");
    fs::write(folder.path().join(".env"), "A=1\nhunter2\n").unwrap();
    let (broken, _) = refusal(&config).await;
    assert!(broken.contains("line 2 is not NAME=VALUE"), "{broken}");
    assert!(!broken.contains("hunter2"), "{broken}");
}

/// Certificates of a test authority: its own, a server's, and a client's with its key.
struct Certificates {
    authority: String,
    server: Arc<TlsConfig>,
    client: (String, String),
}

fn certificates() -> Certificates {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &authority).unwrap().pem(), key.serialize_pem())
    };
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let (chain, key) = issue("localhost");
    let server = TlsConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().unwrap(),
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    Certificates { authority: authority.pem(), server: Arc::new(server), client: issue("client") }
}

fn answer(request: &Recorded) -> Answer {
    let discovered = json!({
        "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {},
        "ttlMs": 0, "cacheScope": "private",
    });
    Answer::result(request, &discovered)
}

// seed: 20
#[tokio::test]
async fn certificates_of_files_are_trusted_and_shown() {
    let (folder, made) = (tempfile::tempdir().unwrap(), certificates());
    let world = HttpServer::start_tls(made.server, answer).await.unwrap();
    let (chain, key) = &made.client;
    for (name, text) in [
        ("ca.pem", &made.authority),
        ("client.pem", chain),
        ("client.key", key),
        ("both.pem", &format!("{chain}{key}")),
        ("none.pem", &String::new()),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let config = |tls: Value| write(folder.path(), &json!({"url": world.url(), "tls": tls}));
    for tls in [
        json!({"ca": "ca.pem", "cert": "client.pem", "key": "client.key"}),
        json!({"caFile": folder.path().join("ca.pem"), "certFile": "${NO:-both.pem}"}),
    ] {
        let connection = deadline(Client::connect_to(config(tls))).await.unwrap();
        deadline(connection.close()).await;
    }
    // In FastMCP's notation.
    let verifying = |how: Value| {
        let tls = json!({"cert": "both.pem"});
        write(folder.path(), &json!({"url": world.url(), "tls": tls, "verify": how}))
    };
    deadline(Client::connect_to(verifying(json!("ca.pem")))).await.unwrap().close().await;
    let asked = world.requests().len();
    for (tls, reason) in [
        (json!({"ca": "ca.pem"}), ""),
        (json!({"cert": "both.pem"}), ""),
        (json!({"ca": "gone.pem"}), "`tls.ca` "),
        (json!({"ca": "none.pem"}), "`tls.ca` none.pem cannot be used"),
        (json!({"cert": "client.pem"}), "`tls.cert` client.pem cannot be used"),
    ] {
        let (told, _) = refusal(&config(tls)).await;
        assert!(told.contains(reason), "{told}");
    }
    let (told, _) = refusal(&verifying(json!(false))).await;
    assert!(told.contains("always verified") && told.contains("`tls.ca`"), "{told}");
    assert_eq!(world.requests().len(), asked);
}

#[test]
fn what_names_files_is_written_as_it_was_read() {
    let text = r#"{"mcpServers": {
        "a": {"command": "x", "envFile": ".env"},
        "b": {"url": "https://a.example/", "tls": {"ca": "a", "cert": "b", "key": "c"}},
        "c": {"url": "https://a.example/", "verify": false, "sse_read_timeout": 2.5},
        "d": {"url": "https://a.example/", "verify": "ca.pem"},
        "e": {"command": "x", "env_keys": ["KEY"]}
    }}"#;
    let config = Config::parse(text).unwrap();
    let mut written = Config::new();
    for (name, server) in config.servers() {
        written.add_server(name, server).unwrap();
    }
    let again = Config::parse(written.text()).unwrap();
    assert!(again.problems().is_empty(), "{:?}", again.problems());
    for name in ["a", "b", "c", "d", "e"] {
        assert_eq!(again.server(name).unwrap(), config.server(name).unwrap());
    }
    let child = |config: &ServerConfig| match &config.transport {
        ServerTransport::Stdio(child) => child.env_file.clone(),
        _ => None,
    };
    assert_eq!(child(again.server("a").unwrap()).as_deref(), Some(".env"));
    assert!(written.text().contains(r#""ca": "ca.pem""#), "{}", written.text());
    assert!(written.text().contains(r#""KEY": "${KEY}""#), "{}", written.text());
    for broken in [
        r#""verify": 1"#,
        r#""sse_read_timeout": -1"#,
        r#""sse_read_timeout": "5""#,
        r#""tls": true"#,
        r#""tls": {"key": "a"}"#,
        r#""tls": {"ca": 1}"#,
    ] {
        let text = format!(r#"{{"mcpServers": {{"a": {{"url": "https://a/", {broken}}}}}}}"#);
        assert!(Config::parse(&text).is_err(), "{broken}");
    }
}
