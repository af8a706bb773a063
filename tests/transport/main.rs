//! Tests of the transport layer, against real pipes, processes and sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod by_hand;
mod duplex;
mod examples;
mod http;
mod oauth;
mod record;
mod serve;
mod socket;
mod stdio;
mod websocket;
