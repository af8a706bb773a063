//! What a test can change.

use crate::http_server::Answer;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::Semaphore;

/// How the servers of a world behave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rules {
    /// The MCP server.
    pub resource: ResourceRules,
    /// The authorization servers.
    pub servers: Vec<ServerRules>,
}

/// How the MCP server behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResourceRules {
    /// The `WWW-Authenticate` headers of a 401. `{metadata}` stands for the URL of the metadata.
    pub challenges: Vec<String>,
    /// Where the metadata is. Nowhere, if it is empty.
    pub metadata_path: String,
    /// Changes of the metadata, as a merge patch.
    pub metadata: Value,
    /// The authorization servers that it names, whose tokens it takes.
    pub servers: Vec<usize>,
    /// The scopes that a method needs.
    pub needs: BTreeMap<String, String>,
    /// The methods that need no token.
    pub open: BTreeSet<String>,
    /// Whether it is one of revision 2025-11-25.
    pub is_legacy: bool,
    /// Whether it takes tokens with a proof alone.
    pub wants_proof: bool,
    /// The nonce that a proof must have.
    pub nonce: Option<String>,
    /// Answers to requests for a path, once or always, that come before all else.
    pub answers: Vec<(String, Answer, bool)>,
}

/// How an authorization server behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerRules {
    /// The path of its issuer.
    pub issuer_path: String,
    /// Where its metadata is.
    pub metadata_path: String,
    /// Changes of the metadata, as a merge patch.
    pub metadata: Value,
    /// The clients that it knows without registration.
    pub clients: BTreeMap<String, Client>,
    /// How a client has to authenticate that registers.
    pub method: String,
    /// The `iss` of its redirects.
    pub iss: Iss,
    /// The `expires_in` of its tokens; none, if it is null.
    pub lifetime: Value,
    /// Whether it gives refresh tokens.
    pub gives_refresh: bool,
    /// Whether a refresh token is worthless after its use.
    pub rotates: bool,
    /// What its tokens wait for, which it has given out by then.
    pub gate: Option<Arc<Semaphore>>,
    /// The error that the user is sent back with.
    pub denies: Option<String>,
    /// Whether it says that it revokes tokens.
    pub revokes: bool,
    /// Whether it binds tokens to the key of a proof.
    pub wants_proof: bool,
    /// The nonce that a proof must have.
    pub nonce: Option<String>,
    /// The assertions of workloads that it takes.
    pub assertions: BTreeSet<String>,
    /// The tokens that it exchanges as an identity provider.
    pub subjects: BTreeSet<String>,
    /// Answers to requests for a path, once or always, that come before all else.
    pub answers: Vec<(String, Answer, bool)>,
}

/// A client of an authorization server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Client {
    /// How it authenticates: `none`, `client_secret_basic`, `client_secret_post` or `private_key_jwt`.
    pub method: String,
    /// Its password.
    pub secret: Option<String>,
    /// Its public key, an uncompressed point of P-256.
    pub key: Option<Vec<u8>>,
    /// Where its users may be sent back to; anywhere, if there is nothing.
    pub redirect_uris: Vec<String>,
}

impl Client {
    /// A client with a password.
    pub fn with_secret(method: &str, secret: &str) -> Self {
        Self { method: method.to_owned(), secret: Some(secret.to_owned()), ..Self::default() }
    }

    /// A client with a key.
    pub fn with_key(key: &[u8]) -> Self {
        let method = "private_key_jwt".to_owned();
        Self { method, key: Some(key.to_vec()), ..Self::default() }
    }

    /// A client that anybody could be.
    pub fn public() -> Self {
        Self { method: "none".to_owned(), ..Self::default() }
    }
}

/// The issuer that a redirect names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Iss {
    /// Its own, and the metadata says so.
    Right,
    /// None.
    Absent,
    /// This one.
    Is(String),
}

impl Rules {
    pub(super) fn new(servers: usize) -> Self {
        let server = ServerRules::default();
        Self { resource: ResourceRules::default(), servers: vec![server; servers] }
    }
}

impl Default for ResourceRules {
    fn default() -> Self {
        Self {
            challenges: vec![r#"Bearer resource_metadata="{metadata}""#.to_owned()],
            metadata_path: "/.well-known/oauth-protected-resource/mcp".to_owned(),
            metadata: json!({}),
            servers: vec![0],
            needs: BTreeMap::new(),
            open: BTreeSet::new(),
            is_legacy: false,
            wants_proof: false,
            nonce: None,
            answers: Vec::new(),
        }
    }
}

impl Default for ServerRules {
    fn default() -> Self {
        Self {
            issuer_path: String::new(),
            metadata_path: "/.well-known/oauth-authorization-server".to_owned(),
            metadata: json!({}),
            clients: BTreeMap::new(),
            method: "none".to_owned(),
            iss: Iss::Right,
            lifetime: json!(3600),
            gives_refresh: true,
            rotates: true,
            gate: None,
            denies: None,
            revokes: false,
            wants_proof: false,
            nonce: None,
            assertions: BTreeSet::new(),
            subjects: BTreeSet::new(),
            answers: Vec::new(),
        }
    }
}

impl ResourceRules {
    /// Answers requests for `path` so, from now on.
    pub fn always(&mut self, path: &str, answer: Answer) {
        self.answers.push((path.to_owned(), answer, false));
    }

    /// Answers the next request for `path` so.
    pub fn once(&mut self, path: &str, answer: Answer) {
        self.answers.push((path.to_owned(), answer, true));
    }
}

impl ServerRules {
    /// Answers requests for `path` so, from now on.
    pub fn always(&mut self, path: &str, answer: Answer) {
        self.answers.push((path.to_owned(), answer, false));
    }

    /// Answers the next request for `path` so.
    pub fn once(&mut self, path: &str, answer: Answer) {
        self.answers.push((path.to_owned(), answer, true));
    }
}
