//! Checking icons before they are shown.

use mcp_transport::Url;
use mcp_types::Icon;
use std::{error, fmt};

/// A source from which a program may load an icon. The library itself fetches none.
///
/// ```
/// use mcp_client::{IconSource, types::Icon};
///
/// assert!(IconSource::of(&Icon::new("https://example.com/a.png")).is_ok());
/// assert!(IconSource::of(&Icon::new("file:///etc/passwd")).is_err());
/// ```
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#icons): fetch without
/// credentials, follow no redirect to another origin, limit what you read, and trust the bytes rather than the name of
/// the type.
// spec: ICON-02
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IconSource {
    /// The URL of an image.
    Https(Url),
    /// The image itself, in a `data:` URI.
    Data(String),
}

impl IconSource {
    /// The source of an icon, if it is safe to use.
    ///
    /// # Errors
    ///
    /// It is neither an `https:` URL without credentials nor a `data:` URI with an image.
    pub fn of(icon: &Icon) -> Result<Self, UnsafeIcon> {
        let (scheme, data) = icon.src.split_once(':').ok_or(UnsafeIcon("it is not a URI"))?;
        if scheme.eq_ignore_ascii_case("data") {
            let kind = data.get(.."image/".len()).unwrap_or_default();
            return if kind.eq_ignore_ascii_case("image/") {
                Ok(Self::Data(icon.src.clone()))
            } else {
                Err(UnsafeIcon("its data is no picture"))
            };
        }
        if !scheme.eq_ignore_ascii_case("https") {
            return Err(UnsafeIcon("its scheme is neither `https` nor `data`"));
        }
        let url = Url::parse(&icon.src).map_err(|_| UnsafeIcon("it is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UnsafeIcon("it has credentials"));
        }
        Ok(Self::Https(url))
    }
}

/// An icon that must not be fetched, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsafeIcon(&'static str);

impl fmt::Display for UnsafeIcon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "icon cannot be used: {}", self.0)
    }
}

impl error::Error for UnsafeIcon {}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: ICON-02
    #[test]
    fn icons_come_over_https_or_are_data_and_nothing_else() {
        let of = |src: &str| IconSource::of(&Icon::new(src));
        assert!(matches!(of("https://example.com/a.png"), Ok(IconSource::Https(_))));
        assert!(matches!(of("data:image/png;base64,AAE="), Ok(IconSource::Data(_))));
        assert!(matches!(of("DATA:Image/PNG;base64,AAE="), Ok(IconSource::Data(_))));
        for bad in [
            "http://example.com/a.png",
            "https://user:secret@example.com/a.png",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "ftp://example.com/a.png",
            "ws://example.com/a",
            "vscode://settings",
            "data:text/html,<script>",
            "a.png",
            "",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
