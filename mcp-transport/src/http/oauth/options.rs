//! The options of a login: who the client is, and how it logs in.

use super::{
    AssertClient, AuthenticationMethod, Error, Grant, MemoryStore, Receiver, Secret, Store,
    register,
};
use serde_json::{Map, Value};
use std::{fmt, sync::Arc};

/// Who a client is and how it logs in to servers that ask for it. A login happens when the server asks, never before.
///
/// Clones share the store. One value may serve many servers: their tokens are kept apart.
///
/// | what is not said | what happens |
/// |---|---|
/// | client identifier | the client registers at the authorization server |
/// | scopes | those that the server asks for |
/// | receiver | nobody can be asked: what is in the store is used, and a login fails |
/// | store | what is got is kept in memory |
///
/// ```
/// use mcp_transport::http::oauth::{Ask, OAuth};
///
/// let oauth = OAuth::new("My App")
///     .client_metadata_url("https://app.example.com/client.json")
///     .receiver(Ask::new("https://app.example.com/callback", |request| async move {
///         Err(format!("nobody is here to log in at {}", request.issuer).into())
///     }));
/// # let _ = oauth;
/// ```
#[derive(Clone)]
pub struct OAuth {
    pub(super) client_name: String,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<Secret>,
    pub(super) method: Option<AuthenticationMethod>,
    pub(super) assert: Option<Arc<dyn AssertClient>>,
    pub(super) issuer: Option<String>,
    pub(super) client_metadata_url: Option<String>,
    pub(super) registration: Map<String, Value>,
    pub(super) scopes: Vec<String>,
    pub(super) offline_access: bool,
    pub(super) receiver: Option<Arc<dyn Receiver>>,
    pub(super) grant: Option<Arc<dyn Grant>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) foreign_metadata: bool,
    pub(super) default_endpoints: bool,
}

impl OAuth {
    /// A client of this name, which users see when they are asked.
    pub fn new(client_name: impl Into<String>) -> Self {
        Self {
            client_name: client_name.into(),
            client_id: None,
            client_secret: None,
            method: None,
            assert: None,
            issuer: None,
            client_metadata_url: None,
            registration: Map::new(),
            scopes: Vec::new(),
            offline_access: true,
            receiver: None,
            grant: None,
            store: Arc::new(MemoryStore::new()),
            foreign_metadata: false,
            default_endpoints: false,
        }
    }

    /// The identifier of a client that was registered beforehand. Such a client is never registered again.
    #[must_use]
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// The secret that goes with it.
    #[must_use]
    pub fn client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// The authorization server: the one that the client was registered at, and the one to choose if a server has many.
    ///
    /// A server with another one is an error, and nothing is sent there. Without this, a client identifier belongs to the
    /// first authorization server that is met.
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/client-registration#authorization-server-binding).
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// How the client proves who it is. Default: as its registration or the authorization server says.
    #[must_use]
    pub fn authentication_method(mut self, method: AuthenticationMethod) -> Self {
        self.method = Some(method);
        self
    }

    /// Proves who the client is with assertions that it signs: `private_key_jwt`.
    #[must_use]
    pub fn assert_client(mut self, assert: impl AssertClient) -> Self {
        self.assert = Some(Arc::new(assert));
        self.method = Some(AuthenticationMethod::PrivateKeyJwt);
        self
    }

    /// The `https` URL of the document that describes the client, which is its identifier wherever that is supported.
    #[must_use]
    pub fn client_metadata_url(mut self, url: impl Into<String>) -> Self {
        self.client_metadata_url = Some(url.into());
        self
    }

    /// The document to put at [`client_metadata_url`](Self::client_metadata_url), for users who come back to these URIs.
    ///
    /// ```
    /// use mcp_transport::http::oauth::OAuth;
    ///
    /// let url = "https://app.example.com/client.json";
    /// let app = OAuth::new("My App").client_metadata_url(url);
    /// let document = app.client_metadata(["http://127.0.0.1:8765/callback"])?;
    /// assert_eq!(document["client_id"], url);
    /// # Ok::<(), mcp_transport::http::oauth::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The URL is missing or cannot be an identifier, or users cannot come back to one of the URIs.
    pub fn client_metadata<'a>(
        &self,
        redirect_uris: impl IntoIterator<Item = &'a str>,
    ) -> Result<Map<String, Value>, Error> {
        register::document(self, &redirect_uris.into_iter().collect::<Vec<_>>())
    }

    /// Says more about the client when it is registered: `logo_uri`, `contacts`, `software_id`. It takes the place of what
    /// would be said without it.
    #[must_use]
    pub fn registration_member(mut self, name: impl Into<String>, value: Value) -> Self {
        self.registration.insert(name.into(), value);
        self
    }

    /// The scopes to ask for, in place of those that the server names. What it asks for in a challenge is added.
    #[must_use]
    pub fn scopes<T: Into<String>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Does not ask for `offline_access`. Without this it is asked for where the authorization server has it.
    #[must_use]
    pub fn online_only(mut self) -> Self {
        self.offline_access = false;
        self
    }

    /// How users are asked.
    #[must_use]
    pub fn receiver(mut self, receiver: impl Receiver) -> Self {
        self.receiver = Some(Arc::new(receiver));
        self
    }

    /// How users are asked, unless that was said before, or a grant asks nobody.
    #[must_use]
    pub fn default_receiver(self, receiver: impl Receiver) -> Self {
        if self.receiver.is_some() || self.grant.is_some() { self } else { self.receiver(receiver) }
    }

    /// A way to a token that asks no user.
    #[must_use]
    pub fn grant(mut self, grant: impl Grant) -> Self {
        self.grant = Some(Arc::new(grant));
        self
    }

    /// The extension of the protocol that the grant belongs to, if there is one. A client that logs in so declares it.
    pub fn extension(&self) -> Option<&str> {
        self.grant.as_ref()?.extension()
    }

    /// Where tokens and registrations are kept.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// The same, for a store that others hold too.
    #[must_use]
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = store;
        self
    }

    /// Reads the metadata of a server from another origin too, if the server says that it is there.
    #[must_use]
    pub fn allow_foreign_metadata(mut self) -> Self {
        self.foreign_metadata = true;
        self
    }

    /// Takes `/authorize`, `/token` and `/register` of a server that has no metadata at all, as revision 2025-03-26 has it.
    /// Later revisions forbid that.
    #[must_use]
    pub fn default_endpoints(mut self) -> Self {
        self.default_endpoints = true;
        self
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth")
            .field("client_name", &self.client_name)
            .field("client_id", &self.client_id)
            .field("client_secret", &self.client_secret)
            .field("issuer", &self.issuer)
            .field("client_metadata_url", &self.client_metadata_url)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
