//! OAuth login for servers behind a URL (feature `oauth`).
//!
//! [`Target::oauth`](crate::Target::oauth) is a server that the client logs in to when the server asks for it:
//!
//! ```no_run
//! use mcp_client::{Client, Target, oauth::OAuth};
//!
//! # async fn example() -> Result<(), mcp_client::Error> {
//! let target = Target::oauth("https://example.com/mcp", OAuth::new("My App"));
//! let client = Client::connect_to(target).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The user is sent to the authorization server in a browser ([`in_browser`]) and comes back to a port of this machine.
//! Where there is no browser, or none on this machine, [`ReceiverFn`] is a receiver that is a function:
//!
//! ```
//! use mcp_client::oauth::{ReceiverFn, OAuth};
//!
//! let oauth = OAuth::new("My App").receiver(ReceiverFn::new("http://127.0.0.1:8400/callback", |request| async move {
//!     eprintln!("Log in here: {}\nThen paste the address at which the browser ends:", request.url);
//!     let mut pasted = String::new();
//!     std::io::stdin().read_line(&mut pasted)?;
//!     Ok(pasted)
//! }));
//! # let _ = oauth;
//! ```
//!
//! # Without a user
//!
//! | who | grant | who it is |
//! |---|---|---|
//! | a service, for itself | [`ClientCredentials`] | [`OAuth::client_secret`], or a [`SigningKey`] |
//! | a workload that its platform vouches for | [`JwtBearer`] | [`OAuth::client_id`] |
//! | a user who is logged in to the company | [`EnterpriseManaged`] | as the authorization server wants it |
//!
//! # What is kept
//!
//! Tokens are in memory, unless [`OAuth::store`] says something else: [`FileStore`] keeps them in a file that many
//! processes may share. Nothing of them is in `Debug`, in errors or in the log.
//!
//! # What is refused
//!
//! Servers name the places of a login, so none of them is trusted: they have to be `https`, or `http` on this machine
//! for a server on this machine; addresses of private networks are asked for servers of such a network alone; redirects
//! to other origins are not followed. A login without PKCE, with the answer of another authorization server, or for the
//! metadata of another resource ends before anything secret is sent.

mod browser;

pub use browser::{OpenBrowserError, open_browser};
pub use mcp_transport::http::oauth::*;

/// An extension that merely declares that the client supports it.
pub(crate) struct Declared(pub(crate) String);

impl mcp_session::Extension for Declared {
    fn id(&self) -> &str {
        &self.0
    }
}

/// Logs users in with their own browser: it is opened, and its redirect is received on a free local port.
///
/// ```
/// use mcp_client::oauth::{OAuth, in_browser};
///
/// let oauth = OAuth::new("My App").client_id("registered").receiver(in_browser().port(8400));
/// # let _ = oauth;
/// ```
pub fn in_browser() -> Loopback {
    Loopback::new(|request| async move {
        open_browser(&request.url).await?;
        Ok(())
    })
}
