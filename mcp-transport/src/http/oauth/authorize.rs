//! The authorization request, and how its answer is checked.
//!
//! See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization#authorization-response-validation).

use super::{
    AuthorizationRequest, Error, ErrorKind, Redirect, Registration, Secret,
    metadata::ServerMetadata, places,
};
use crate::{Url, excerpt::excerpt, http::EXCERPT};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};

/// What to request, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) server: &'a Url,
    pub(super) metadata: &'a ServerMetadata,
    /// The server's own identifier, byte for byte.
    pub(super) resource: &'a str,
    pub(super) client: &'a Registration,
    pub(super) redirect_uri: &'a str,
    pub(super) scopes: &'a [String],
}

/// What the answer is checked against, and what the code is exchanged with: created before the user is sent away.
#[derive(Debug)]
pub(super) struct Expected {
    issuer: String,
    says_iss: bool,
    pub(super) verifier: Secret,
}

/// Builds the authorization request.
///
/// # Errors
///
/// The authorization server has no endpoint for it, or does not protect codes with PKCE as it must.
// spec: FLOW-01 FLOW-02 FLOW-03 FLOW-07 RSRC-01 RSRC-04
pub(super) fn request(wanted: &Wanted<'_>) -> Result<(AuthorizationRequest, Expected), Error> {
    let Wanted { server, metadata, resource, client, redirect_uri, scopes } = *wanted;
    let issuer = &metadata.issuer;
    let refused = |what: &str| Error::new(ErrorKind::Metadata, format!("{issuer} {what}"));
    let methods = metadata.code_challenge_methods.as_deref().unwrap_or_default();
    if !methods.iter().any(|method| method == "S256") {
        return Err(refused("does not say that it protects codes with PKCE (S256)"));
    }
    let endpoint = metadata.authorization_endpoint.as_ref();
    let endpoint = endpoint.ok_or_else(|| refused("has no page where users grant access"))?;
    places::check_redirect(redirect_uri)?;
    let (state, verifier) = (random()?, random()?);
    let (challenge, scope) = (challenge(verifier.expose()), scopes.join(" "));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &client.client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("state", state.expose())
        .append_pair("resource", resource);
    if !scope.is_empty() {
        query.append_pair("scope", &scope);
    }
    let url = with_query(endpoint, &query.finish())?;
    let request = AuthorizationRequest {
        url,
        server: places::canonical(server),
        resource: resource.to_owned(),
        issuer: issuer.clone(),
        token_endpoint: metadata.token_endpoint.clone(),
        scopes: scopes.to_vec(),
        redirect_uri: redirect_uri.to_owned(),
        state,
    };
    let expected = Expected { issuer: issuer.clone(), says_iss: metadata.says_iss, verifier };
    Ok((request, expected))
}

/// Adds parameters to the query of a page.
fn with_query(page: &Url, query: &str) -> Result<Url, Error> {
    let page = page.clone().without_fragment();
    let separator = if page.query().is_some() { '&' } else { '?' };
    Url::parse(&format!("{page}{separator}{query}")).map_err(|source| {
        let message = format!("page at {} cannot be asked for access", page.origin());
        Error::new(ErrorKind::Metadata, message).with_source(source)
    })
}

/// Returns the code of an answer, if it answers the request.
///
/// # Errors
///
/// It does not, or access was refused.
// spec: FLOW-06 FLOW-08 FLOW-09 FLOW-10
pub(super) fn code(
    request: &AuthorizationRequest,
    expected: &Expected,
    redirect: Redirect,
) -> Result<Secret, Error> {
    let issuer = &expected.issuer;
    let mixed_up = |what: &str| {
        let message = format!("answer to the login at {issuer} {what}: nothing was sent anywhere");
        Err(Error::new(ErrorKind::MixUp, message))
    };
    if !request.accepts(&redirect) {
        return mixed_up("belongs to another request");
    }
    if redirect.repeats {
        return mixed_up("says one thing twice");
    }
    match &redirect.iss {
        Some(iss) if iss != issuer => return mixed_up("comes from another authorization server"),
        None if expected.says_iss => return mixed_up("does not say who gives it"),
        _ => {}
    }
    if let Some(error) = &redirect.error {
        let said = redirect.error_description.as_deref().unwrap_or_default();
        let said = excerpt(said.as_bytes(), EXCERPT);
        let message = match &*said {
            "" => format!("{issuer} refused access"),
            said => format!("{issuer} refused access: {said:?}"),
        };
        return Err(Error::new(ErrorKind::Denied, message).with_code(error));
    }
    redirect.code.filter(|code| !code.expose().is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::Denied, format!("{issuer} answered without a code or an error"))
    })
}

/// Returns 256 unpredictable bits, as text.
///
/// # Errors
///
/// The system has no source of randomness.
pub(super) fn random() -> Result<Secret, Error> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| {
        Error::new(ErrorKind::Configuration, "system gives no random numbers to log in with")
    })?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes).into())
}

/// Returns the challenge of a verifier, which is sent before the code is exchanged.
fn challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://as.example.com/tenant";

    fn metadata() -> ServerMetadata {
        let mut metadata = ServerMetadata::by_default("https://as.example.com").unwrap();
        metadata.issuer = ISSUER.to_owned();
        metadata.authorization_endpoint =
            Some("https://as.example.com/authorize?tenant=a%20b".parse().unwrap());
        metadata
    }

    fn make(metadata: &ServerMetadata) -> Result<(AuthorizationRequest, Expected), Error> {
        request(&Wanted {
            server: &"https://example.com/mcp".parse().unwrap(),
            metadata,
            resource: "https://example.com",
            client: &Registration::public("id&x"),
            redirect_uri: "http://127.0.0.1:1/callback",
            scopes: &["a".to_owned(), "b".to_owned()],
        })
    }

    fn answer(request: &AuthorizationRequest) -> Redirect {
        Redirect {
            code: Some("code".into()),
            state: Some(request.state.expose().to_owned()),
            ..Redirect::default()
        }
    }

    // spec: FLOW-02 RSRC-01 RSRC-04
    #[test]
    fn the_request_says_everything_and_nothing_is_rewritten() {
        let (request, expected) = make(&metadata()).unwrap();
        let query = request.url.query().unwrap();
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let value = |name: &str| &*pairs.iter().find(|(it, _)| it == name).unwrap().1;
        assert_eq!(value("tenant"), "a b");
        assert_eq!(value("response_type"), "code");
        assert_eq!(value("client_id"), "id&x");
        assert_eq!(value("resource"), "https://example.com");
        assert_eq!(value("scope"), "a b");
        assert_eq!(value("code_challenge_method"), "S256");
        assert_eq!(value("code_challenge"), challenge(expected.verifier.expose()));
        assert!(value("state").len() == 43 && expected.verifier.expose().len() == 43);
        let (other, _) = make(&metadata()).unwrap();
        assert!(!other.accepts(&answer(&request)), "two requests have one state");
        assert!(!format!("{request:?} {expected:?}").contains(value("state")));
    }

    #[test]
    fn the_challenge_is_that_of_the_example_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    // spec: FLOW-01 FLOW-03
    #[test]
    fn without_pkce_there_is_no_request() {
        for methods in [None, Some(vec![]), Some(vec!["plain".to_owned()])] {
            let metadata = ServerMetadata { code_challenge_methods: methods, ..metadata() };
            let error = make(&metadata).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Metadata);
            assert!(error.to_string().contains("PKCE"), "{error}");
        }
        let metadata = ServerMetadata { authorization_endpoint: None, ..metadata() };
        assert_eq!(make(&metadata).unwrap_err().kind(), ErrorKind::Metadata);
    }

    // spec: FLOW-07 FLOW-08 FLOW-09
    #[test]
    fn an_answer_is_taken_from_the_issuer_that_was_asked_alone() {
        for (says_iss, iss, is_taken) in [
            (true, Some(ISSUER), true),
            (true, None, false),
            (false, Some(ISSUER), true),
            (false, None, true),
            (true, Some("https://as.example.com/tenant/"), false),
            (false, Some("https://as.example.com:443/tenant"), false),
            (false, Some("https://AS.example.com/tenant"), false),
            (false, Some("https://as.example.com/%74enant"), false),
            (false, Some("https://evil.example.com"), false),
            (true, Some(""), false),
        ] {
            let (request, expected) = make(&ServerMetadata { says_iss, ..metadata() }).unwrap();
            let redirect = Redirect { iss: iss.map(str::to_owned), ..answer(&request) };
            match code(&request, &expected, redirect) {
                Ok(code) => assert!(is_taken && code.expose() == "code", "{says_iss} {iss:?}"),
                Err(error) => {
                    assert!(!is_taken, "{says_iss} {iss:?}: {error}");
                    assert_eq!(error.kind(), ErrorKind::MixUp);
                }
            }
        }
    }

    // spec: FLOW-06 FLOW-10
    #[test]
    fn nothing_is_shown_of_an_answer_that_is_not_ours() {
        let (request, expected) = make(&ServerMetadata { says_iss: true, ..metadata() }).unwrap();
        let refusal = Redirect {
            error: Some("access_denied".to_owned()),
            error_description: Some("phishing".to_owned()),
            error_uri: Some("https://evil.example.com".to_owned()),
            ..answer(&request)
        };
        let stranger = Redirect { state: Some("x".to_owned()), ..refusal.clone() };
        let no_state = Redirect { state: None, ..refusal.clone() };
        let twice = Redirect { repeats: true, ..refusal.clone() };
        for redirect in [refusal.clone(), stranger, no_state, twice] {
            let error = code(&request, &expected, redirect).unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::MixUp, None));
            assert!(!format!("{error} {error:?}").contains("phishing"), "{error}");
        }
        let ours = Redirect { iss: Some(ISSUER.to_owned()), ..refusal };
        let error = code(&request, &expected, ours).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Denied, Some("access_denied")));
        assert!(error.to_string().contains("phishing"), "{error}");
    }
}
