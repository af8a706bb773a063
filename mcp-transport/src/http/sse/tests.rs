//! Tests of the decoder, against a naive reading of the grammar.

use super::*;
use proptest::prelude::*;

/// All that a stream says: its events, the id to resume from, and the wait.
type Heard = (Vec<(Option<Vec<u8>>, Vec<u8>)>, Option<Vec<u8>>, Option<Duration>);

fn hear(chunks: &[&[u8]]) -> Heard {
    let mut decoder = Decoder::new(usize::MAX);
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        while let Some(event) = decoder.next_event().unwrap() {
            events.push((event.name.map(Vec::from), event.data.to_vec()));
        }
    }
    (events, decoder.last_event_id().map(|id| id.to_vec()), decoder.retry())
}

/// A naive reading of the grammar: the whole text at once, line by line.
fn reference(bytes: &[u8]) -> Heard {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut lines = Vec::new();
    let mut line = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\r' | b'\n' => {
                if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
                    at += 1;
                }
                lines.push(mem::take(&mut line));
            }
            byte => line.push(byte),
        }
        at += 1;
    }
    let (mut events, mut last_id, mut retry) = (Vec::new(), None, None);
    let (mut name, mut data, mut id) = (None, Vec::<Vec<u8>>::new(), None);
    for line in lines {
        if line.is_empty() {
            if let Some(id) = id.take() {
                last_id = Some(id);
            }
            let name = name.take();
            if !data.is_empty() {
                events.push((name, mem::take(&mut data).join(&b'\n')));
            }
            continue;
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let field = parts.next().unwrap().to_vec();
        let value = parts.next().unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value).to_vec();
        match field.as_slice() {
            b"data" => data.push(value),
            b"event" => name = Some(value),
            b"id" if !value.contains(&0) => id = Some(value),
            b"retry" => retry = milliseconds(&value).or(retry),
            _ => {}
        }
    }
    (events, last_id.filter(|id| !id.is_empty()), retry)
}

fn fragment() -> impl Strategy<Value = Vec<u8>> {
    const WORDS: &[&[u8]] = &[
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"data",
        b"data: {}",
        b"data:x",
        b"data:  two",
        b":",
        b": a comment",
        b"event: message",
        b"event: message\ndata: {}\n\n",
        b"data: {}\r\n\r\n",
        b"event",
        b"id: 7",
        b"id",
        b"id: a\0b",
        b"retry: 250",
        b"retry: -1",
        b"unknown: x",
        b" ",
        BYTE_ORDER_MARK,
        b"\xc3\xa9\xe4\xb8\x96",
        b"\xff\xc3",
    ];
    proptest::sample::select(WORDS).prop_map(<[u8]>::to_vec)
}

proptest! {
    // spec: HTTP-12 H25-12
    #[test]
    fn any_chunking_gives_what_the_whole_text_gives(
        fragments in prop::collection::vec(fragment(), 0..40),
        sizes in prop::collection::vec(1usize..9, 1..20),
    ) {
        let bytes = fragments.concat();
        let expected = reference(&bytes);
        prop_assert_eq!(&hear(&[&bytes]), &expected, "in one piece");
        let mut chunks = Vec::new();
        let (mut rest, mut sizes) = (&bytes[..], sizes.iter().cycle());
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            chunks.push(chunk);
            rest = tail;
        }
        prop_assert_eq!(hear(&chunks), expected, "in pieces");
    }

    #[test]
    fn any_bytes_are_read_as_the_grammar_says(
        bytes in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(&b"\r\n:data id\0"[..])],
            0..200,
        ),
        size in 1usize..9,
    ) {
        let chunks: Vec<_> = bytes.chunks(size).collect();
        prop_assert_eq!(hear(&chunks), reference(&bytes));
    }

    #[test]
    fn no_bytes_make_it_panic_or_keep_more_than_the_limit(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..20),
    ) {
        let mut decoder = Decoder::new(32);
        for chunk in chunks {
            decoder.push(chunk.into());
            while !matches!(decoder.next_event(), Ok(None)) {}
            prop_assert!(decoder.line.len() <= 32);
        }
    }
}

#[test]
fn an_event_within_one_chunk_is_not_copied() {
    let chunk = Bytes::from_static(b"data: {\"a\":1}\n\n");
    let mut decoder = Decoder::new(100);
    decoder.push(chunk.clone());
    let data = decoder.next_event().unwrap().unwrap().data;
    assert!(chunk.as_ptr_range().contains(&data.as_ptr()), "the payload is a slice of the chunk");
}

#[test]
fn an_event_is_there_as_soon_as_its_blank_line_begins() {
    let (events, ..) = hear(&[b"data: x\r\r"]);
    assert_eq!(events, [(None, b"x".to_vec())]);
}

#[test]
fn a_large_event_is_refused_and_the_next_one_read() {
    for chunk in [1, 3, 1000] {
        let text =
            b"data: 0123456789\ndata: 0123456789\n\ndata: ok\n\n: a comment of any length\n\n";
        let mut decoder = Decoder::new(20);
        let mut heard = Vec::new();
        for part in text.chunks(chunk) {
            decoder.push(Bytes::copy_from_slice(part));
            loop {
                match decoder.next_event() {
                    Ok(Some(event)) => heard.push(Ok(event.data)),
                    Ok(None) => break,
                    Err(error) => heard.push(Err(error)),
                }
            }
        }
        assert_eq!(heard, [Err(TooLarge), Ok("ok".into())], "chunks of {chunk}");
    }
}

#[test]
fn the_limit_itself_is_allowed() {
    let mut decoder = Decoder::new(7);
    decoder.push("data: x\n\n".into());
    assert_eq!(decoder.next_event().unwrap().unwrap().data, "x");
    decoder.push("data: xy\n\n".into());
    assert_eq!(decoder.next_event(), Err(TooLarge));
}
