//! Client registration: how a client gets its identifier at an authorization server.
//!
//! See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/client-registration).

use super::{
    AuthenticationMethod, Error, ErrorKind, OAuth, Registration, Secret, metadata::ServerMetadata,
    places,
};
use crate::Url;
use serde_json::{Map, Value, json};

/// How to obtain a client identifier.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Use this one.
    Use(Registration),
    /// Register there, with this request.
    Register(Url, Map<String, Value>),
}

/// Decides where the identifier comes from: the configured one, the URL of a document, an earlier registration, or a
/// new registration.
///
/// # Errors
///
/// None of them is possible, or the configured one belongs to another authorization server.
// spec: REG-01 REG-02 REG-06 REG-07 REG-12 REG-13 REG-14
pub(super) fn plan(
    oauth: &OAuth,
    server: &ServerMetadata,
    known: Option<Registration>,
    redirect_uri: Option<&str>,
    now: u64,
) -> Result<Plan, Error> {
    if let Some(client_id) = &oauth.client_id {
        return configured(oauth, client_id, server).map(Plan::Use);
    }
    if let Some(url) = oauth.client_metadata_url.as_ref().filter(|_| server.takes_client_metadata) {
        check_client_metadata(url)?;
        let method = oauth.method.unwrap_or_default();
        return Ok(Plan::Use(Registration { method, ..Registration::public(url) }));
    }
    if let Some(known) = known.filter(|known| is_good(known, redirect_uri, now)) {
        return Ok(Plan::Use(known));
    }
    let (Some(endpoint), Some(redirect_uri)) = (&server.registration_endpoint, redirect_uri) else {
        let message = format!(
            "{} registers no clients: register this one by hand and configure its identifier",
            server.issuer
        );
        return Err(Error::new(ErrorKind::Registration, message));
    };
    Ok(Plan::Register(endpoint.clone(), request(oauth, server, redirect_uri)?))
}

/// Returns whether the client would use an earlier registration, if there is one.
pub(super) fn takes_known(oauth: &OAuth, server: &ServerMetadata) -> bool {
    let has_document = oauth.client_metadata_url.is_some() && server.takes_client_metadata;
    oauth.client_id.is_none() && !has_document
}

/// Returns whether an earlier registration can be used: its secret has not expired, and it allows the redirect URI.
fn is_good(known: &Registration, redirect_uri: Option<&str>, now: u64) -> bool {
    let is_expired = known.secret_expires_at.is_some_and(|at| at <= now);
    let is_same = redirect_uri.is_none_or(|uri| known.redirect_uri.as_deref() == Some(uri));
    !is_expired && is_same
}

fn configured(
    oauth: &OAuth,
    client_id: &str,
    server: &ServerMetadata,
) -> Result<Registration, Error> {
    let method = match (oauth.method, &oauth.client_secret) {
        (Some(method), _) => method,
        (None, None) => AuthenticationMethod::None,
        (None, Some(_)) => method_with_secret(server)?,
    };
    Ok(Registration {
        client_secret: oauth.client_secret.clone(),
        method,
        ..Registration::public(client_id)
    })
}

/// Returns the first authentication method with a secret that the authorization server accepts.
// spec: REG-16
fn method_with_secret(server: &ServerMetadata) -> Result<AuthenticationMethod, Error> {
    use AuthenticationMethod::{ClientSecretBasic, ClientSecretPost};

    // RFC 8414: the default is HTTP Basic.
    let Some(methods) = &server.token_endpoint_auth_methods else { return Ok(ClientSecretBasic) };
    let takes = |method: &AuthenticationMethod| methods.iter().any(|it| it == method.as_str());
    [ClientSecretBasic, ClientSecretPost].into_iter().find(takes).ok_or_else(|| {
        let message =
            format!("{} takes no client secret; it takes {}", server.issuer, methods.join(", "));
        Error::new(ErrorKind::Configuration, message)
    })
}

/// Checks the URL of a client metadata document.
///
/// # Errors
///
/// It is not `https`, has no path, or has more than a path.
// spec: REG-04
pub(super) fn check_client_metadata(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text).ok().filter(|url| {
        let has_user = !url.username().is_empty() || url.password().is_some();
        let has_dots = text.split('/').any(|segment| matches!(segment, "." | ".."));
        let is_exact = !has_user && !has_dots && !text.contains('#');
        url.scheme() == "https" && url.path() != "/" && is_exact
    });
    url.ok_or_else(|| {
        let message = "URL of the client's metadata must be https with a path, \
                       and without user, fragment and dot segments";
        Error::new(ErrorKind::Configuration, message)
    })
}

/// Builds the client metadata document, to be served at the URL that is its identifier.
// spec: REG-04 REG-05
pub(super) fn document(oauth: &OAuth, redirect_uris: &[&str]) -> Result<Map<String, Value>, Error> {
    let url = oauth.client_metadata_url.as_deref().unwrap_or_default();
    check_client_metadata(url)?;
    redirect_uris.iter().try_for_each(|uri| places::check_redirect(uri).map(drop))?;
    let mut document = Map::new();
    for (name, value) in [
        ("client_id", json!(url)),
        ("client_name", json!(oauth.client_name)),
        ("redirect_uris", json!(redirect_uris)),
        ("grant_types", json!(["authorization_code", "refresh_token"])),
        ("response_types", json!(["code"])),
        ("token_endpoint_auth_method", json!(oauth.method.unwrap_or_default().as_str())),
    ] {
        document.insert(name.to_owned(), value);
    }
    document.extend(oauth.registration.clone());
    // Whatever else it says, it is the document of this URL.
    document.insert("client_id".to_owned(), json!(url));
    Ok(document)
}

/// Builds the registration request of a client.
// spec: REG-08 REG-09 REG-15 FLOW-04
fn request(
    oauth: &OAuth,
    server: &ServerMetadata,
    redirect_uri: &str,
) -> Result<Map<String, Value>, Error> {
    let redirect = places::check_redirect(redirect_uri)?;
    let application_type = if redirect.is_loopback() { "native" } else { "web" };
    let method = oauth.method.map_or_else(|| method_to_register(server), Ok)?;
    let mut request = Map::new();
    for (name, value) in [
        ("client_name", json!(oauth.client_name)),
        ("redirect_uris", json!([redirect_uri])),
        ("grant_types", json!(["authorization_code", "refresh_token"])),
        ("response_types", json!(["code"])),
        ("token_endpoint_auth_method", json!(method.as_str())),
        ("application_type", json!(application_type)),
    ] {
        request.insert(name.to_owned(), value);
    }
    if !oauth.scopes.is_empty() {
        request.insert("scope".to_owned(), oauth.scopes.join(" ").into());
    }
    request.extend(oauth.registration.clone());
    Ok(request)
}

/// Returns the method to register with: a client that keeps no secret asks for none, where possible.
fn method_to_register(server: &ServerMetadata) -> Result<AuthenticationMethod, Error> {
    match &server.token_endpoint_auth_methods {
        Some(methods) if !methods.iter().any(|method| method == "none") => {
            method_with_secret(server)
        }
        _ => Ok(AuthenticationMethod::None),
    }
}

/// Reads the answer to a registration request.
///
/// # Errors
///
/// It has no identifier, or it requires an authentication method for which the client has no secret.
// spec: REG-16
pub(super) fn read(
    request: &Map<String, Value>,
    answer: &Map<String, Value>,
    issuer: &str,
    redirect_uri: &str,
) -> Result<Registration, Error> {
    let text = |name| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let unusable = |what: &str| {
        let message = format!("{issuer} registered the client, but {what}");
        Error::new(ErrorKind::Registration, message)
    };
    let client_id = text("client_id").ok_or_else(|| unusable("gave no identifier"))?;
    // The method it was registered with counts, with or without a secret.
    let named = answer.get("token_endpoint_auth_method").filter(|value| value.is_string());
    let named = named.or_else(|| request.get("token_endpoint_auth_method")).cloned();
    let method = serde_json::from_value(named.unwrap_or_default())
        .map_err(|source| unusable("for another way to prove who it is").with_source(source))?;
    let secret = text("client_secret").map(Secret::new);
    let needs_secret = matches!(
        method,
        AuthenticationMethod::ClientSecretBasic | AuthenticationMethod::ClientSecretPost
    );
    if needs_secret && secret.is_none() {
        return Err(unusable("gave no secret"));
    }
    // Zero means that it never expires.
    let expires = answer.get("client_secret_expires_at").and_then(Value::as_u64);
    Ok(Registration {
        client_id: client_id.to_owned(),
        client_secret: secret.filter(|_| needs_secret),
        secret_expires_at: expires.filter(|at| *at > 0 && needs_secret),
        method,
        redirect_uri: Some(redirect_uri.to_owned()),
    })
}

#[cfg(test)]
mod tests;
