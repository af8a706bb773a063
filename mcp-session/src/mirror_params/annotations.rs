//! The `x-mcp-header` annotations of an input schema.

use serde_json::{Map, Value};
use std::{collections::HashSet, fmt};

/// The annotation's keyword.
pub(super) const KEYWORD: &str = "x-mcp-header";

/// The largest integer that every JSON implementation keeps exactly.
const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// An annotated property: the name of its header and the path to its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Annotation {
    pub(super) header: String,
    pub(super) path: Vec<String>,
}

/// Why annotations make a tool invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Invalid {
    NotAToken(String),
    Repeated(String),
    NotPrimitive(String),
    Unreachable(String),
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAToken(name) => write!(f, "{name:?} cannot be part of the name of a header"),
            Self::Repeated(name) => write!(f, "{name:?} names two properties"),
            Self::NotPrimitive(name) => {
                write!(f, "{name:?} is not on an integer, a string or a boolean")
            }
            Self::Unreachable(name) => {
                write!(f, "{name:?} is not on a property that `properties` alone lead to")
            }
        }
    }
}

/// Reads the annotations of a schema.
// spec: HDR-06 HDR-07 HDR-08 HDR-09 HDR-10 HDR-11
pub(super) fn annotations(schema: &Value) -> Result<Vec<Annotation>, Invalid> {
    let mut walk = Walk::default();
    walk.schema(schema, Some(&mut Vec::new()))?;
    Ok(walk.found)
}

#[derive(Default)]
struct Walk {
    found: Vec<Annotation>,
    names: HashSet<String>,
}

impl Walk {
    /// Visits a schema; `path` leads to it if it is reached through `properties` alone.
    fn schema(&mut self, schema: &Value, path: Option<&mut Vec<String>>) -> Result<(), Invalid> {
        let Value::Object(schema) = schema else { return Ok(()) };
        if let Some(annotation) = schema.get(KEYWORD) {
            self.annotation(annotation, schema, path.as_deref())?;
        }
        let mut path = path;
        for (keyword, value) in schema {
            match keyword.as_str() {
                "properties" => self.properties(value, path.as_deref_mut())?,
                "$defs" | "definitions" | "dependentSchemas" | "patternProperties" => {
                    self.properties(value, None)?;
                }
                "additionalProperties"
                | "contains"
                | "contentSchema"
                | "else"
                | "if"
                | "items"
                | "not"
                | "propertyNames"
                | "then"
                | "unevaluatedItems"
                | "unevaluatedProperties"
                | "allOf"
                | "anyOf"
                | "oneOf"
                | "prefixItems" => self.elsewhere(value)?,
                // Everything else is data, where the keyword has no meaning.
                _ => {}
            }
        }
        Ok(())
    }

    fn properties(&mut self, value: &Value, path: Option<&mut Vec<String>>) -> Result<(), Invalid> {
        let mut path = path;
        for (name, schema) in value.as_object().into_iter().flatten() {
            match path.as_deref_mut() {
                Some(path) => {
                    path.push(name.clone());
                    self.schema(schema, Some(path))?;
                    path.pop();
                }
                None => self.schema(schema, None)?,
            }
        }
        Ok(())
    }

    fn elsewhere(&mut self, value: &Value) -> Result<(), Invalid> {
        match value {
            Value::Array(schemas) => {
                schemas.iter().try_for_each(|schema| self.schema(schema, None))
            }
            schema => self.schema(schema, None),
        }
    }

    fn annotation(
        &mut self,
        annotation: &Value,
        schema: &Map<String, Value>,
        path: Option<&Vec<String>>,
    ) -> Result<(), Invalid> {
        let Some(name) = annotation.as_str().filter(|name| is_token(name)) else {
            return Err(Invalid::NotAToken(annotation.to_string()));
        };
        let name = name.to_owned();
        let kind = schema.get("type").and_then(Value::as_str);
        if !matches!(kind, Some("boolean" | "integer" | "string")) {
            return Err(Invalid::NotPrimitive(name));
        }
        let Some(path) = path.filter(|path| !path.is_empty()) else {
            return Err(Invalid::Unreachable(name));
        };
        if !self.names.insert(name.to_ascii_lowercase()) {
            return Err(Invalid::Repeated(name));
        }
        self.found.push(Annotation { header: name, path: path.clone() });
        Ok(())
    }
}

/// Whether the text is a token of RFC 9110, so that it can be a header name.
fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// Returns the header value for an argument; `None` for null, and for values that no annotation allows.
///
/// # Errors
///
/// The value is an integer that not every JSON implementation represents exactly.
// spec: HDR-15 HDR-16
pub(super) fn header_value(value: &Value) -> Result<Option<String>, i128> {
    Ok(match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => match integer(number) {
            Some(integer) if integer.unsigned_abs() > MAX_SAFE_INTEGER.unsigned_abs().into() => {
                return Err(integer);
            }
            integer => integer.map(|integer| integer.to_string()),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    })
}

fn integer(number: &serde_json::Number) -> Option<i128> {
    let whole = |float: f64| float.fract() == 0.0 && float.abs() < 1e30;
    number
        .as_i128()
        // JSON Schema counts a float without a fraction as an integer; the cast is exact in this range.
        .or_else(|| number.as_f64().filter(|float| whole(*float)).map(|float| float as i128))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn property(schema: &Value) -> Value {
        json!({"type": "object", "properties": {"p": schema}})
    }

    #[test]
    fn annotated_properties_are_found_at_any_depth() {
        let schema = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "x-mcp-header": {"type": "string", "default": {"x-mcp-header": ""}},
            "where": {"type": "object", "properties": {
                "shard": {"type": "integer", "x-mcp-header": "Method"}}},
        }});
        let found = annotations(&schema).unwrap();
        let found: Vec<_> = found.iter().map(|a| (a.header.as_str(), a.path.join("/"))).collect();
        assert_eq!(found, [("Region", "region".into()), ("Method", "where/shard".into())]);
    }

    // spec: HDR-06 HDR-07 HDR-08 HDR-09 HDR-10 HDR-11 HDR-25
    #[test]
    fn broken_annotations_are_named() {
        let annotated = json!({"type": "string", "x-mcp-header": "A"});
        for name in [json!(""), json!("a b"), json!("a:b"), json!("ä"), json!("a\r\nb"), json!(7)]
        {
            let schema = property(&json!({"type": "string", "x-mcp-header": name}));
            assert!(matches!(annotations(&schema), Err(Invalid::NotAToken(_))), "{schema}");
        }
        for kind in [json!("number"), json!("object"), json!(["string", "null"]), Value::Null] {
            let schema = property(&json!({"type": kind, "x-mcp-header": "A"}));
            assert!(matches!(annotations(&schema), Err(Invalid::NotPrimitive(_))), "{schema}");
        }
        let unreachable = [
            property(&json!({"type": "array", "items": annotated})),
            property(&json!({"anyOf": [annotated]})),
            json!({"$defs": {"d": annotated}}),
            json!({"if": {"properties": {"p": annotated}}}),
            annotated.clone(),
        ];
        for schema in unreachable {
            assert!(matches!(annotations(&schema), Err(Invalid::Unreachable(_))), "{schema}");
        }
        let lower = json!({"type": "boolean", "x-mcp-header": "a"});
        let schema = json!({"properties": {"p": annotated, "q": lower}});
        assert_eq!(annotations(&schema), Err(Invalid::Repeated("a".into())));
    }

    // spec: HDR-15 HDR-16 HDR-20
    #[test]
    fn values_become_text() {
        for (value, text) in [
            (json!("as is "), Some("as is ")),
            (json!(""), Some("")),
            (json!(-7), Some("-7")),
            (json!(42.0), Some("42")),
            (json!(true), Some("true")),
            (json!(9_007_199_254_740_991_i64), Some("9007199254740991")),
            (json!(null), None),
            (json!(1.5), None),
        ] {
            assert_eq!(header_value(&value).unwrap().as_deref(), text, "{value}");
        }
        assert!(header_value(&json!(9_007_199_254_740_992_i64)).is_err());
        assert!(header_value(&json!(u64::MAX)).is_err());
    }
}
