//! One compiled schema.

use super::graph::{Graph, TooCostly};
use crate::Misfit;
use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use mcp_types::RawJson;
use serde_json::Value;
use std::fmt;

/// The maximum size of a schema.
const MAX_BYTES: usize = 256 * 1024;
/// The maximum size of a compiled pattern.
const MAX_PATTERN: usize = 256 * 1024;
/// The maximum number of backtracking steps for one text.
const MAX_BACKTRACKS: usize = 5_000;
/// The maximum length of a reported reason.
const MAX_REASON: usize = 300;

/// A compiled schema that validates values.
///
/// Dialects: drafts 4, 6 and 7, 2019-09 and 2020-12, by `$schema`; 2020-12 without it. References must stay within the
/// schema. Formats are not checked: the standard dialect treats them as annotations.
// spec: SCH-01 SCH-02 SCH-03 SCH-04 SCH-05 SCH-06 SCH-07 SCH-09
#[derive(Debug)]
pub(crate) struct Schema {
    validator: Validator,
    graph: Graph,
}

impl Schema {
    /// Compiles a schema.
    pub(crate) fn compile(raw: &RawJson) -> Result<Self, Unusable> {
        if raw.as_bytes().len() > MAX_BYTES {
            return Err(Unusable::Bytes(MAX_BYTES));
        }
        let schema: Value = raw.decode().map_err(|error| Unusable::invalid(&error))?;
        let graph = Graph::new(&schema)?;
        let patterns = PatternOptions::fancy_regex()
            .backtrack_limit(MAX_BACKTRACKS)
            .size_limit(MAX_PATTERN)
            .dfa_size_limit(MAX_PATTERN);
        let options = jsonschema::options()
            .offline()
            .should_validate_formats(false)
            .with_pattern_options(patterns);
        match options.build(&schema) {
            Ok(validator) => Ok(Self { validator, graph }),
            Err(error) => Err(match error.kind() {
                ValidationErrorKind::Referencing(_) if declares_other(&schema) => {
                    Unusable::Dialect(short(&schema["$schema"].to_string()))
                }
                _ => Unusable::invalid(&error),
            }),
        }
    }

    /// Validates a value.
    // spec: SCH-08
    pub(crate) fn check(&self, value: &Value) -> Result<(), Misfit> {
        if self.graph.check(value) == Err(TooCostly) {
            return Err(Misfit::whole("", "it would take too much work to validate it"));
        }
        // The fast path first: it only decides whether the value is valid.
        if self.validator.is_valid(value) {
            return Ok(());
        }
        self.validator.validate(value).map_err(|error| misfit(&error))
    }
}

fn misfit(error: &ValidationError<'_>) -> Misfit {
    let unexpected = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected.first(),
        _ => None,
    };
    let mut pointer = error.instance_path().to_string();
    if let Some(name) = unexpected {
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
    }
    Misfit {
        pointer: short(&pointer),
        rule: error.kind().keyword().into(),
        schema_pointer: short(error.schema_path().as_str()),
        reason: short(&error.masked().to_string()),
    }
}

/// Whether a schema names a non-standard dialect.
fn declares_other(schema: &Value) -> bool {
    let dialect = schema.get("$schema").and_then(Value::as_str).unwrap_or_default();
    let known = ["draft-04", "draft-06", "draft-07", "2019-09", "2020-12"];
    !dialect.is_empty() && !known.iter().any(|known| dialect.contains(known))
}

/// Shortens a server's text for a message: a single line, and not too long.
fn short(text: &str) -> Box<str> {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut short: String = text.chars().take(MAX_REASON).map(clean).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.into()
}

/// Why a schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    Bytes(usize),
    Subschemas(usize),
    Patterns(usize),
    Chain(usize),
    Cycle,
    NoSchema,
    Reference(Box<str>),
    Dialect(Box<str>),
    Invalid(Box<str>),
}

impl Unusable {
    fn invalid(error: &impl fmt::Display) -> Self {
        Self::Invalid(short(&error.to_string()))
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(limit) => write!(f, "it is larger than {limit} bytes"),
            Self::Subschemas(limit) => write!(f, "it has more than {limit} subschemas"),
            Self::Patterns(limit) => write!(f, "it has more than {limit} patterns"),
            Self::Chain(limit) => write!(f, "it nests more than {limit} subschemas"),
            Self::Cycle => f.write_str("it refers to itself without end"),
            Self::NoSchema => f.write_str("a subschema is neither an object nor a boolean"),
            Self::Reference(reference) => {
                write!(f, "it refers to {:?}, which is not in it", short(reference))
            }
            Self::Dialect(dialect) => write!(f, "the dialect {dialect} is not supported"),
            Self::Invalid(reason) => write!(f, "it is not a valid schema: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, Schema};
    use mcp_types::RawJson;
    use serde_json::{Value, json};

    fn compile(schema: &Value) -> Result<Schema, String> {
        Schema::compile(&RawJson::encode(schema).unwrap()).map_err(|error| error.to_string())
    }

    // spec: SCH-01 SCH-02
    #[test]
    fn the_dialect_is_the_one_that_is_declared_and_2020_12_otherwise() {
        // Only older dialects accept a list here for what newer ones call `prefixItems`.
        let schema = |dialect: Option<&str>| {
            let mut schema = json!({"prefixItems": [{"type": "string"}]});
            if let Some(dialect) = dialect {
                schema["$schema"] = dialect.into();
            }
            schema
        };
        let checks = |dialect| compile(&schema(dialect)).unwrap().check(&json!([1])).is_err();
        assert!(checks(None));
        assert!(checks(Some("https://json-schema.org/draft/2020-12/schema")));
        for older in [
            "https://json-schema.org/draft/2019-09/schema",
            "http://json-schema.org/draft-07/schema#",
            "http://json-schema.org/draft-06/schema#",
            "http://json-schema.org/draft-04/schema#",
        ] {
            assert!(!checks(Some(older)), "{older}");
        }
    }

    // spec: SCH-03 SCH-05 SCH-06 SCH-07 SCH-08 SCH-09
    #[test]
    fn a_schema_that_cannot_be_used_says_why() {
        let large = json!({"description": "x".repeat(MAX_BYTES)});
        for (schema, reason) in [
            (
                json!({"$schema": "https://example.com/mine"}),
                "dialect \"https://example.com/mine\"",
            ),
            (json!({"type": "nonsense"}), "it is not a valid schema: "),
            (json!({"pattern": "("}), "it is not a valid schema: "),
            (json!({"pattern": "(a{1000}){1000}"}), "it is not a valid schema: "),
            (json!({"$ref": "https://example.com/x"}), "refers to \"https://example.com/x\""),
            (json!({"$ref": "file:///etc/passwd"}), "refers to \"file:///etc/passwd\""),
            (json!([]), "neither an object nor a boolean"),
            (json!(null), "neither an object nor a boolean"),
            (large, "larger than 262144 bytes"),
        ] {
            let error = compile(&schema).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    // spec: TOOL-15
    #[test]
    fn a_misfit_says_where_and_what_but_quotes_no_value() {
        let schema = json!({"type": "object", "additionalProperties": false, "required": ["b"],
            "properties": {"a/b": {"type": "array", "items": {"type": "integer"}}, "b": true}});
        let schema = compile(&schema).unwrap();
        let misfit = schema.check(&json!({"a/b": [1, "secret"], "b": 1})).unwrap_err();
        assert_eq!((&*misfit.pointer, &*misfit.rule), ("/a~1b/1", "type"));
        assert_eq!(&*misfit.schema_pointer, "/properties/a~1b/items/type");
        let text = misfit.to_string();
        assert_eq!(text, r#"value is not of type "integer" (rule "type", at "/a~1b/1")"#);
        let misfit = schema.check(&json!({})).unwrap_err();
        assert_eq!((&*misfit.pointer, &*misfit.rule), ("", "required"));
        let misfit = schema.check(&json!({"b": 1, "c": "secret"})).unwrap_err();
        assert_eq!((&*misfit.pointer, &*misfit.rule), ("/c", "additionalProperties"));
        assert!(!misfit.to_string().contains("secret"));
        assert!(schema.check(&json!({"b": {"any": "thing"}})).is_ok());
    }

    // spec: SCH-08
    #[test]
    fn patterns_that_explode_are_given_up() {
        for pattern in ["^(?=(a+)+$)x", "^(a+)+\\1$", "^(a|aa)+$"] {
            let schema = compile(&json!({"pattern": pattern})).unwrap();
            assert!(schema.check(&json!("a".repeat(5_000) + "b")).is_err(), "{pattern}");
        }
        let doubling = json!({"anyOf": [
            {"required": ["a"], "properties": {"a": {"$ref": "#"}}},
            {"required": ["a"], "properties": {"a": {"$ref": "#"}}}]});
        let nested = (0..60).fold(json!({}), |value, _| json!({"a": value}));
        let misfit = compile(&doubling).unwrap().check(&nested).unwrap_err();
        assert_eq!(misfit.to_string(), r#"it would take too much work to validate it (rule "")"#);
    }
}
