//! The rules for sampling messages.

use mcp_types::{
    OneOrMany,
    content::Role,
    sampling::{
        CreateMessageResult, SamplingMessage, SamplingMessageContentBlock as Block, ToolChoice,
        ToolChoiceMode,
    },
};
use std::collections::HashSet;

/// Checks that every tool use has its result in the very next message, and that a message with results has nothing else
/// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/client/sampling#message-content-constraints)).
// spec: SAMP-06 SAMP-07 SAMP-08 SAMP-10
pub(super) fn check_messages(messages: &[SamplingMessage]) -> Result<(), &'static str> {
    let mut used = HashSet::new();
    for message in messages {
        if !matches!(message.role, Role::User | Role::Assistant) {
            return Err("a message is neither the user's nor the assistant's");
        }
        let results = results(&message.content)?;
        if !results.is_empty() && message.role != Role::User {
            return Err("a tool result is not the user's");
        }
        if !used.is_empty() && results != used {
            return Err("a tool result is missing in the message after its tool was used");
        }
        if used.is_empty() && !results.is_empty() {
            return Err("a tool result is of no tool that was used");
        }
        used = uses(&message.content);
        if !used.is_empty() && message.role != Role::Assistant {
            return Err("a tool was not used by the assistant");
        }
    }
    if used.is_empty() { Ok(()) } else { Err("a tool result is missing") }
}

/// Returns the ids of the tool uses whose results are in a message.
fn results(content: &OneOrMany<Block>) -> Result<HashSet<&str>, &'static str> {
    let ids: HashSet<_> = content
        .as_slice()
        .iter()
        .filter_map(|block| match block {
            Block::ToolResult(result) => Some(&*result.tool_use_id),
            _ => None,
        })
        .collect();
    let is_result = |block: &Block| matches!(block, Block::ToolResult(_));
    if !ids.is_empty() && !content.as_slice().iter().all(is_result) {
        return Err("tool results are mixed with other content");
    }
    Ok(ids)
}

fn uses(content: &OneOrMany<Block>) -> HashSet<&str> {
    let uses = content.as_slice().iter().filter_map(|block| match block {
        Block::ToolUse(tool) => Some(&*tool.id),
        _ => None,
    });
    uses.collect()
}

/// Checks that the model used a tool if it was required to, and none if it was not allowed to.
// spec: SAMP-14
pub(super) fn check_choice(
    choice: Option<&ToolChoice>,
    answer: &CreateMessageResult,
) -> Result<(), &'static str> {
    let uses_tools = !uses(&answer.content).is_empty();
    match choice.and_then(|choice| choice.mode.as_ref()) {
        Some(ToolChoiceMode::Required) if !uses_tools => {
            Err("the model of the client used no tool, as it had to")
        }
        Some(ToolChoiceMode::None) if uses_tools => {
            Err("the model of the client used a tool, as it had not to")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn conversation(messages: &[Value]) -> Vec<SamplingMessage> {
        serde_json::from_value(messages.into()).unwrap()
    }

    fn text(role: &str) -> Value {
        json!({"role": role, "content": {"type": "text", "text": "hm"}})
    }

    fn uses(ids: &[&str]) -> Value {
        let block = |id: &&str| json!({"type": "tool_use", "id": id, "name": "t", "input": {}});
        json!({"role": "assistant", "content": ids.iter().map(block).collect::<Vec<_>>()})
    }

    fn results(ids: &[&str]) -> Value {
        let block = |id: &&str| json!({"type": "tool_result", "toolUseId": id, "content": []});
        json!({"role": "user", "content": ids.iter().map(block).collect::<Vec<_>>()})
    }

    // spec: SAMP-06 SAMP-07 SAMP-10
    #[test]
    fn every_tool_has_its_result_in_the_next_message_and_nothing_else_is_there() {
        let mut mixed = results(&["a"]);
        mixed["content"].as_array_mut().unwrap().push(json!({"type": "text", "text": "and"}));
        let mut by_the_model = results(&["a"]);
        by_the_model["role"] = "assistant".into();
        let mut by_the_user = uses(&["a"]);
        by_the_user["role"] = "user".into();
        let cases = [
            (vec![], ""),
            (vec![text("user"), text("assistant"), text("user")], ""),
            (vec![text("user"), uses(&["a", "b"]), results(&["b", "a"]), text("user")], ""),
            (vec![uses(&["a"]), results(&["a"]), uses(&["a"]), results(&["a"])], ""),
            (vec![uses(&["a", "b"]), results(&["a"])], "missing in the message after"),
            (vec![uses(&["a"]), text("user"), results(&["a"])], "missing in the message after"),
            (vec![uses(&["a"])], "result is missing"),
            (vec![text("user"), results(&["a"])], "of no tool that was used"),
            (vec![uses(&["a"]), mixed], "mixed with other content"),
            (vec![uses(&["a"]), by_the_model], "not the user's"),
            (vec![by_the_user, results(&["a"])], "not used by the assistant"),
            (vec![text("system")], "neither the user's nor the assistant's"),
        ];
        for (messages, expected) in cases {
            let reason = check_messages(&conversation(&messages)).err().unwrap_or_default();
            assert!(reason.contains(expected), "{messages:?}: {reason}");
            assert_eq!(reason.is_empty(), expected.is_empty(), "{messages:?}: {reason}");
        }
    }

    // spec: SAMP-14
    #[test]
    fn a_model_uses_tools_as_it_was_told() {
        let choice = |mode: &str| serde_json::from_value(json!({"mode": mode})).unwrap();
        let answer = |mut message: Value| {
            message["model"] = "parrot".into();
            serde_json::from_value(message).unwrap()
        };
        let (talks, works) = (answer(text("assistant")), answer(uses(&["a"])));
        assert!(check_choice(Some(&choice("required")), &works).is_ok());
        assert!(check_choice(Some(&choice("required")), &talks).is_err());
        assert!(check_choice(Some(&choice("none")), &talks).is_ok());
        assert!(check_choice(Some(&choice("none")), &works).is_err());
        assert!(check_choice(Some(&choice("auto")), &works).is_ok());
        assert!(check_choice(None, &talks).is_ok());
    }
}
