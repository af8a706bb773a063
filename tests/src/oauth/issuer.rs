//! An authorization server of a world.

use super::{Code, Grant, Iss, Issued, Registered, Shared, merge, pairs};
use crate::{
    http_server::{Answer, Recorded},
    oauth::Client,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Shared {
    /// Answers as an authorization server.
    pub(super) fn issuer(&self, at: usize, request: &Recorded) -> Answer {
        if let Some(answer) = Self::scripted(&mut self.rules().servers[at].answers, request) {
            return answer;
        }
        let metadata = self.rules().servers[at].metadata_path.clone();
        match request.uri.path() {
            path if path == metadata => Answer::json(&self.metadata(at)),
            "/register" if request.method == "POST" => self.register(at, request),
            "/authorize" if request.method == "GET" => self.authorize(at, request),
            "/token" if request.method == "POST" => self.token(at, request),
            "/revoke" if request.method == "POST" => self.revoke(at, request),
            _ => Answer::status(404),
        }
    }

    fn metadata(&self, at: usize) -> Value {
        let origin = &self.origins().servers[at];
        let issuer = self.issuer_of(at);
        let rules = self.rules().servers[at].clone();
        let mut metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"),
            "registration_endpoint": format!("{origin}/register"),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [rules.method],
            "authorization_response_iss_parameter_supported": rules.iss == Iss::Right,
        });
        if rules.revokes {
            metadata["revocation_endpoint"] = json!(format!("{origin}/revoke"));
        }
        if rules.wants_proof {
            metadata["dpop_signing_alg_values_supported"] = json!(["ES256"]);
        }
        merge(&mut metadata, &rules.metadata);
        metadata
    }

    fn register(&self, at: usize, request: &Recorded) -> Answer {
        let asked = request.json();
        let uris = asked["redirect_uris"].as_array().into_iter().flatten();
        let redirect_uris: Vec<_> = uris.filter_map(Value::as_str).map(str::to_owned).collect();
        if redirect_uris.is_empty() {
            let error = json!({"error": "invalid_redirect_uri", "error_description": "none"});
            return Answer::json(&error).with_status(400);
        }
        let method = self.rules().servers[at].method.clone();
        let mut issued = self.issued();
        let id = Issued::next("client");
        // A public client gets a password as well, which it must ignore.
        let secret = Issued::next("password");
        let client = Client {
            method: method.clone(),
            secret: Some(secret.clone()),
            key: None,
            redirect_uris,
        };
        issued.clients.insert(id.clone(), Registered { server: at, client });
        let mut answer = asked;
        merge(
            &mut answer,
            &json!({
                "client_id": id, "client_secret": secret, "client_secret_expires_at": 0,
                "token_endpoint_auth_method": method,
            }),
        );
        Answer::json(&answer).with_status(201)
    }

    /// Returns the client of an authorization server, if it is known there.
    pub(super) fn client(&self, at: usize, id: &str) -> Option<Client> {
        if let Some(client) = self.rules().servers[at].clients.get(id) {
            return Some(client.clone());
        }
        if id.starts_with("https://") {
            return Some(Client::public());
        }
        let issued = self.issued();
        let registered = issued.clients.get(id).filter(|registered| registered.server == at);
        registered.map(|registered| registered.client.clone())
    }

    fn authorize(&self, at: usize, request: &Recorded) -> Answer {
        let asked = pairs(request.uri.query().unwrap_or_default());
        let member = |name: &str| asked.get(name).cloned().unwrap_or_default();
        let (client, redirect_uri) = (member("client_id"), member("redirect_uri"));
        let is_known = self.client(at, &client).is_some_and(|client| {
            client.redirect_uris.is_empty() || client.redirect_uris.contains(&redirect_uri)
        });
        let is_right = member("response_type") == "code"
            && member("code_challenge_method") == "S256"
            && !member("code_challenge").is_empty();
        // An error page: the user is not redirected to an unverified address.
        if !is_known || !is_right {
            return Answer::body("text/plain", "no such client, or a request that is not one")
                .with_status(400);
        }
        let rules = self.rules().servers[at].clone();
        let mut back = BTreeMap::from([("state", member("state"))]);
        match rules.iss {
            Iss::Right => drop(back.insert("iss", self.issuer_of(at))),
            Iss::Is(issuer) => drop(back.insert("iss", issuer)),
            Iss::Absent => {}
        }
        match rules.denies {
            Some(error) => {
                back.insert("error", error);
                back.insert("error_description", "the user <b>said</b> no".to_owned());
            }
            None => drop(back.insert("code", self.code(at, &asked, client, redirect_uri.clone()))),
        }
        let back = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(back).finish();
        Answer::status(302).header("location", &format!("{redirect_uri}?{back}"))
    }

    fn code(
        &self,
        server: usize,
        asked: &BTreeMap<String, String>,
        client: String,
        redirect_uri: String,
    ) -> String {
        let scope = asked.get("scope").cloned().unwrap_or_default();
        let resource = asked.get("resource").cloned();
        let grant = Grant { server, client, scope, resource, key: None };
        let challenge = asked.get("code_challenge").cloned().unwrap_or_default();
        let mut issued = self.issued();
        let code = Issued::next("code");
        issued.codes.insert(code.clone(), Code { grant, challenge, redirect_uri });
        code
    }
}
