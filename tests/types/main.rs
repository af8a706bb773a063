//! Tests of `mcp-types`, through its public API.
#![expect(clippy::unwrap_used, reason = "a broken expectation of a test helper is a failed test")]

mod broken;
mod examples;
mod forms;
mod generate;
mod registry;
mod revisions;
mod round_trip;
mod same;
mod schemas;
mod surrogates;
mod throughput;
mod unions;
