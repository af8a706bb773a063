//! Transcripts as text.

use super::*;
use futures_util::FutureExt;

#[tokio::test]
async fn failures_and_lost_connections_are_played_too() {
    let text = r#"
{"mcp-transcript":1}
{"at":0,"connection":1,"event":"not-connected","failure":{"message":"nobody there","kind":"connect","delivery":"not-sent"}}

{"at":1,"connection":2,"event":"connected","binding":"byte-stream","later":"members"}
{"at":2,"connection":2,"event":"something-later"}
{"at":3,"connection":2,"dir":">","call":1,"message":{"jsonrpc":"2.0","id":1,"method":"a"}}
{"at":4,"connection":2,"dir":"<","call":1,"event":"failed","failure":{"message":"lost","kind":"closed","delivery":"unknown"}}
{"at":5,"connection":2,"dir":">","call":2,"message":{"jsonrpc":"2.0","method":"n"}}
{"at":6,"connection":2,"dir":"<","call":2,"event":"failed","failure":{"message":"refused","kind":"status","delivery":"delivered","status":502,"error":{"code":7,"message":"no"}}}
{"at":7,"connection":2,"dir":">","call":3,"message":{"jsonrpc":"2.0","id":2,"method":"b"}}
{"at":8,"connection":2,"dir":"<","call":3,"event":"ended"}
{"at":9,"connection":2,"dir":">","call":4,"message":{"jsonrpc":"2.0","id":3,"method":"c"}}
{"at":9,"connection":2,"dir":">","call":4,"event":"abandoned"}
{"at":9,"connection":2,"dir":">","call":5,"message":{"jsonrpc":"2.0","id":4,"method":"d"}}
{"at":9,"connection":0,"event":"lost","count":3}
"#;
    let replay = Replay::parse(text).unwrap();
    let error = replay.connect().await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    let link = replay.connect().await.unwrap();
    assert_eq!(link.binding, Binding::ByteStream);
    let client = link.transport;
    let error = replies(client.clone(), Request::new(1, "a").into()).await.unwrap_err();
    assert!(error.is_closed() && error.delivery() == Delivery::Unknown);
    let error = replies(client.clone(), Notification::new("n").into()).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.peer_error().unwrap().code.0), (502, 7));
    assert_eq!(replies(client.clone(), Request::new(2, "b").into()).await.unwrap(), []);
    let mut abandoned = client.clone().oneshot(Request::new(3, "c").into()).await.unwrap();
    assert!(abandoned.next().now_or_never().is_none(), "it was given up before it was answered");
    let error = replies(client, Request::new(4, "d").into()).await.unwrap_err();
    assert_eq!(error.to_string(), "recording ends before the response");
    let error = replay.connect().await.unwrap_err();
    assert!(error.is_connect() && error.to_string().contains("2 connections"), "{error}");
    replay.finish().unwrap();
}

#[test]
fn a_text_that_is_no_transcript_is_refused_with_its_line() {
    let header = "{\"mcp-transcript\":1}";
    for (text, line, expected) in [
        ("", 1, "line 1 of the transcript: text is empty"),
        ("hello", 1, "line 1 of the transcript: not the header `{\"mcp-transcript\":1}`"),
        (
            "\n{\"mcp-transcript\":2}",
            2,
            "line 2 of the transcript: version 2 of the format is not known",
        ),
        (&format!("{header}\nhello"), 2, "line 2 of the transcript: not an entry"),
        (
            &format!("{header}\n\n{{}}"),
            3,
            "line 3 of the transcript: entry has neither an `event` nor a `message` with its `dir`",
        ),
        (
            &format!(
                "{header}\n{{\"dir\":\">\",\"message\":{{\"jsonrpc\":\"2.0\",\"method\":\"n\"}}}}"
            ),
            2,
            "line 2 of the transcript: entry has no `call`",
        ),
        (
            &format!("{header}\n{{\"dir\":\">\",\"call\":1,\"message\":{{}}}}"),
            2,
            "line 2 of the transcript: its message is not a message",
        ),
        (
            &format!("{header}\n{{\"event\":\"connected\"}}"),
            2,
            "line 2 of the transcript: entry has no `binding` that is known",
        ),
    ] {
        let error = Transcript::parse(text).unwrap_err();
        assert_eq!((error.line(), error.to_string().as_str()), (line, expected));
    }
}
