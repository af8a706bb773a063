//! Tests of URLs.

use super::Url;
use proptest::prelude::*;

fn read(text: &str) -> String {
    Url::parse(text).map_or_else(|error| error.to_string(), |url| url.as_str().to_owned())
}

#[test]
fn equal_urls_are_equal_texts() {
    for (text, expected) in [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://EXAMPLE.com:443/A", "https://example.com/A"),
        ("http://example.com:/", "http://example.com/"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("wss://example.com:443?x", "wss://example.com/?x"),
        ("https://example.com/a/./b/../%2E%2e/c", "https://example.com/c"),
        ("https://example.com/%7e?a=b/../c", "https://example.com/%7e?a=b/../c"),
        ("https://@example.com/", "https://example.com/"),
        ("https://me:p%40ss@example.com/#x", "https://me:p%40ss@example.com/#x"),
        ("https://example.com/ä?ö=ü", "https://example.com/%C3%A4?%C3%B6=%C3%BC"),
        ("http://[0:0::1]:80/", "http://[::1]/"),
        ("http://127.0.0.1:8080/mcp", "http://127.0.0.1:8080/mcp"),
        ("http://my_service.local./mcp", "http://my_service.local./mcp"),
        ("socks5://proxy:1080", "socks5://proxy:1080/"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

// Different parsers of a URL must not find different hosts in it.
#[test]
fn what_others_might_read_differently_is_refused() {
    for text in [
        "",
        "example.com/mcp",
        "https:example.com",
        "https:/example.com",
        "https:///example.com",
        "https://",
        "https://:443/",
        "https://user@/",
        "mailto:me@example.com",
        "data:text/plain,x",
        "file:///etc/passwd",
        "https://good.example\\@evil.example/",
        "https:\\\\example.com/",
        "https://exa mple.com/",
        "https://example.com/a b",
        " https://example.com/",
        "https://example.com/\n",
        "https://exam\tple.com/",
        "https://example.com:65536/",
        "https://example.com:-1/",
        "https://example.com:80:80/",
        "https://a@b@example.com/",
        "https://ex%61mple.com/",
        "https://a..example/",
        "https://.example/",
        "https://a,b/",
        "https://köln.example/",
        "https://p\u{430}y.example/",
        "https://example\u{3002}com/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://1.2.3.4./",
        "http://1.2.3.256/",
        "http://[::1",
        "http://[::1%25eth0]/",
        "http://[v1.x]/",
        "http://[127.0.0.1]/",
        "http://[",
    ] {
        assert!(Url::parse(text).is_err(), "{text}: {}", read(text));
    }
}

#[test]
fn an_error_says_what_to_do_and_repeats_no_secret() {
    let error = |text| Url::parse(text).unwrap_err().to_string();
    assert!(error("https://köln.example/").contains("Punycode"));
    assert!(error("https://example.com/a b?key=hidden").contains("percent-encoded"));
    assert!(error("example.com").contains("no scheme"));
    assert!(error("http://0x7f.1/").contains("127.0.0.1"));
    for text in ["https://me:hidden@/", "https://me:hidden@a b/", "hidden"] {
        assert!(!error(text).contains("hidden"), "{text}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let url = Url::parse("https://me:hidden@example.com:8443/mcp?hidden#hidden").unwrap();
    assert_eq!(format!("{url:?}"), r#"Url("https://example.com:8443/mcp")"#);
    assert_eq!((url.username(), url.password()), ("me", Some("hidden")));
    let bare = url.without_credentials().without_query().without_fragment();
    assert_eq!(bare.as_str(), "https://example.com:8443/mcp");
}

#[test]
fn a_reference_is_resolved_where_it_was_found() {
    let url = Url::parse("https://me:pw@example.com/a/sse?x#y").unwrap();
    for (reference, expected) in [
        ("messages?id=1", "https://me:pw@example.com/a/messages?id=1"),
        ("/messages", "https://me:pw@example.com/messages"),
        ("../../../messages", "https://me:pw@example.com/messages"),
        ("?y", "https://me:pw@example.com/a/sse?y"),
        ("", "https://me:pw@example.com/a/sse?x"),
        ("//other.example/b", "https://other.example/b"),
        ("http://other.example:80", "http://other.example/"),
    ] {
        assert_eq!(url.join(reference).unwrap().as_str(), expected, "{reference}");
    }
    for reference in
        ["file:///etc/passwd", "javascript:alert(1)", "\\\\evil.example\\", "a b", "//"]
    {
        assert!(url.join(reference).is_err(), "{reference}");
    }
}

/// Texts made of the parts that matter in a URL.
fn texts() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec!["http", "https", "ws", "HTTP", "wss"]);
    let piece = prop::sample::select(vec![
        "a",
        "B",
        "example.com",
        "xn--p1ai",
        "1",
        "127.0.0.1",
        "0x7f",
        "0",
        "[::1]",
        "[",
        "]",
        ":",
        "@",
        "/",
        "//",
        "\\",
        "?",
        "#",
        ".",
        "..",
        "%2e",
        "%41",
        "%",
        "-",
        "_",
        "~",
        "+",
        "&",
        "=",
        ";",
        " ",
        "\t",
        "ä",
        "80",
        "443",
        "99999",
        "!",
        "'",
        "(",
        ",",
        "*",
        "$",
    ]);
    (scheme, prop::collection::vec(piece, 0..9))
        .prop_map(|(scheme, pieces)| format!("{scheme}://{}", pieces.concat()))
}

proptest! {
    // The other parser is that of browsers: if both accept a text, they agree.
    #[test]
    fn browsers_see_the_same_host(text in texts()) {
        let (Ok(url), Ok(other)) = (Url::parse(&text), url::Url::parse(&text)) else {
            return Ok(());
        };
        prop_assert_eq!(url.scheme(), other.scheme());
        prop_assert_eq!(Some(url.host()), other.host_str());
        prop_assert_eq!(url.port_or_default(), other.port_or_known_default());
        prop_assert_eq!(url.username().is_empty(), other.username().is_empty());
    }

    #[test]
    fn a_url_is_read_again_as_itself(text in texts()) {
        let Ok(url) = Url::parse(&text) else { return Ok(()) };
        prop_assert_eq!(&Url::parse(url.as_str()).unwrap(), &url);
        prop_assert_eq!(&url.join("").unwrap(), &url.clone().without_fragment());
        prop_assert!(url.as_str().parse::<http::Uri>().is_ok(), "{url}");
    }
}
