//! Requests to a token endpoint.

use super::{
    AssertClient, AuthenticationMethod, Error, ErrorKind, Form, Registration, Secret, TokenType,
    dpop::{self, Prover, USE_NONCE},
    fetch::{self, Answer, Fetch},
    places,
};
use crate::{Url, excerpt::excerpt, http::EXCERPT};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token request.
#[derive(Clone)]
pub(super) struct TokenRequest<'a> {
    pub(super) issuer: &'a str,
    pub(super) endpoint: &'a Url,
    pub(super) client: &'a Registration,
    pub(super) assert: Option<&'a dyn AssertClient>,
    /// Signs the proof that binds the tokens to its key.
    pub(super) prover: Option<&'a Prover>,
    /// The parameters, without those of the client.
    pub(super) form: Form,
}

/// The answer of a token endpoint.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) access_token: Secret,
    pub(super) token_type: TokenType,
    pub(super) refresh_token: Option<Secret>,
    /// The lifetime of the token in seconds, if it is a plausible one.
    pub(super) expires_in: Option<u64>,
}

impl TokenRequest<'_> {
    /// Requests tokens.
    ///
    /// # Errors
    ///
    /// They are refused, in which case the error has a code; or the endpoint does not answer properly, and a later
    /// attempt may work.
    pub(super) async fn send(self, fetch: &Fetch) -> Result<Granted, Error> {
        let said = match self.clone().attempt(fetch).await {
            // The endpoint has now sent the nonce that it wants.
            Err(error) if self.prover.is_some() && error.code() == Some(USE_NONCE) => {
                self.clone().attempt(fetch).await?
            }
            said => said?,
        };
        Granted::read(&said, self.issuer)
    }

    async fn attempt(mut self, fetch: &Fetch) -> Result<Map<String, Value>, Error> {
        let authorization = self.authenticate().await?;
        post(fetch, self.endpoint, &self.form, authorization, self.prover).await
    }

    /// Adds the authentication of the client: to the form, or as a header.
    // spec: REG-16 CC-02
    pub(super) async fn authenticate(&mut self) -> Result<Option<HeaderValue>, Error> {
        let Registration { client_id, client_secret, method, .. } = self.client;
        let secret = client_secret.as_ref().map(Secret::expose).unwrap_or_default();
        let mut add = |name: &'static str, value: String| self.form.push((name.into(), value));
        match method {
            AuthenticationMethod::ClientSecretBasic => return basic(client_id, secret).map(Some),
            AuthenticationMethod::None => add("client_id", client_id.clone()),
            AuthenticationMethod::ClientSecretPost => {
                add("client_id", client_id.clone());
                add("client_secret", secret.to_owned());
            }
            AuthenticationMethod::PrivateKeyJwt => {
                let assert = self.assert.ok_or_else(|| {
                    let message = "client has no key to prove who it is: configure `assert_client`";
                    Error::new(ErrorKind::Configuration, message)
                })?;
                let assertion = assert.assert(client_id, self.issuer).await?;
                add("client_id", client_id.clone());
                add("client_assertion_type", ASSERTION_TYPE.to_owned());
                add("client_assertion", assertion.expose().to_owned());
            }
        }
        Ok(None)
    }
}

/// Builds HTTP Basic credentials as OAuth defines them: both parts are form-encoded first.
fn basic(client_id: &str, secret: &str) -> Result<HeaderValue, Error> {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(client_id), encode(secret));
    let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
    let mut value = HeaderValue::try_from(value).map_err(|source| {
        Error::new(ErrorKind::Configuration, "client secret cannot be sent").with_source(source)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Posts a form to a token endpoint, and returns the object in its answer.
pub(super) async fn post(
    fetch: &Fetch,
    endpoint: &Url,
    form: &Form,
    authorization: Option<HeaderValue>,
    prover: Option<&Prover>,
) -> Result<Map<String, Value>, Error> {
    let answer = send_form(fetch, endpoint, form, authorization, prover).await?;
    read(&answer, &places::canonical(endpoint))
}

/// Posts a form to an endpoint of an authorization server.
pub(super) async fn send_form(
    fetch: &Fetch,
    endpoint: &Url,
    form: &Form,
    authorization: Option<HeaderValue>,
    prover: Option<&Prover>,
) -> Result<Answer, Error> {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form.iter().map(|(name, value)| (&**name, &**value)))
        .finish();
    let mut request = fetch::request(Method::POST, endpoint, form.into())?;
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(header::CONTENT_TYPE, form_type);
    if let Some(authorization) = authorization {
        request.headers_mut().insert(header::AUTHORIZATION, authorization);
    }
    let uri = request.uri().clone();
    if let Some(prover) = prover {
        request.headers_mut().insert(dpop::PROOF, prover.prove(&Method::POST, &uri, None)?);
    }
    let answer = fetch.send(request).await?;
    prover.inspect(|prover| _ = prover.learn(&uri, &answer.headers));
    Ok(answer)
}

/// Reads the answer of a token endpoint.
fn read(answer: &Answer, endpoint: &str) -> Result<Map<String, Value>, Error> {
    let said = answer.object();
    // Some servers send errors with status 200.
    if let Some(code) = said.as_ref().and_then(|said| said.get("error")).and_then(Value::as_str)
        && !answer.status.is_server_error()
    {
        let message = match description(said.as_ref()) {
            Some(said) => format!("{endpoint} gives no token: {said:?}"),
            None => format!("{endpoint} gives no token"),
        };
        return Err(Error::new(ErrorKind::Token, message).with_code(code));
    }
    let status = answer.status;
    let is_good = matches!(status, StatusCode::OK | StatusCode::CREATED);
    said.filter(|_| is_good).ok_or_else(|| {
        let message = format!("{endpoint} did not answer as a token endpoint does ({status})");
        Error::new(ErrorKind::Token, message)
    })
}

impl Granted {
    /// Reads the tokens.
    ///
    /// # Errors
    ///
    /// There is none, or its type is not supported.
    // spec: TOK-05 TOK-07
    fn read(said: &Map<String, Value>, issuer: &str) -> Result<Self, Error> {
        let unusable = |what: &str| Error::new(ErrorKind::Token, format!("{issuer} {what}"));
        let text = |name| said.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let access_token = text("access_token").ok_or_else(|| unusable("gave no token"))?;
        let token_type = match text("token_type") {
            None => TokenType::Bearer,
            Some(name) if name.eq_ignore_ascii_case("bearer") => TokenType::Bearer,
            Some(name) if name.eq_ignore_ascii_case("dpop") => TokenType::Dpop,
            Some(_) => return Err(unusable("gave a token of an unknown type")),
        };
        Ok(Self {
            access_token: access_token.into(),
            token_type,
            refresh_token: text("refresh_token").map(Secret::new),
            expires_in: said.get("expires_in").and_then(seconds),
        })
    }
}

/// Returns an authorization server's description of its error, for a person.
pub(super) fn description(said: Option<&Map<String, Value>>) -> Option<String> {
    let said = said?.get("error_description")?.as_str()?;
    Some(excerpt(said.as_bytes(), EXCERPT)).filter(|said| !said.is_empty())
}

/// Parses a number of seconds, also one written as text. Implausible lifetimes are ignored: the token is used until it
/// is refused.
fn seconds(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    // More than a century is implausible.
    (1.0..4e9).contains(&seconds).then_some(seconds as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use serde_json::json;

    fn answer(status: u16, body: &impl ToString) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, headers: HeaderMap::new(), body: body.to_string().into() }
    }

    fn granted(status: u16, body: &impl ToString) -> Result<Granted, Error> {
        Granted::read(&read(&answer(status, body), "https://as/token")?, "https://as")
    }

    // spec: TOK-07
    #[test]
    fn a_token_may_come_alone() {
        let least = granted(200, &json!({ "access_token": "a" })).unwrap();
        let expected = Granted {
            access_token: "a".into(),
            token_type: TokenType::Bearer,
            refresh_token: None,
            expires_in: None,
        };
        assert_eq!(least, expected);
        let bound = json!({ "access_token": "a", "token_type": "dpop", "refresh_token": "r" });
        let bound = granted(200, &bound).unwrap();
        assert_eq!((bound.token_type, bound.refresh_token), (TokenType::Dpop, Some("r".into())));
    }

    #[test]
    fn f68_a_lifetime_that_is_none_says_nothing() {
        for (value, expected) in [
            (json!(3600), Some(3600)),
            (json!("3600"), Some(3600)),
            (json!(59.9), Some(59)),
            (json!(0), None),
            (json!(-1), None),
            (json!(1e18), None),
            (json!("soon"), None),
            (json!(null), None),
        ] {
            assert_eq!(seconds(&value), expected, "{value}");
        }
    }

    #[test]
    fn f70_a_refusal_has_a_code_and_a_failure_has_none() {
        let error = |status, body: &Value| granted(status, body).unwrap_err();
        let refused = json!({ "error": "invalid_grant", "error_description": "used\u{1b}[31m" });
        for status in [200, 400, 401] {
            let error = error(status, &refused);
            assert_eq!((error.kind(), error.code()), (ErrorKind::Token, Some("invalid_grant")));
            assert!(error.to_string().contains("used[31m"), "{error}");
        }
        assert_eq!(error(503, &refused).code(), None);
        assert_eq!(error(307, &json!({ "access_token": "a" })).code(), None);
        assert_eq!(error(200, &json!({ "access_token": "" })).code(), None);
        assert_eq!(error(200, &json!({ "access_token": "a", "token_type": "mac" })).code(), None);
        let html = granted(200, &"<html>").unwrap_err();
        assert!(html.to_string().contains("did not answer as"), "{html}");
    }

    // spec: REG-16
    #[test]
    fn a_secret_is_encoded_before_it_is_encoded() {
        let value = basic("https://app/id", "a:b c%").unwrap();
        let expected = BASE64_STANDARD.encode("https%3A%2F%2Fapp%2Fid:a%3Ab+c%25");
        assert_eq!(value, format!("Basic {expected}"));
        assert!(value.is_sensitive());
    }
}
