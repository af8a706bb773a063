//! The results that the server gives, made once.

use crate::plan::Work;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::LazyLock;

pub const MIB: usize = 1024 * 1024;

/// How many tools a page has, and how many pages there are.
pub const PAGE: usize = 100;
pub const PAGES: usize = 10;

/// The structured output of the tool `structured`: 348 kB of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Rows {
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Row {
    pub id: u64,
    pub name: String,
    pub score: f64,
    pub tags: Vec<String>,
}

pub const ECHO: &str = r#"{"resultType":"complete","content":[{"type":"text","text":"hello"}]}"#;

/// What is said of the server in the two eras.
pub const DISCOVER: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"resources":{}},"ttlMs":0,"cacheScope":"private"}"#;
pub const INITIALIZE: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"resources":{}},"serverInfo":{"name":"neutral","version":"1"}}"#;

pub fn rows(count: u64) -> Rows {
    let row = |id| Row {
        id,
        name: format!("row number {id}"),
        score: id as f64 * 0.5,
        tags: vec!["alpha".to_owned(), "beta".to_owned()],
    };
    Rows { rows: (0..count).map(row).collect() }
}

pub static STRUCTURED: LazyLock<String> = LazyLock::new(|| {
    let rows = serde_json::to_string(&rows(4_250)).expect("rows have a JSON form");
    format!(r#"{{"resultType":"complete","content":[],"structuredContent":{rows}}}"#)
});

pub static TEXT_1: LazyLock<String> = LazyLock::new(|| text(MIB));
pub static TEXT_16: LazyLock<String> = LazyLock::new(|| text(16 * MIB));

/// The text that is an argument.
pub fn sent(work: Work) -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| "x".repeat(16 * MIB));
    if work == Work::Send1 { &TEXT[..MIB] } else { &TEXT }
}

fn text(size: usize) -> String {
    let text = "x".repeat(size);
    format!(r#"{{"resultType":"complete","content":[{{"type":"text","text":"{text}"}}]}}"#)
}

/// A resource of 16 MiB in base64.
pub static BLOB_16: LazyLock<String> = LazyLock::new(|| {
    let blob = "QUJD".repeat(4 * MIB);
    let contents = format!(r#"[{{"uri":"file:///blob","blob":"{blob}"}}]"#);
    format!(r#"{{"resultType":"complete","ttlMs":0,"cacheScope":"private","contents":{contents}}}"#)
});

/// The pages of `tools/list`; the cursor is the number of a page.
pub static TOOLS: LazyLock<Vec<String>> = LazyLock::new(|| (0..PAGES).map(page).collect());

fn page(number: usize) -> String {
    let tool = |index: usize| {
        json!({
            "name": format!("tool_{index}"),
            "title": format!("Tool number {index}"),
            "description": "Does something with the file at a path, and says what came of it.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "Where the file is"},
                    "depth": {"type": "integer", "minimum": 0},
                    "all": {"type": "boolean"},
                },
                "required": ["path"],
            },
            "annotations": {"readOnlyHint": true},
        })
    };
    let tools: Vec<_> = (number * PAGE..(number + 1) * PAGE).map(tool).collect();
    let mut page = json!({
        "resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": tools,
    });
    if number + 1 < PAGES {
        page["nextCursor"] = (number + 1).to_string().into();
    }
    page.to_string()
}
