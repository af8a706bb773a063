//! Tests of `mcp-client`, through its public API, against servers in this process.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod answering;
mod calls;
mod cancel;
mod catalogue;
mod command;
mod config;
mod connections;
mod content;
mod eras;
mod examples;
mod faults;
mod forms;
mod group;
mod initialize;
mod large;
mod limits;
mod listening;
mod lists;
mod logging_in;
mod mock;
mod oauth;
mod others;
mod over_http;
mod pages;
mod processes;
mod prompts;
mod questions;
mod results;
mod revisions;
mod secrets;
mod skills;
mod surrogates;
mod targets;
mod tasks;
mod typed_tools;
mod validation;

use conformance::{in_process::InProcess, script};
use mcp_client::{Client, ClientBuilder, Connection, Target};
use serde_json::{Value, json};
use std::future::Future;

/// Waits for a call under a deadline.
#[track_caller]
fn deadline<F: IntoFuture>(call: F) -> impl Future<Output = F::Output> {
    script::deadline(call.into_future())
}

/// Returns a client builder for a server.
fn builder(server: &InProcess) -> ClientBuilder {
    Client::builder(Target::service(server.transport()))
}

/// Connects to a server with default options.
async fn connect(server: &InProcess) -> Connection {
    deadline(builder(server).build().connect()).await.unwrap()
}

/// Returns the result of a tool with this text.
fn said(text: &str) -> Value {
    json!({"resultType": "complete", "content": [{"type": "text", "text": text}]})
}

/// Returns the parameters of a request without `_meta`.
fn params(request: &Value) -> Value {
    let mut params = request["params"].clone();
    params.as_object_mut().unwrap().remove("_meta");
    params
}
