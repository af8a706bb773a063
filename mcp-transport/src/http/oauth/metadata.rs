//! Protected resource metadata and authorization server metadata.
//!
//! Only the members needed are read, one by one, so that a broken one does not affect the others. Identifiers are kept
//! as received, because they are compared byte for byte.

use super::{Error, ErrorKind};
use crate::Url;
use serde_json::{Map, Value};

/// The metadata of an MCP server, as defined by [RFC 9728](https://www.rfc-editor.org/rfc/rfc9728).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResourceMetadata {
    /// The identifier of the server.
    pub(super) resource: String,
    /// The issuers of tokens for it; at least one.
    pub(super) authorization_servers: Vec<String>,
    pub(super) scopes_supported: Option<Vec<String>>,
    /// Whether it only accepts tokens that are bound to a key.
    pub(super) wants_bound_tokens: bool,
}

impl ResourceMetadata {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// It lacks the identifier of the server, or its authorization servers.
    // spec: AUTH-11
    pub(super) fn read(document: &Document) -> Result<Self, Error> {
        let resource = document.text("resource").ok_or_else(|| document.lacks("resource"))?;
        let servers = document.texts("authorization_servers").unwrap_or_default();
        if servers.is_empty() {
            return Err(document.lacks("authorization_servers"));
        }
        Ok(Self {
            resource,
            authorization_servers: servers,
            scopes_supported: document.texts("scopes_supported"),
            wants_bound_tokens: document.flag("dpop_bound_access_tokens_required"),
        })
    }
}

/// The metadata of an authorization server, as defined by [RFC 8414](https://www.rfc-editor.org/rfc/rfc8414) and
/// [OpenID Connect](https://openid.net/specs/openid-connect-discovery-1_0.html).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerMetadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: Option<Url>,
    pub(super) token_endpoint: Url,
    pub(super) registration_endpoint: Option<Url>,
    pub(super) revocation_endpoint: Option<Url>,
    pub(super) scopes_supported: Option<Vec<String>>,
    pub(super) token_endpoint_auth_methods: Option<Vec<String>>,
    pub(super) code_challenge_methods: Option<Vec<String>>,
    pub(super) dpop_algorithms: Option<Vec<String>>,
    /// Whether its answers include the issuer.
    pub(super) says_iss: bool,
    /// Whether it accepts the URL of a document as a client identifier.
    pub(super) takes_client_metadata: bool,
}

impl ServerMetadata {
    /// Reads a document whose issuer has been verified.
    ///
    /// # Errors
    ///
    /// It has no token endpoint, or an endpoint that is not a URL.
    pub(super) fn read(issuer: String, document: &Document) -> Result<Self, Error> {
        let url = |name| document.text(name).map(|text| document.url(name, &text)).transpose();
        Ok(Self {
            issuer,
            authorization_endpoint: url("authorization_endpoint")?,
            token_endpoint: url("token_endpoint")?
                .ok_or_else(|| document.lacks("token_endpoint"))?,
            registration_endpoint: url("registration_endpoint")?,
            // A bad revocation endpoint does not fail the login: it is checked when used.
            revocation_endpoint: url("revocation_endpoint").ok().flatten(),
            scopes_supported: document.texts("scopes_supported"),
            token_endpoint_auth_methods: document.texts("token_endpoint_auth_methods_supported"),
            code_challenge_methods: document.texts("code_challenge_methods_supported"),
            dpop_algorithms: document.texts("dpop_signing_alg_values_supported"),
            says_iss: document.flag("authorization_response_iss_parameter_supported"),
            takes_client_metadata: document.flag("client_id_metadata_document_supported"),
        })
    }

    /// Returns the endpoints that revision 2025-03-26 assumes for a server without metadata.
    pub(super) fn by_default(origin: &str) -> Result<Self, Error> {
        let endpoint = |path: &str| {
            Url::parse(&format!("{origin}{path}")).map_err(|source| {
                Error::new(ErrorKind::Metadata, format!("{origin} is no origin"))
                    .with_source(source)
            })
        };
        Ok(Self {
            issuer: origin.to_owned(),
            authorization_endpoint: Some(endpoint("/authorize")?),
            token_endpoint: endpoint("/token")?,
            registration_endpoint: Some(endpoint("/register")?),
            revocation_endpoint: None,
            scopes_supported: None,
            token_endpoint_auth_methods: None,
            // That revision takes it for granted.
            code_challenge_methods: Some(vec!["S256".to_owned()]),
            dpop_algorithms: None,
            says_iss: false,
            takes_client_metadata: false,
        })
    }

    /// Returns all endpoints that a login would send requests to.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &Url> {
        let optional = [&self.authorization_endpoint, &self.registration_endpoint];
        optional.into_iter().flatten().chain([&self.token_endpoint])
    }
}

/// A metadata document, and where it was found.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) place: String,
    pub(super) members: Map<String, Value>,
}

impl Document {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = self.members.get(name)?.as_str()?;
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    fn texts(&self, name: &str) -> Option<Vec<String>> {
        let texts = self.members.get(name)?.as_array()?;
        Some(texts.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    fn flag(&self, name: &str) -> bool {
        self.members.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    fn url(&self, name: &str, text: &str) -> Result<Url, Error> {
        Url::parse(text).map_err(|source| {
            let message = format!("{name} in {} is not a URL", self.place);
            Error::new(ErrorKind::Metadata, message).with_source(source)
        })
    }

    fn lacks(&self, name: &str) -> Error {
        Error::new(ErrorKind::Metadata, format!("{} does not say {name}", self.place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(members: Value) -> Document {
        let Value::Object(members) = members else { panic!("not an object") };
        Document { place: "https://example.com/x".to_owned(), members }
    }

    // spec: AUTH-11
    #[test]
    fn a_server_says_what_it_is_called_and_where_tokens_are_had() {
        let full = json!({
            "resource": "https://example.com",
            "authorization_servers": ["https://as.example.com/", 7],
            "scopes_supported": ["a", null, "b"],
            "dpop_bound_access_tokens_required": "no boolean",
        });
        let read = ResourceMetadata::read(&document(full)).unwrap();
        assert_eq!(read.resource, "https://example.com");
        assert_eq!(read.authorization_servers, ["https://as.example.com/"]);
        assert_eq!(read.scopes_supported.unwrap(), ["a", "b"]);
        assert!(!read.wants_bound_tokens);
        for (lacking, name) in [
            (json!({ "resource": "https://example.com" }), "authorization_servers"),
            (json!({ "resource": "https://example.com", "authorization_servers": [] }), "servers"),
            (json!({ "authorization_servers": ["https://as.example.com"] }), "resource"),
            (json!({ "resource": 7, "authorization_servers": ["https://as"] }), "resource"),
        ] {
            let error = ResourceMetadata::read(&document(lacking)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Metadata);
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn an_authorization_server_needs_a_token_endpoint() {
        let read = |members| ServerMetadata::read("https://as".to_owned(), &document(members));
        let least = read(json!({ "token_endpoint": "https://as/token" })).unwrap();
        assert_eq!(least.code_challenge_methods, None);
        assert!(!least.says_iss && !least.takes_client_metadata);
        assert_eq!(least.endpoints().count(), 1);
        assert!(read(json!({})).unwrap_err().to_string().contains("token_endpoint"));
        let error = read(json!({ "token_endpoint": "/token" })).unwrap_err();
        assert!(error.to_string().contains("not a URL"), "{error}");
    }
}
