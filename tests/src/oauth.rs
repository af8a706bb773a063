//! A world of OAuth: an MCP server that asks for tokens, and the authorization servers that give them, on loopback.
//!
//! It keeps to the rules of the protocol as far as a test does not change them, and records every request. What a client
//! gets wrong is answered as a real server does; a test looks at what was recorded.

mod grants;
mod issuer;
mod proof;
mod resource;
mod rules;
mod user;

pub use proof::verify_es256;
pub use rules::{Client, Iss, ResourceRules, Rules, ServerRules};
pub use user::{follow, redirect_of};

use crate::http_server::{Answer, HttpServer, Recorded};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The MCP server and its authorization servers. Dropping it closes them.
#[derive(Debug)]
pub struct World {
    resource: HttpServer,
    servers: Vec<HttpServer>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rules: Mutex<Rules>,
    issued: Mutex<Issued>,
    origins: OnceLock<Origins>,
}

#[derive(Debug)]
struct Origins {
    resource: String,
    servers: Vec<String>,
}

/// How many names all worlds have issued.
static GIVEN: AtomicUsize = AtomicUsize::new(0);

/// What the authorization servers have issued.
#[derive(Debug, Default)]
struct Issued {
    clients: BTreeMap<String, Registered>,
    codes: BTreeMap<String, Code>,
    access: BTreeMap<String, Grant>,
    refresh: BTreeMap<String, Grant>,
    proofs: Vec<String>,
}

#[derive(Clone, Debug)]
struct Registered {
    server: usize,
    client: Client,
}

#[derive(Clone, Debug)]
struct Code {
    grant: Grant,
    challenge: String,
    redirect_uri: String,
}

/// What a token stands for.
#[derive(Clone, Debug)]
struct Grant {
    server: usize,
    client: String,
    scope: String,
    resource: Option<String>,
    /// The thumbprint of the key that the token is bound to.
    key: Option<String>,
}

impl World {
    /// A world with one authorization server.
    ///
    /// # Errors
    ///
    /// There is no port.
    pub async fn start(change: impl FnOnce(&mut Rules)) -> io::Result<Self> {
        Self::start_with(1, change).await
    }

    /// A world with as many authorization servers.
    ///
    /// # Errors
    ///
    /// There is no port.
    pub async fn start_with(servers: usize, change: impl FnOnce(&mut Rules)) -> io::Result<Self> {
        let mut rules = Rules::new(servers);
        change(&mut rules);
        let shared = Arc::new(Shared {
            rules: Mutex::new(rules),
            issued: Mutex::default(),
            origins: OnceLock::new(),
        });
        let mut started = Vec::new();
        for at in 0..servers {
            let shared = Arc::clone(&shared);
            started.push(HttpServer::start(move |request| shared.issuer(at, request)).await?);
        }
        let this = Arc::clone(&shared);
        let resource = HttpServer::start(move |request| this.resource(request)).await?;
        let origin = |server: &HttpServer| server.url().trim_end_matches("/mcp").to_owned();
        let origins =
            Origins { resource: origin(&resource), servers: started.iter().map(origin).collect() };
        let _ = shared.origins.set(origins);
        Ok(Self { resource, servers: started, shared })
    }

    /// The URL of the MCP endpoint.
    pub fn url(&self) -> &str {
        self.resource.url()
    }

    /// The origin of the MCP server.
    pub fn origin(&self) -> &str {
        &self.shared.origins().resource
    }

    /// The issuer of an authorization server.
    pub fn issuer(&self, server: usize) -> String {
        self.shared.issuer_of(server)
    }

    /// The MCP server, and what it was asked.
    pub fn resource(&self) -> &HttpServer {
        &self.resource
    }

    /// An authorization server, and what it was asked.
    pub fn server(&self, server: usize) -> &HttpServer {
        &self.servers[server]
    }

    /// The requests of all authorization servers for a path that ends so.
    pub fn asked(&self, end: &str) -> Vec<Recorded> {
        let servers = self.servers.iter();
        servers
            .flat_map(|server| server.matching(|request| request.uri.path().ends_with(end)))
            .collect()
    }

    /// The forms that were posted to the token endpoints.
    pub fn token_requests(&self) -> Vec<BTreeMap<String, String>> {
        self.asked("/token").iter().map(form).collect()
    }

    /// The parameters of the authorization requests.
    pub fn authorization_requests(&self) -> Vec<BTreeMap<String, String>> {
        let requests = self.asked("/authorize");
        requests.iter().map(|request| pairs(request.uri.query().unwrap_or_default())).collect()
    }

    /// The messages of a method that reached the MCP server with a token that it took.
    pub fn served(&self, method: &str) -> Vec<Recorded> {
        self.resource.matching(|request| {
            request.rpc_method() == method && self.shared.check(request).is_ok()
        })
    }

    /// Changes the rules.
    pub fn change(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.shared.rules());
    }

    /// Makes all access tokens so far worthless.
    pub fn revoke_access(&self) {
        self.shared.issued().access.clear();
    }

    /// Makes all refresh tokens so far worthless.
    pub fn revoke_refresh(&self) {
        self.shared.issued().refresh.clear();
    }

    /// Forgets all clients that have registered.
    pub fn forget_clients(&self) {
        self.shared.issued().clients.clear();
    }

    /// All that is secret in this world: tokens, codes and passwords of clients.
    pub fn secrets(&self) -> Vec<String> {
        let issued = self.shared.issued();
        let rules = self.shared.rules();
        let registered = issued.clients.values().map(|registered| &registered.client);
        let configured = rules.servers.iter().flat_map(|server| server.clients.values());
        let passwords = registered.chain(configured).filter_map(|client| client.secret.clone());
        let tokens = issued.access.keys().chain(issued.refresh.keys()).chain(issued.codes.keys());
        tokens.cloned().chain(passwords).collect()
    }
}

impl Shared {
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn issued(&self) -> MutexGuard<'_, Issued> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Panics
    ///
    /// Before the world has started.
    fn origins(&self) -> &Origins {
        self.origins.get().expect("the world has started")
    }

    fn issuer_of(&self, server: usize) -> String {
        let path = self.rules().servers[server].issuer_path.clone();
        format!("{}{path}", self.origins().servers[server])
    }

    /// Returns the scripted answer to this request: the first one for its path, to be used once, or always.
    fn scripted(answers: &mut Vec<(String, Answer, bool)>, request: &Recorded) -> Option<Answer> {
        let path = request.uri.path();
        let at = answers.iter().position(|(wanted, ..)| wanted == path)?;
        let is_once = answers[at].2;
        let answer = answers[at].1.clone();
        if is_once {
            answers.remove(at);
        }
        Some(answer)
    }
}

impl Issued {
    /// Returns a name that no world has issued before. Tokens are created like that too: a test looks for them in the
    /// output.
    fn next(kind: &str) -> String {
        let count = GIVEN.fetch_add(1, Ordering::Relaxed);
        format!("{kind}-{count:06}-9f2c7e")
    }
}

/// The members of a form.
pub fn form(request: &Recorded) -> BTreeMap<String, String> {
    pairs(&String::from_utf8_lossy(&request.body))
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Applies a JSON merge patch: null removes a member.
fn merge(value: &mut Value, patch: &Value) {
    let (Value::Object(members), Value::Object(changes)) = (&mut *value, patch) else {
        if !patch.is_null() {
            value.clone_from(patch);
        }
        return;
    };
    for (name, change) in changes {
        match change {
            Value::Null => drop(members.remove(name)),
            Value::Object(_) => merge(members.entry(name).or_insert_with(|| Value::Null), change),
            _ => drop(members.insert(name.clone(), change.clone())),
        }
    }
}
