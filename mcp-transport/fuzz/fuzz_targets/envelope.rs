//! No bytes are too much for the envelope; a message that was read is the same after it was written and read again.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use mcp_types::rpc::{Message, salvage_id};

fuzz_target!(|bytes: &[u8]| {
    let salvaged = salvage_id(bytes);
    let message = match Message::decode(&Bytes::copy_from_slice(bytes)) {
        Ok(message) => message,
        Err(error) => return drop((error.to_string(), error.id().cloned())),
    };
    let id = match &message {
        Message::Request(request) => Some(&request.id),
        Message::Response(response) => response.id.as_ref(),
        Message::Notification(_) => None,
    };
    // It may miss one that is written in escapes, but does not find another.
    assert!(salvaged.is_none() || salvaged.as_ref() == id, "{salvaged:?} in {message:?}");
    let mut written = Vec::new();
    message.encode(&mut written);
    assert_eq!(Message::decode(&written.into()).unwrap(), message);
});
