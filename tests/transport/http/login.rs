//! Logging in, against a world of servers on real sockets: what happens to tokens, and who receives them.

mod bound;
mod grants;
mod places;
mod tokens;

use super::*;
use conformance::oauth::{World, redirect_of};
use mcp_transport::http::oauth::{self, ErrorKind, OAuth, ReceiverFn};

/// A client whose user agrees to everything.
fn willing() -> OAuth {
    let receiver = ReceiverFn::new("http://127.0.0.1:9/callback", |request| async move {
        redirect_of(request.url.as_str()).await
    });
    OAuth::new("Test").receiver(receiver)
}

async fn log_in(world: &World, oauth: OAuth) -> Connected<impl mcp_transport::http::HttpService> {
    connect_to(Endpoint::parse(world.url()).unwrap().oauth(oauth)).await
}

/// Returns the kind of a failed login, and its text including the causes.
fn reason(error: &Error) -> (ErrorKind, String) {
    let kind = oauth::Error::find(error).expect("an error of the login").kind();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    (kind, text)
}
