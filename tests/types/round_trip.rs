//! Valid values of a revision survive decoding and encoding, and are still valid.

use crate::{
    generate::Generator,
    registry,
    same::assert_same,
    schemas::{SOURCES, definitions, typed, validator},
};
use proptest::test_runner::{Config, TestRunner};

/// Values per definition; there are some 400 definitions.
const CASES: u32 = 12;

fn runner() -> TestRunner {
    TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() })
}

// spec: MSG-19 TOOL-15 TOOL-17
#[test]
fn values_with_unknown_parts_survive() {
    for source in SOURCES {
        let generator = Generator::new(definitions(source), true);
        for definition in typed(source) {
            let entry = registry::find(&definition.type_name).unwrap();
            let context = format!("{} of {source}", entry.name);
            let values = generator.values(&definition.schema);
            let outcome = runner().run(&values, |value| {
                let written = (entry.pass)(&value.to_string())
                    .unwrap_or_else(|error| panic!("{context}: {error}\n{value:#}"));
                assert_same(&written, &value, &context);
                Ok(())
            });
            outcome.unwrap_or_else(|error| panic!("{context}: {error}"));
        }
    }
}

#[test]
fn what_is_written_is_valid_in_the_revision() {
    for source in SOURCES {
        let generator = Generator::new(definitions(source), false);
        for definition in typed(source) {
            let entry = registry::find(&definition.type_name).unwrap();
            let validator = validator(source, &definition.schema);
            let values = generator.values(&definition.schema);
            let outcome = runner().run(&values, |value| {
                let text = value.to_string();
                assert_typed(&(entry.debug)(&text).unwrap());
                let written = (entry.pass)(&text).unwrap();
                if let Err(error) = validator.validate(&written) {
                    panic!("{} of {source}: {error}\n{written:#}", entry.name);
                }
                Ok(())
            });
            outcome.unwrap();
        }
    }
}

/// Asserts that every part of a value was decoded to the type in the schema: nothing is unknown, and no known member is
/// in `extra`. Members that the generator invents begin with `x` or `com`.
fn assert_typed(debug: &str) {
    // These are open sets, for which the schema lists no values.
    let debug =
        debug.replace("stop_reason: Some(Unknown(", "").replace("result_type: Some(Unknown(", "");
    assert!(!debug.contains("Unknown("), "{debug}");
    for (start, found) in debug.match_indices("Extra(Some({\"") {
        let name = &debug[start + found.len()..];
        assert!(name.starts_with('x') || name.starts_with("com."), "{debug}");
    }
}
