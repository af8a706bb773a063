//! Choosing the scopes to ask for.
//!
//! See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization#scope-selection-strategy).

/// The most scopes that are requested; nobody reads more before agreeing.
const MAX_SCOPES: usize = 256;

/// The scope for refresh tokens.
const OFFLINE_ACCESS: &str = "offline_access";

/// The sources of scopes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sources<'a> {
    /// The scopes requested before, which must not be lost.
    pub(super) before: &'a [String],
    /// The configured scopes.
    pub(super) configured: &'a [String],
    /// The scopes that the server needs for the refused request.
    pub(super) challenged: Option<&'a str>,
    /// The scopes listed in the metadata of the server.
    pub(super) supported: Option<&'a [String]>,
    /// Whether the authorization server supports `offline_access`, and it is wanted.
    pub(super) offline: bool,
}

impl Sources<'_> {
    /// Selects the scopes to request; if there are none, the request omits the parameter.
    // spec: SCOPE-01 SCOPE-02 SCOPE-03 SCOPE-04
    pub(super) fn select(&self) -> Vec<String> {
        let mut scopes = self.before.to_vec();
        add(&mut scopes, self.configured.iter().map(String::as_str));
        match (self.challenged, self.supported) {
            (Some(challenged), _) if !challenged.trim().is_empty() => {
                add(&mut scopes, challenged.split(' '));
            }
            // The listed scopes are only a guess, for a client that knows nothing better.
            (_, Some(listed)) if scopes.is_empty() => {
                add(&mut scopes, listed.iter().map(|it| &**it))
            }
            _ => {}
        }
        // Alone it would replace the scopes that the server grants by default.
        if self.offline && !scopes.is_empty() {
            add(&mut scopes, [OFFLINE_ACCESS]);
        }
        scopes
    }
}

/// Returns whether refresh tokens can be requested from an authorization server that lists these scopes.
// spec: TOK-08
pub(super) fn has_offline_access(listed: Option<&[String]>) -> bool {
    listed.is_some_and(|listed| listed.iter().any(|scope| scope == OFFLINE_ACCESS))
}

/// Returns whether all scopes of a challenge were requested already.
pub(super) fn covers(scopes: &[String], challenged: Option<&str>) -> bool {
    let mut needed = challenged.unwrap_or_default().split(' ').filter(|scope| is_scope(scope));
    needed.all(|needed| scopes.iter().any(|scope| scope == needed))
}

fn add<'a>(scopes: &mut Vec<String>, more: impl IntoIterator<Item = &'a str>) {
    for scope in more {
        if scopes.len() < MAX_SCOPES && is_scope(scope) && !scopes.iter().any(|it| it == scope) {
            scopes.push(scope.to_owned());
        }
    }
}

/// Returns whether a word is a valid scope: visible ASCII without quotes and backslashes.
fn is_scope(word: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    !word.is_empty() && word.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn select(
        before: &str,
        configured: &str,
        challenged: Option<&str>,
        supported: Option<&str>,
        offline: bool,
    ) -> String {
        let (before, configured) = (words(before), words(configured));
        let supported = supported.map(words);
        let sources = Sources {
            before: &before,
            configured: &configured,
            challenged,
            supported: supported.as_deref(),
            offline,
        };
        sources.select().join(" ")
    }

    // spec: SCOPE-01 SCOPE-02 SCOPE-03
    // seed: 66
    #[test]
    fn the_challenge_comes_before_what_is_listed_and_nothing_is_made_up() {
        assert_eq!(select("", "", Some("a b"), Some("c"), false), "a b");
        assert_eq!(select("", "", Some(" "), Some("c d"), false), "c d");
        assert_eq!(select("", "", None, Some("c d c"), false), "c d");
        assert_eq!(select("", "", None, Some(""), false), "");
        assert_eq!(select("", "", None, None, false), "");
        assert_eq!(select("", "mine", None, Some("c"), false), "mine");
        assert_eq!(select("", "mine", Some("a"), Some("c"), false), "mine a");
    }

    // spec: SCOPE-04
    #[test]
    fn a_step_up_keeps_what_was_asked_for_before() {
        assert_eq!(select("a b", "", Some("b c"), Some("d"), false), "a b c");
        assert_eq!(select("a", "", None, Some("d"), false), "a");
    }

    // spec: TOK-08
    #[test]
    fn refresh_tokens_are_asked_for_beside_something_else() {
        assert_eq!(select("", "", Some("a"), None, true), "a offline_access");
        assert_eq!(select("", "", None, None, true), "");
        assert!(has_offline_access(Some(&words("a offline_access"))));
        assert!(!has_offline_access(Some(&words("a"))) && !has_offline_access(None));
    }

    #[test]
    fn what_cannot_be_a_scope_is_left_out() {
        assert_eq!(select("", "", Some("a  \"b\" c\\d \u{7f} é e"), None, false), "a e");
        let many: Vec<String> = (0..999).map(|number| number.to_string()).collect();
        let sources = Sources { supported: Some(&many), ..Sources::default() };
        assert_eq!(sources.select().len(), MAX_SCOPES);
    }

    // spec: SCOPE-06 SCOPE-07 SBP-15
    #[test]
    fn scopes_that_were_asked_for_are_not_asked_for_again() {
        assert!(covers(&words("a b"), Some("b")) && covers(&words("a b"), Some("b  a")));
        assert!(covers(&words("a"), None) && covers(&[], Some("")));
        assert!(!covers(&words("a"), Some("a b")) && !covers(&[], Some("a")));
    }
}
