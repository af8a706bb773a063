//! What the schemas do not say: modules, names, and handwritten types.
//!
//! Every table is checked: an unused entry fails the generator, as does a type without an entry.

mod modules;

pub(crate) use modules::{MODULES, Module};

use super::model::Type;

/// Definitions without their own type, and why.
pub(crate) const SKIPPED: &[(&str, &[&str])] = &[
    (
        "the envelope is in `rpc`, and errors are `ErrorObject`",
        &[
            "Error",
            "HeaderMismatchError",
            "InternalError",
            "InvalidParamsError",
            "InvalidRequestError",
            "JSONRPCBatchRequest",
            "JSONRPCBatchResponse",
            "JSONRPCError",
            "JSONRPCErrorResponse",
            "JSONRPCMessage",
            "JSONRPCNotification",
            "JSONRPCRequest",
            "JSONRPCResponse",
            "JSONRPCResultResponse",
            "MethodNotFoundError",
            "Notification",
            "ParseError",
            "ProgressToken",
            "Request",
            "RequestId",
        ],
    ),
    (
        "part of other definitions only",
        &[
            "BaseMetadata",
            "CacheableResult",
            "Icons",
            "InputResponseRequestParams",
            "NotificationParams",
            "PaginatedRequest",
            "PaginatedRequestParams",
            "PaginatedResult",
            "RequestParams",
            "ResourceContents",
            "ResourceRequestParams",
            "Result",
            "TaskAugmentedRequestParams",
        ],
    ),
    (
        "`_meta` is a `MetaObject`",
        &[
            "MetaObject",
            "NotificationMetaObject",
            "RequestMetaObject",
            "ResultMetaObject",
            "SubscriptionsListenResultMetaObject",
        ],
    ),
    ("plain JSON", &["Cursor", "JSONArray", "JSONObject", "JSONValue"]),
    (
        "all its types are in `PrimitiveSchemaDefinition`",
        &["EnumSchema", "MultiSelectEnumSchema", "SingleSelectEnumSchema"],
    ),
    (
        "a message is told by its method, a result by its request",
        &[
            "ClientNotification",
            "ClientRequest",
            "ClientResult",
            "ServerNotification",
            "ServerRequest",
            "ServerResult",
        ],
    ),
];

/// Names of nested objects and enumerations that are not the owner and the member combined, and of definitions whose
/// names are not idiomatic in Rust.
pub(crate) const NAMES: &[(&str, &str)] = &[
    ("ClientCapabilitiesElicitation", "ElicitationCapability"),
    ("ClientCapabilitiesRoots", "RootsCapability"),
    ("ClientCapabilitiesSampling", "SamplingCapability"),
    ("ClientCapabilitiesTasks", "ClientTasksCapability"),
    ("ClientTasksCapabilityRequests", "ClientTaskRequests"),
    ("ClientTaskRequestsElicitation", "ElicitationTaskRequests"),
    ("ClientTaskRequestsSampling", "SamplingTaskRequests"),
    ("CompleteRequestArgument", "CompletionArgument"),
    ("CompleteRequestContext", "CompletionContext"),
    ("CompleteRequestRef", "CompletionReference"),
    ("CompleteResultCompletion", "Completion"),
    ("CreateMessageRequestIncludeContext", "IncludeContext"),
    ("ElicitRequestFormParamsRequestedSchema", "ElicitationSchema"),
    ("ElicitRequestURLParams", "ElicitRequestUrlParams"),
    ("ElicitResultAction", "ElicitAction"),
    ("MissingRequiredClientCapabilityError", "MissingRequiredClientCapabilityData"),
    ("ServerCapabilitiesPrompts", "PromptsCapability"),
    ("ServerCapabilitiesResources", "ResourcesCapability"),
    ("ServerCapabilitiesTasks", "ServerTasksCapability"),
    ("ServerCapabilitiesTools", "ToolsCapability"),
    ("ServerTaskRequestsTools", "ToolTaskRequests"),
    ("ServerTasksCapabilityRequests", "ServerTaskRequests"),
    ("TitledMultiSelectEnumItemsAnyOf", "EnumOption"),
    ("TitledMultiSelectEnumSchemaItems", "TitledMultiSelectEnumItems"),
    ("TitledSingleSelectEnumSchemaOneOf", "EnumOption"),
    ("ToolExecutionTaskSupport", "TaskSupport"),
    ("URLElicitationRequiredError", "UrlElicitationRequiredData"),
    ("UnsupportedProtocolVersionError", "UnsupportedProtocolVersionData"),
    ("UntitledMultiSelectEnumSchemaItems", "UntitledMultiSelectEnumItems"),
];

/// Definitions of an extension that are members of a type of the protocol.
pub(crate) const JOINED: &[(&str, &str)] = &[
    ("TaskSubscriptionAcknowledgedNotifications", "SubscriptionFilter"),
    ("TaskSubscriptionNotifications", "SubscriptionFilter"),
];

/// Names of unions that some revision writes inline.
pub(crate) const UNIONS: &[(&str, &str)] = &[
    ("CallToolResult.content", "ContentBlock"),
    ("CreateMessageResult.content", "SamplingMessageContentBlock"),
    ("EmbeddedResource.resource", "ResourceContents"),
    ("PromptMessage.content", "ContentBlock"),
    ("ReadResourceResult.contents", "ResourceContents"),
    ("SamplingMessage.content", "SamplingMessageContentBlock"),
];

/// Returns the type of a field that differs from the schema, by name in any type or by owner and name.
pub(crate) fn field_type(owner: &str, name: &str) -> Option<Type> {
    let named = |name: &str| Type::Named(name.to_owned());
    Some(match (owner, name) {
        (_, "_meta") => Type::Root("MetaObject"),
        (_, "resultType") => named("ResultType"),
        (_, "cacheScope") => named("CacheScope"),
        // A version preserves unknown values, like the schema's string.
        ("InitializeRequest" | "InitializeResult", "protocolVersion")
        | ("UnsupportedProtocolVersionData", "requested") => Type::Root("ProtocolVersion"),
        ("DiscoverResult", "supportedVersions")
        | ("UnsupportedProtocolVersionData", "supported") => {
            Type::Vec(Box::new(Type::Root("ProtocolVersion")))
        }
        // Open sets of features, whose values no revision describes.
        ("ClientCapabilities" | "ServerCapabilities", "experimental" | "extensions") => {
            Type::JsonObject
        }
        // Bounds of 64-bit integers are not exact as doubles.
        ("NumberSchema", "default" | "maximum" | "minimum") => Type::Number,
        // The values fit the schema of the form, which is more precise than a type could be.
        ("ElicitResult", "content") => Type::JsonObject,
        // Schemas are passed on, not interpreted; the union of what all revisions allow is any object.
        ("Tool", "inputSchema" | "outputSchema") => Type::JsonObject,
        ("CreateMessageResult", "stopReason") => named("StopReason"),
        // The result of another request, which that request decodes.
        (
            "tasks_extension.DetailedTask"
            | "tasks_extension.GetTaskResult"
            | "tasks_extension.TaskStatusNotification",
            "result",
        ) => Type::Root("RawJson"),
        _ => return None,
    })
}

/// Types that a list loses individually when they do not fit.
pub(crate) const LENIENT: &[&str] = &[
    "ElicitRequestUrlParams",
    "Icon",
    "Prompt",
    "PromptArgument",
    "PromptMessage",
    "Resource",
    "ResourceTemplate",
    "Root",
    "Task",
    "Tool",
];

/// Types that are large and rarer than what surrounds them: fields and variants of them are boxed, so that the
/// surrounding types stay small.
pub(crate) const BOXED: &[&str] = &["Annotations", "EmbeddedResource", "ResourceLink"];

/// Returns whether a member is for display or speed only: one that does not fit goes to `extra`, and its owner
/// survives.
pub(crate) fn is_hint(owner: &str, name: &str) -> bool {
    let any = ["annotations", "cacheScope", "icons", "size", "title", "ttlMs", "websiteUrl"];
    let owners = ["Annotations", "ClientCapabilities", "ServerCapabilities", "ToolAnnotations"];
    let endings = ["Capability", "TaskRequests"];
    any.contains(&name)
        || owners.contains(&owner)
        || endings.iter().any(|ending| owner.ends_with(ending))
}

/// How the types of a union are distinguished.
pub(crate) enum Telling {
    /// By the constant member of each type.
    Tag(&'static str),
    /// By a constant member, which the first type may lack.
    Mode(&'static str, &'static str),
    /// By the method of a request.
    Method,
    /// By a member that only this type has.
    Key(&'static [(&'static str, &'static str)]),
    /// By trying in order; a type with a member only if that is present, and has one of the values if any are given.
    Shape(&'static [(&'static str, &'static [&'static str], &'static str)]),
}

/// Returns how a union is distinguished.
pub(crate) fn telling(union: &str) -> Option<Telling> {
    Some(match union {
        "ContentBlock" | "SamplingMessageContentBlock" | "CompletionReference" => {
            Telling::Tag("type")
        }
        "ElicitRequest" => Telling::Mode("mode", "form"),
        "InputRequest" => Telling::Method,
        "InputResponse" => Telling::Key(&[
            ("action", "ElicitResult"),
            ("roots", "ListRootsResult"),
            ("model", "CreateMessageResult"),
        ]),
        "ResourceContents" => {
            Telling::Key(&[("text", "TextResourceContents"), ("blob", "BlobResourceContents")])
        }
        "PrimitiveSchemaDefinition" => Telling::Shape(&[
            ("enumNames", &[], "LegacyTitledEnumSchema"),
            ("oneOf", &[], "TitledSingleSelectEnumSchema"),
            ("enum", &[], "UntitledSingleSelectEnumSchema"),
            ("", &[], "TitledMultiSelectEnumSchema"),
            ("", &[], "UntitledMultiSelectEnumSchema"),
            ("", &[], "BooleanSchema"),
            ("type", &["integer", "number"], "NumberSchema"),
            ("", &[], "StringSchema"),
        ]),
        _ => return None,
    })
}

/// Returns the variant name for a type of a union: the type without what the name of the union says already.
pub(crate) fn variant<'a>(union: &str, ty: &'a str) -> &'a str {
    let suffix = match union {
        "ContentBlock" | "SamplingMessageContentBlock" => "Content",
        "CompletionReference" => "Reference",
        "InputRequest" => "Request",
        "InputResponse" => "Result",
        "PrimitiveSchemaDefinition" => "Schema",
        "ResourceContents" => "ResourceContents",
        "ElicitRequest" => "Params",
        _ => "",
    };
    let short = ty.strip_suffix(suffix).unwrap_or(ty);
    short.strip_prefix("ElicitRequest").unwrap_or(short)
}
