//! Arguments and output of tools against the schemas that the tools declare.

use crate::script::{Answer, Script, deadline, discovered, initialized};
use conformance::script::Background;
use futures_util::{StreamExt, stream::FuturesUnordered};
use mcp_session::{
    Call, Diagnostics, Error, Misbehavior, Misfit, Mode, Options, Params, Session, Started, Tasks,
    ValidateArguments, ValidateOutput, ValidateToolsLayer, Validation,
};
use mcp_transport::Binding;
use mcp_types::rpc::Request;
use serde_json::{Value, json};
use std::{pin::pin, sync::Arc};

/// Returns tools by name, with their output schemas and their output.
fn tools() -> Vec<(&'static str, Value, Value)> {
    let weather = json!({"type": "object", "properties": {"degrees": {"type": "number"}}});
    let structured = |value: Value| json!({"content": [], "structuredContent": value});
    vec![
        ("good", weather.clone(), structured(json!({"degrees": 1}))),
        ("bad", weather.clone(), structured(json!({"degrees": "cold"}))),
        ("none", weather.clone(), json!({"content": []})),
        ("failed", weather, json!({"content": [], "isError": true})),
        ("null", json!({"type": "null"}), structured(Value::Null)),
        ("list", json!({"type": "array", "items": {"type": "integer"}}), structured(json!([1]))),
        ("broken", json!({"type": "nonsense"}), structured(json!({}))),
        ("outside", json!({"$ref": "https://example.com/x"}), structured(json!({}))),
        ("strange", json!({"$schema": "https://example.com/mine"}), structured(json!({}))),
        ("bomb", bomb(), structured(json!({}))),
    ]
}

/// Returns a small schema that doubles the work thirty times.
fn bomb() -> Value {
    let mut definitions = json!({"30": {"type": "object"}});
    for level in 0..30 {
        let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
        definitions[level.to_string()] = json!({"anyOf": [next, next]});
    }
    json!({"$ref": "#/$defs/0", "$defs": definitions})
}

fn params(request: &Request) -> Value {
    request.params.as_ref().map(|params| params.decode().unwrap()).unwrap_or_default()
}

/// Creates a server that lists its tools on two pages, among malformed ones.
fn server(is_modern: bool) -> Script {
    Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "server/discover" if is_modern => discovered(&["2026-07-28"]),
        "initialize" => initialized("2025-11-25"),
        "tools/list" => {
            let input = json!({"type": "object", "required": ["city"], "additionalProperties": false,
                "properties": {"city": {"type": "string"}}});
            let tools = tools().into_iter().map(|(name, schema, _)| {
                json!({"name": name, "inputSchema": input, "outputSchema": schema})
            });
            let mut tools: Vec<_> = tools.collect();
            let second = tools.split_off(4);
            tools.push(json!({"name": 7, "outputSchema": false}));
            Answer::Result(match params(request)["cursor"].as_str() {
                None => json!({"resultType": "complete", "tools": tools, "nextCursor": "2"}),
                Some(_) => json!({"resultType": "complete", "tools": second}),
            })
        }
        "tools/call" => {
            let name = params(request)["name"].as_str().unwrap().to_owned();
            let tool = tools().into_iter().find(|(known, ..)| *known == name);
            let mut result = tool.map_or_else(|| json!({"content": []}), |(.., result)| result);
            result["resultType"] = "complete".into();
            Answer::Result(result)
        }
        _ => Answer::Refuse(-32601, Value::Null),
    })
}

async fn connect(script: &Script, layer: ValidateToolsLayer, options: Options) -> Session {
    let builder = Session::builder(script.clone()).options(options).layer(layer);
    let (session, driver) = builder.connect().await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test owns its runtime")]
    drop(tokio::spawn(driver));
    session
}

async fn validating(script: &Script, output: Validation) -> Session {
    connect(script, ValidateToolsLayer::new().output(output), Options::default()).await
}

fn call(tool: &str) -> Call {
    with(tool, &json!({"city": "Oslo"}))
}

fn with(tool: &str, arguments: &Value) -> Call {
    let params = json!({"name": tool, "arguments": arguments});
    Call::new("tools/call").with_params(Params::encode(&params).unwrap())
}

fn count(script: &Script, method: &str) -> usize {
    script.methods().iter().filter(|line| line.ends_with(method)).count()
}

fn misfit(error: Error) -> Misfit {
    match error {
        Error::InvalidOutput { misfit, .. } | Error::InvalidArguments { misfit, .. } => *misfit,
        other => panic!("{other}"),
    }
}

// spec: TOOL-04 TOOL-07 TOOL-08 TOOL-15 SCH-03 SCH-05 SCH-07 SCH-08 SCH-09
#[tokio::test(start_paused = true)]
async fn output_that_does_not_fit_fails_a_strict_call_and_says_where_and_why() {
    deadline(async {
        for is_modern in [true, false] {
            let script = server(is_modern);
            let session = validating(&script, Validation::Strict).await;
            for tool in ["good", "failed", "null", "list", "unlisted"] {
                session.call_raw(call(tool)).await.unwrap();
            }
            for (tool, expected) in [
                ("bad", r#"output of tool "bad" does not fit its schema: value is not of type "number" (rule "type", at "/degrees")"#),
                ("none", r#"output of tool "none" does not fit its schema: there is no structured output (rule "outputSchema")"#),
                ("broken", r#"a schema of tool "broken" cannot be used: it is not a valid schema"#),
                ("outside", r#"a schema of tool "outside" cannot be used: it refers to "https://example.com/x""#),
                ("strange", r#"a schema of tool "strange" cannot be used: the dialect "https://example.com/mine""#),
                ("bomb", r#"output of tool "bomb" does not fit its schema: it would take too much work"#),
            ] {
                let error = session.call_raw(call(tool)).await.unwrap_err().to_string();
                assert!(error.starts_with(expected), "{error}");
            }
            // One page for `good`, both for `null`, and both for the unlisted tool.
            assert_eq!(count(&script, "tools/list"), 1 + 2 + 2);
        }
    })
    .await;
}

// spec: TOOL-04
#[tokio::test(start_paused = true)]
async fn output_that_does_not_fit_is_told_where_that_is_enough_and_the_call_goes_on() {
    deadline(async {
        let mut options = Options::default();
        options.diagnostics = Diagnostics::new();
        let mut told = pin!(options.diagnostics.subscribe());
        let layer = ValidateToolsLayer::new().output(Validation::Warn);
        let session = connect(&server(true), layer, options).await;
        for (tool, expected, detail) in [
            ("bad", Misbehavior::OutputMismatch, "/degrees"),
            ("none", Misbehavior::OutputMismatch, "there is no structured output"),
            ("broken", Misbehavior::UnusableSchema, "it is not a valid schema"),
            ("bomb", Misbehavior::OutputMismatch, "too much work"),
        ] {
            session.call_raw(call(tool)).await.unwrap();
            let incident = told.next().await.unwrap();
            assert_eq!(incident.misbehavior, expected, "{tool}");
            assert_eq!(incident.method.as_deref(), Some("tools/call"));
            assert!(incident.detail.unwrap().contains(detail), "{tool}");
        }
        // A session that is strict about everything is strict about this too.
        let mut options = Options::default();
        options.diagnostics = Diagnostics::new().strict();
        let layer = ValidateToolsLayer::new().output(Validation::Warn);
        let session = connect(&server(true), layer, options).await;
        let error = session.call_raw(call("bad")).await.unwrap_err();
        assert_eq!(&*misfit(error).pointer, "/degrees");
    })
    .await;
}

// spec: TOOL-04
#[tokio::test(start_paused = true)]
async fn nothing_is_asked_that_is_known_or_not_needed() {
    deadline(async {
        let script = server(true);
        let session = validating(&script, Validation::Off).await;
        session.call_raw(call("bad")).await.unwrap();
        assert_eq!(count(&script, "tools/list"), 0, "off");
        session.call_raw(Call::new("tools/list")).await.unwrap();
        // A call may ask for more, or for less.
        let strict = call("bad").with_extension(ValidateOutput(Validation::Strict));
        assert!(session.call_raw(strict).await.is_err());
        assert_eq!(count(&script, "tools/list"), 1, "listed before");
        let session = validating(&script, Validation::Strict).await;
        let off = call("bad").with_extension(ValidateOutput(Validation::Off));
        session.call_raw(off).await.unwrap();
        assert_eq!(count(&script, "tools/list"), 1);
        let calls: FuturesUnordered<_> = (0..5).map(|_| session.call_raw(call("good"))).collect();
        assert!(calls.all(async |outcome| outcome.is_ok()).await);
        assert_eq!(count(&script, "tools/list"), 2, "one lists for all");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_without_a_list_is_called_and_one_that_cannot_be_asked_is_not() {
    deadline(async {
        for validation in [Validation::Warn, Validation::Strict] {
            let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
                "server/discover" => discovered(&["2026-07-28"]),
                "tools/call" => Answer::Result(json!({"resultType": "complete", "content": []})),
                _ => Answer::Refuse(-32601, Value::Null),
            });
            validating(&script, validation).await.call_raw(call("x")).await.unwrap();
            let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
                "server/discover" => discovered(&["2026-07-28"]),
                "tools/call" => Answer::Result(json!({"resultType": "complete", "content": []})),
                _ => Answer::Silence,
            });
            let outcome = validating(&script, validation).await.call_raw(call("x")).await;
            assert_eq!(outcome.is_err(), validation == Validation::Strict, "{outcome:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn arguments_that_do_not_fit_are_not_sent_by_a_strict_call() {
    deadline(async {
        let script = server(true);
        let layer = ValidateToolsLayer::new().arguments(Validation::Strict);
        let session = connect(&script, layer, Options::default()).await;
        // The output is not examined.
        session.call_raw(call("bad")).await.unwrap();
        for (arguments, pointer, rule) in [
            (json!({"city": 7}), "/city", "type"),
            (json!({"city": "Oslo", "country": "NO"}), "/country", "additionalProperties"),
            (json!({}), "", "required"),
        ] {
            let error = session.call_raw(with("good", &arguments)).await.unwrap_err();
            let text = error.to_string();
            assert!(text.contains(r#"arguments of tool "good" do not fit"#), "{text}");
            let misfit = misfit(error);
            assert_eq!((&*misfit.pointer, &*misfit.rule), (pointer, rule));
        }
        let missing = Params::encode(&json!({"name": "good"})).unwrap();
        let error = session.call_raw(Call::new("tools/call").with_params(missing)).await;
        assert!(error.unwrap_err().to_string().contains("\"city\" is a required property"));
        assert_eq!(count(&script, "tools/call"), 1);
        let warn =
            with("good", &json!({"city": 7})).with_extension(ValidateArguments(Validation::Warn));
        session.call_raw(warn).await.unwrap();
        assert_eq!(count(&script, "tools/call"), 2);
    })
    .await;
}

// spec: TOOL-04 TASKX-13
#[tokio::test(start_paused = true)]
async fn the_output_of_a_task_is_validated_when_it_is_fetched() {
    deadline(async {
        let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "server/discover" => discovered(&["2026-07-28"]),
            "tools/list" => {
                let schema = json!({"type": "object"});
                let tool = json!({"name": "x", "inputSchema": {}, "outputSchema": schema});
                Answer::Result(json!({"resultType": "complete", "tools": [tool]}))
            }
            "tools/call" => {
                Answer::Result(json!({"resultType": "task", "taskId": "t", "status": "working"}))
            }
            _ => Answer::Result(json!({"resultType": "complete", "taskId": "t",
                "status": "completed", "result": {"content": [], "structuredContent": 7}})),
        });
        let mut options = Options::default();
        options.extensions.push(Arc::new(Tasks::new()));
        let layer = ValidateToolsLayer::new().output(Validation::Strict);
        let session = connect(&script, layer, options).await;
        let started = session.call_as_task(call("x"), None).await.unwrap();
        let Started::Task(handle) = started else { panic!("no task") };
        handle.wait().await.unwrap();
        for error in [
            handle.result().await.unwrap_err(),
            handle.result().await.unwrap_err(),
            session.call_raw(call("x")).await.unwrap_err(),
        ] {
            assert_eq!(&*misfit(error).rule, "type");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_definition_that_changed_counts_from_the_next_list_on() {
    deadline(async {
        let listed = std::sync::atomic::AtomicUsize::new(0);
        let script = Script::new(Binding::ByteStream, move |_, request| match &*request.method {
            "initialize" => initialized("2025-11-25"),
            "tools/list" => {
                let kind = match listed.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                    0 => "string",
                    _ => "object",
                };
                let schema = json!({"type": kind});
                let tool = json!({"name": "x", "inputSchema": {}, "outputSchema": schema});
                Answer::Result(json!({"tools": [tool]}))
            }
            _ => Answer::Result(json!({"content": [], "structuredContent": {}})),
        });
        let mut options = Options::default();
        options.mode = Mode::Legacy;
        let layer = ValidateToolsLayer::new().output(Validation::Strict);
        let session = connect(&script, layer, options).await;
        assert!(session.call_raw(call("x")).await.is_err());
        session.call_raw(Call::new("tools/list")).await.unwrap();
        session.call_raw(call("x")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_tool_is_not_looked_for_on_the_same_page_for_ever() {
    deadline(async {
        let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "server/discover" => discovered(&["2026-07-28"]),
            "tools/list" => Answer::Result(json!({"tools": [], "nextCursor": "again"})),
            _ => Answer::Result(json!({"content": []})),
        });
        let layer = ValidateToolsLayer::new().output(Validation::Warn);
        let session = Session::builder(script.clone()).layer(layer);
        let (session, driver) = session.connect().await.unwrap();
        let _driver = Background::run(driver);
        let call =
            Call::new("tools/call").with_params(Params::encode(&json!({"name": "x"})).unwrap());
        session.call_raw(call).await.unwrap();
        let lists = script.methods().into_iter().filter(|line| line.ends_with("tools/list"));
        assert_eq!(lists.count(), 2);
    })
    .await;
}
