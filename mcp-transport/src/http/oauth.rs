//! Logging in: OAuth 2.1 as the Model Context Protocol profiles it, below the transport (feature `oauth`).
//!
//! [`OAuth`] describes the client and how its user is asked. When a server answers 401, the client finds its authorization
//! server and registers there, the user grants access, and the request is sent again with a token. Later requests have
//! it from the start.
//!
//! See [the clauses](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization).

mod authorize;
mod challenge;
mod credentials;
mod discover;
mod dpop;
mod error;
mod fetch;
mod file_store;
mod finish;
mod flow;
mod grant;
mod grants;
mod jwt;
mod layer;
mod log_out;
mod login;
mod loopback;
mod metadata;
mod options;
mod places;
mod receive;
mod redirect;
mod register;
mod scopes;
mod secret;
mod store;
mod token;
mod tokens;

pub use challenge::Challenge;
pub use credentials::{AssertClient, AuthenticationMethod, Registration};
pub use error::{Error, ErrorKind};
pub use file_store::FileStore;
pub use grant::{Form, Grant, Site};
pub use grants::{Audience, ClientCredentials, EnterpriseManaged, JwtBearer};
pub use jwt::SigningKey;
pub use layer::{Authorize, AuthorizeLayer};
pub use log_out::LoggedOut;
pub use loopback::Loopback;
pub use options::OAuth;
pub use receive::{AuthorizationRequest, Pending, Receiver, ReceiverFn};
pub use redirect::Redirect;
pub use secret::Secret;
pub use store::{Key, Lock, MemoryStore, Store};
pub use tokens::{TokenType, Tokens};
