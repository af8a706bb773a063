//! Resolving the names of files within a skill.

use super::entry::is_inside;
use std::borrow::Cow;

/// Resolves a relative path, or a URI, to the URI of a file in a folder; `None` if it leads elsewhere.
pub(super) fn resolve<'a>(folder: &str, reference: &'a str) -> Option<Cow<'a, str>> {
    if is_inside(folder, reference) {
        return Some(reference.into());
    }
    let path = reference.split('#').next().unwrap_or_default();
    // With a colon in its first segment, it is not a relative reference (RFC 3986, section 4.2) but a URI, or a drive.
    if path.split('/').next().is_some_and(|first| first.contains(':')) || path.starts_with('/') {
        return None;
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    let uri = format!("{folder}{}", parts.join("/"));
    is_inside(folder, &uri).then(|| uri.into())
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn a_reference_is_resolved_in_the_folder_of_the_skill() {
        let resolved = |reference| resolve("skill://a/b/", reference);
        for reference in
            ["x/y.md", "./x/y.md", "x/./y.md", "x/z/../y.md", "x/y.md#part", "skill://a/b/x/y.md"]
        {
            assert_eq!(resolved(reference).as_deref(), Some("skill://a/b/x/y.md"), "{reference}");
        }
        for elsewhere in [
            "",
            ".",
            "..",
            "../c/y.md",
            "x/../../y.md",
            "/x/y.md",
            "skill://a/c/y.md",
            "https://x/y",
            "skill://a/b/../y",
            "C:x",
            "C:/x",
            "mailto:x",
            "x/C:y",
            "x\\y",
            "%2e%2e/y",
        ] {
            assert_eq!(resolved(elsewhere), None, "{elsewhere}");
        }
    }
}
