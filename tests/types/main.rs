//! Tests of `mcp-types`, through its public API.
