//! What the schemas do not say: modules, names, and which types are written by hand.
//!
//! Every table is checked: an entry that nothing asks for stops the generator, as does a type without an entry.

mod modules;

pub(crate) use modules::{MODULES, Module};

use super::model::Type;

/// Definitions without a type of their own, and why.
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

/// Names of nested objects and enumerations that are not owner and member in one, and of definitions whose name is not
/// how Rust would write it.
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

/// Names of unions that some revision writes out where they are used.
pub(crate) const UNIONS: &[(&str, &str)] = &[
    ("CallToolResult.content", "ContentBlock"),
    ("CreateMessageResult.content", "SamplingMessageContentBlock"),
    ("EmbeddedResource.resource", "ResourceContents"),
    ("PromptMessage.content", "ContentBlock"),
    ("ReadResourceResult.contents", "ResourceContents"),
    ("SamplingMessage.content", "SamplingMessageContentBlock"),
];

/// Fields whose type is another than the schema says, by name in any type or by owner and name.
pub(crate) fn field_type(owner: &str, name: &str) -> Option<Type> {
    let named = |name: &str| Type::Named(name.to_owned());
    Some(match (owner, name) {
        (_, "_meta") => Type::Root("MetaObject"),
        (_, "resultType") => named("ResultType"),
        (_, "cacheScope") => named("CacheScope"),
        // A version keeps what it does not know, as the schema's string does.
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
        // The bounds of 64-bit integers are no doubles.
        ("NumberSchema", "default" | "maximum" | "minimum") => Type::Number,
        // The values fit the schema of the form, which says more than the type could.
        ("ElicitResult", "content") => Type::JsonObject,
        // Schemas are not read here, but handed on; a union of what all revisions allow is any object.
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

/// Types of which a list loses one item rather than all.
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

/// Types that are large and rarer than what they are beside: a field or a variant of one has it in a box, so that the
/// types around it stay small.
pub(crate) const BOXED: &[&str] = &["Annotations", "EmbeddedResource", "ResourceLink"];

/// Members that are for display or speed only: one that does not fit goes to `extra`, and its owner lives on.
pub(crate) fn is_hint(owner: &str, name: &str) -> bool {
    let any = ["annotations", "cacheScope", "icons", "size", "title", "ttlMs", "websiteUrl"];
    let owners = ["Annotations", "ClientCapabilities", "ServerCapabilities", "ToolAnnotations"];
    let endings = ["Capability", "TaskRequests"];
    any.contains(&name)
        || owners.contains(&owner)
        || endings.iter().any(|ending| owner.ends_with(ending))
}

/// How the types of a union are told apart.
pub(crate) enum Telling {
    /// By the constant member of each type.
    Tag(&'static str),
    /// By a constant member, which the first type may lack.
    Mode(&'static str, &'static str),
    /// By the method of a request.
    Method,
    /// By a member that only this type has.
    Key(&'static [(&'static str, &'static str)]),
    /// By trying in order; a type with a member only where that is, and has one of the values if any are given.
    Shape(&'static [(&'static str, &'static [&'static str], &'static str)]),
}

/// How each union is told apart.
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

/// The variant for a type of a union: the type without what the name of the union says already.
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
