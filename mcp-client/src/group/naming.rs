//! The names of the members' tools, prompts and resources within a group.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is not escaped where the name of a member becomes part of a URI.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How the tools, prompts and resources of members are named in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Naming {
    /// The name of the member is a prefix: `{member}{separator}{name}`. In the URI of a resource it is the first part
    /// of the path: `scheme://{member}/path`.
    Prefixed {
        /// What stands between the two.
        separator: Box<str>,
    },
    /// Names are unchanged. Two members cannot use the same name then. Which member has a name is known from their
    /// lists, which are read when a member connects.
    Bare,
}

impl Default for Naming {
    /// Prefixed, with an underscore between.
    fn default() -> Self {
        Self::prefixed("_")
    }
}

impl Naming {
    /// The name of the member as a prefix, with this separator.
    pub fn prefixed(separator: impl Into<Box<str>>) -> Self {
        Self::Prefixed { separator: separator.into() }
    }

    /// Returns the group's name for a tool or prompt of a member.
    pub(super) fn name(&self, member: &str, name: &str) -> String {
        match self {
            Self::Prefixed { separator } => format!("{member}{separator}{name}"),
            Self::Bare => name.to_owned(),
        }
    }

    /// Returns the group's URI for a resource of a member. A URI without `//` has no place for the member, and stays as
    /// it is.
    pub(super) fn uri(&self, member: &str, uri: &str) -> String {
        match (self, uri.split_once("://")) {
            (Self::Prefixed { .. }, Some((scheme, rest))) => {
                format!("{scheme}://{}/{rest}", utf8_percent_encode(member, ENCODED))
            }
            _ => uri.to_owned(),
        }
    }

    /// Returns the member's name for a tool or prompt of the group, if it may belong to the member.
    pub(super) fn name_at<'a>(&self, member: &str, name: &'a str) -> Option<&'a str> {
        match self {
            Self::Prefixed { separator } => name
                .strip_prefix(member)?
                .strip_prefix(&**separator)
                .filter(|name| !name.is_empty()),
            Self::Bare => Some(name),
        }
    }

    /// Returns the prefix of a member's task ids: its name, delimited so that no other name can be mistaken for it.
    pub(super) fn task_prefix(member: &str) -> String {
        format!("{}:", utf8_percent_encode(member, ENCODED))
    }

    /// Returns the member's URI for a resource of the group, if the URI says that it belongs to the member.
    pub(super) fn uri_at(&self, member: &str, uri: &str) -> Option<String> {
        let Self::Prefixed { .. } = self else { return None };
        let (scheme, rest) = uri.split_once("://")?;
        let encoded = utf8_percent_encode(member, ENCODED).to_string();
        let rest = rest.strip_prefix(encoded.as_str())?.strip_prefix('/')?;
        Some(format!("{scheme}://{rest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Naming;

    #[test]
    fn names_have_the_member_before_them() {
        let naming = Naming::default();
        assert_eq!(naming.name("weather", "now"), "weather_now");
        assert_eq!(naming.name_at("weather", "weather_now"), Some("now"));
        assert_eq!(naming.name_at("weather", "weather_"), None);
        assert_eq!(naming.name_at("weather", "files_now"), None);
        assert_eq!(Naming::prefixed(".").name("a", "b"), "a.b");
        assert_eq!(Naming::Bare.name("a", "b"), "b");
    }

    #[test]
    fn resources_have_the_member_in_their_path() {
        let naming = Naming::default();
        for (uri, exposed) in [
            ("test://static/text", "test://srv/static/text"),
            ("file:///etc/hosts", "file://srv//etc/hosts"),
            ("demo://resource/{id}", "demo://srv/resource/{id}"),
            ("x://", "x://srv/"),
        ] {
            assert_eq!(naming.uri("srv", uri), exposed);
            assert_eq!(naming.uri_at("srv", exposed).as_deref(), Some(uri));
        }
        assert_eq!(naming.uri("srv", "urn:isbn:1"), "urn:isbn:1");
        assert_eq!(naming.uri_at("srv", "urn:isbn:1"), None);
        assert_eq!(naming.uri_at("srv", "test://srvx/a"), None);
        assert_eq!(naming.uri("my server", "a://b"), "a://my%20server/b");
        assert_eq!(Naming::Bare.uri("srv", "a://b"), "a://b");
    }

    #[test]
    fn the_id_of_a_task_says_whose_it_is() {
        assert_eq!(Naming::task_prefix("weather"), "weather:");
        assert_eq!(Naming::task_prefix("a:b c"), "a%3Ab%20c:");
    }

    #[test]
    fn every_name_finds_its_way_back() {
        let odd = ["a", "a_b", "_", "__", "\u{e9}", "a b", "a/b", "%20", "?#", "a://b"];
        for separator in ["_", "", ".", "://"] {
            let naming = Naming::prefixed(separator);
            for (member, name) in odd.iter().flat_map(|member| odd.map(|name| (*member, name))) {
                let exposed = naming.name(member, name);
                assert_eq!(naming.name_at(member, &exposed), Some(name));
                let uri = format!("a://{name}");
                let exposed = naming.uri(member, &uri);
                assert_eq!(naming.uri_at(member, &exposed), Some(uri));
            }
        }
    }
}
