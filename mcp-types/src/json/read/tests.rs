//! Values of many types, read here and by serde_json.

use super::SHORT;
use crate::json::Lifted;
use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// Returns the message of an error, without its position.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, serde_json::Error> {
    super::read(text.as_bytes())
}

/// Checks that all readers return the same value, or the same error.
#[track_caller]
fn compare<T: DeserializeOwned + fmt::Debug>(text: &str) {
    let shown = |outcome: Result<T, serde_json::Error>| match outcome {
        Ok(value) => format!("{value:?}"),
        Err(error) => reason(&error),
    };
    assert_eq!(shown(read(text)), shown(serde_json::from_str(text)), "{text}");
    let long = [text, &" ".repeat(SHORT)].concat();
    assert_eq!(shown(read(&long)), shown(serde_json::from_str(text)), "{text}");
    if let Ok(lifted) = Lifted::take(text.to_owned().into(), 0) {
        let (lifted, read) = (lifted.read::<T>(), read::<T>(text));
        let place = |read: &Result<T, serde_json::Error>| {
            read.as_ref().err().map(|error| (error.line(), error.column()))
        };
        assert_eq!(place(&lifted), place(&read), "{text}");
        assert_eq!(shown(lifted), shown(read), "{text}");
    }
}

#[derive(Debug, Deserialize, Serialize)]
struct Named {
    #[serde(default)]
    number: Option<f64>,
    text: String,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    one: u8,
    two: (i16, bool),
}

#[derive(Debug, Deserialize, Serialize)]
struct Wrapped(Vec<Option<u64>>);

#[derive(Debug, Deserialize, Serialize)]
struct Unit;

#[derive(Debug, Deserialize, Serialize)]
enum Either {
    Nothing,
    One(i32),
    Two(String, char),
    More { inner: Box<Self> },
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Shape {
    Flag(bool),
    Number(f32),
    List(Vec<Self>),
    Text(String),
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Tagged {
    Text { text: String },
    Big { number: i64 },
}

/// Decodes the text as each of many types.
#[track_caller]
fn compare_all(text: &str) {
    compare::<Value>(text);
    compare::<Named>(text);
    compare::<Strict>(text);
    compare::<Wrapped>(text);
    compare::<Unit>(text);
    compare::<Either>(text);
    compare::<Vec<Either>>(text);
    compare::<Shape>(text);
    compare::<Tagged>(text);
    compare::<String>(text);
    compare::<(u8, String)>(text);
    compare::<Option<i8>>(text);
    compare::<BTreeMap<i32, Value>>(text);
    compare::<BTreeMap<u128, Option<Unit>>>(text);
    compare::<BTreeMap<Option<String>, f32>>(text);
    compare::<Box<RawValue>>(text);
    compare::<BTreeMap<String, Box<RawValue>>>(text);
    compare::<f64>(text);
    compare::<u64>(text);
    compare::<i128>(text);
}

#[test]
fn every_kind_of_type_is_read_as_by_serde() {
    for text in [
        "null",
        "true",
        " [ ] ",
        "[1, null, 2]",
        r#"[1,"a"]"#,
        r#"[1,"a",2]"#,
        "{}",
        r#"{"text":"a\nb","number":1.5,"x":{"y":[1e3]}}"#,
        r#"{"text":"t","text":"u"}"#,
        r#"{"one":1,"two":[-2,false]}"#,
        r#"{"one":300,"two":[-2,false]}"#,
        r#"{"one":1,"two":[-2,false],"three":3}"#,
        r#"{"number":"x","text":"t"}"#,
        r#""Nothing""#,
        r#"{"One":-5}"#,
        r#"[{"Two":["a","b"]},"Nothing",{"More":{"inner":{"One":1}}}]"#,
        r#"{"Three":1}"#,
        r#"{"type":"text","text":"t"}"#,
        r#"{"number":7,"type":"big"}"#,
        r#"{"1":[],"-2":{}}"#,
        r#"{"a":1}"#,
        r#"{"true":null,"false":null}"#,
        r#"{"12":null,"99999999999999999999999":null}"#,
        r#"[[true,[0.5,"x"]],[]]"#,
    ] {
        compare_all(text);
    }
    compare::<BTreeMap<bool, ()>>(r#"{"true":null,"false":null}"#);
}

#[test]
fn every_number_is_read_as_by_serde() {
    for text in [
        "0",
        "-0",
        "-0.0",
        "7",
        "-7",
        "255",
        "256",
        "-128",
        "1.0",
        "1e2",
        "-1.5E-3",
        "0.1",
        "1e400",
        "-1e400",
        "999999999999999999",
        "1000000000000000000",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "123456789.123456789",
        "2.2250738585072014e-308",
        "340282366920938463463374607431768211456",
    ] {
        compare_all(text);
        compare_all(&format!("[{text}]"));
        compare_all(&format!(r#"{{"number":{text},"text":""}}"#));
    }
}

#[test]
fn every_string_is_read_as_by_serde() {
    for text in [
        "",
        "plain",
        r#"\"\\\/\b\f\n\r\t"#,
        r"\u00e9 \uD83D\uDE00 é \u0000",
        r"more \ud83d",
        r"\udc00",
        r"\ud83d\u0041",
        "é日本語, and so much more that it does not fit a few words\\n",
    ] {
        compare_all(&format!("\"{text}\""));
        compare_all(&format!("[1,\"{text}\"]"));
        compare_all(&format!("{{\"text\":\"{text}\",\"{text}\":1}}"));
    }
}

#[test]
fn what_has_no_escapes_is_borrowed() {
    let text = r#"{"a":"plain","b":["x\ty"]}"#;
    let map: BTreeMap<&str, Value> = read(text).unwrap();
    assert_eq!(map.keys().copied().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(read::<&str>(r#""plain""#).unwrap(), "plain");
    assert!(read::<&str>(r#""x\ty""#).is_err());
    assert_eq!(read::<Cow<'_, str>>(r#""x\ty""#).unwrap(), "x\ty");
    let raw: &RawValue = read(" [1, 2] ").unwrap();
    assert_eq!(raw.get(), "[1, 2]");
}

#[test]
fn depth_has_the_limit_of_serde() {
    for depth in [1, 126, 127, 128, 1_000, 100_000] {
        compare::<Value>(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        compare::<Value>(&format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth)));
    }
    let many = vec!["[[]]"; 500].join(",");
    compare::<Value>(&format!("[{many}]"));
}

#[test]
fn an_error_says_where_it_is() {
    let text = "{\"one\": 1,\n \"two\": [1, 2]}";
    let error = read::<Strict>(text).unwrap_err();
    assert_eq!(reason(&error), "invalid type: integer `2`, expected a boolean");
    assert_eq!((error.line(), error.column()), (2, 13));
}

#[test]
fn text_that_is_no_json_does_no_harm() {
    for text in [
        "",
        "[",
        "[1",
        "[1,",
        "{",
        r#"{"a"#,
        r#"{"a""#,
        r#"{"a":"#,
        r#"{"a":1"#,
        "tru",
        "\"a",
        "-",
        "}",
        "[}",
        "1]",
    ] {
        assert!(read::<Value>(text).is_err(), "{text}");
        assert!(read::<BTreeMap<u8, Either>>(text).is_err(), "{text}");
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-1_000..1_000_i64).prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[a-z\\n\"\\\\]{0,200}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("[a-c]{0,12}|.{0,3}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_was_written_is_read(value in value()) {
        let text = value.to_string();
        prop_assert_eq!(read::<Value>(&text).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        prop_assert_eq!(read::<Value>(&format!("{value:#}")).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn all_types_are_read_as_by_serde(value in value()) {
        compare_all(&value.to_string());
    }

    #[test]
    fn every_key_is_read_as_by_serde(key in "-?[0-9]{0,3}([ .eE+:n-]?[0-9]{0,3}){0,2}|.{0,3}") {
        compare_all(&format!("{{{}:7}}", Value::from(key)));
    }
}
