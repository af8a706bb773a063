//! Parsing the authorization response in a redirect.

use super::Secret;
use std::fmt;

/// The parameters of the redirect that ends an authorization request. Untrusted until it is validated.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redirect {
    /// The authorization code.
    pub code: Option<Secret>,
    /// The `state` of the request.
    pub state: Option<String>,
    /// The issuer of the answer.
    pub iss: Option<String>,
    /// The error code of a refusal.
    pub error: Option<String>,
    /// The authorization server's description of its refusal.
    pub error_description: Option<String>,
    /// A page about the refusal.
    pub error_uri: Option<String>,
    /// Whether a parameter occurs more than once, which is not allowed.
    pub(super) repeats: bool,
}

impl Redirect {
    /// Parses the URL that the browser was sent to, or its path and query.
    pub fn from_url(text: &str) -> Self {
        let text = text.trim();
        let text = text.split('#').next().unwrap_or_default();
        Self::from_query(text.split_once('?').map_or("", |(_, query)| query))
    }

    /// Parses the query of that URL.
    pub fn from_query(query: &str) -> Self {
        let mut redirect = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            redirect.repeats |= match &*name {
                "code" => redirect.code.replace(value.into()).is_some(),
                "state" => redirect.state.replace(value).is_some(),
                "iss" => redirect.iss.replace(value).is_some(),
                "error" => redirect.error.replace(value).is_some(),
                "error_description" => redirect.error_description.replace(value).is_some(),
                "error_uri" => redirect.error_uri.replace(value).is_some(),
                _ => false,
            };
        }
        redirect
    }
}

impl fmt::Debug for Redirect {
    /// Shows which parameters are present, but not their values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirect")
            .field("code", &self.code)
            .field("iss", &self.iss)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Redirect;

    #[test]
    fn a_redirect_is_read_from_a_url_or_a_part_of_it() {
        let query = "code=a%2Bb&state=s+t&iss=https%3A%2F%2Fas.example%2F&other=1";
        let expected = Redirect {
            code: Some("a+b".into()),
            state: Some("s t".to_owned()),
            iss: Some("https://as.example/".to_owned()),
            ..Redirect::default()
        };
        assert_eq!(Redirect::from_query(query), expected);
        for text in [
            format!("http://127.0.0.1:1234/callback?{query}"),
            format!(" http://127.0.0.1:1234/callback?{query}#fragment\n"),
            format!("/callback?{query}"),
        ] {
            assert_eq!(Redirect::from_url(&text), expected, "{text}");
        }
        assert_eq!(Redirect::from_url("/callback"), Redirect::default());
        assert!(Redirect::from_query("code=a&code=b").repeats);
        assert!(!format!("{expected:?}").contains("a+b"));
    }
}
