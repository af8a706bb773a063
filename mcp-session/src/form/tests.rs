//! Which values fit which forms.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn form(properties: &Value, required: &[&str]) -> ElicitationSchema {
    let schema = json!({"type": "object", "properties": properties, "required": required});
    serde_json::from_value(schema).unwrap()
}

#[track_caller]
fn reason(schema: &Value, value: Value) -> String {
    let form = form(&json!({"x": schema}), &[]);
    let mut content = JsonObject::new();
    content.insert("x".into(), value);
    check(&form, &content)
        .err()
        .map(|error| error.fields()[0].reason().to_owned())
        .unwrap_or_default()
}

// spec: ELI-11
#[test]
fn a_value_keeps_to_the_rules_of_its_field() {
    let options = json!([{"const": "a", "title": "A"}, {"const": "b", "title": "B"}]);
    let text = json!({"type": "string", "minLength": 2, "maxLength": 3});
    let whole = json!({"type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_993_i64});
    let several = json!({"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string", "enum": ["a", "b"]}});
    let cases = [
        (&text, json!("äöü"), ""),
        (&text, json!("ä"), "must have at least 2 characters"),
        (&text, json!("abcd"), "must have at most 3 characters"),
        (&text, json!(12), "must be a text"),
        (
            &json!({"type": "string", "format": "date"}),
            json!("x"),
            "must be a date, like 2026-07-28",
        ),
        (&json!({"type": "string", "format": "color"}), json!("x"), ""),
        (&json!({"type": "string", "pattern": "^[a-z]+$"}), json!("abc"), ""),
        (
            &json!({"type": "string", "pattern": "^[a-z]+$"}),
            json!("aBc"),
            "must match \"^[a-z]+$\"",
        ),
        (&json!({"type": "string", "pattern": "(?!a)"}), json!("a"), ""),
        (&whole, json!(5.0), ""),
        (&whole, json!(5.5), "must be a whole number"),
        (&whole, json!(-1), "must be at least 0"),
        (&whole, json!(9_007_199_254_740_994_i64), "must be at most 9007199254740993"),
        (&whole, json!("5"), "must be a number"),
        (&json!({"type": "number", "minimum": 0.5}), json!(0.4), "must be at least 0.5"),
        (&json!({"type": "boolean"}), json!(true), ""),
        (&json!({"type": "boolean"}), json!("true"), "must be true or false"),
        (&json!({"type": "string", "enum": ["a", "b"]}), json!("b"), ""),
        (&json!({"type": "string", "enum": ["a", "b"]}), json!("c"), r#"must be "a" or "b""#),
        (
            &json!({"type": "string", "enum": ["a"], "enumNames": ["A"]}),
            json!("A"),
            r#"must be "a""#,
        ),
        (&json!({"type": "string", "oneOf": options}), json!("A"), r#"must be "a" or "b""#),
        (&several, json!(["b", "a"]), ""),
        (&several, json!([]), "must have at least 1 values"),
        (&several, json!(["a", "b", "a"]), "must have at most 2 values"),
        (&several, json!(["c"]), r#"must have no values but "a" or "b""#),
        (&several, json!("a"), "must be a list"),
        (
            &json!({"type": "array", "items": {"anyOf": options}}),
            json!(["a", 1]),
            r#"must have no values but "a" or "b""#,
        ),
        (&json!({"type": "string", "minLength": "two"}), json!("a"), ""),
        (&json!({"type": "string", "minLength": "two"}), json!(1), "must be a text"),
        (&json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), json!(null), ""),
    ];
    for (schema, value, expected) in cases {
        assert_eq!(reason(schema, value.clone()), expected, "{schema} {value}");
    }
}

// spec: ELI-11
#[test]
fn every_field_that_is_wrong_is_named() {
    let form = form(&json!({"a": {"type": "string"}, "b": {"type": "boolean"}}), &["a", "b"]);
    let Value::Object(content) = json!({"b": 1, "c": 2}) else { unreachable!() };
    let error = check(&form, &content).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`a` is missing; `b` must be true or false; `c` is not a field of the form"
    );
    let names: Vec<_> = error.fields().iter().map(InvalidField::name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let many: JsonObject = (0..20).map(|index| (index.to_string(), Value::Null)).collect();
    assert!(check(&form, &many).unwrap_err().to_string().ends_with("; and 14 more"));
}

// spec: ELI-10
#[test]
fn defaults_are_of_every_kind_and_fit_their_fields() {
    let options = json!([{"const": "a", "title": "A"}]);
    let form = form(
        &json!({
            "text": {"type": "string", "default": "t"},
            "number": {"type": "number", "default": 1.5},
            "whole": {"type": "integer", "default": 3},
            "yes": {"type": "boolean", "default": false},
            "old": {"type": "string", "enum": ["a"], "enumNames": ["A"], "default": "a"},
            "one": {"type": "string", "enum": ["a"], "default": "a"},
            "titled": {"type": "string", "oneOf": options, "default": "a"},
            "some": {"type": "array", "items": {"type": "string", "enum": ["a"]}, "default": ["a"]},
            "titles": {"type": "array", "items": {"anyOf": options}, "default": []},
            "odd": {"anyOf": [{"type": "null"}], "default": 7},
            "none": {"anyOf": [{"type": "null"}], "default": null},
            "broken": {"type": "integer", "minimum": 2, "default": 1},
            "plain": {"type": "string"},
        }),
        &[],
    );
    let expected = json!({
        "text": "t", "number": 1.5, "whole": 3, "yes": false, "old": "a", "one": "a", "titled": "a",
        "some": ["a"], "titles": [], "odd": 7,
    });
    assert_eq!(Value::from(defaults(&form)), expected);
    let Value::Object(mut content) = json!({"text": "mine", "whole": 0}) else { unreachable!() };
    fill_in(&form, &mut content);
    assert_eq!((&content["text"], &content["whole"]), (&json!("mine"), &json!(0)));
    assert_eq!(content.len(), 10);
}

// spec: ELI-23
#[test]
fn a_form_is_flat() {
    let items = json!({"type": "array", "items": {"type": "object"}});
    for (schema, is_flat) in [
        (json!({"type": "object", "properties": {}}), false),
        (items, false),
        (json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), true),
        (json!({"type": "string"}), true),
    ] {
        assert_eq!(check_flat(&form(&json!({"x": schema}), &[])).is_ok(), is_flat, "{schema}");
    }
}

fn any_field() -> impl Strategy<Value = Value> {
    let limit = || prop::option::of(0..4_i64);
    let choices = || prop::collection::vec("[ab]{1,2}", 1..4);
    let with = |mut schema: Value, limits: [(&str, Option<i64>); 2]| {
        for (name, limit) in limits {
            if let Some(limit) = limit {
                schema[name] = limit.into();
            }
        }
        schema
    };
    prop_oneof![
        (limit(), limit()).prop_map(move |(least, most)| with(
            json!({"type": "string"}),
            [("minLength", least), ("maxLength", most)]
        )),
        (prop::bool::ANY, limit(), limit()).prop_map(move |(whole, least, most)| with(
            json!({"type": if whole { "integer" } else { "number" }}),
            [("minimum", least), ("maximum", most)]
        )),
        Just(json!({"type": "boolean"})),
        choices().prop_map(|choices| json!({"type": "string", "enum": choices})),
        choices().prop_map(|choices| {
            let options = choices.iter().map(|choice| json!({"const": choice, "title": "T"}));
            json!({"type": "string", "oneOf": options.collect::<Vec<_>>()})
        }),
        (choices(), limit(), limit()).prop_map(move |(choices, least, most)| with(
            json!({"type": "array", "items": {"type": "string", "enum": choices}}),
            [("minItems", least), ("maxItems", most)]
        )),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        prop::bool::ANY.prop_map(Value::from),
        (-1..5_i64).prop_map(Value::from),
        (-1.0..5.0_f64).prop_map(Value::from),
        Just(json!(3.0)),
        "[abä]{0,4}".prop_map(Value::from),
        prop::collection::vec("[ab]{1,2}", 0..4).prop_map(Value::from),
        Just(json!({})),
    ]
}

/// An independent implementation of the same subset of JSON Schema, written straight from the schema's text.
fn allows(schema: &Value, value: &Value) -> bool {
    let limit = |name: &str| schema[name].as_f64();
    let within = |size: f64, least: &str, most: &str| {
        limit(least).is_none_or(|it| size >= it) && limit(most).is_none_or(|it| size <= it)
    };
    let is_chosen = |schema: &Value, value: &Value| {
        let consts = schema["oneOf"].as_array().into_iter().flatten().map(|it| &it["const"]);
        schema["enum"].as_array().into_iter().flatten().chain(consts).any(|it| it == value)
    };
    match (schema["type"].as_str().unwrap(), value) {
        ("string", Value::String(_)) if !schema["enum"].is_null() || !schema["oneOf"].is_null() => {
            is_chosen(schema, value)
        }
        ("string", Value::String(text)) => {
            within(text.chars().count() as f64, "minLength", "maxLength")
        }
        ("boolean", Value::Bool(_)) => true,
        (kind @ ("number" | "integer"), Value::Number(number)) => {
            let number = number.as_f64().unwrap();
            (kind == "number" || number.fract() == 0.0) && within(number, "minimum", "maximum")
        }
        ("array", Value::Array(items)) => {
            within(items.len() as f64, "minItems", "maxItems")
                && items.iter().all(|item| is_chosen(&schema["items"], item))
        }
        _ => false,
    }
}

proptest! {
    // spec: ELI-11
    #[test]
    fn a_form_takes_exactly_what_its_schema_allows(schema in any_field(), value in any_value()) {
        let is_taken = reason(&schema, value.clone()).is_empty();
        prop_assert_eq!(is_taken, allows(&schema, &value), "{} {}", schema, value);
    }

    // spec: ELI-10 ELI-11
    #[test]
    fn a_form_that_is_filled_in_with_defaults_alone_is_right_where_all_have_one(
        fields in prop::collection::btree_map("[a-z]{1,3}", (any_field(), any_value()), 0..6),
    ) {
        let with_default = fields.iter().map(|(name, (schema, default))| {
            let mut schema = schema.clone();
            schema["default"] = default.clone();
            (name.clone(), schema)
        });
        let form = form(&Value::Object(with_default.collect()), &[]);
        let content = defaults(&form);
        prop_assert!(check(&form, &content).is_ok());
        for (name, (schema, default)) in &fields {
            let expected = allows(schema, default).then_some(default);
            prop_assert_eq!(content.get(name), expected, "{} {}", schema, default);
        }
    }

    #[test]
    fn no_schema_and_no_answer_makes_the_check_panic(
        text in "\\PC{0,20}", pattern in "\\PC{0,20}", least in any::<i64>(), most in any::<i64>(),
    ) {
        let schema = json!({"type": "string", "minLength": least, "maxLength": most, "pattern": pattern});
        reason(&schema, text.clone().into());
        for format in ["date", "date-time", "email", "uri", "other"] {
            reason(&json!({"type": "string", "format": format}), text.clone().into());
        }
    }
}
