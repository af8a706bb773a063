//! Content of all kinds, known and unknown.

use crate::{connect, deadline};
use conformance::in_process::{Asked, InProcess};
use mcp_client::Content;
use mcp_types::ContentBlock;
use serde_json::json;
use std::error::Error as _;

// spec: TOOL-17 RES-02
#[tokio::test]
async fn each_block_is_read_on_its_own() {
    let server = InProcess::modern(async |_: Asked| {
        Ok(json!({"content": [
            {"type": "text", "text": "hi"},
            {"type": "image", "data": "AAEC/w==", "mimeType": "image/png"},
            {"type": "audio", "data": "AAEC/w", "mimeType": "audio/wav"},
            {"type": "image", "data": "not base64!", "mimeType": "image/png"},
            {"type": "resource", "resource": {"uri": "a:b", "text": "inside"}},
            {"type": "resource", "resource": {"uri": "a:b", "blob": "aGk="}},
            {"type": "hologram", "beams": 3},
            {"type": "text", "text": 7},
        ]}))
    });
    let client = connect(&server).await;
    let result = deadline(client.call_tool("x")).await.unwrap();
    let media: Vec<_> = result.media().map(Content::mime_type).collect();
    assert_eq!(media, [Some("image/png"), Some("audio/wav"), Some("image/png"), None]);
    let content = result.content;
    let texts: Vec<_> = content.iter().map(Content::as_text).collect();
    assert_eq!(texts, [Some("hi"), None, None, None, Some("inside"), None, None, None]);
    let bytes: Vec<_> = content.iter().map(|block| block.bytes().and_then(Result::ok)).collect();
    let sound = Some(vec![0, 1, 2, 255]);
    assert_eq!(bytes, [None, sound.clone(), sound, None, None, Some(b"hi".to_vec()), None, None]);
    let error = content[3].bytes().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the bytes are not encoded as Base64");
    assert!(error.source().is_some());
    assert!(content[6..].iter().all(|block| matches!(block, ContentBlock::Unknown(_))));
}
