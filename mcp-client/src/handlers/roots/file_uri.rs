//! `file:` URIs from paths.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use std::path::{Component, Path, Prefix};

/// What needs no escaping in a path segment, by [RFC 3986](https://www.rfc-editor.org/rfc/rfc3986#section-3.3).
const ENCODED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b'@');

/// Returns the URI of a file; `None` if its path is relative, or of a kind that URIs cannot express.
pub(super) fn of(path: &Path) -> Option<String> {
    if !path.is_absolute() {
        return None;
    }
    let mut uri = "file://".to_owned();
    for component in path.components() {
        match component {
            Component::Prefix(prefix) => push_prefix(&mut uri, prefix.kind())?,
            Component::RootDir | Component::CurDir => {}
            // Left for the check of roots to reject.
            Component::ParentDir => uri.push_str("/.."),
            Component::Normal(name) => {
                uri.push('/');
                uri.extend(percent_encode(name.as_encoded_bytes(), &ENCODED));
            }
        }
    }
    if path.parent().is_none() {
        uri.push('/');
    }
    Some(uri)
}

/// Writes the drive or server at the start of a Windows path.
fn push_prefix(uri: &mut String, prefix: Prefix<'_>) -> Option<()> {
    match prefix {
        Prefix::Disk(letter) | Prefix::VerbatimDisk(letter) => {
            uri.extend(["/", char::from(letter).encode_utf8(&mut [0; 4]), ":"]);
        }
        Prefix::UNC(server, share) | Prefix::VerbatimUNC(server, share) => {
            uri.push_str(server.to_str()?);
            uri.push('/');
            uri.extend(percent_encode(share.as_encoded_bytes(), &ENCODED));
        }
        Prefix::Verbatim(_) | Prefix::DeviceNS(_) => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::of;
    use std::path::Path;

    #[cfg(unix)]
    #[test]
    fn a_path_is_encoded_segment_by_segment() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

        let uri = |path: &str| of(Path::new(path));
        assert_eq!(uri("/").unwrap(), "file:///");
        assert_eq!(uri("/srv/my files/").unwrap(), "file:///srv/my%20files");
        assert_eq!(uri("/ä/50%#?.txt").unwrap(), "file:///%C3%A4/50%25%23%3F.txt");
        assert_eq!(uri("/a/./b/../c:d;e").unwrap(), "file:///a/b/../c%3Ad%3Be");
        assert_eq!(of(Path::new(OsStr::from_bytes(b"/\xff"))).unwrap(), "file:///%FF");
        assert_eq!(uri("srv"), None);
        assert_eq!(uri(""), None);
    }

    #[cfg(windows)]
    #[test]
    fn a_path_of_windows_has_its_drive_or_its_server() {
        let uri = |path: &str| of(Path::new(path));
        assert_eq!(uri(r"C:\my files\a").unwrap(), "file:///C:/my%20files/a");
        assert_eq!(uri(r"C:\").unwrap(), "file:///C:/");
        assert_eq!(uri(r"\\server\share\a").unwrap(), "file://server/share/a");
        assert_eq!(uri(r"\a"), None);
    }
}
