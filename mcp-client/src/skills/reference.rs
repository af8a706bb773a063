//! What a skill means when it names one of its files.

use super::entry::is_inside;
use std::borrow::Cow;

/// The URI of a file in a folder, from a path relative to it or from the URI itself; nothing if it leads elsewhere.
pub(super) fn resolve<'a>(folder: &str, reference: &'a str) -> Option<Cow<'a, str>> {
    if is_inside(folder, reference) {
        return Some(reference.into());
    }
    if reference.contains("://") || reference.starts_with('/') {
        return None;
    }
    let path = reference.split('#').next().unwrap_or_default();
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| format!("{folder}{}", parts.join("/")).into())
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
        ] {
            assert_eq!(resolved(elsewhere), None, "{elsewhere}");
        }
    }
}
