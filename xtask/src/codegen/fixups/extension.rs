//! Oddities of the tasks extension, whose file is generated from another kind of source.

use super::each;
use crate::schema::{Document, Schema};
use indexmap::IndexMap;

const STATUSES: [&str; 5] =
    ["WorkingTask", "InputRequiredTask", "CompletedTask", "FailedTask", "CancelledTask"];

/// The file repeats definitions wherever they are used. They become references again
/// (<https://modelcontextprotocol.io/extensions/tasks/overview>).
pub(super) fn types_are_written_out(document: &mut Document) -> usize {
    let mut count = 0;
    for name in ["DetailedTask", "Task", "TaskStatus", "TaskStatusNotificationParams"] {
        let Some(definition) = document.definitions.get(name).cloned() else { continue };
        count += each(document, |schema| {
            let is_same = *schema == definition;
            if is_same {
                *schema = Schema::reference_to(name);
            }
            is_same.into()
        });
        document.definitions.insert(name.to_owned(), definition);
    }
    if let Some(status) = document.definitions.get_mut("TaskStatus") {
        let values = status.any_of.take().unwrap_or_default();
        let values = values.iter().filter_map(|value| value.text().map(str::to_owned));
        status.values = Some(values.collect());
    }
    count
}

/// A task has the same members in every status but for one, and a status that a later version adds should not hide
/// them. So the union of five types becomes one, whose last members are optional
/// (<https://modelcontextprotocol.io/extensions/tasks/overview>).
pub(super) fn a_detailed_task_is_one_struct(document: &mut Document) -> usize {
    let Some(base) = document.definitions.get("Task").cloned() else { return 0 };
    let mut detailed = base.clone();
    let mut members = base.properties.unwrap_or_default();
    let common = members.len();
    for status in STATUSES {
        let Some(definition) = document.definitions.shift_remove(status) else { return 0 };
        let all: IndexMap<String, Schema> = definition.properties.unwrap_or_default();
        for (name, member) in all {
            members.entry(name).or_insert(member);
        }
    }
    let count = members.len() - common;
    detailed.properties = Some(members);
    document.definitions.insert("DetailedTask".to_owned(), detailed);
    count
}

/// Results other than `CreateTaskResult` say `complete`, but examples of the extension itself say `task` there, so
/// that both have to be read
/// (<https://modelcontextprotocol.io/seps/2663-tasks-extension>).
pub(super) fn final_results_have_a_plain_type(document: &mut Document) -> usize {
    each(document, |schema| {
        let members = schema.properties.iter_mut();
        let member = members.flat_map(|members| members.get_mut("resultType")).next();
        match member {
            Some(member) if member.text() == Some("complete") => {
                member.constant = None;
                1
            }
            _ => 0,
        }
    })
}
