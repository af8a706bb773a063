//! Tests of `mcp-session`, through its public API, against scripted transports.

mod dispatch;
mod eras;
mod layers;
mod script;
