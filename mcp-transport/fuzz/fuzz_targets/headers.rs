//! Whatever a call names, its headers say just that, in characters that a header may hold; or nothing is sent.

#![no_main]

use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::{FutureExt, StreamExt};
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use mcp_transport::{
    BoxError, ClientMessage, Connector, Delivery, MirroredParams,
    http::{Endpoint, RequestBody},
};
use mcp_types::{ProtocolVersion, RawJson, rpc};
use serde_json::json;
use std::sync::{Arc, Mutex};
use tower::{ServiceExt, service_fn};

type Params = Vec<(String, String)>;

fuzz_target!(|input: (String, String, Params)| {
    let (method, name, params) = input;
    let Some(headers) = sent(&method, &name, &params) else { return };
    for (_, value) in &headers {
        assert!(!value.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
    }
    assert_eq!(headers["mcp-method"], method);
    if method == "tools/call" {
        assert_eq!(decode(&headers, "mcp-name"), name);
    }
    for (index, (param, value)) in params.iter().enumerate() {
        // Of two that differ in case alone the last one counts.
        let is_last = !params[index + 1..].iter().any(|(it, _)| it.eq_ignore_ascii_case(param));
        if is_last {
            assert_eq!(&decode(&headers, &format!("mcp-param-{param}")), value);
        }
    }
});

/// The headers of a call, if it can be sent.
fn sent(method: &str, name: &str, params: &Params) -> Option<HeaderMap> {
    let seen = Arc::new(Mutex::new(None));
    let body = json!({
        "name": name,
        "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28" },
    });
    let request = rpc::Request::new(1, method.to_owned());
    let message = ClientMessage::new(request.with_params(RawJson::encode(&body).unwrap()))
        .with_extension(ProtocolVersion::V2026_07_28)
        .with_extension(MirroredParams(params.clone()));
    let server = {
        let seen = Arc::clone(&seen);
        service_fn(move |request: Request<RequestBody>| {
            *seen.lock().unwrap() = Some(request.headers().clone());
            let answer = Full::from(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
            let response = Response::builder().header("content-type", "application/json");
            async { Ok::<_, BoxError>(response.body(answer)?) }
        })
    };
    let outcome = async {
        let url = "https://tools.example.com/mcp".parse().unwrap();
        let link = Endpoint::with_service(url, server).unwrap().connect().await.unwrap();
        let mut replies = link.transport.oneshot(message).await?;
        replies.next().await.unwrap()
    };
    let outcome = outcome.now_or_never().expect("nobody is waited for");
    let seen = seen.lock().unwrap().take();
    match outcome {
        Ok(_) => Some(seen.expect("the request was sent")),
        Err(error) => {
            assert!(seen.is_none() && error.delivery() == Delivery::NotSent, "{error:?}");
            None
        }
    }
}

/// What a server reads from a header.
fn decode(headers: &HeaderMap, name: &str) -> String {
    let value = headers[name].to_str().unwrap();
    assert_eq!(value.trim(), value);
    let inner = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let decoded = inner.map(|inner| BASE64_STANDARD.decode(inner).unwrap());
    decoded.map_or_else(|| value.to_owned(), |bytes| String::from_utf8(bytes).unwrap())
}
