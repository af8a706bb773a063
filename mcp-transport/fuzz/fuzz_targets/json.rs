//! Values are taken as serde_json takes them, and give what it makes of them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_types::RawJson;
use serde_json::{Value, value::RawValue};

fuzz_target!(|bytes: &[u8]| {
    let expected: Option<&RawValue> = serde_json::from_slice(bytes).ok();
    let parsed = RawJson::parse(bytes.to_vec()).ok();
    assert_eq!(parsed.as_ref().map(RawJson::as_str), expected.map(RawValue::get));
    let Some(raw) = parsed else { return };
    let value: Option<Value> = serde_json::from_slice(bytes).ok();
    assert_eq!(raw.decode::<Value>().ok(), value);
});
