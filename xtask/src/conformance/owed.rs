//! The pairs that do not pass yet, and why: the client logs in for users, and not for machines or with bound tokens yet.
//!
//! They run like all others and are counted as skipped. The list can only shrink: a pair on it that passes fails the run.

use anyhow::{Result, bail};

use super::pairs::Pair;

const BOTH: [&str; 2] = ["2025-11-25", "2026-07-28"];

const OWED: [(&str, &[&str]); 6] = [
    ("auth/client-credentials-jwt", &BOTH),
    ("auth/client-credentials-basic", &BOTH),
    ("auth/enterprise-managed-authorization", &BOTH),
    ("auth/dpop", &BOTH),
    ("auth/dpop-nonce", &BOTH),
    ("auth/wif-jwt-bearer", &BOTH),
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
