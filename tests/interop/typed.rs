//! Code generated for the tools of the reference server, used with that server.

use crate::run::{client, command, within_deadline};
use conformance::peers;
use everything::{
    Everything, echo, get_structured_content, get_sum, trigger_long_running_operation,
};
use mcp_client::{Connection, Error, codegen::Generator};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

mod everything {
    include!("typed/everything.rs.in");
}

/// The tools that the server lists for a client that answers all its questions.
const SAVED: &str = include_str!("typed/everything.tools.json");

/// Runs a test with the generated tools, if the server is available.
fn with_tools(test: impl AsyncFnOnce(&Connection, Everything)) {
    let Some(program) = peers::or_skip(peers::everything_stdio()) else { return };
    let client = client(command(program)).build();
    within_deadline(async {
        let connection = client.connect().await.unwrap();
        test(&connection, Everything::new(&connection)).await;
        connection.close().await;
    });
}

#[test]
fn the_code_that_is_kept_is_what_the_generator_makes() {
    let code = Generator::new().struct_name("Everything").generate_json(SAVED).unwrap();
    let how =
        "mcp generate --struct Everything typed/everything.tools.json > typed/everything.rs.in";
    assert!(
        code == include_str!("typed/everything.rs.in"),
        "make it anew, in tests/interop: {how}"
    );
}

#[test]
fn generated_tools_are_called_with_types() {
    with_tools(async |_, tools| {
        let said = tools.echo(&echo::Arguments { message: "hello".to_owned() }).await.unwrap();
        assert_eq!(said.text(), "Echo: hello");
        let sum = tools.get_sum(&get_sum::Arguments { a: 2.0, b: 3.5 }).await.unwrap();
        assert!(sum.text().contains("5.5"), "{}", sum.text());
        let city = get_structured_content::ArgumentsLocation::NewYork;
        let weather = get_structured_content::Arguments { location: city };
        let weather = tools.get_structured_content(&weather).await.unwrap();
        assert_eq!((weather.temperature, &*weather.conditions), (33.0, "Cloudy"));
        assert_eq!(tools.get_tiny_image().await.unwrap().content.len(), 3);
    });
}

#[test]
fn a_generated_call_is_one_like_any_other() {
    with_tools(async |_, tools| {
        let steps = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&steps);
        let three =
            trigger_long_running_operation::Arguments { duration: Some(0.3), steps: Some(3.0) };
        let call = tools.trigger_long_running_operation(&three);
        let call = call.on_progress(move |_| {
            counted.fetch_add(1, SeqCst);
        });
        assert!(call.await.unwrap().text().contains("completed"));
        assert_eq!(steps.load(SeqCst), 3);
        let slow = trigger_long_running_operation::Arguments { duration: Some(8.0), steps: None };
        let call = tools.trigger_long_running_operation(&slow).timeout(Duration::from_millis(50));
        assert!(call.await.unwrap_err().is_timeout());
        let unconnected = Everything::new(&tools.client().fresh());
        let error = unconnected.get_env().await.unwrap_err();
        assert!(matches!(error, Error::NotConnected), "{error:?}");
    });
}

#[test]
fn tools_that_are_no_longer_what_they_were_are_told() {
    with_tools(async |connection, tools| {
        let drift = tools.verify().await.unwrap();
        assert!(drift.is_empty(), "{drift}");
        let [first, rest @ ..] = Everything::SIGNATURES else { panic!("no tools") };
        let drift = connection.tool_drift(rest).await.unwrap();
        assert_eq!((drift.is_harmless(), &drift.added[..]), (true, &[first.name.to_owned()][..]));
    });
}
