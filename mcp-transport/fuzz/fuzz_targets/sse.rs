//! An event stream says the same however it is cut, and what a naive reading of its grammar says.

#![no_main]

// Its tests are beside it, where rustfmt does not look.
#[rustfmt::skip]
#[path = "../../src/http/sse.rs"]
mod sse;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sse::{Decoder, TooLarge};
use std::{mem, time::Duration};

/// The name, the data and the id.
type Event = (Option<Vec<u8>>, Vec<u8>, Option<Vec<u8>>);

/// Everything that a stream says: its events, the id to resume from, and the wait.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    events: Vec<Event>,
    last_event_id: Option<Vec<u8>>,
    retry: Option<Duration>,
    too_large: usize,
}

// The first byte is the size of the chunks, and the limit of a second reading.
fuzz_target!(|input: &[u8]| {
    let Some((&size, text)) = input.split_first() else { return };
    let size = usize::from(size) + 1;
    let expected = reference(text);
    for chunk in [1, size, text.len().max(1)] {
        assert_eq!(hear(text, chunk, usize::MAX), expected, "in pieces of {chunk}");
        let limited = hear(text, chunk, size);
        assert!(limited.events.iter().all(|(_, data, _)| data.len() <= size));
        assert!(limited.events.len() + limited.too_large >= expected.events.len());
    }
});

fn hear(text: &[u8], chunk: usize, limit: usize) -> Heard {
    let mut decoder = Decoder::new(limit);
    let mut heard = Heard::default();
    for chunk in text.chunks(chunk) {
        decoder.push(Bytes::copy_from_slice(chunk));
        loop {
            match decoder.next_event() {
                Ok(Some(event)) => {
                    let (name, id) = (event.name.map(Vec::from), event.id.map(Vec::from));
                    heard.events.push((name, event.data.into(), id));
                }
                Ok(None) => break,
                Err(TooLarge) => heard.too_large += 1,
            }
        }
    }
    heard.last_event_id = decoder.last_event_id().map(|id| id.to_vec());
    heard.retry = decoder.retry();
    heard
}

/// The whole text at once, byte by byte into lines, and line by line into fields.
fn reference(text: &[u8]) -> Heard {
    let mut lines = vec![Vec::new()];
    let mut after_return = false;
    for &byte in text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text) {
        match byte {
            b'\n' if after_return => {}
            b'\r' | b'\n' => lines.push(Vec::new()),
            _ => lines.last_mut().unwrap().push(byte),
        }
        after_return = byte == b'\r';
    }
    // What has no end is no line.
    lines.pop();
    let mut heard = Heard::default();
    let (mut name, mut data, mut id) = (None, Vec::<Vec<u8>>::new(), None);
    for line in lines {
        if line.is_empty() {
            let (name, id) = (mem::take(&mut name), mem::take(&mut id));
            heard.last_event_id = id.clone().or(heard.last_event_id);
            if !data.is_empty() {
                heard.events.push((name, mem::take(&mut data).join(&b'\n'), id));
            }
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value).to_vec();
        match field {
            b"data" => data.push(value),
            b"event" => name = Some(value),
            b"id" if !value.contains(&0) => id = Some(value),
            b"retry" if value.iter().all(u8::is_ascii_digit) => {
                let wait = String::from_utf8(value).unwrap().parse().ok();
                heard.retry = wait.map(Duration::from_millis).or(heard.retry);
            }
            _ => {}
        }
    }
    heard.last_event_id.take_if(|id| id.is_empty());
    heard
}
