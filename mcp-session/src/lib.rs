//! The middleware layer of a Model Context Protocol client: one request type, one reply type, tower all the way.
//!
//! A [`Call`] goes in, its [`Reply`] comes out; everything in between is a [`tower::Service`], and each behaviour of
//! the protocol is one middleware. Because the reply *is* the response, tower's own `Timeout`, `Retry` and
//! `ConcurrencyLimit` work as expected. Dropping the future of a call cancels it on the wire.
//!
//! ```text
//!   stateless servers        servers with a handshake
//!
//!   RequireComplete          AddMeta
//!   FollowInput              Dispatch
//!   MirrorParams (HTTP)         |
//!   NegotiateVersion            |
//!   AddMeta                     |
//!   Dispatch                    |
//!      |                        |
//!      +------ Transport -------+
//! ```
//!
//! [`stack`] has the stacks, each as one expression. The layers above `AddMeta` that may send a call again are nested into one
//! service there, with one copy of the call between them. `Dispatch` enforces the deadlines of its calls, as a
//! [`Deadline`] does around any other service. These layers are optional:
//!
//! | layer | purpose | added by |
//! |---|---|---|
//! | [`Retry`] | retries calls that are safe to repeat | [`Options::retry`], or outside |
//! | [`ReuseReply`] | caches replies | `Options::reuse` (feature `cache`), or outside |
//! | [`PropagateTrace`] | makes a span for each call, and sends its context to the server | [`Options::trace`], or outside |
//! | [`HonorCancel`] | cancels calls from outside, by their [`Cancellation`] | every [`Session`], outside |
//! | [`LimitTools`] | limits concurrent calls of a tool | [`Builder::layer`] |
//! | [`CircuitBreak`] | stops calling what keeps failing | [`Builder::layer`] |
//! | [`TransformTools`] | renames tools, fixes arguments, hides tools | [`Builder::layer`] |
//! | [`Guard`] | lets a policy judge calls and listed tools | [`Builder::layer`] |
//! | `PinTools` | detects tools that changed (feature `pin-tools`) | [`Builder::layer`] |
//! | `ValidateTools` | validates arguments and output of tools (feature `validate`) | [`Builder::layer`] |
//!
//! # Errors
//!
//! Errors travel boxed between layers, so that tower's own layers fit. [`Error::from_layers`] converts them at the
//! edge.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod add_meta;
mod call;
mod call_raw;
mod canonical;
mod circuit_break;
mod deadline;
mod diagnostics;
mod dispatch;
mod errands;
mod error;
mod events;
mod extension;
mod follow_input;
mod follow_task;
mod followed;
pub mod form;
pub mod future;
mod guard;
mod honor_cancel;
mod host_tasks;
mod inbox;
mod input;
mod known_era;
mod limit_tools;
mod member;
mod meta;
mod mirror_params;
mod misbehavior;
mod misfit;
pub mod mock;
mod moment;
mod negotiate;
mod negotiate_version;
mod notify;
mod on_request_id;
mod open_questions;
mod options;
mod params;
mod peer;
#[cfg(feature = "pin-tools")]
mod pin_tools;
mod ping;
mod prior_discover;
mod propagate_trace;
mod reconnect;
mod require_complete;
mod result_type;
mod retry;
mod reuse_reply;
mod same_connection;
mod server;
mod session;
mod spare;
pub mod stack;
mod subscription;
mod supervise;
mod swap;
mod task;
mod tool_list;
mod tool_name;
mod transform_tools;
mod upstream;
#[cfg(feature = "validate")]
mod validate_tools;

pub use add_meta::{AddMeta, AddMetaLayer};
pub use call::{Call, CallService, Reply};
pub use circuit_break::{CircuitBreak, CircuitBreakLayer, CircuitOptions};
pub use deadline::{Deadline, DeadlineLayer, Deadlines};
pub use diagnostics::{Diagnostics, Incident};
pub use dispatch::Dispatch;
pub use error::{Endless, Error, Phase};
pub use events::{Event, Events, Progress};
pub use extension::Extension;
pub use follow_input::{DEFAULT_ROUNDS, FollowInput, FollowInputLayer, InputGiven};
pub use follow_task::{FollowTask, Tasks};
pub use guard::{Guard, GuardLayer, GuardPolicy, Verdict};
pub use honor_cancel::{Cancellable, Cancellation, HonorCancel, HonorCancelLayer};
pub use host_tasks::HostTasks;
pub use input::{Asker, CheckInput, InputHandler, NoInput, Question};
pub use known_era::{EraCache, KnownEra};
pub use limit_tools::{LimitTools, LimitToolsLayer};
pub use meta::Meta;
pub use mirror_params::{MirrorParams, MirrorParamsLayer};
pub use misbehavior::Misbehavior;
pub use misfit::Misfit;
pub use negotiate_version::{NegotiateVersion, NegotiateVersionLayer};
pub use notify::Notify;
pub use on_request_id::OnRequestId;
pub use options::{Mode, Options};
pub use params::{InvalidParams, Params};
pub use peer::Peer;
#[cfg(feature = "pin-tools")]
pub use pin_tools::{
    InvalidDigest, OnChange, PinTools, PinToolsLayer, ToolChange, ToolDigest, ToolPins,
};
pub use ping::PingOptions;
pub use prior_discover::PriorDiscover;
pub use propagate_trace::{
    InvalidTrace, PropagateTrace, PropagateTraceLayer, TraceContext, TraceSource,
};
pub use reconnect::{Reconnect, When};
pub use require_complete::{RequireComplete, RequireCompleteLayer};
pub use retry::{HonorRetryAfter, Retry, RetryLayer, RetryOptions, SafeRetry};
#[cfg(feature = "cache")]
pub use reuse_reply::MemoryStore;
pub use reuse_reply::{
    AuthorizationContext, CacheKey, CachedReply, ReplyCache, ReplyStore, Reuse, ReuseOptions,
    ReuseReply, ReuseReplyLayer, Reused,
};
pub use same_connection::SameConnection;
pub use server::{Era, Server};
pub use session::{BoxCallService, Builder, Session};
pub use subscription::{Notice, Subscription};
pub use task::{AsTask, ListedTask, Started, TaskHandle, TaskList, TaskState};
pub use transform_tools::{ArgumentTransform, ToolTransform, TransformTools, TransformToolsLayer};
pub use upstream::Upstream;
#[cfg(feature = "validate")]
pub use validate_tools::{
    ValidateArguments, ValidateOutput, ValidateTools, ValidateToolsLayer, Validation,
};

pub(crate) use result_type::result_type;

#[doc = include_str!("clauses.md")]
pub mod clauses {}
