//! What a client could be at best: no library, requests that are ready, one look at the answer for id and result.

pub mod http;
pub mod stream;

use crate::{payload::Rows, plan::Work};
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A response, its result unread.
#[derive(Deserialize)]
pub struct Response<'a> {
    #[serde(default)]
    pub id: Option<u64>,
    #[serde(borrow)]
    pub result: Option<&'a RawValue>,
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Structured {
    structured_content: Rows,
}

#[derive(Deserialize)]
struct Content {
    content: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

#[derive(Deserialize)]
struct Contents {
    contents: Vec<Blob>,
}

#[derive(Deserialize)]
struct Blob {
    blob: String,
}

/// The tools of a page, and where the next one is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    tools: Vec<serde_json::Value>,
    next_cursor: Option<String>,
}

/// Reads a result as the work needs it; gives the cursor of the next page.
pub fn read(work: Work, line: &[u8]) -> Result<Option<String>> {
    let response: Response<'_> = serde_json::from_slice(line)?;
    let result = response.result.context("an error instead of a result")?.get();
    let size = match work {
        Work::Structured => {
            serde_json::from_str::<Structured>(result)?.structured_content.rows.len()
        }
        Work::Text1 | Work::Text16 => {
            serde_json::from_str::<Content>(result)?.content.iter().map(|it| it.text.len()).sum()
        }
        Work::Blob16 => {
            serde_json::from_str::<Contents>(result)?.contents.iter().map(|it| it.blob.len()).sum()
        }
        Work::List => {
            let page = serde_json::from_str::<Page>(result)?;
            anyhow::ensure!(!page.tools.is_empty(), "an empty page");
            return Ok(page.next_cursor);
        }
        _ => result.len(),
    };
    anyhow::ensure!(size > 0, "an empty result");
    Ok(None)
}
