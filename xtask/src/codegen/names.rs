//! Names in Rust.

const KEYWORDS: [&str; 6] = ["const", "enum", "move", "ref", "type", "use"];

/// Converts `list_changed` and `listChanged` to `ListChanged`.
pub(crate) fn pascal(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let capital = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    words.map(capital).collect()
}

/// Converts `listChanged` to `list_changed`, `_meta` to `meta`, `$schema` to `schema`; keywords become raw identifiers.
pub(crate) fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.trim_start_matches(['_', '$']).chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    if KEYWORDS.contains(&&*snake) { format!("r#{snake}") } else { snake }
}

#[cfg(test)]
mod tests {
    use super::{pascal, snake};

    #[test]
    fn wire_names_become_rust_names() {
        assert_eq!(pascal("resource_link"), "ResourceLink");
        assert_eq!(pascal("date-time"), "DateTime");
        assert_eq!(pascal("thisServer"), "ThisServer");
        assert_eq!(snake("inputSchema"), "input_schema");
        assert_eq!(snake("_meta"), "meta");
        assert_eq!(snake("$schema"), "schema");
        assert_eq!(snake("enum"), "r#enum");
    }
}
