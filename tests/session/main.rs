//! Tests of `mcp-session`, through its public API, against scripted transports.
#![expect(
    clippy::needless_pass_by_value,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and reads best when it takes values"
)]

mod asked;
mod circuit_break;
mod codes;
mod come_to_nothing;
mod deadlines;
mod dispatch;
mod eras;
mod examples;
mod extensions;
mod faults;
mod guard;
mod honor_cancel;
mod host_tasks;
mod layers;
mod limit_tools;
mod mirror_params;
mod mock;
mod pin_tools;
mod pings;
mod prior;
mod propagate_trace;
mod reconnect;
mod retry;
mod reuse_reply;
mod roots;
mod rounds;
mod script;
mod single_flight;
mod subscriptions;
mod tasks;
mod transcripts;
mod transform_tools;
mod trust;
mod validate_tools;
mod wire;
