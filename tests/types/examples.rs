//! The examples of the specification survive a round trip.

use crate::{registry, same::assert_same};
use mcp_types::{ErrorObject, revision, rpc::Message};
use serde_json::{Value, json};
use std::{fs, path::Path};

const EXAMPLES: &str = "../../shared/schema/2026-07-28/examples";

// spec: MSG-01 MSG-19
#[test]
fn every_example_of_the_specification_survives() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLES);
    let Ok(types) = fs::read_dir(&directory) else {
        println!("skipped: the examples of the specification are not beside the repository");
        return;
    };
    let mut count = 0;
    for entry in types {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        for file in fs::read_dir(entry.path()).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            check(&name, &text);
            count += 1;
        }
    }
    assert!(count > 100, "only {count} examples");
}

fn check(name: &str, text: &str) {
    let value: Value = serde_json::from_str(text).unwrap();
    if value.get("jsonrpc").is_some() {
        check_message(text, &value);
    }
    if name.ends_with("Error") {
        return check_error(name, value.get("error").unwrap_or(&value));
    }
    if let Some(result) = name.strip_suffix("Response").filter(|name| name.ends_with("Result")) {
        return check_type(result, &value["result"]);
    }
    match value.get("method") {
        Some(method) => {
            let method = method.as_str().unwrap();
            let is_known = |known: &revision::Method| (known.name, known.params) == (method, name);
            assert!(revision::methods().iter().any(is_known), "{name} is {method}");
            check_type(name, value.get("params").unwrap_or(&json!({})));
        }
        None => check_type(name, &value),
    }
}

fn check_message(text: &str, value: &Value) {
    let message = Message::decode(&text.to_owned().into()).unwrap();
    let mut encoded = Vec::new();
    message.encode(&mut encoded);
    assert_same(&serde_json::from_slice(&encoded).unwrap(), value, text);
}

fn check_error(name: &str, error: &Value) {
    let object: ErrorObject = serde_json::from_value(error.clone()).unwrap();
    assert_same(&serde_json::to_value(&object).unwrap(), error, name);
    let stem = name.strip_suffix("Error").unwrap();
    if let (Some(data), Some(entry)) = (object.data, registry::find(&format!("{stem}Data"))) {
        assert_same(&(entry.pass)(&data.to_string()).unwrap(), &data, name);
    }
}

fn check_type(name: &str, value: &Value) {
    let name = match name {
        // Requests share these parameters.
        "PaginatedRequestParams" => "ListToolsRequest",
        "ElicitRequestURLParams" => "ElicitRequestUrlParams",
        name => name,
    };
    let parameters = name.strip_suffix("Params").and_then(registry::find);
    let entry = registry::find(name).or(parameters).unwrap_or_else(|| panic!("no type {name}"));
    let written = (entry.pass)(&value.to_string()).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_same(&written, value, name);
}
