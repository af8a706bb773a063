//! Shared pieces of the tests: scripted peers and real servers.

pub mod alone;
pub mod clean;
pub mod http_server;
pub mod in_process;
pub mod log;
pub mod oauth;
pub mod peers;
pub mod script;
