//! The output equals that of serde_json.

use super::write;
use proptest::prelude::*;
use serde::{Serialize, Serializer};
use serde_json::{Value, value::RawValue};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

/// Returns the text, or the message of the error.
fn written<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    let mut out = b"before".to_vec();
    let outcome = write(value, &mut out).map_err(|error| error.to_string());
    let out = String::from_utf8(out).unwrap();
    let text = out.strip_prefix("before").unwrap();
    assert!(outcome.is_ok() || text.is_empty(), "something is left: {text}");
    outcome.map(|()| text.to_owned())
}

#[track_caller]
fn check<T: Serialize + ?Sized>(value: &T) {
    assert_eq!(written(value), serde_json::to_string(value).map_err(|error| error.to_string()));
}

#[derive(Clone, Debug, Serialize)]
struct Unit;

#[derive(Clone, Debug, Serialize)]
struct Newtype(f32);

#[derive(Clone, Debug, Serialize)]
struct Pair(u8, i128);

#[derive(Clone, Debug, Serialize)]
enum External {
    Unit,
    Newtype(Option<String>),
    Tuple(u128, char),
    #[serde(rename = "a \"struct\"")]
    Struct {
        #[serde(skip_serializing_if = "Option::is_none")]
        a: Option<f64>,
        b: Box<Self>,
    },
    Empty {},
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Internal {
    Unit,
    Struct { some_name: i64 },
    Newtype(BTreeMap<String, bool>),
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Unit,
    Tuple(i8, u64),
    Struct { x: () },
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Untagged {
    Unit,
    Number(f64),
    Struct { x: Vec<Self> },
}

#[derive(Clone, Debug, Serialize)]
struct Flat {
    first: u16,
    #[serde(flatten)]
    inner: BTreeMap<String, Value>,
    #[serde(flatten)]
    tagged: Internal,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
enum Key {
    Unit,
    Newtype(u8),
}

#[derive(Clone, Debug, Serialize)]
struct All {
    unit: Unit,
    newtype: Newtype,
    pair: Pair,
    external: Vec<External>,
    internal: Internal,
    adjacent: Adjacent,
    untagged: Untagged,
    flat: Flat,
    value: Value,
    integers: BTreeMap<i64, (bool, u32)>,
    chars: BTreeMap<char, [i16; 2]>,
    truths: BTreeMap<bool, ()>,
    options: BTreeMap<Option<String>, Unit>,
    keys: BTreeMap<Key, u8>,
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        r#"[ -~\n\t"\\]{0,200}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn external() -> impl Strategy<Value = External> {
    let leaf = prop_oneof![
        Just(External::Unit),
        Just(External::Empty {}),
        any::<Option<String>>().prop_map(External::Newtype),
        any::<(u128, char)>().prop_map(|(a, b)| External::Tuple(a, b)),
    ];
    leaf.prop_recursive(3, 8, 1, |inner| {
        (any::<Option<f64>>(), inner).prop_map(|(a, b)| External::Struct { a, b: Box::new(b) })
    })
}

fn internal() -> impl Strategy<Value = Internal> {
    prop_oneof![
        Just(Internal::Unit),
        any::<i64>().prop_map(|some_name| Internal::Struct { some_name }),
        any::<BTreeMap<String, bool>>().prop_map(Internal::Newtype),
    ]
}

fn adjacent() -> impl Strategy<Value = Adjacent> {
    prop_oneof![
        Just(Adjacent::Unit),
        Just(Adjacent::Struct { x: () }),
        any::<(i8, u64)>().prop_map(|(a, b)| Adjacent::Tuple(a, b)),
    ]
}

fn untagged() -> impl Strategy<Value = Untagged> {
    let leaf = prop_oneof![Just(Untagged::Unit), any::<f64>().prop_map(Untagged::Number)];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop::collection::vec(inner, 0..3).prop_map(|x| Untagged::Struct { x })
    })
}

fn all() -> impl Strategy<Value = All> {
    let enums = (prop::collection::vec(external(), 0..3), internal(), adjacent(), untagged());
    let flat =
        (any::<u16>(), prop::collection::btree_map(any::<String>(), values(), 0..3), internal());
    let maps = (
        any::<BTreeMap<i64, (bool, u32)>>(),
        any::<BTreeMap<char, [i16; 2]>>(),
        any::<BTreeMap<bool, ()>>(),
    );
    let keys = (any::<Option<Option<String>>>(), any::<Option<bool>>());
    let plain = (any::<f32>(), any::<(u8, i128)>(), values());
    (enums, flat, maps, keys, plain).prop_map(|(enums, flat, maps, keys, plain)| All {
        unit: Unit,
        newtype: Newtype(plain.0),
        pair: Pair(plain.1.0, plain.1.1),
        external: enums.0,
        internal: enums.1,
        adjacent: enums.2,
        untagged: enums.3,
        flat: Flat { first: flat.0, inner: flat.1, tagged: flat.2 },
        value: plain.2,
        integers: maps.0,
        chars: maps.1,
        truths: maps.2,
        options: keys.0.into_iter().map(|key| (key, Unit)).collect(),
        keys: keys
            .1
            .into_iter()
            .map(|unit| (if unit { Key::Unit } else { Key::Newtype(1) }, 0))
            .collect(),
    })
}

proptest! {
    #[test]
    fn any_value_is_written_as_serde_json_writes_it(value in values()) {
        let expected = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(written(&value), Ok(expected));
    }

    #[test]
    fn any_type_is_written_as_serde_json_writes_it(value in all()) {
        let expected = serde_json::to_string(&value).map_err(|error| error.to_string());
        prop_assert_eq!(written(&value), expected);
    }
}

#[test]
fn numbers_are_written_with_all_their_digits() {
    check(&[f64::MIN_POSITIVE, f64::MAX, -0.0, 1e21, 1e-7, 0.1 + 0.2, f64::NAN, f64::INFINITY]);
    check(&[f32::MIN_POSITIVE, f32::MAX, -0.0, 16_777_216.0, 0.1, f32::NAN]);
    check(&(i128::MIN, u128::MAX, i64::MIN, u64::MAX, i8::MIN, u8::MAX));
}

#[test]
fn keys_are_strings_or_become_strings_or_are_errors() {
    struct Pairs<K>(Vec<K>);
    impl<K: Serialize> Serialize for Pairs<K> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|key| (key, "value")))
        }
    }
    check(&Pairs(vec!["a", "\"", "", "1"]));
    check(&Pairs(vec![1.5_f64, -1e300, 0.0]));
    check(&Pairs(vec![i128::MIN, 7]));
    check(&Pairs(vec![Newtype(1.0)]));
    check(&Pairs(vec![Some('x'), Some('\n')]));
    check(&Pairs(vec![format_args!("{}\n", 1)]));
    check(&Pairs(vec![f32::NAN]));
    check(&Pairs(vec![f64::NEG_INFINITY]));
    check(&Pairs(vec![None::<String>]));
    check(&Pairs(vec![()]));
    check(&Pairs(vec![Unit]));
    check(&Pairs(vec![[1]]));
    check(&Pairs(vec![Pair(1, 2)]));
    check(&Pairs(vec![Key::Newtype(1)]));
    check(&Pairs(vec![BTreeMap::from([("a", 1)])]));
    check(&Pairs(vec![External::Empty {}]));
    check(&Pairs(vec![RawValue::from_string("\"a\"".to_owned()).unwrap()]));
}

#[test]
fn text_that_is_json_already_is_written_as_it_is() {
    let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    check(&raw("{ \"a\" : [1e400, \"\\u00e9\" ] }"));
    check(&BTreeMap::from([("a", vec![raw(" 1.0 "), raw("null")])]));
    check(&External::Struct { a: None, b: Box::new(External::Unit) });
    check(&(raw("[]"), "a \"string\" after it", raw("{}")));
}

#[test]
fn what_is_shown_is_escaped_part_by_part() {
    struct Shown;
    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a\"")?;
            f.write_str("")?;
            f.write_str("\n\u{7f}\u{1f600}\u{0}")
        }
    }
    impl Serialize for Shown {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }
    check(&Shown);
    check(&HashMap::from([(1, Shown)]));
}

#[test]
fn bytes_are_numbers_and_an_error_of_a_value_is_told() {
    struct Bytes;
    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&[0, 255])
        }
    }
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("it is \"broken\""))
        }
    }
    check(&Bytes);
    check(&(1, Broken));
    check(&External::Newtype(None));
}

#[test]
fn what_has_nothing_in_it_is_closed_whatever_was_announced() {
    struct Announced(Option<usize>);
    impl Serialize for Announced {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            serializer.serialize_seq(self.0)?.end()
        }
    }
    check(&[Announced(None), Announced(Some(0)), Announced(Some(5))]);
    check(&(Vec::<u8>::new(), BTreeMap::<String, u8>::new(), ()));
}
