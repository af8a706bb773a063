//! Every generated type, by name, so that tests can iterate over them.

use mcp_types::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::fmt::Debug;

/// A type by its name, as in `revision::types`.
pub(crate) struct Entry {
    /// The name.
    pub(crate) name: &'static str,
    /// Reads JSON text into the type, in every way that serde_json offers, and returns what the type writes.
    pub(crate) pass: fn(&str) -> Result<Value, serde_json::Error>,
    /// Reads JSON text into the type, and returns its `Debug` form.
    pub(crate) debug: fn(&str) -> Result<String, serde_json::Error>,
}

/// Every type.
pub(crate) const ENTRIES: &[Entry] = &[
    entry::<Annotations>("Annotations"),
    entry::<AudioContent>("AudioContent"),
    entry::<BlobResourceContents>("BlobResourceContents"),
    entry::<BooleanSchema>("BooleanSchema"),
    entry::<CacheScope>("CacheScope"),
    entry::<CallToolRequest>("CallToolRequest"),
    entry::<CallToolResult>("CallToolResult"),
    entry::<CancelledNotification>("CancelledNotification"),
    entry::<ClientCapabilities>("ClientCapabilities"),
    entry::<ClientTaskRequests>("ClientTaskRequests"),
    entry::<ClientTasksCapability>("ClientTasksCapability"),
    entry::<CompleteRequest>("CompleteRequest"),
    entry::<CompleteResult>("CompleteResult"),
    entry::<Completion>("Completion"),
    entry::<CompletionArgument>("CompletionArgument"),
    entry::<CompletionContext>("CompletionContext"),
    entry::<CompletionReference>("CompletionReference"),
    entry::<ContentBlock>("ContentBlock"),
    entry::<CreateMessageRequest>("CreateMessageRequest"),
    entry::<CreateMessageResult>("CreateMessageResult"),
    entry::<DiscoverRequest>("DiscoverRequest"),
    entry::<DiscoverResult>("DiscoverResult"),
    entry::<ElicitAction>("ElicitAction"),
    entry::<ElicitRequest>("ElicitRequest"),
    entry::<ElicitRequestFormParams>("ElicitRequestFormParams"),
    entry::<ElicitRequestUrlParams>("ElicitRequestUrlParams"),
    entry::<ElicitResult>("ElicitResult"),
    entry::<ElicitationCapability>("ElicitationCapability"),
    entry::<ElicitationCompleteNotification>("ElicitationCompleteNotification"),
    entry::<ElicitationSchema>("ElicitationSchema"),
    entry::<ElicitationTaskRequests>("ElicitationTaskRequests"),
    entry::<EmbeddedResource>("EmbeddedResource"),
    entry::<EmptyResult>("EmptyResult"),
    entry::<EnumOption>("EnumOption"),
    entry::<GetPromptRequest>("GetPromptRequest"),
    entry::<GetPromptResult>("GetPromptResult"),
    entry::<Icon>("Icon"),
    entry::<IconTheme>("IconTheme"),
    entry::<ImageContent>("ImageContent"),
    entry::<Implementation>("Implementation"),
    entry::<IncludeContext>("IncludeContext"),
    entry::<InitializeRequest>("InitializeRequest"),
    entry::<InitializeResult>("InitializeResult"),
    entry::<InitializedNotification>("InitializedNotification"),
    entry::<InputRequest>("InputRequest"),
    entry::<InputRequests>("InputRequests"),
    entry::<InputRequiredResult>("InputRequiredResult"),
    entry::<InputResponse>("InputResponse"),
    entry::<InputResponses>("InputResponses"),
    entry::<LegacyTitledEnumSchema>("LegacyTitledEnumSchema"),
    entry::<ListPromptsRequest>("ListPromptsRequest"),
    entry::<ListPromptsResult>("ListPromptsResult"),
    entry::<ListResourceTemplatesRequest>("ListResourceTemplatesRequest"),
    entry::<ListResourceTemplatesResult>("ListResourceTemplatesResult"),
    entry::<ListResourcesRequest>("ListResourcesRequest"),
    entry::<ListResourcesResult>("ListResourcesResult"),
    entry::<ListRootsRequest>("ListRootsRequest"),
    entry::<ListRootsResult>("ListRootsResult"),
    entry::<ListToolsRequest>("ListToolsRequest"),
    entry::<ListToolsResult>("ListToolsResult"),
    entry::<LoggingLevel>("LoggingLevel"),
    entry::<LoggingMessageNotification>("LoggingMessageNotification"),
    entry::<MissingRequiredClientCapabilityData>("MissingRequiredClientCapabilityData"),
    entry::<ModelHint>("ModelHint"),
    entry::<ModelPreferences>("ModelPreferences"),
    entry::<NumberSchema>("NumberSchema"),
    entry::<NumberSchemaType>("NumberSchemaType"),
    entry::<PingRequest>("PingRequest"),
    entry::<PrimitiveSchemaDefinition>("PrimitiveSchemaDefinition"),
    entry::<ProgressNotification>("ProgressNotification"),
    entry::<Prompt>("Prompt"),
    entry::<PromptArgument>("PromptArgument"),
    entry::<PromptListChangedNotification>("PromptListChangedNotification"),
    entry::<PromptMessage>("PromptMessage"),
    entry::<PromptReference>("PromptReference"),
    entry::<PromptsCapability>("PromptsCapability"),
    entry::<ReadResourceRequest>("ReadResourceRequest"),
    entry::<ReadResourceResult>("ReadResourceResult"),
    entry::<Resource>("Resource"),
    entry::<ResourceContents>("ResourceContents"),
    entry::<ResourceLink>("ResourceLink"),
    entry::<ResourceListChangedNotification>("ResourceListChangedNotification"),
    entry::<ResourceTemplate>("ResourceTemplate"),
    entry::<ResourceTemplateReference>("ResourceTemplateReference"),
    entry::<ResourceUpdatedNotification>("ResourceUpdatedNotification"),
    entry::<ResourcesCapability>("ResourcesCapability"),
    entry::<ResultType>("ResultType"),
    entry::<Role>("Role"),
    entry::<Root>("Root"),
    entry::<RootsCapability>("RootsCapability"),
    entry::<RootsListChangedNotification>("RootsListChangedNotification"),
    entry::<SamplingCapability>("SamplingCapability"),
    entry::<SamplingMessage>("SamplingMessage"),
    entry::<SamplingMessageContentBlock>("SamplingMessageContentBlock"),
    entry::<SamplingTaskRequests>("SamplingTaskRequests"),
    entry::<ServerCapabilities>("ServerCapabilities"),
    entry::<ServerTaskRequests>("ServerTaskRequests"),
    entry::<ServerTasksCapability>("ServerTasksCapability"),
    entry::<SetLevelRequest>("SetLevelRequest"),
    entry::<StopReason>("StopReason"),
    entry::<StringSchema>("StringSchema"),
    entry::<StringSchemaFormat>("StringSchemaFormat"),
    entry::<SubscribeRequest>("SubscribeRequest"),
    entry::<SubscriptionFilter>("SubscriptionFilter"),
    entry::<SubscriptionsAcknowledgedNotification>("SubscriptionsAcknowledgedNotification"),
    entry::<SubscriptionsListenRequest>("SubscriptionsListenRequest"),
    entry::<SubscriptionsListenResult>("SubscriptionsListenResult"),
    entry::<TaskSupport>("TaskSupport"),
    entry::<TextContent>("TextContent"),
    entry::<TextResourceContents>("TextResourceContents"),
    entry::<TitledMultiSelectEnumItems>("TitledMultiSelectEnumItems"),
    entry::<TitledMultiSelectEnumSchema>("TitledMultiSelectEnumSchema"),
    entry::<TitledSingleSelectEnumSchema>("TitledSingleSelectEnumSchema"),
    entry::<Tool>("Tool"),
    entry::<ToolAnnotations>("ToolAnnotations"),
    entry::<ToolChoice>("ToolChoice"),
    entry::<ToolChoiceMode>("ToolChoiceMode"),
    entry::<ToolExecution>("ToolExecution"),
    entry::<ToolListChangedNotification>("ToolListChangedNotification"),
    entry::<ToolResultContent>("ToolResultContent"),
    entry::<ToolTaskRequests>("ToolTaskRequests"),
    entry::<ToolUseContent>("ToolUseContent"),
    entry::<ToolsCapability>("ToolsCapability"),
    entry::<UnsubscribeRequest>("UnsubscribeRequest"),
    entry::<UnsupportedProtocolVersionData>("UnsupportedProtocolVersionData"),
    entry::<UntitledMultiSelectEnumItems>("UntitledMultiSelectEnumItems"),
    entry::<UntitledMultiSelectEnumSchema>("UntitledMultiSelectEnumSchema"),
    entry::<UntitledSingleSelectEnumSchema>("UntitledSingleSelectEnumSchema"),
    entry::<UrlElicitationRequiredData>("UrlElicitationRequiredData"),
    entry::<tasks::CancelTaskRequest>("CancelTaskRequest"),
    entry::<tasks::CancelTaskResult>("CancelTaskResult"),
    entry::<tasks::CreateTaskResult>("CreateTaskResult"),
    entry::<tasks::GetTaskPayloadRequest>("GetTaskPayloadRequest"),
    entry::<tasks::GetTaskPayloadResult>("GetTaskPayloadResult"),
    entry::<tasks::GetTaskRequest>("GetTaskRequest"),
    entry::<tasks::GetTaskResult>("GetTaskResult"),
    entry::<tasks::ListTasksRequest>("ListTasksRequest"),
    entry::<tasks::ListTasksResult>("ListTasksResult"),
    entry::<tasks::RelatedTaskMetadata>("RelatedTaskMetadata"),
    entry::<tasks::Task>("Task"),
    entry::<tasks::TaskMetadata>("TaskMetadata"),
    entry::<tasks::TaskStatus>("TaskStatus"),
    entry::<tasks::TaskStatusNotification>("TaskStatusNotification"),
    entry::<tasks_extension::CancelTaskRequest>("tasks_extension.CancelTaskRequest"),
    entry::<tasks_extension::CancelTaskResult>("tasks_extension.CancelTaskResult"),
    entry::<tasks_extension::CreateTaskResult>("tasks_extension.CreateTaskResult"),
    entry::<tasks_extension::DetailedTask>("tasks_extension.DetailedTask"),
    entry::<tasks_extension::GetTaskRequest>("tasks_extension.GetTaskRequest"),
    entry::<tasks_extension::GetTaskResult>("tasks_extension.GetTaskResult"),
    entry::<tasks_extension::Task>("tasks_extension.Task"),
    entry::<tasks_extension::TaskStatus>("tasks_extension.TaskStatus"),
    entry::<tasks_extension::TaskStatusNotification>("tasks_extension.TaskStatusNotification"),
    entry::<tasks_extension::TasksExtensionCapability>("tasks_extension.TasksExtensionCapability"),
    entry::<tasks_extension::UpdateTaskRequest>("tasks_extension.UpdateTaskRequest"),
    entry::<tasks_extension::UpdateTaskResult>("tasks_extension.UpdateTaskResult"),
];

/// Finds the type with a name.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}

const fn entry<T>(name: &'static str) -> Entry
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    Entry { name, pass: pass::<T>, debug: debug::<T> }
}

fn debug<T: DeserializeOwned + Debug>(text: &str) -> Result<String, serde_json::Error> {
    let typed: T = serde_json::from_str(text)?;
    Ok(format!("{typed:?}"))
}

fn pass<T>(text: &str) -> Result<Value, serde_json::Error>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    compare::<T>(text);
    let typed: T = serde_json::from_str(text)?;
    let plain: Value = serde_json::from_str(text)?;
    assert_eq!(serde_json::from_slice::<T>(text.as_bytes())?, typed, "from bytes: {text}");
    assert_eq!(serde_json::from_reader::<_, T>(text.as_bytes())?, typed, "from a reader: {text}");
    assert_eq!(serde_json::from_value::<T>(plain)?, typed, "from a value: {text}");
    let written = serde_json::to_string(&typed)?;
    assert_eq!(serde_json::from_str::<T>(&written)?, typed, "read again: {text}");
    let value = serde_json::to_value(&typed)?;
    assert_eq!(serde_json::from_str::<Value>(&written)?, value, "two ways to write: {text}");
    Ok(value)
}

/// Validated text is read without serde_json, with the same value or the same error.
#[track_caller]
fn compare<T: DeserializeOwned + PartialEq + Debug>(text: &str) {
    let pretty = serde_json::from_str::<Value>(text).map(|value| format!("{value:#}")).unwrap();
    for text in [text, &pretty] {
        let raw = RawJson::parse(text.to_owned()).unwrap();
        assert_eq!(reason(raw.decode::<T>()), reason(serde_json::from_str::<T>(text)), "{text}");
    }
    // As part of a type that is not ours.
    let list = format!("[{text}]");
    let raw = RawJson::parse(list.clone()).unwrap();
    let expected = serde_json::from_str::<Vec<T>>(&list);
    assert_eq!(reason(raw.decode::<Vec<T>>()), reason(expected), "{list}");
}

/// Returns the value, or the error without its position.
fn reason<T>(read: Result<T, serde_json::Error>) -> Result<T, String> {
    read.map_err(|error| {
        let text = error.to_string();
        text.split_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
    })
}

#[test]
fn every_generated_type_is_here() {
    let known: Vec<&str> = revision::types().iter().map(|known| known.name).collect();
    let mut here: Vec<&str> = ENTRIES.iter().map(|entry| entry.name).collect();
    here.sort_unstable();
    assert_eq!(here, known);
}
