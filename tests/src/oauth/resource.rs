//! The MCP server of a world.

use super::{Shared, merge, proof};
use crate::http_server::{Answer, Recorded};
use serde_json::{Value, json};

/// Why a request is refused.
pub(super) enum Refusal {
    /// There is no token, or an invalid one.
    Unauthorized(Option<&'static str>),
    /// The token is insufficient.
    Insufficient(String),
    /// The proof has no nonce, or an old one.
    Nonce(String),
}

impl Shared {
    /// Answers as the MCP server.
    pub(super) fn resource(&self, request: &Recorded) -> Answer {
        if let Some(answer) = Self::scripted(&mut self.rules().resource.answers, request) {
            return answer;
        }
        let rules = self.rules().resource.clone();
        let path = request.uri.path();
        if path == rules.metadata_path {
            return Answer::json(&self.resource_metadata(&rules.metadata));
        }
        if path != "/mcp" {
            return Answer::status(404);
        }
        if !rules.open.contains(&request.rpc_method())
            && let Err(refusal) = self.admit(request)
        {
            return self.refuse(refusal);
        }
        message(request, rules.is_legacy)
    }

    fn resource_metadata(&self, changes: &Value) -> Value {
        let servers = self.rules().resource.servers.clone();
        let servers: Vec<_> = servers.into_iter().map(|server| self.issuer_of(server)).collect();
        let resource = format!("{}/mcp", self.origins().resource);
        let mut metadata = json!({"resource": resource, "authorization_servers": servers});
        merge(&mut metadata, changes);
        metadata
    }

    fn admit(&self, request: &Recorded) -> Result<(), Refusal> {
        let rules = self.rules().resource.clone();
        if let Some(nonce) = &rules.nonce
            && request.header("authorization").is_some()
            && proof::nonce(request).as_ref() != Some(nonce)
        {
            return Err(Refusal::Nonce(nonce.clone()));
        }
        self.check(request)?;
        if rules.wants_proof {
            self.use_proof(request).map_err(|_| Refusal::Unauthorized(Some("invalid_token")))?;
        }
        Ok(())
    }

    /// Checks the token of a request, and changes nothing.
    pub(super) fn check(&self, request: &Recorded) -> Result<(), Refusal> {
        let rules = self.rules().resource.clone();
        let refused = || Refusal::Unauthorized(Some("invalid_token"));
        let Some(shown) = request.header("authorization") else {
            return Err(Refusal::Unauthorized(None));
        };
        let (scheme, token) = shown.split_once(' ').ok_or_else(refused)?;
        let wanted = if rules.wants_proof { "DPoP" } else { "Bearer" };
        let grant = self.issued().access.get(token).cloned().ok_or_else(refused)?;
        let own = format!("{}/mcp", self.origins().resource);
        let is_own = grant
            .resource
            .as_ref()
            .is_none_or(|resource| *resource == own || *resource == self.origins().resource);
        let is_ours = rules.servers.contains(&grant.server) && is_own;
        let is_bound = !rules.wants_proof
            || proof::check(request, &own, Some(token)).is_ok_and(|key| grant.key == Some(key));
        if !scheme.eq_ignore_ascii_case(wanted) || !is_ours || !is_bound {
            return Err(refused());
        }
        let Some(needed) = rules.needs.get(&request.rpc_method()) else { return Ok(()) };
        let has = |scope: &str| grant.scope.split(' ').any(|granted| granted == scope);
        if needed.split(' ').all(has) { Ok(()) } else { Err(Refusal::Insufficient(needed.clone())) }
    }

    fn refuse(&self, refusal: Refusal) -> Answer {
        let rules = self.rules().resource.clone();
        let metadata = format!("{}{}", self.origins().resource, rules.metadata_path);
        match refusal {
            Refusal::Unauthorized(error) => {
                let challenges = rules.challenges.iter();
                challenges.fold(Answer::status(401), |answer, challenge| {
                    let challenge = challenge.replace("{metadata}", &metadata);
                    let challenge = match error {
                        Some(error) => format!("{challenge}, error=\"{error}\""),
                        None => challenge,
                    };
                    answer.header("www-authenticate", &challenge)
                })
            }
            Refusal::Insufficient(scope) => Answer::status(403).header(
                "www-authenticate",
                &format!(
                    "Bearer error=\"insufficient_scope\", scope=\"{scope}\", resource_metadata=\"{metadata}\""
                ),
            ),
            Refusal::Nonce(nonce) => Answer::status(401)
                .header("www-authenticate", "DPoP error=\"use_dpop_nonce\"")
                .header("dpop-nonce", &nonce),
        }
    }
}

/// Answers as an MCP server without secrets.
fn message(request: &Recorded, is_legacy: bool) -> Answer {
    let message = request.json();
    match (request.rpc_method().as_str(), is_legacy) {
        _ if request.method == "GET" => Answer::status(405),
        _ if request.method == "DELETE" => Answer::status(200),
        ("initialize", true) => Answer::result(
            request,
            &json!({
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "world", "version": "1"},
            }),
        )
        .header("mcp-session-id", "session-1"),
        ("server/discover", false) => Answer::result(
            request,
            &json!({
                "resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private",
            }),
        ),
        ("initialize" | "server/discover", _) => {
            let error = json!({"code": -32601, "message": "no such method"});
            let error = json!({"jsonrpc": "2.0", "id": message["id"], "error": error});
            Answer::json(&error).with_status(404)
        }
        _ if message["id"].is_null() => Answer::status(202),
        ("tools/list", _) => Answer::result(
            request,
            &json!({
                "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
                "tools": [{"name": "echo", "inputSchema": {"type": "object"}}],
            }),
        ),
        _ => {
            let content = json!([{"type": "text", "text": "done"}]);
            Answer::result(request, &json!({"resultType": "complete", "content": content}))
        }
    }
}
