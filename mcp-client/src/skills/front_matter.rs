//! The YAML front matter of a `SKILL.md`.

use mcp_types::JsonObject;
use serde_json::{Number, Value};
use serde_saphyr::{from_str_with_options, options};
use std::iter::zip;

/// Why front matter differs from the entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// It cannot be read.
    Unreadable(String),
    /// A field has another value.
    Field(String),
}

/// Splits a `SKILL.md` into its front matter and its instructions.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (first, rest) = text.split_once('\n')?;
    if !is_fence(first) {
        return None;
    }
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        if is_fence(line) {
            return Some((&rest[..end], &rest[end + line.len()..]));
        }
        end += line.len();
    }
    None
}

fn is_fence(line: &str) -> bool {
    line.trim_end() == "---"
}

/// Compares front matter with an entry, field by field.
///
/// The two revisions of YAML differ in the type of words such as `yes`. A field matches if it does in either reading,
/// because a server may have used either to create the entry.
pub(super) fn compare(expected: &JsonObject, yaml: &str) -> Result<(), Difference> {
    let readings = [parse(yaml, true)?, parse(yaml, false)?];
    let fields = expected.keys().chain(readings[0].keys());
    for field in fields {
        let is_same = |reading: &JsonObject| match (expected.get(field), reading.get(field)) {
            (Some(expected), Some(found)) => same(expected, found),
            _ => false,
        };
        if !readings.iter().any(is_same) {
            return Err(Difference::Field(field.clone()));
        }
    }
    Ok(())
}

fn parse(yaml: &str, strict: bool) -> Result<JsonObject, Difference> {
    let options = options! { strict_booleans: strict };
    match from_str_with_options(yaml, options) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Difference::Unreadable("it is no mapping".to_owned())),
        Err(error) => Err(Difference::Unreadable(error.without_snippet().to_string())),
    }
}

/// Whether two values are equal; numbers by value, because `1` and `1.0` are the same to most JSON writers.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => same_number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && zip(one, other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_there = |(key, value)| other.get(key).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(is_there)
        }
        _ => one == other,
    }
}

#[expect(clippy::float_cmp, reason = "the same digits give the same number")]
fn same_number(one: &Number, other: &Number) -> bool {
    one == other
        || matches!((one.as_f64(), other.as_f64()), (Some(one), Some(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::{Difference, compare, split};
    use mcp_types::JsonObject;
    use serde_json::{Value, json};

    fn differs(expected: Value, yaml: &str) -> Option<Difference> {
        let expected: JsonObject = serde_json::from_value(expected).unwrap();
        compare(&expected, yaml).err()
    }

    fn field(name: &str) -> Option<Difference> {
        Some(Difference::Field(name.to_owned()))
    }

    #[test]
    fn front_matter_is_between_two_fences() {
        assert_eq!(split("---\na: 1\n---\n# Text\n---\n"), Some(("a: 1\n", "# Text\n---\n")));
        assert_eq!(split("\u{feff}---\r\na: 1\r\n---\r\nb"), Some(("a: 1\r\n", "b")));
        assert_eq!(split("---\n---"), Some(("", "")));
        for without in ["", "---", "a: 1\n---\n", "---\na: 1\n", "--- a\n---\n", "\n---\n---\n"] {
            assert_eq!(split(without), None, "{without:?}");
        }
    }

    #[test]
    fn every_field_is_compared() {
        let yaml = "name: a\ndescription: >\n  long\n  text\nmetadata:\n  tags: [x, y]\n  version: \"1.0\"\n";
        let same = json!({
            "description": "long text\n", "name": "a", "metadata": {"version": "1.0", "tags": ["x", "y"]},
        });
        assert_eq!(differs(same.clone(), yaml), None);
        let with = |name: &str, value: Value| {
            let mut changed = same.clone();
            changed[name] = value;
            differs(changed, yaml)
        };
        assert_eq!(with("name", json!("b")), field("name"));
        assert_eq!(with("description", json!("long text")), field("description"));
        assert_eq!(with("license", json!("MIT")), field("license"));
        assert_eq!(
            with("metadata", json!({"version": "1.0", "tags": ["y", "x"]})),
            field("metadata")
        );
        assert_eq!(with("metadata", json!({"version": "1.0"})), field("metadata"));
        assert_eq!(
            differs(json!({"name": "a"}), "name: a\nallowed-tools: Bash\n"),
            field("allowed-tools")
        );
    }

    #[test]
    fn a_number_is_the_same_in_every_form() {
        assert_eq!(differs(json!({"v": 1, "w": 1.5, "x": -3}), "v: 1.0\nw: 1.50\nx: -3\n"), None);
        assert_eq!(differs(json!({"v": 1}), "v: \"1\"\n"), field("v"));
        assert_eq!(differs(json!({"v": 9_007_199_254_740_993_u64}), "v: 9007199254740993\n"), None);
    }

    #[test]
    fn a_word_is_read_as_either_revision_of_yaml_has_it() {
        assert_eq!(differs(json!({"a": "yes", "b": true}), "a: yes\nb: yes\n"), None);
        assert_eq!(differs(json!({"a": "true"}), "a: true\n"), field("a"));
    }

    #[test]
    fn what_is_no_mapping_is_unreadable() {
        let bomb =
            (1..9).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
                let alias = format!("*a{}", level - 1);
                text + &format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", "))
            });
        let deep = format!("a: {}", "[".repeat(100_000));
        for bad in ["", "- a\n", "text", "a: 1\na: 2\n", "a: [", "a: 1\n---\nb: 2\n", &bomb, &deep]
        {
            let difference = differs(json!({"a": 1}), bad);
            assert!(matches!(difference, Some(Difference::Unreadable(_))), "{difference:?}");
        }
    }
}
