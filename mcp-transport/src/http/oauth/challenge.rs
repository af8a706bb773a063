//! Parsing `WWW-Authenticate` challenges of 401 and 403 answers.

use super::TokenType;
use http::{HeaderMap, header};

/// The most challenges that are read from one answer, and the most parameters of one challenge.
const MAX_CHALLENGES: usize = 16;
const MAX_PARAMS: usize = 32;

/// A challenge: an authentication scheme and its parameters.
///
/// ```
/// use mcp_transport::http::oauth::Challenge;
///
/// let challenges = Challenge::parse(r#"Basic realm="a, b", Bearer scope="files:read", error=invalid_token"#);
/// assert_eq!(challenges.len(), 2);
/// assert!(challenges[1].is("bearer"));
/// assert_eq!(challenges[1].param("scope"), Some("files:read"));
/// ```
///
/// See [the syntax](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    scheme: String,
    params: Vec<(String, String)>,
}

impl Challenge {
    /// Parses the value of a header. Malformed parts are left out: the rest may be enough.
    pub fn parse(value: &str) -> Vec<Self> {
        let mut challenges = Vec::new();
        read(value, &mut challenges);
        challenges
    }

    /// Whether the challenge is of this scheme, ignoring case.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The scheme, as it was written.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The value of a parameter, whose name ignores case. If there are several, the first counts.
    pub fn param(&self, name: &str) -> Option<&str> {
        let param = self.params.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
        param.map(|(_, value)| &**value)
    }
}

/// What all challenges of a server together ask of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// The scheme of the tokens that it accepts, if given.
    pub(super) scheme: Option<TokenType>,
    /// The URL of its metadata.
    pub(super) resource_metadata: Option<String>,
    /// The scopes that the request needs.
    pub(super) scope: Option<String>,
    /// The error of the token.
    pub(super) error: Option<String>,
}

impl Asked {
    /// Reads the headers of a refusal.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut challenges = Vec::new();
        for value in headers.get_all(header::WWW_AUTHENTICATE) {
            read(&String::from_utf8_lossy(value.as_bytes()), &mut challenges);
        }
        let mut asked = Self::default();
        for challenge in challenges {
            let scheme = match () {
                () if challenge.is("Bearer") => TokenType::Bearer,
                () if challenge.is("DPoP") => TokenType::Dpop,
                () => continue,
            };
            let param = |name| challenge.param(name).map(str::to_owned);
            asked.scheme.get_or_insert(scheme);
            asked.resource_metadata =
                asked.resource_metadata.or_else(|| param("resource_metadata"));
            asked.scope = asked.scope.or_else(|| param("scope"));
            asked.error = asked.error.or_else(|| param("error"));
        }
        asked
    }

    /// Returns whether the token is valid, but insufficient for this request.
    pub(super) fn wants_more_scopes(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }
}

/// Reads challenges up to the end of a header value.
fn read(value: &str, challenges: &mut Vec<Challenge>) {
    let mut rest = Rest(value);
    // Whether the scheme was just read: it may be followed by data instead of parameters.
    let mut begins = false;
    loop {
        begins &= !rest.skip_to_item();
        if rest.0.is_empty() {
            return;
        }
        let Some(word) = rest.token() else {
            rest.skip_item();
            continue;
        };
        if rest.equals() {
            let (Some(value), Some(challenge)) = (rest.value(), challenges.last_mut()) else {
                rest.skip_item();
                continue;
            };
            if challenge.params.len() < MAX_PARAMS {
                challenge.params.push((word.to_owned(), value));
            }
            begins = false;
        } else if begins {
            rest.skip_item();
        } else {
            if challenges.len() == MAX_CHALLENGES {
                return;
            }
            challenges.push(Challenge { scheme: word.to_owned(), params: Vec::new() });
            begins = true;
        }
    }
}

/// The unread rest.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip_spaces(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    /// Moves to the next item of the list; returns whether a comma was skipped.
    fn skip_to_item(&mut self) -> bool {
        let before = self.0;
        self.0 = before.trim_start_matches([' ', '\t', ',']);
        before[..before.len() - self.0.len()].contains(',')
    }

    /// Moves to the next comma outside of quotes.
    fn skip_item(&mut self) {
        let mut bytes = self.0.bytes().enumerate();
        let mut is_quoted = false;
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => is_quoted = !is_quoted,
                b'\\' if is_quoted => _ = bytes.next(),
                b',' if !is_quoted => return self.0 = &self.0[at..],
                _ => {}
            }
        }
        self.0 = "";
    }

    fn token(&mut self) -> Option<&'a str> {
        let end = self.0.find(|char| !is_token(char)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(token).filter(|token| !token.is_empty())
    }

    /// Skips the equals sign between a name and its value, if there is one.
    fn equals(&mut self) -> bool {
        let before = self.0;
        self.skip_spaces();
        let Some(rest) = self.0.strip_prefix('=') else {
            self.0 = before;
            return false;
        };
        self.0 = rest;
        self.skip_spaces();
        true
    }

    fn value(&mut self) -> Option<String> {
        if !self.0.starts_with('"') {
            // Accepts more than tokens: many servers do not quote URLs.
            let end = self.0.find([',', ' ', '\t', '"']).unwrap_or(self.0.len());
            let (value, rest) = self.0.split_at(end);
            let is_data = value.is_empty() || value.bytes().all(|byte| byte == b'=');
            self.0 = rest;
            return Some(value.to_owned()).filter(|_| !is_data);
        }
        let mut value = String::new();
        let mut chars = self.0.char_indices().skip(1);
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return Some(value);
                }
                '\\' => value.extend(chars.next().map(|(_, char)| char)),
                char => value.push(char),
            }
        }
        self.0 = "";
        None
    }
}

fn is_token(char: char) -> bool {
    char.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(char)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn asked(values: &[&'static str]) -> Asked {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
        }
        Asked::of(&headers)
    }

    // spec: AUTH-04
    #[test]
    fn challenges_are_told_apart() {
        let value = r#"Basic realm="a \"b\", Bearer scope=x", Negotiate YWJj==, NTLM,
            Bearer realm = "r" , scope="a b",error=invalid_token, DPoP algs="ES256 RS256""#;
        let read = Challenge::parse(&value.replace('\n', ""));
        let schemes: Vec<_> = read.iter().map(Challenge::scheme).collect();
        assert_eq!(schemes, ["Basic", "Negotiate", "NTLM", "Bearer", "DPoP"]);
        assert_eq!(read[0].param("realm"), Some(r#"a "b", Bearer scope=x"#));
        assert_eq!(read[0].param("scope"), None);
        assert_eq!(read[1].params, []);
        assert_eq!(read[3].param("SCOPE"), Some("a b"));
        assert_eq!(read[3].param("realm"), Some("r"));
        assert_eq!(read[4].param("algs"), Some("ES256 RS256"));
    }

    // spec: AUTH-04
    #[test]
    fn what_is_broken_loses_nothing_else() {
        for value in [
            r#"Bearer scope="a", resource_metadata="https://x/y"#,
            r#"Bearer scope="a", =x, "y", scope="b""#,
            r#", ,Bearer  scope=a ,,"#,
            r#"bearer scope=a"#,
            r#"x=y, Bearer error, scope=a, Bearer scope="b""#,
            r#"Bearer ==, Bearer scope = "a""#,
            r#"{"json": "Bearer"}, Bearer scope=a"#,
        ] {
            let read = Challenge::parse(value);
            let scope = read.iter().find_map(|it| it.param("scope").filter(|_| it.is("Bearer")));
            assert_eq!(scope, Some("a"), "{value}: {read:?}");
        }
        assert_eq!(Challenge::parse(""), []);
        assert_eq!(Challenge::parse(&"a b=c,".repeat(99)).len(), MAX_CHALLENGES);
        assert_eq!(
            Challenge::parse(&format!("a {}", "b=c,".repeat(99)))[0].params.len(),
            MAX_PARAMS
        );
    }

    // spec: AUTH-04
    #[test]
    fn what_is_asked_is_taken_from_all_headers() {
        let all = asked(&[
            r#"Basic scope="basic""#,
            r#"DPoP error="use_dpop_nonce""#,
            r#"Bearer error="insufficient_scope", scope="a b", resource_metadata=https://x/y?z=1"#,
        ]);
        assert_eq!(all.scheme, Some(TokenType::Dpop));
        assert_eq!(all.scope.as_deref(), Some("a b"));
        assert_eq!(all.error.as_deref(), Some("use_dpop_nonce"));
        assert_eq!(all.resource_metadata.as_deref(), Some("https://x/y?z=1"));
        assert!(!all.wants_more_scopes());
        assert!(asked(&["Bearer error=insufficient_scope"]).wants_more_scopes());
        assert_eq!(asked(&[]), Asked::default());
        assert_eq!(asked(&["Basic scope=a"]), Asked::default());
    }

    proptest! {
        #[test]
        fn a_challenge_that_is_written_is_read_again(
            scheme in "[A-Za-z][A-Za-z0-9-]{0,8}",
            params in prop::collection::vec(("[a-z_]{1,8}", "[ -~]{0,20}"), 1..5),
            spaces in "[ \t]{0,2}",
        ) {
            let written: Vec<String> = params
                .iter()
                .map(|(name, value)| {
                    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                    format!("{name}{spaces}={spaces}\"{value}\"")
                })
                .collect();
            let value = format!("{scheme} {}", written.join(&format!("{spaces},{spaces}")));
            let read = Challenge::parse(&value);
            prop_assert_eq!(read, vec![Challenge { scheme, params }]);
        }

        #[test]
        fn no_text_is_too_strange(value in ".{0,200}") {
            Challenge::parse(&value);
        }
    }
}
