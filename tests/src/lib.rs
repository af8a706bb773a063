//! Shared pieces of the tests: scripted peers and real servers.

pub mod peers;
