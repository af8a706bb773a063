//! Formatting what servers return for a person.

use super::{
    Terminal,
    printable::{one_line, printable_json},
};
use crate::{Content, Progress, ToolResult};
use mcp_types::{ContentBlock, Prompt, ResourceContents};
use serde::Serialize;

/// Writes a value as JSON.
pub(super) fn json(terminal: &Terminal, value: &impl Serialize) -> Result<(), serde_json::Error> {
    let text = serde_json::to_string_pretty(value)?;
    terminal.write(&format!("{}\n", printable_json(&text)));
    Ok(())
}

/// Formats a tool's result: its content, or its structured output if there is no content.
pub(super) fn result(result: &ToolResult) -> Vec<String> {
    let mut parts: Vec<_> = result.content.iter().map(block).collect();
    if let Some(structured) = result.structured_content.as_ref().filter(|_| parts.is_empty()) {
        parts.push(serde_json::to_string_pretty(structured).unwrap_or_default());
    }
    parts
}

/// Formats a part of a result; anything but text is only described.
pub(super) fn block(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Image(image) => bytes("image", &image.mime_type, block),
        ContentBlock::Audio(audio) => bytes("audio", &audio.mime_type, block),
        ContentBlock::ResourceLink(link) => format!("[{}] {}", link.name, link.uri),
        ContentBlock::EmbeddedResource(resource) => contents(&resource.resource),
        block => match block.as_text() {
            Some(text) => text.to_owned(),
            None => serde_json::to_string(block).unwrap_or_default(),
        },
    }
}

/// Formats the contents of a resource; bytes are only described.
pub(super) fn contents(contents: &ResourceContents) -> String {
    match contents {
        ResourceContents::Text(text) => text.text.clone(),
        ResourceContents::Blob(blob) => {
            bytes("resource", blob.mime_type.as_deref().unwrap_or("no type"), contents)
        }
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

fn bytes(what: &str, kind: &str, content: &impl Content) -> String {
    match content.bytes() {
        Some(Ok(bytes)) => format!("[{what}: {kind}, {} bytes]", bytes.len()),
        _ => format!("[{what}: {kind}, broken]"),
    }
}

/// Formats the arguments of a prompt.
pub(super) fn prompt(prompt: &Prompt) -> String {
    let arguments = prompt.arguments.iter().flatten().map(|argument| {
        let mark = if argument.required == Some(true) { "" } else { "?" };
        format!("{}{mark}", argument.name)
    });
    format!("{}({})", prompt.name, arguments.collect::<Vec<_>>().join(", "))
}

/// Formats a name and its description, on separate lines.
pub(super) fn described(name: &str, description: Option<&str>) -> String {
    let mut text = name.to_owned();
    for line in description.unwrap_or_default().trim().lines() {
        text.push_str("\n    ");
        text.push_str(line.trim_end());
    }
    text
}

/// Formats the progress of a call.
pub(super) fn progress(progress: &Progress) -> String {
    let Progress { progress: done, total, message, .. } = progress;
    let total = total.map(|total| format!("/{total}")).unwrap_or_default();
    let message = one_line(message.as_deref().unwrap_or_default());
    format!("[{done}{total}] {message}").trim_end().to_owned()
}
