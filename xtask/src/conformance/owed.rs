//! The pairs that do not pass yet, and why: the client does not log in to servers yet.
//!
//! They run like all others and are counted as skipped. The list can only shrink: a pair on it that passes fails the run.

use anyhow::{Result, bail};

use super::pairs::Pair;

const FIRST: [&str; 1] = ["2025-03-26"];
const NEWEST: [&str; 1] = ["2026-07-28"];
const BOTH: [&str; 2] = ["2025-11-25", "2026-07-28"];
const THREE: [&str; 3] = ["2025-06-18", "2025-11-25", "2026-07-28"];

const OWED: [(&str, &[&str]); 33] = [
    ("auth/metadata-default", &BOTH),
    ("auth/metadata-var1", &BOTH),
    ("auth/metadata-var2", &BOTH),
    ("auth/metadata-var3", &BOTH),
    ("auth/basic-cimd", &BOTH),
    ("auth/scope-from-www-authenticate", &BOTH),
    ("auth/scope-from-scopes-supported", &BOTH),
    ("auth/scope-omitted-when-undefined", &BOTH),
    ("auth/scope-step-up", &BOTH),
    ("auth/scope-retry-limit", &BOTH),
    ("auth/pre-registration", &BOTH),
    ("auth/client-credentials-jwt", &BOTH),
    ("auth/client-credentials-basic", &BOTH),
    ("auth/enterprise-managed-authorization", &BOTH),
    ("auth/dpop", &BOTH),
    ("auth/dpop-nonce", &BOTH),
    ("auth/wif-jwt-bearer", &BOTH),
    ("auth/token-endpoint-auth-basic", &THREE),
    ("auth/token-endpoint-auth-post", &THREE),
    ("auth/token-endpoint-auth-none", &THREE),
    ("auth/2025-03-26-oauth-metadata-backcompat", &FIRST),
    ("auth/2025-03-26-oauth-endpoint-fallback", &FIRST),
    ("auth/resource-mismatch", &NEWEST),
    ("auth/offline-access-scope", &NEWEST),
    ("auth/offline-access-not-supported", &NEWEST),
    ("auth/authorization-server-migration", &NEWEST),
    ("auth/iss-supported", &NEWEST),
    ("auth/iss-not-advertised", &NEWEST),
    ("auth/iss-supported-missing", &NEWEST),
    ("auth/iss-wrong-issuer", &NEWEST),
    ("auth/iss-unexpected", &NEWEST),
    ("auth/iss-normalized", &NEWEST),
    ("auth/metadata-issuer-mismatch", &NEWEST),
];

/// Whether a pair is on the list.
pub(super) fn lists(pair: &Pair) -> bool {
    OWED.iter().any(|(scenario, revisions)| {
        *scenario == pair.scenario && revisions.contains(&&*pair.revision)
    })
}

/// Fails if the list has a pair that the suite does not have.
pub(super) fn check(pairs: &[Pair]) -> Result<()> {
    let has = |scenario: &str, revision: &str| {
        pairs.iter().any(|pair| pair.scenario == scenario && pair.revision == revision)
    };
    for (scenario, revisions) in OWED {
        if let Some(revision) = revisions.iter().find(|revision| !has(scenario, revision)) {
            bail!("owed.rs lists {scenario} {revision}, which the suite does not have");
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = Pair> {
    OWED.iter().flat_map(|(scenario, revisions)| {
        revisions.iter().map(|revision| Pair {
            scenario: (*scenario).to_owned(),
            revision: (*revision).to_owned(),
            forced: false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_on_the_list_is_one_of_the_suite() {
        let pairs: Vec<_> = all().collect();
        assert!(check(&pairs).is_ok());
        assert!(check(&pairs[1..]).is_err());
        assert!(pairs.iter().all(lists));
    }
}
