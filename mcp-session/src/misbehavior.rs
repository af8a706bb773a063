//! The rules of the protocol that a server can break.

use std::{error, fmt};

/// A rule that a server broke: one variant per clause.
///
/// For tests, logs and bug reports; a program should not branch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misbehavior {
    /// A stateless server sent a request
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/index)).
    RequestOnModernStream,
    /// A response came for an id that is not the request's
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#responses)).
    ResponseForOtherId,
    /// The replies to a request ended without its response
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http)).
    NoResponse,
    /// A result has a `resultType` that nothing in this session understands
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#responses)).
    UnknownResultType,
    /// `input_required` came in answer to a method that may not ask for input
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr#supported-requests)).
    InputRequiredOnOtherMethod,
    /// An `input_required` result has neither `inputRequests` nor `requestState`
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr)).
    InputRequiredWithoutContent,
    /// An input request is of a kind that the client did not declare
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr)).
    UndeclaredInputRequest,
    /// Progress did not increase
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/progress)).
    ProgressNotIncreasing,
    /// The first message of a subscription did not acknowledge it
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions#acknowledgment)).
    AcknowledgeNotFirst,
    /// A subscription received a notification that belongs to another one
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions#receiving-notifications)).
    NotificationForOtherSubscription,
    /// A subscription received a notification that it did not ask for
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions#opening-a-stream)).
    NotificationNotSubscribed,
    /// A response came that no request waited for.
    ResponseForNobody,
    /// Something that is not a message came where only messages may
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/stdio)).
    NotAMessage,
    /// A batch of messages came, which only revision 2025-03-26 allows
    /// ([clause](https://modelcontextprotocol.io/specification/2025-03-26/basic/index#batching)).
    Batch,
    /// A message over the size limit came that answers no call.
    MessageTooLarge,
    /// A notification could not be read.
    InvalidNotification,
    /// A result could not be read.
    InvalidResult,
    /// A string of a result holds a lone surrogate
    /// ([JSON, section 8.2](https://www.rfc-editor.org/rfc/rfc8259#section-8.2)).
    LoneSurrogate,
    /// The structured output of a tool does not fit the schema that the tool declares
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/server/tools#output-schema)).
    OutputMismatch,
    /// A schema of a tool is unusable: invalid, too large, of an unknown dialect, or with a reference to outside of it
    /// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#json-schema-usage)).
    UnusableSchema,
    /// The answer to `initialize` names a version that was not asked for and is not known
    /// ([clause](https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#version-negotiation)).
    UnsupportedInitializeVersion,
}

impl fmt::Display for Misbehavior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestOnModernStream => "a stateless server sent a request",
            Self::ResponseForOtherId => "a response has the id of another request",
            Self::NoResponse => "the replies ended without a response",
            Self::UnknownResultType => "the result is of an unknown type",
            Self::InputRequiredOnOtherMethod => "the method may not ask for input",
            Self::InputRequiredWithoutContent => "it asks for input without saying which",
            Self::UndeclaredInputRequest => {
                "it asks for input of a kind that this client has no handler for"
            }
            Self::ProgressNotIncreasing => "progress did not increase",
            Self::AcknowledgeNotFirst => "a subscription was not acknowledged first",
            Self::NotificationForOtherSubscription => "a notification is of another subscription",
            Self::NotificationNotSubscribed => "a notification was not subscribed to",
            Self::ResponseForNobody => "a response is to no request that waits",
            Self::NotAMessage => "something that is not a message came",
            Self::Batch => "several messages came in one",
            Self::MessageTooLarge => "a message is larger than the limit",
            Self::InvalidNotification => "a notification cannot be read",
            Self::InvalidResult => "the result cannot be read",
            Self::LoneSurrogate => "a string of the result holds half of a surrogate pair",
            Self::OutputMismatch => "the output of a tool does not fit its schema",
            Self::UnusableSchema => "a schema of a tool cannot be used",
            Self::UnsupportedInitializeVersion => "the version in its answer is not known",
        })
    }
}

impl error::Error for Misbehavior {}
