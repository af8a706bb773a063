//! The options of a login: who the client is, and how it logs in.

use super::{
    AssertClient, AuthenticationMethod, Error, Grant, MemoryStore, Receiver, Secret, Store,
    register,
};
use serde_json::{Map, Value};
use std::{fmt, sync::Arc};

/// Who a client is, and how it logs in. A login happens only when a server asks for it.
///
/// Clones share the store. One value may serve many servers, whose tokens are kept apart.
///
/// | not set | what happens |
/// |---|---|
/// | client identifier | the client registers at the authorization server |
/// | scopes | those that the server asks for are used |
/// | receiver | no user can be asked: tokens in the store are used, and a login fails |
/// | store | tokens are kept in memory |
///
/// ```
/// use mcp_transport::http::oauth::{ReceiverFn, OAuth};
///
/// let oauth = OAuth::new("My App")
///     .client_metadata_url("https://app.example.com/client.json")
///     .receiver(ReceiverFn::new("https://app.example.com/callback", |request| async move {
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
    /// Creates the options of a client with this name, which users see when they are asked.
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

    /// Sets the identifier of a preregistered client, which is never registered again.
    #[must_use]
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Sets the secret of that client.
    #[must_use]
    pub fn client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// Sets the authorization server: the one that the client is registered at, and the one to choose if a server names
    /// several.
    ///
    /// A server that uses another one is an error, and nothing is sent there. Without this, a client identifier is
    /// bound to the first authorization server that is found.
    ///
    /// See [the
    /// clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/client-registration#authorization-server-binding).
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Sets how the client authenticates. Default: as its registration or the authorization server says.
    #[must_use]
    pub fn authentication_method(mut self, method: AuthenticationMethod) -> Self {
        self.method = Some(method);
        self
    }

    /// Authenticates the client with signed assertions: `private_key_jwt`.
    #[must_use]
    pub fn assert_client(mut self, assert: impl AssertClient) -> Self {
        self.assert = Some(Arc::new(assert));
        self.method = Some(AuthenticationMethod::PrivateKeyJwt);
        self
    }

    /// Sets the `https` URL of the client metadata document, which is the client identifier where that is supported.
    #[must_use]
    pub fn client_metadata_url(mut self, url: impl Into<String>) -> Self {
        self.client_metadata_url = Some(url.into());
        self
    }

    /// Generates the document to publish at [`client_metadata_url`](Self::client_metadata_url), with these redirect
    /// URIs.
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
    /// The URL is missing or cannot be an identifier, or a redirect URI is invalid.
    pub fn client_metadata<'a>(
        &self,
        redirect_uris: impl IntoIterator<Item = &'a str>,
    ) -> Result<Map<String, Value>, Error> {
        register::document(self, &redirect_uris.into_iter().collect::<Vec<_>>())
    }

    /// Sets a member of the client's registration, such as `logo_uri`, `contacts` or `software_id`. It replaces the
    /// default.
    #[must_use]
    pub fn registration_member(mut self, name: impl Into<String>, value: Value) -> Self {
        self.registration.insert(name.into(), value);
        self
    }

    /// Sets the scopes to ask for, in place of those that the server names. Scopes of a challenge are added.
    #[must_use]
    pub fn scopes<T: Into<String>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Does not ask for `offline_access`, which is otherwise requested if the authorization server supports it.
    #[must_use]
    pub fn online_only(mut self) -> Self {
        self.offline_access = false;
        self
    }

    /// Sets how users are asked.
    #[must_use]
    pub fn receiver(mut self, receiver: impl Receiver) -> Self {
        self.receiver = Some(Arc::new(receiver));
        self
    }

    /// Sets how users are asked, unless a receiver or a grant is already set.
    #[must_use]
    pub fn default_receiver(self, receiver: impl Receiver) -> Self {
        if self.receiver.is_some() || self.grant.is_some() { self } else { self.receiver(receiver) }
    }

    /// Sets a grant that needs no user.
    #[must_use]
    pub fn grant(mut self, grant: impl Grant) -> Self {
        self.grant = Some(Arc::new(grant));
        self
    }

    /// The protocol extension of the grant, if there is one, which the client declares.
    pub fn extension(&self) -> Option<&str> {
        self.grant.as_ref()?.extension()
    }

    /// Sets where tokens and registrations are kept.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// Like [`store`](Self::store), for a store that is shared.
    #[must_use]
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = store;
        self
    }

    /// Allows metadata of a server at another origin, if the server says that it is there.
    #[must_use]
    pub fn allow_foreign_metadata(mut self) -> Self {
        self.foreign_metadata = true;
        self
    }

    /// Uses `/authorize`, `/token` and `/register` of a server without metadata, as in revision 2025-03-26. Later
    /// revisions forbid that.
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
