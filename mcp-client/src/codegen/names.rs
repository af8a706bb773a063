//! Turning tool names into Rust identifiers.

use heck::{ToPascalCase, ToSnakeCase};
use std::collections::HashSet;

/// Methods that every generated struct has.
const TAKEN: [&str; 5] = ["new", "client", "verify", "clone", "fmt"];
/// Types that a name must not shadow.
const HIDDEN: [&str; 16] = [
    "String",
    "Option",
    "Result",
    "Vec",
    "Box",
    "From",
    "Into",
    "TryFrom",
    "FromStr",
    "Default",
    "Value",
    "Serialize",
    "Deserialize",
    "Debug",
    "Clone",
    "Error",
];

/// Returns the method name of a tool: its name in snake case, with a trailing `_` if it is a keyword or taken; `None`
/// if it has no letters or digits.
pub(super) fn method(tool: &str) -> Option<String> {
    let name = words(tool).to_snake_case();
    let name = match name.chars().next()? {
        '0'..='9' => format!("tool_{name}"),
        _ => name,
    };
    Some(if is_ident(&name) && !TAKEN.contains(&&*name) { name } else { format!("{name}_") })
}

/// Whether a text is a Rust identifier and not a keyword.
pub(super) fn is_ident(name: &str) -> bool {
    name.is_ascii() && name != "gen" && syn::parse_str::<syn::Ident>(name).is_ok()
}

/// Whether some distinct texts can be variants of an enum: typify panics if two of them map to the same name.
pub(super) fn are_variants(texts: &[&str]) -> bool {
    let name = |text: &str, other: &str| {
        let is_part = |c: char| c.is_alphanumeric() || (c == '_' && other == "-");
        let parts = text.chars().map(|c| if is_part(c) { c.to_string() } else { other.to_owned() });
        match parts.collect::<String>().to_pascal_case() {
            name if name.starts_with(char::is_alphabetic) => name,
            name => format!("X{name}"),
        }
    };
    // Invalid characters are either dropped or replaced by a letter.
    ["-", "X"].iter().any(|other| {
        let names: HashSet<_> = texts.iter().map(|text| name(text, other)).collect();
        names.len() == texts.len()
    })
}

/// A set of type names, each handed out once.
#[derive(Clone, Debug, Default)]
pub(super) struct TypeNames(HashSet<String>);

impl TypeNames {
    /// Creates a set in which these names are taken.
    pub(super) fn without<const N: usize>(taken: [&str; N]) -> Self {
        Self(taken.map(str::to_owned).into())
    }

    /// Returns a name built from some words, with a number if it is taken.
    pub(super) fn take(&mut self, text: &str) -> String {
        // Twice, because "PQ" is not yet in that case and typify would turn it into "Pq".
        let name = words(text).to_pascal_case().to_pascal_case();
        let name = match name.chars().next() {
            Some('A'..='Z') => name,
            _ => format!("Type{name}"),
        };
        let is_free = !HIDDEN.contains(&&*name) && is_ident(&name) && !self.0.contains(&name);
        let numbered = || (2..).map(|number| format!("{name}{number}"));
        let free = if is_free { Some(name.clone()) } else { None };
        let free = free.or_else(|| numbered().find(|it| !self.0.contains(it))).unwrap_or(name);
        self.0.insert(free.clone());
        free
    }
}

/// Strips what cannot be part of a name from a text.
fn words(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::{TypeNames, are_variants, method};

    #[test]
    fn a_method_is_the_name_of_the_tool_in_snake_case() {
        for (tool, expected) in [
            ("echo", "echo"),
            ("get-sum", "get_sum"),
            ("getWeather.v2", "get_weather_v2"),
            ("HTTPFetch", "http_fetch"),
            ("type", "type_"),
            ("Self", "self_"),
            ("gen", "gen_"),
            ("new", "new_"),
            ("verify", "verify_"),
            ("2fa", "tool_2fa"),
            ("a\"; fn main() {} //", "a_fn_main"),
            ("\u{202e}x", "x"),
        ] {
            assert_eq!(method(tool).as_deref(), Some(expected), "{tool:?}");
        }
        for none in ["", "-", "\u{1f4a5}", "名前"] {
            assert_eq!(method(none), None, "{none:?}");
        }
    }

    #[test]
    fn no_type_has_the_name_of_another() {
        let mut names = TypeNames::default();
        let taken = ["unit", "Unit", "u-n-i-t", "String", "", "1", "é", "self"];
        let taken = taken.map(|text| names.take(text));
        assert_eq!(taken, ["Unit", "Unit2", "Unit3", "String2", "Type", "Type1", "Type2", "Self2"]);
    }

    #[test]
    fn texts_are_variants_if_each_has_a_name() {
        for texts in [&["C", "C++", "C#"][..], &["asc", "desc", "Self", "1"], &["a-b", "a b c"]] {
            assert!(are_variants(texts), "{texts:?}");
        }
        for texts in [&["+", "-"][..], &["a", "A"], &["", "x"], &["<", "<=", ">"]] {
            assert!(!are_variants(texts), "{texts:?}");
        }
    }
}
