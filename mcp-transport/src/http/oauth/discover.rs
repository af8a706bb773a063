//! Discovery: from the metadata of the server to that of its authorization server.
//!
//! See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/authorization-server-discovery).

use super::{
    Error, ErrorKind, OAuth,
    fetch::{Answer, Fetch},
    metadata::{Document, ResourceMetadata, ServerMetadata},
    places,
};
use crate::{Url, excerpt::excerpt, http::EXCERPT};
use http::header;

/// How many redirects are followed per document, each within its origin.
const MAX_REDIRECTS: usize = 3;

/// Where to log in, and for which resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The server's own identifier, byte for byte.
    pub(super) resource: String,
    pub(super) scopes_supported: Option<Vec<String>>,
    pub(super) wants_bound_tokens: bool,
    pub(super) server: ServerMetadata,
}

/// Discovers where to log in. `named` is where the server says that its metadata is.
///
/// # Errors
///
/// No metadata was found, or it must not be trusted. The error lists what was tried.
pub(super) async fn discover(
    fetch: &Fetch,
    oauth: &OAuth,
    server: &Url,
    named: Option<&str>,
) -> Result<Found, Error> {
    let mut search = Search { fetch, oauth, server, tried: Vec::new() };
    let found = search.run(named).await;
    found.map_err(|error| error.with_tried(search.tried))
}

/// Reads the metadata of an authorization server that is known already, if it has any.
///
/// # Errors
///
/// It could not be read, or must not be trusted.
pub(super) async fn of_issuer(
    fetch: &Fetch,
    oauth: &OAuth,
    server: &Url,
    issuer: &str,
) -> Result<Option<ServerMetadata>, Error> {
    let mut search = Search { fetch, oauth, server, tried: Vec::new() };
    let found = search.server_metadata(issuer).await;
    found.map_err(|error| error.with_tried(search.tried))
}

struct Search<'a> {
    fetch: &'a Fetch,
    oauth: &'a OAuth,
    server: &'a Url,
    /// One line for each URL tried.
    tried: Vec<String>,
}

impl Search<'_> {
    // spec: AUTH-02 AUTH-05 AUTH-11 AUTH-12
    async fn run(&mut self, named: Option<&str>) -> Result<Found, Error> {
        let places = places::of_resource(self.server, named, self.oauth.foreign_metadata);
        let Some(document) = self.first(&places).await? else {
            return self.without_resource().await;
        };
        let metadata = ResourceMetadata::read(&document)?;
        places::check_resource(&metadata.resource, self.server)?;
        let issuer = self.choose(&metadata.authorization_servers)?;
        let server = self.server_metadata(&issuer).await?;
        let Some(server) = server else {
            return Err(Error::new(ErrorKind::Metadata, format!("{issuer} has no metadata")));
        };
        Ok(Found {
            resource: metadata.resource,
            scopes_supported: metadata.scopes_supported,
            wants_bound_tokens: metadata.wants_bound_tokens,
            server,
        })
    }

    /// Handles a server without metadata of its own: uses what was configured, or the defaults of revision 2025-03-26.
    async fn without_resource(&mut self) -> Result<Found, Error> {
        let origin = self.server.origin();
        let issuer = self.oauth.issuer.clone().unwrap_or_else(|| origin.clone());
        let server = match self.server_metadata(&issuer).await? {
            Some(server) => server,
            None if self.oauth.default_endpoints => {
                self.checked(ServerMetadata::by_default(&origin)?)?
            }
            None => {
                let server = places::canonical(self.server);
                let message = format!(
                    "{server} does not say where to log in; \
                     a server of revision 2025-03-26 may need `OAuth::default_endpoints`"
                );
                return Err(Error::new(ErrorKind::Metadata, message));
            }
        };
        Ok(Found {
            resource: places::canonical(self.server),
            scopes_supported: None,
            wants_bound_tokens: false,
            server,
        })
    }

    /// Chooses the configured authorization server, or the first one that the server lists.
    // spec: AUTH-10 REG-14
    fn choose(&self, servers: &[String]) -> Result<String, Error> {
        let first = servers.first().map(String::as_str).unwrap_or_default();
        let Some(wanted) = &self.oauth.issuer else { return Ok(first.to_owned()) };
        servers.iter().find(|issuer| *issuer == wanted).cloned().ok_or_else(|| {
            let server = places::canonical(self.server);
            let first = excerpt(first.as_bytes(), EXCERPT);
            let message = format!(
                "{server} is not at home at {wanted}, where the client is registered; \
                 it names {first:?}, which gets nothing of that client"
            );
            Error::new(ErrorKind::Configuration, message)
        })
    }

    // spec: AUTH-03 AUTH-06 AUTH-07 AUTH-08
    async fn server_metadata(&mut self, issuer: &str) -> Result<Option<ServerMetadata>, Error> {
        let shown = excerpt(issuer.as_bytes(), EXCERPT);
        let url = Url::parse(issuer).map_err(|source| {
            let message = format!("authorization server {shown:?} is not a URL");
            Error::new(ErrorKind::Metadata, message).with_source(source)
        })?;
        places::check_endpoint(&url, self.server)?;
        let mut failure = None;
        for place in places::of_issuer(&url) {
            match self.document(&place).await {
                Ok(Some(document)) if self.is_of(issuer, &document) => {
                    return self
                        .checked(ServerMetadata::read(issuer.to_owned(), &document)?)
                        .map(Some);
                }
                Ok(Some(document)) => {
                    let message = format!(
                        "metadata at {} is not that of {shown}: its issuer is another one",
                        document.place
                    );
                    failure.get_or_insert(Error::new(ErrorKind::Metadata, message));
                }
                Ok(None) => {}
                Err(error) => _ = failure.get_or_insert(error),
            }
        }
        failure.map_or(Ok(None), Err)
    }

    /// Returns whether a document has exactly this issuer.
    fn is_of(&self, issuer: &str, document: &Document) -> bool {
        document.text("issuer").is_some_and(|said| said == issuer)
    }

    /// Checks that requests may be sent to the endpoints of the metadata.
    fn checked(&self, metadata: ServerMetadata) -> Result<ServerMetadata, Error> {
        metadata.endpoints().try_for_each(|url| places::check_endpoint(url, self.server))?;
        Ok(metadata)
    }

    /// Returns the first document that exists. One that may exist but could not be read is an error, and is not
    /// skipped.
    async fn first(&mut self, places: &[Url]) -> Result<Option<Document>, Error> {
        let mut failure = None;
        for place in places {
            match self.document(place).await {
                Ok(Some(document)) => return Ok(Some(document)),
                Ok(None) => {}
                Err(error) => _ = failure.get_or_insert(error),
            }
        }
        failure.map_or(Ok(None), Err)
    }

    /// Reads a document; none if the answer is a refusal or not JSON.
    async fn document(&mut self, place: &Url) -> Result<Option<Document>, Error> {
        if place.origin() != self.server.origin() {
            places::check_endpoint(place, self.server)?;
        }
        let shown = places::canonical(place);
        let answer = match self.follow(place).await {
            Ok(answer) => answer,
            Err(error) => {
                self.tried.push(format!("{shown} (no answer)"));
                return Err(error);
            }
        };
        let status = answer.status;
        let members = answer.object().filter(|_| status.is_success());
        let what = if status.is_success() && members.is_none() { ", no JSON" } else { "" };
        self.tried.push(format!("{shown} ({}{what})", status.as_u16()));
        if status.is_server_error() || status.as_u16() == 429 {
            let message = format!("{shown} could not be read");
            return Err(Error::new(ErrorKind::Network, message));
        }
        Ok(members.map(|members| Document { place: shown, members }))
    }

    /// Requests a document, and follows redirects within its origin.
    // spec: SBP-04
    async fn follow(&self, place: &Url) -> Result<Answer, Error> {
        let mut at = place.clone();
        let mut followed = 0;
        loop {
            let answer = self.fetch.get(&at).await?;
            let location =
                answer.headers.get(header::LOCATION).filter(|_| answer.status.is_redirection());
            let to = location.and_then(|to| at.join(to.to_str().ok()?).ok());
            match to.filter(|to| to.origin() == at.origin()) {
                Some(to) if followed < MAX_REDIRECTS => at = to,
                _ => return Ok(answer),
            }
            followed += 1;
        }
    }
}
