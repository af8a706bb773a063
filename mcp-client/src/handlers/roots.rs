//! The folders that servers may work in.

mod file_uri;

use iri_string::types::UriStr;
use mcp_types::Root;
use std::{
    error, fmt,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

/// The folders that servers may work in. Clones share them, so they can be changed while a client uses them.
///
/// After a change, tell legacy servers with [`Client::notify_roots_changed`](crate::Client::notify_roots_changed).
#[derive(Clone, Debug, Default)]
pub struct Roots(Arc<RwLock<Vec<Root>>>);

impl Roots {
    /// These roots.
    ///
    /// # Errors
    ///
    /// One of them is not a `file://` URI of an absolute path.
    // spec: ROOT-04 ROOT-06
    pub fn new(roots: impl IntoIterator<Item = Root>) -> Result<Self, InvalidRoot> {
        let this = Self::default();
        this.set(roots)?;
        Ok(this)
    }

    /// Makes roots of absolute paths.
    ///
    /// # Errors
    ///
    /// A path is relative, or contains `..`.
    pub fn folders<P: AsRef<Path>>(
        paths: impl IntoIterator<Item = P>,
    ) -> Result<Self, InvalidRoot> {
        let roots = paths.into_iter().map(|path| {
            let path = path.as_ref();
            let uri = file_uri::of(path);
            let uri = uri
                .ok_or_else(|| InvalidRoot::new(&path.to_string_lossy(), "the path is relative"))?;
            Ok(Root::new(uri))
        });
        Self::new(roots.collect::<Result<Vec<_>, _>>()?)
    }

    /// Replaces the roots. Servers see the change when they ask the next time.
    ///
    /// # Errors
    ///
    /// A root is not a `file://` URI of an absolute path; the roots stay as they are.
    pub fn set(&self, roots: impl IntoIterator<Item = Root>) -> Result<(), InvalidRoot> {
        let roots: Vec<_> = roots.into_iter().collect();
        check(&roots)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = roots;
        Ok(())
    }

    /// The roots as they are now.
    pub fn current(&self) -> Vec<Root> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Checks that all roots are `file://` URIs.
pub(super) fn check(roots: &[Root]) -> Result<(), InvalidRoot> {
    roots.iter().try_for_each(|root| {
        let uri =
            UriStr::new(&root.uri).map_err(|_| InvalidRoot::new(&root.uri, "it is not a URI"))?;
        if !uri.scheme_str().eq_ignore_ascii_case("file") || uri.authority_str().is_none() {
            return Err(InvalidRoot::new(&root.uri, "it does not begin with `file://`"));
        }
        let climbs = |segment: &str| segment.to_ascii_lowercase().replace("%2e", ".") == "..";
        if root.uri.split(['/', '\\']).any(climbs) {
            return Err(InvalidRoot::new(&root.uri, "it leads back up with `..`"));
        }
        Ok(())
    })
}

/// An invalid root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRoot {
    root: Box<str>,
    reason: &'static str,
}

impl InvalidRoot {
    fn new(root: &str, reason: &'static str) -> Self {
        Self { root: root.into(), reason }
    }
}

impl fmt::Display for InvalidRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} cannot be a root: {}", self.root, self.reason)
    }
}

impl error::Error for InvalidRoot {}

#[cfg(test)]
mod tests {
    use super::{Root, Roots, check};

    // spec: ROOT-04 ROOT-06
    #[test]
    fn only_file_uris_that_do_not_climb_are_roots() {
        for good in ["file:///", "file:///srv/a%20b", "file:///C:/a", "file:///a/..b/c.."] {
            assert!(check(&[Root::new(good)]).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/srv",
            "http://a/",
            "file:/a",
            "file:///a/../b",
            "file:///a/%2E%2e/b",
            "file:///a/..",
        ] {
            assert!(check(&[Root::new(bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_change_that_is_refused_changes_nothing() {
        let roots = Roots::new([Root::new("file:///a")]).unwrap();
        let shared = roots.clone();
        assert!(roots.set([Root::new("file:///b"), Root::new("b")]).is_err());
        assert_eq!(shared.current(), [Root::new("file:///a")]);
        roots.set([Root::new("file:///b")]).unwrap();
        assert_eq!(shared.current(), [Root::new("file:///b")]);
    }

    #[cfg(unix)]
    #[test]
    fn folders_are_absolute_paths() {
        let roots = Roots::folders(["/srv/my files"]).unwrap().current();
        assert_eq!(roots, [Root::new("file:///srv/my%20files")]);
        let error = Roots::folders(["srv"]).unwrap_err().to_string();
        assert_eq!(error, r#""srv" cannot be a root: the path is relative"#);
    }
}
