//! The speed of reading lists and results, compared with plain derived structs. Prints, and asserts nothing about time:
//! `cargo test --release -p conformance --test types throughput -- --nocapture`.

use mcp_types::tools::{CallToolResult, ListToolsResult};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::{hint::black_box, time::Instant};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlainList {
    tools: Vec<PlainTool>,
    next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlainTool {
    name: String,
    title: Option<String>,
    description: Option<String>,
    input_schema: Map<String, Value>,
    annotations: Option<PlainAnnotations>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlainAnnotations {
    read_only_hint: Option<bool>,
    idempotent_hint: Option<bool>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlainResult {
    content: Vec<PlainContent>,
    is_error: Option<bool>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum PlainContent {
    Text {
        text: String,
    },
    Image {
        data: String,
        #[serde(rename = "mimeType")]
        mime_type: String,
    },
}

fn tools() -> String {
    let tool = |index: usize| {
        json!({
            "name": format!("tool_{index}"),
            "title": "A tool",
            "description": "Does something that takes a sentence to explain, with an example.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "city": { "type": "string", "description": "Where." },
                    "days": { "type": "integer", "minimum": 1, "maximum": 14 },
                },
                "required": ["city"],
            },
            "annotations": { "readOnlyHint": true, "idempotentHint": false },
        })
    };
    json!({ "tools": (0..100).map(tool).collect::<Vec<_>>(), "nextCursor": "more" }).to_string()
}

fn small_result() -> String {
    json!({ "content": [{ "type": "text", "text": "72 degrees, partly cloudy" }], "isError": false })
        .to_string()
}

fn large_result() -> String {
    let text = "A line of text that a tool has written.\n".repeat(25_000);
    json!({ "content": [{ "type": "text", "text": text }] }).to_string()
}

/// Returns the nanoseconds per pass, the best of a few rounds.
fn best<T>(mut pass: impl FnMut() -> T, bytes: usize) -> f64 {
    let passes = (200_000 / bytes).clamp(1, 2_000);
    let mut round = || {
        let start = Instant::now();
        for _ in 0..passes {
            black_box(pass());
        }
        start.elapsed().as_nanos() as f64 / passes as f64
    };
    (0..20).map(|_| round()).fold(f64::INFINITY, f64::min)
}

/// Prints one line of the comparison.
fn compare<T: DeserializeOwned + Serialize, P: DeserializeOwned + Serialize>(text: &str) -> String {
    let (typed, derived): (T, P) =
        (serde_json::from_str(text).unwrap(), serde_json::from_str(text).unwrap());
    let read = [
        best(|| serde_json::from_str::<T>(text).unwrap(), text.len()),
        best(|| serde_json::from_str::<P>(text).unwrap(), text.len()),
    ];
    let write = [
        best(|| serde_json::to_vec(&typed).unwrap(), text.len()),
        best(|| serde_json::to_vec(&derived).unwrap(), text.len()),
    ];
    let tell = |[ours, plain]: [f64; 2]| {
        format!("{ours:.0} ns, plain {plain:.0} ns, ratio {:.2}", ours / plain)
    };
    format!("read {}; write {}", tell(read), tell(write))
}

#[test]
fn reading_is_about_as_fast_as_a_derived_struct() {
    println!("100 tools: {}", compare::<ListToolsResult, PlainList>(&tools()));
    println!("a small result: {}", compare::<CallToolResult, PlainResult>(&small_result()));
    println!("a result of 1 MB: {}", compare::<CallToolResult, PlainResult>(&large_result()));
}
