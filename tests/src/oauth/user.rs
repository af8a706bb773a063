//! A user with a browser, who agrees.

use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::error::Error;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Opens the page at which a user authorizes, and gives where it sends the browser.
///
/// # Errors
///
/// The page sends it nowhere.
pub async fn redirect_of(url: &str) -> Outcome<String> {
    let (status, location, body) = get(url).await?;
    location.ok_or_else(|| format!("no redirect, but {status}: {body}").into())
}

/// Opens that page and goes where it leads; gives the status and the text of what is there.
///
/// # Errors
///
/// The page leads nowhere, or nobody is there.
pub async fn follow(url: &str) -> Outcome<(u16, String)> {
    let (status, _, body) = get(&redirect_of(url).await?).await?;
    Ok((status, body))
}

async fn get(url: &str) -> Outcome<(u16, Option<String>, String)> {
    let client: Client<HttpConnector, Empty<Bytes>> =
        Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(Request::get(url).body(Empty::new())?).await?;
    let (head, body) = response.into_parts();
    let location = head.headers.get("location").and_then(|value| value.to_str().ok());
    let location = location.map(str::to_owned);
    let body = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
    Ok((head.status.as_u16(), location, body))
}
