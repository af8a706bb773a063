//! The tests for every peer, over every transport and in every era.

use crate::{
    expected::{Echo, Example, Expected, Refusal},
    run::{FOLDER, NAME, WORDS},
};
use futures_util::future::try_join_all;
use mcp_client::{Client, Connection, Content, Error, Phase, Progress, Validation};
use mcp_types::{ContentBlock, PromptReference};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// Creates a test of every function here, for the peer that an expression returns.
macro_rules! suite {
    ($peer:expr) => {
        $crate::suite::suite! { $peer;
            what_was_negotiated_is_known
            all_pages_of_tools_are_listed
            a_tool_gives_text
            structured_output_is_decoded
            schemas_are_usable_and_output_fits_them
            a_failing_tool_says_so_in_its_result
            an_unknown_tool_is_refused
            progress_arrives_in_order
            a_call_that_times_out_leaves_the_session_usable
            a_resource_is_read
            a_missing_resource_is_an_error
            a_prompt_is_filled_in
            an_argument_is_completed
            a_form_is_filled_in
            a_model_is_asked
            roots_are_listed
            concurrent_calls_get_their_own_answers
            concurrent_connections_share_one_session
        }
    };
    ($peer:expr; $($test:ident)+) => {$(
        #[test]
        fn $test() {
            $crate::run::run($peer, $crate::suite::$test);
        }
    )+};
}

pub(crate) use suite;

// spec: VER-04 VER-06 VER-09 LIFE-01
pub(crate) async fn what_was_negotiated_is_known(client: &Connection, expected: &Expected) {
    let server = client.server().unwrap();
    assert_eq!(server.era, expected.era);
    assert_eq!(server.version, expected.version);
    assert_eq!(server.info.as_ref().unwrap().name, expected.name);
    assert!(server.capabilities.tools.is_some());
}

// spec: PAG-01
pub(crate) async fn all_pages_of_tools_are_listed(client: &Connection, expected: &Expected) {
    let tools = client.list_tools().await.unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    for name in expected.tools {
        assert!(names.contains(name), "{name} is not in {names:?}");
    }
}

pub(crate) async fn a_tool_gives_text(client: &Connection, expected: &Expected) {
    assert_eq!(echo(client, &expected.echo, "hello").await.unwrap(), expected.echo.of("hello"));
    // What might be damaged on the way: line ends, quotes, non-ASCII characters, nothing at all.
    let text = "a\nb\r\n\"c\" \\ \u{1f980} \u{2028} é";
    assert_eq!(echo(client, &expected.echo, text).await.unwrap(), expected.echo.of(text));
    assert_eq!(echo(client, &expected.echo, "").await.unwrap(), expected.echo.of(""));
}

pub(crate) async fn structured_output_is_decoded(client: &Connection, expected: &Expected) {
    let example = &expected.structured;
    let answer: Value = serde_json::from_str(example.answer).unwrap();
    let call = || client.call_tool(example.tool).arguments(example.arguments());
    assert_eq!(call().await.unwrap().data(), Some(&answer));
    assert_eq!(call().typed::<Value>().await.unwrap(), answer);
}

// spec: TOOL-04 SCH-02
pub(crate) async fn schemas_are_usable_and_output_fits_them(
    client: &Connection,
    expected: &Expected,
) {
    let Expected { structured, echo, .. } = expected;
    let strict = Validation::Strict;
    let call = client.call_tool(structured.tool).arguments(structured.arguments());
    call.validate_output(strict).validate_arguments(strict).await.unwrap();
    let call = client.call_tool(echo.tool).argument(echo.argument, "a");
    call.validate_output(strict).validate_arguments(strict).await.unwrap();
}

// spec: TOOL-05
pub(crate) async fn a_failing_tool_says_so_in_its_result(client: &Connection, expected: &Expected) {
    let Example { tool, answer, .. } = &expected.failing;
    let call = || client.call_tool(*tool).arguments(expected.failing.arguments());
    let result = call().await.unwrap();
    assert!(result.is_error, "{result:?}");
    assert!(result.text().contains(answer), "{result:?}");
    let error = call().require_success().await.unwrap_err();
    assert!(matches!(&error, Error::Tool { tool: failed, .. } if **failed == **tool), "{error:?}");
}

pub(crate) async fn an_unknown_tool_is_refused(client: &Connection, expected: &Expected) {
    let outcome = client.call_tool("no-such-tool").await;
    match (&expected.unknown_tool, &outcome) {
        (Refusal::Error(code, message), Err(error @ Error::Rpc { .. })) => {
            let error = error.as_rpc().unwrap();
            assert_eq!(error.code, *code);
            assert!(error.message.contains(message), "{error:?}");
        }
        (Refusal::Result(message), Ok(result)) => {
            assert!(result.is_error && result.text().contains(message), "{result:?}");
        }
        _ => panic!("{outcome:?}"),
    }
}

// spec: PROG-01 PROG-05 PROG-06
pub(crate) async fn progress_arrives_in_order(client: &Connection, expected: &Expected) {
    let Example { tool, answer, .. } = expected.three_steps;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seen_by_listener = Arc::clone(&seen);
    let call = client.call_tool(tool).arguments(expected.three_steps.arguments());
    let call = call.on_progress(move |progress| seen_by_listener.lock().unwrap().push(progress));
    let result = call.await.unwrap();
    assert!(result.text().contains(answer), "{result:?}");
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let steps: Vec<_> =
        seen.iter().map(|Progress { progress, total, .. }| (*progress, *total)).collect();
    assert_eq!(steps, [(1.0, Some(3.0)), (2.0, Some(3.0)), (3.0, Some(3.0))]);
}

// spec: CAN-02 CAN-03 CAN-07 TOOL-09
pub(crate) async fn a_call_that_times_out_leaves_the_session_usable(
    client: &Connection,
    expected: &Expected,
) {
    let slow = &expected.slow;
    let call = client.call_tool(slow.tool).arguments(slow.arguments());
    let error = call.timeout(Duration::from_millis(300)).await.unwrap_err();
    assert!(error.is_timeout() && !error.is_closed(), "{error:?}");
    assert!(matches!(error, Error::Timeout { phase: Phase::Total, .. }), "{error:?}");
    assert_eq!(echo(client, &expected.echo, "again").await.unwrap(), expected.echo.of("again"));
}

pub(crate) async fn a_resource_is_read(client: &Connection, expected: &Expected) {
    let (uri, beginning) = expected.resource;
    let contents = client.read_resource(uri).await.unwrap();
    let [content] = contents.as_slice() else { panic!("{contents:?}") };
    assert!(content.as_text().unwrap().starts_with(beginning), "{content:?}");
}

// spec: RES-01
pub(crate) async fn a_missing_resource_is_an_error(client: &Connection, expected: &Expected) {
    let error = client.read_resource("test://no-such-resource").await.unwrap_err();
    assert_eq!(
        error.as_rpc().map(|error| error.code),
        Some(expected.missing_resource),
        "{error:?}"
    );
}

pub(crate) async fn a_prompt_is_filled_in(client: &Connection, expected: &Expected) {
    let (argument, value) = expected.prompt.argument;
    let prompts = client.list_prompts().await.unwrap();
    if !prompts.is_empty() {
        assert!(prompts.iter().any(|prompt| prompt.name == expected.prompt.name), "{prompts:?}");
    }
    let prompt = client.get_prompt(expected.prompt.name).argument(argument, value).await.unwrap();
    let [message] = prompt.messages.as_slice() else { panic!("{prompt:?}") };
    let ContentBlock::Text(content) = &message.content else { panic!("{message:?}") };
    assert_eq!(content.text, expected.prompt.text);
}

// spec: COMP-03
pub(crate) async fn an_argument_is_completed(client: &Connection, expected: &Expected) {
    let (prompt, argument, value, proposals) = expected.completion;
    let completion = client.complete(PromptReference::new(prompt), argument, value).await.unwrap();
    assert_eq!(completion.values, proposals);
}

// spec: MRTR-01 MRTR-03 MRTR-06 MRTR-08
pub(crate) async fn a_form_is_filled_in(client: &Connection, expected: &Expected) {
    let text = text_of(client, &expected.form).await;
    assert!(text.contains(expected.form.answer) && text.contains(NAME), "{text}");
}

pub(crate) async fn a_model_is_asked(client: &Connection, expected: &Expected) {
    let text = text_of(client, &expected.sampling).await;
    assert!(text.contains(expected.sampling.answer) && text.contains(WORDS), "{text}");
}

pub(crate) async fn roots_are_listed(client: &Connection, expected: &Expected) {
    let text = text_of(client, &expected.roots).await;
    let uri = format!("file://{FOLDER}");
    assert!(text.contains(expected.roots.answer) && text.contains(&uri), "{text}");
}

// spec: MSG-05
pub(crate) async fn concurrent_calls_get_their_own_answers(
    client: &Connection,
    expected: &Expected,
) {
    let texts: Vec<_> = (0..20).map(|number| format!("call {number}")).collect();
    let calls = texts.iter().map(|text| echo(client, &expected.echo, text));
    let answers = try_join_all(calls).await.unwrap();
    let wanted: Vec<_> = texts.iter().map(|text| expected.echo.of(text)).collect();
    assert_eq!(answers, wanted);
}

pub(crate) async fn concurrent_connections_share_one_session(
    client: &Connection,
    expected: &Expected,
) {
    let (one, other) = tokio::join!(client.connect(), client.connect());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(Arc::ptr_eq(&one.server().unwrap(), &other.server().unwrap()));
    one.close().await;
    assert_eq!(echo(&other, &expected.echo, "open").await.unwrap(), expected.echo.of("open"));
    other.close().await;
    // The connection of this test keeps the session open.
    assert_eq!(echo(client, &expected.echo, "open").await.unwrap(), expected.echo.of("open"));
}

impl Echo {
    pub(crate) fn of(&self, text: &str) -> String {
        format!("{}{text}", self.before)
    }
}

/// Returns the output of a peer's echo.
pub(crate) async fn echo(client: &Client, echo: &Echo, text: &str) -> Result<String, Error> {
    let result = client.call_tool(echo.tool).argument(echo.argument, text).await?;
    Ok(result.require_success()?.text().into_owned())
}

async fn text_of(client: &Client, example: &Example) -> String {
    let call = client.call_tool(example.tool).arguments(example.arguments());
    call.require_success().await.unwrap().text().into_owned()
}
