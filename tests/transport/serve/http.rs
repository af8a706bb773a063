//! Streamable HTTP: single requests without a socket, and the client of this crate over a real one.

mod legacy;
mod loopback;
mod modern;
mod requests;

use super::*;
use ::http::{HeaderMap, HeaderName, Request as HttpRequest, Response as HttpResponse};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use mcp_transport::serve::{Body, HttpEndpoint, HttpLimits, HttpOptions};

const MODERN: &str = "2026-07-28";

fn endpoint(service: impl serve::Server) -> HttpEndpoint {
    serve::http(service, HttpOptions::default())
}

fn options(change: impl FnOnce(&mut HttpLimits)) -> HttpOptions {
    let mut options = HttpOptions::default();
    change(&mut options.limits);
    options
}

/// A request with the headers that every request needs.
fn http_request(method: &str, headers: &[(&str, &str)], body: Bytes) -> HttpRequest<Full<Bytes>> {
    let mut request = HttpRequest::builder()
        .method(method)
        .uri("/mcp")
        .header("host", "localhost:8080")
        .header("accept", "application/json, text/event-stream");
    if method == "POST" {
        request = request.header("content-type", "application/json");
    }
    let mut request = request.body(Full::new(body)).unwrap();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().remove(&name);
        if !value.is_empty() {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    request
}

async fn send(endpoint: &HttpEndpoint, request: HttpRequest<Full<Bytes>>) -> HttpResponse<Body> {
    deadline(endpoint.clone().oneshot(request)).await.unwrap()
}

async fn post(
    endpoint: &HttpEndpoint,
    headers: &[(&str, &str)],
    body: &Value,
) -> HttpResponse<Body> {
    send(endpoint, http_request("POST", headers, body.to_string().into())).await
}

/// Reads a response to its end.
async fn read(response: HttpResponse<Body>) -> String {
    let body = deadline(response.into_body().collect()).await.unwrap().to_bytes();
    String::from_utf8(body.into()).unwrap()
}

async fn read_json(response: HttpResponse<Body>) -> Value {
    assert_eq!(response.headers()["content-type"], "application/json");
    serde_json::from_str(&read(response).await).unwrap()
}

/// Returns the next piece of a response, as text.
async fn chunk(response: &mut HttpResponse<Body>) -> Option<String> {
    let frame = deadline(response.body_mut().frame()).await?.unwrap();
    Some(String::from_utf8(frame.into_data().unwrap().into()).unwrap())
}

/// Returns the next message of an event stream.
async fn event(response: &mut HttpResponse<Body>) -> Option<Value> {
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let chunk = chunk(response).await?;
    let data = chunk.strip_prefix("event: message\ndata: ").and_then(|it| it.strip_suffix("\n\n"));
    Some(serde_json::from_str(data.expect("one event")).unwrap())
}

/// Returns the status, and the code of the JSON-RPC error in the body.
async fn refusal(response: HttpResponse<Body>) -> (u16, i64) {
    let status = response.status().as_u16();
    (status, error_code(&read_json(response).await))
}

/// Creates a request body of the stateless revision.
fn modern_body(id: i64, method: &str, mut params: Value) -> Value {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// Posts a request of the stateless revision with the headers that it needs.
async fn ask(endpoint: &HttpEndpoint, id: i64, method: &str) -> HttpResponse<Body> {
    let headers = [("mcp-protocol-version", MODERN), ("mcp-method", method)];
    let params = json!({ "_meta": { "progressToken": id } });
    post(endpoint, &headers, &modern_body(id, method, params)).await
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}
