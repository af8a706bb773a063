//! Schemas from Rust types.

use mcp_types::{
    elicitation::ElicitationSchema,
    schema::{NumberSchemaType, PrimitiveSchemaDefinition as Field, StringSchemaFormat},
    tools::Tool,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema matters")]
struct Booking {
    /// Who travels.
    #[schemars(length(min = 1, max = 80))]
    name: String,
    #[schemars(email)]
    email: Option<String>,
    #[serde(default)]
    insured: bool,
    #[schemars(range(min = 1, max = 9))]
    seats: u8,
    budget: Option<f64>,
    class: Option<Class>,
    meal: Meal,
    days: Vec<Day>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Class {
    First,
    Second,
}

#[derive(Deserialize, JsonSchema)]
enum Meal {
    /// Without meat.
    Vegetarian,
    Any,
}

#[derive(Deserialize, JsonSchema)]
enum Day {
    Saturday,
    Sunday,
}

fn form() -> ElicitationSchema {
    ElicitationSchema::of::<Booking>().unwrap()
}

// spec: ELI-11
#[test]
fn a_struct_becomes_a_form() {
    let form = form();
    assert_eq!(form.required.as_ref().unwrap(), &["name", "seats", "meal", "days"]);
    let Field::String(name) = &form.properties["name"] else { panic!("{form:?}") };
    assert_eq!(name.description.as_deref(), Some("Who travels."));
    assert_eq!((name.min_length, name.max_length), (Some(1), Some(80)));
    let Field::String(email) = &form.properties["email"] else { panic!("{form:?}") };
    assert_eq!(email.format, Some(StringSchemaFormat::Email));
    let Field::Boolean(insured) = &form.properties["insured"] else { panic!("{form:?}") };
    assert_eq!(insured.default, Some(false));
    let Field::Number(seats) = &form.properties["seats"] else { panic!("{form:?}") };
    assert_eq!(seats.r#type, NumberSchemaType::Integer);
    assert_eq!((seats.minimum.clone(), seats.maximum.clone()), (Some(1.into()), Some(9.into())));
    let Field::Number(budget) = &form.properties["budget"] else { panic!("{form:?}") };
    assert_eq!(budget.r#type, NumberSchemaType::Number);
    assert!(seats.extra.is_empty() && budget.extra.is_empty(), "{form:?}");
}

#[test]
fn enumerations_become_choices() {
    let form = form();
    let Field::UntitledSingleSelectEnum(class) = &form.properties["class"] else {
        panic!("{form:?}")
    };
    assert_eq!(class.r#enum, ["first", "second"]);
    let Field::TitledSingleSelectEnum(meal) = &form.properties["meal"] else { panic!("{form:?}") };
    let mut options: Vec<(&str, &str)> =
        meal.one_of.iter().map(|option| (option.r#const.as_str(), option.title.as_str())).collect();
    options.sort_unstable();
    assert_eq!(options, [("Any", "Any"), ("Vegetarian", "Without meat.")]);
    let Field::UntitledMultiSelectEnum(days) = &form.properties["days"] else { panic!("{form:?}") };
    assert_eq!(days.items.r#enum, ["Saturday", "Sunday"]);
}

#[test]
fn a_form_is_valid_in_every_revision_with_its_kinds_of_fields() {
    let reference = json!({ "$ref": "#/$defs/ElicitRequestFormParams" });
    let request = mcp_types::elicitation::ElicitRequestFormParams::new("Where to?", form());
    let request = serde_json::to_value(&request).unwrap();
    for revision in ["2025-11-25", "2026-07-28"] {
        let validator = crate::schemas::validator(revision, &reference);
        assert!(validator.is_valid(&request), "{revision}: {request:#}");
    }
}

#[test]
fn what_a_form_cannot_show_is_refused_by_name() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema matters")]
    struct Nested {
        inner: Inner,
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema matters")]
    struct Inner {
        a: String,
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema matters")]
    struct Listed {
        names: Vec<String>,
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema matters")]
    struct Open {
        anything: Value,
    }
    let error = ElicitationSchema::of::<Nested>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the field `inner` is neither a string, a number, a boolean nor a choice"
    );
    let error = ElicitationSchema::of::<Listed>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the field `names` is a list of something else than fixed values"
    );
    assert!(ElicitationSchema::of::<Open>().is_err());
    assert!(ElicitationSchema::of::<Vec<String>>().is_err());
}

#[test]
fn arguments_are_an_object() {
    let schema = Tool::input_schema_of::<Booking>().unwrap();
    assert_eq!(schema["type"], "object");
    assert!(Tool::input_schema_of::<String>().is_err());
    assert_eq!(Tool::output_schema_of::<Vec<u8>>()["type"], "array");
    assert!(Tool::output_schema_of::<Value>().get("type").is_none());
    assert_eq!(Tool::new("book", schema.clone()).input_schema, schema);
}
