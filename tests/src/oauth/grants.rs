//! The token endpoint of an authorization server.

use super::{Client, Grant, Issued, Shared, form, proof};
use crate::http_server::{Answer, Recorded, Step};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use std::collections::BTreeMap;

type Form = BTreeMap<String, String>;

/// An error of the token endpoint.
struct Failure(&'static str);

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl Shared {
    pub(super) fn token(&self, at: usize, request: &Recorded) -> Answer {
        let nonce = self.rules().servers[at].nonce.clone();
        if let Some(nonce) = &nonce
            && proof::nonce(request).as_ref() != Some(nonce)
        {
            let error = Answer::json(&json!({"error": "use_dpop_nonce"})).with_status(400);
            return error.header("dpop-nonce", nonce);
        }
        match self.grant(at, request, &form(request)) {
            Ok(answer) => {
                let said = Step::Send(answer.to_string().into());
                let whole = Answer::status(200).header("content-type", "application/json");
                let whole = whole.header("cache-control", "no-store");
                match self.rules().servers[at].gate.clone() {
                    Some(gate) => whole.step(Step::Wait(gate)).step(said),
                    None => whole.step(said),
                }
            }
            Err(Failure(error)) => {
                let status = if error == "invalid_client" { 401 } else { 400 };
                let said = json!({"error": error, "error_description": "as the rules say"});
                Answer::json(&said).with_status(status)
            }
        }
    }

    /// Revokes a token; with a refresh token go the access tokens of its client.
    pub(super) fn revoke(&self, at: usize, request: &Recorded) -> Answer {
        let form = form(request);
        let client = match self.authenticate(at, request, &form) {
            Ok(client) => client,
            Err(Failure(error)) => {
                return Answer::json(&json!({"error": error})).with_status(401);
            }
        };
        let token = form.get("token").cloned().unwrap_or_default();
        let mut issued = self.issued();
        let is_its = |grant: &Grant| grant.client == client;
        if issued.refresh.get(&token).is_some_and(is_its) {
            issued.refresh.remove(&token);
            issued.access.retain(|_, grant| grant.client != client);
        } else if issued.access.get(&token).is_some_and(is_its) {
            issued.access.remove(&token);
        }
        Answer::status(200)
    }

    fn grant(&self, at: usize, request: &Recorded, form: &Form) -> Result<Value, Failure> {
        let member = |name: &str| form.get(name).cloned().unwrap_or_default();
        let kind = member("grant_type");
        if kind == TOKEN_EXCHANGE {
            return self.exchange(at, form);
        }
        let client = self.authenticate(at, request, form)?;
        let key = self.key_of(at, request)?;
        let (scope, resource) = (member("scope"), form.get("resource").cloned());
        let fresh = Grant { server: at, client: client.clone(), scope, resource, key };
        let grant = match &*kind {
            "authorization_code" => self.redeem(form, &client, fresh)?,
            "refresh_token" => self.refresh(at, &member("refresh_token"), &client, fresh)?,
            "client_credentials" => fresh,
            JWT_BEARER if self.takes(at, &member("assertion")) => fresh,
            JWT_BEARER => return Err(Failure("invalid_grant")),
            _ => return Err(Failure("unsupported_grant_type")),
        };
        let with_refresh = matches!(&*kind, "authorization_code" | "refresh_token");
        Ok(self.issue(at, grant, with_refresh))
    }

    /// Redeems a code, once.
    fn redeem(&self, form: &Form, client: &str, fresh: Grant) -> Result<Grant, Failure> {
        let refused = || Failure("invalid_grant");
        let code = form.get("code").ok_or_else(refused)?;
        let code = self.issued().codes.remove(code).ok_or_else(refused)?;
        let verifier = form.get("code_verifier").ok_or_else(refused)?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let is_right = code.challenge == challenge
            && code.grant.client == client
            && code.grant.server == fresh.server
            && code.grant.resource == fresh.resource
            && form.get("redirect_uri") == Some(&code.redirect_uri);
        if is_right { Ok(Grant { key: fresh.key, ..code.grant }) } else { Err(refused()) }
    }

    fn refresh(&self, at: usize, token: &str, client: &str, new: Grant) -> Result<Grant, Failure> {
        let rotates = self.rules().servers[at].rotates;
        let refused = || Failure("invalid_grant");
        let mut issued = self.issued();
        let grant = issued.refresh.get(token).cloned().ok_or_else(refused)?;
        if grant.server != at || grant.client != client || grant.resource != new.resource {
            return Err(refused());
        }
        if rotates {
            issued.refresh.remove(token);
        }
        let scope = if new.scope.is_empty() { grant.scope } else { new.scope };
        Ok(Grant { scope, ..new })
    }

    /// Issues an assertion about a user for another server, as an identity provider does.
    fn exchange(&self, at: usize, form: &Form) -> Result<Value, Failure> {
        let has = |name: &str, value: &str| form.get(name).is_some_and(|is| is == value);
        let subject = form.get("subject_token").cloned().unwrap_or_default();
        if !self.rules().servers[at].subjects.contains(&subject) {
            return Err(Failure("invalid_grant"));
        }
        let is_right = has("requested_token_type", "urn:ietf:params:oauth:token-type:id-jag")
            && has("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")
            && form.contains_key("audience")
            && form.contains_key("resource");
        if !is_right {
            return Err(Failure("invalid_request"));
        }
        let assertion = Issued::next("assertion");
        let audience = form.get("audience").cloned().unwrap_or_default();
        let named = (0..self.origins().servers.len()).find(|at| self.issuer_of(*at) == audience);
        let server = named.ok_or(Failure("invalid_target"))?;
        self.rules().servers[server].assertions.insert(assertion.clone());
        Ok(json!({
            "access_token": assertion, "token_type": "N_A", "expires_in": 300,
            "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag",
        }))
    }

    fn takes(&self, at: usize, assertion: &str) -> bool {
        self.rules().servers[at].assertions.contains(assertion)
    }

    fn key_of(&self, at: usize, request: &Recorded) -> Result<Option<String>, Failure> {
        if !self.rules().servers[at].wants_proof {
            return Ok(None);
        }
        let endpoint = format!("{}/token", self.origins().servers[at]);
        let key = proof::check(request, &endpoint, None);
        let key = key.map_err(|_| Failure("invalid_dpop_proof"))?;
        self.use_proof(request).map_err(|_| Failure("invalid_dpop_proof"))?;
        Ok(Some(key))
    }

    /// Returns the client of a request, which has to authenticate in its registered way.
    fn authenticate(&self, at: usize, request: &Recorded, form: &Form) -> Result<String, Failure> {
        let refused = || Failure("invalid_client");
        let basic = request.header("authorization").and_then(basic);
        let assertion = form.get("client_assertion");
        let id = match (&basic, assertion, form.get("client_id")) {
            (Some((id, _)), ..) => id.clone(),
            (None, Some(assertion), _) => proof::claim(assertion, "sub").ok_or_else(refused)?,
            (None, None, Some(id)) => id.clone(),
            (None, None, None) => return Err(refused()),
        };
        let client: Client = self.client(at, &id).ok_or_else(refused)?;
        let in_body = form.get("client_secret");
        let is_right = match &*client.method {
            "none" => basic.is_none() && in_body.is_none() && assertion.is_none(),
            "client_secret_basic" => {
                in_body.is_none() && basic.is_some_and(|(_, secret)| secret == client.secret)
            }
            "client_secret_post" => basic.is_none() && in_body == client.secret.as_ref(),
            "private_key_jwt" => {
                let is_typed =
                    form.get("client_assertion_type").is_some_and(|it| it == ASSERTION_TYPE);
                is_typed && self.is_signed(at, &client, assertion.map_or("", String::as_str), &id)
            }
            _ => false,
        };
        if is_right { Ok(id) } else { Err(refused()) }
    }

    fn is_signed(&self, at: usize, client: &Client, assertion: &str, id: &str) -> bool {
        let claims = client.key.as_ref().and_then(|key| proof::verify_es256(assertion, key));
        let Some((_, claims)) = claims else { return false };
        claims["iss"] == id && claims["sub"] == id && claims["aud"] == self.issuer_of(at)
    }

    fn issue(&self, at: usize, grant: Grant, with_refresh: bool) -> Value {
        let rules = self.rules().servers[at].clone();
        let mut issued = self.issued();
        let token = Issued::next("access");
        let kind = if grant.key.is_some() { "DPoP" } else { "Bearer" };
        let mut answer = json!({"access_token": token, "token_type": kind});
        if !grant.scope.is_empty() {
            answer["scope"] = grant.scope.clone().into();
        }
        if !rules.lifetime.is_null() {
            answer["expires_in"] = rules.lifetime;
        }
        if with_refresh && rules.gives_refresh {
            let token = Issued::next("refresh");
            issued.refresh.insert(token.clone(), grant.clone());
            answer["refresh_token"] = token.into();
        }
        issued.access.insert(token, grant);
        answer
    }
}

/// Returns the name and the password of an `Authorization: Basic` header, each form-decoded.
fn basic(header: &str) -> Option<(String, Option<String>)> {
    let text = BASE64_STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(text).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |text: &str| {
        let pairs = format!("x={text}");
        url::form_urlencoded::parse(pairs.as_bytes()).next().map(|(_, text)| text.into_owned())
    };
    Some((decode(id)?, decode(secret)))
}
