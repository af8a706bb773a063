//! Questions of servers of both eras, and who answers them.

use crate::{builder, deadline, params, said};
use conformance::in_process::{Asked, InProcess, Outcome};
use mcp_client::{
    Connection, Content, Error, Handlers, Misbehavior, Question, Roots, elicit, sample,
};
use mcp_types::{
    CreateMessageRequest, CreateMessageResult, ErrorCode, ErrorObject, RawJson, Role, Root,
    SamplingMessageContentBlock, TextContent,
};
use serde_json::{Value, json};

pub(crate) async fn connect(server: &InProcess, handlers: Handlers) -> Connection {
    deadline(builder(server).input(handlers).build().connect()).await.unwrap()
}

/// Returns a form with one field.
fn form() -> Value {
    json!({"method": "elicitation/create", "params": {
        "mode": "form", "message": "Which size?",
        "requestedSchema": {"type": "object", "properties": {"size": {"type": "string", "default": "M"}}},
    }})
}

fn page(url: &str) -> Value {
    json!({"method": "elicitation/create", "params": {
        "mode": "url", "message": "Pay", "url": url, "elicitationId": "7",
    }})
}

/// Creates a stateless server that asks this once per call, and then returns the answer.
pub(crate) fn asking(question: Value) -> InProcess {
    InProcess::modern(move |asked: Asked| {
        let answer = &asked.params["inputResponses"]["q"];
        std::future::ready(Ok(if answer.is_null() {
            json!({"resultType": "input_required", "inputRequests": {"q": question}})
        } else {
            said(&answer.to_string())
        }))
    })
}

/// Creates a legacy server that asks this once per call, and then returns the answer.
pub(crate) fn asking_back(question: Value) -> InProcess {
    InProcess::legacy(move |asked: Asked| {
        let question = question.clone();
        async move {
            let method = match question["method"].as_str().unwrap() {
                "elicitation/create" => "elicitation/create",
                "sampling/createMessage" => "sampling/createMessage",
                _ => "roots/list",
            };
            let answer = asked.ask(method, question["params"].clone()).await;
            Ok(said(&match answer {
                Ok(result) => result.to_string(),
                Err(error) => error.code.to_string(),
            }))
        }
    })
}

pub(crate) async fn answer(client: &Connection) -> Result<Value, Error> {
    let text = deadline(client.call_tool("x").argument("a", 1)).await?.text().into_owned();
    Ok(serde_json::from_str(&text).unwrap())
}

fn shirts() -> Handlers {
    Handlers::new().on_elicit_form(async |form| {
        assert_eq!(form.message, "Which size?");
        elicit::accept(elicit::defaults(&form.requested_schema))
    })
}

// spec: MRTR-01 MRTR-08 ELI-01 ELI-02 ELI-10 ELI-12 META-05
// seed: 54 57
#[tokio::test]
async fn one_handler_answers_forms_of_both_eras() {
    let (modern, legacy) = (asking(form()), asking_back(form()));
    for server in [&modern, &legacy] {
        let client = connect(server, shirts()).await;
        let expected = json!({"action": "accept", "content": {"size": "M"}});
        assert_eq!(answer(&client).await.unwrap(), expected);
    }
    let declared = &modern.sent("tools/call")[0]["params"]["_meta"];
    let declared = &declared["io.modelcontextprotocol/clientCapabilities"];
    assert_eq!(*declared, json!({"elicitation": {"form": {}}}));
    let declared = &legacy.sent("initialize")[0]["params"]["capabilities"];
    assert_eq!(*declared, json!({"elicitation": {"form": {}}}));
}

// spec: MRTR-03 MRTR-04 MRTR-05 MRTR-06 MRTR-08
// seed: 57
#[tokio::test]
async fn the_second_try_is_the_first_one_with_the_answers_and_the_state() {
    // Decoding and encoding it would change its bytes.
    const STATE: &str = r#""{\"a\": 1}\u00e9\/ ""#;

    let server = InProcess::modern(async |asked: Asked| {
        let (form, params) = (form(), &asked.params);
        let text = match (params["requestState"].is_string(), params["inputResponses"].is_object())
        {
            (false, false) => format!(
                r#"{{"resultType": "input_required", "inputRequests": {{"q": {form}}}, "requestState": {STATE}}}"#
            ),
            (true, _) => {
                format!(r#"{{"resultType": "input_required", "inputRequests": {{"r": {form}}}}}"#)
            }
            (false, true) => said("{}").to_string(),
        };
        Ok(RawJson::parse(text).unwrap())
    });
    let client = connect(&server, shirts()).await;
    answer(&client).await.unwrap();
    let answer = json!({"action": "accept", "content": {"size": "M"}});
    let mut calls = server.sent("tools/call").into_iter();
    let first = calls.next().unwrap();
    let mut ids = vec![first["id"].clone()];
    for (call, key) in calls.zip(["q", "r"]) {
        let mut again = params(&call);
        let state = again.as_object_mut().unwrap().remove("requestState");
        assert_eq!(state.is_some(), key == "q", "the state goes into the very next try alone");
        let answers = again.as_object_mut().unwrap().remove("inputResponses");
        assert_eq!(answers, Some(json!({key: answer})));
        assert_eq!(again, params(&first));
        assert!(!ids.contains(&call["id"]));
        ids.push(call["id"].clone());
    }
    assert_eq!(ids.len(), 3);
    assert!(server.record()[2].contains(&format!(r#""requestState":{STATE}"#)));
}

// spec: MRTR-11 ELI-12
// seed: 54
#[tokio::test]
async fn declining_is_an_answer_and_failing_to_ask_is_not() {
    for server in [asking(form()), asking_back(form())] {
        let no = Handlers::new().on_elicit_form(async |_| elicit::decline());
        let client = connect(&server, no).await;
        assert_eq!(answer(&client).await.unwrap(), json!({"action": "decline"}));
    }
    let broken = || {
        Handlers::new()
            .on_elicit_form(async |_| ErrorObject::new(ErrorCode::INTERNAL_ERROR, "no window"))
    };
    let server = asking(form());
    let error = answer(&connect(&server, broken()).await).await.unwrap_err();
    let Error::InputRequired { reason, .. } = &error else { panic!("{error:?}") };
    assert_eq!(&**reason, "elicitation/create: no window");
    assert_eq!(server.sent("tools/call").len(), 1);
    let client = connect(&asking_back(form()), broken()).await;
    assert_eq!(answer(&client).await.unwrap(), json!(-32603));
}

// spec: ELI-05 ELI-06 ELI-12 ELI-23
#[tokio::test]
async fn a_url_is_for_those_who_declared_it_and_is_one_of_a_web_page() {
    let opener = || {
        Handlers::new().on_elicit_url(async |page| {
            assert_eq!(page.url, "https://pay.example/7");
            elicit::accept(json!({"content": "goes nowhere"}))
        })
    };
    let good = page("https://pay.example/7");
    for server in [asking(good.clone()), asking_back(good.clone())] {
        let client = connect(&server, opener()).await;
        assert_eq!(answer(&client).await.unwrap(), json!({"action": "accept"}));
    }
    for (question, handlers, is_undeclared) in [
        (good, shirts(), true),
        (page("javascript:alert(1)"), opener(), false),
        (page("nowhere"), opener(), false),
        (form(), opener(), true),
    ] {
        let client = connect(&asking_back(question.clone()), handlers.clone()).await;
        assert_eq!(answer(&client).await.unwrap(), json!(-32602), "{question}");
        let server = asking(question);
        let error = answer(&connect(&server, handlers).await).await.unwrap_err();
        let misbehavior = Misbehavior::UndeclaredInputRequest;
        let is_misbehaved =
            matches!(&error, Error::Misbehaved { misbehavior: it, .. } if *it == misbehavior);
        assert_eq!(is_misbehaved, is_undeclared, "{error:?}");
        assert!(is_misbehaved || matches!(error, Error::InputRequired { .. }), "{error:?}");
        assert_eq!(server.sent("tools/call").len(), 1);
    }
}

// spec: SAMP-01 SAMP-02 SAMP-03 SAMP-04
// seed: 53
#[tokio::test]
async fn a_model_answers_and_gets_tools_only_if_that_was_declared() {
    let sampled = |tools: bool| {
        let message = json!({"role": "user", "content": {"type": "text", "text": "hi"}});
        let mut params = json!({"maxTokens": 9, "messages": [message]});
        if tools {
            params["tools"] = json!([{"name": "t", "inputSchema": {}}]);
        }
        json!({"method": "sampling/createMessage", "params": params})
    };
    let model = async |question: Question<CreateMessageRequest>| {
        let text = format!("{} tools", question.tools.as_ref().map_or(0, |tools| tools.len()));
        let block = SamplingMessageContentBlock::from(TextContent::new(text));
        Ok(CreateMessageResult::new(Role::Assistant, block, "parrot"))
    };
    let said = |text: &str| json!({"role": "assistant", "content": {"type": "text", "text": text}, "model": "parrot"});
    let (plain, with_tools) =
        (Handlers::new().on_sample(model), Handlers::new().on_sample_with_tools(model));
    for (tools, handlers, expected) in [
        (false, &plain, said("0 tools")),
        (true, &with_tools, said("1 tools")),
        (true, &plain, json!(-32602)),
    ] {
        let client = connect(&asking_back(sampled(tools)), handlers.clone()).await;
        assert_eq!(answer(&client).await.unwrap(), expected);
        // This contradicts what was declared: a stateless server's call fails.
        let outcome = answer(&connect(&asking(sampled(tools)), handlers.clone()).await).await;
        assert_eq!(outcome.unwrap_or(json!(-32602)), expected);
    }
    let server = asking(form());
    let _client = connect(&server, with_tools).await;
    let declared = &server.sent("server/discover")[0]["params"]["_meta"];
    let declared = &declared["io.modelcontextprotocol/clientCapabilities"];
    assert_eq!(*declared, json!({"sampling": {"tools": {}}}));
}

// seed: 53
#[tokio::test]
async fn a_text_is_what_a_model_has_said() {
    let message = json!({"role": "user", "content": {"type": "text", "text": "hi"}});
    let params = json!({"maxTokens": 9, "messages": [message]});
    let question = json!({"method": "sampling/createMessage", "params": params});
    let echo = Handlers::new().on_sample(async |question| {
        let blocks = question.messages.iter().flat_map(|message| message.content.as_slice());
        let words: Vec<_> = blocks.filter_map(Content::as_text).collect();
        sample::completion("parrot", words.join(" "))
    });
    for (handlers, text, model) in [
        (echo, "hi", "parrot"),
        (Handlers::new().on_sample(async |_| "ho"), "ho", "unknown"),
        (Handlers::new().on_sample(async |_| Ok("ho".to_owned())), "ho", "unknown"),
    ] {
        let expected =
            json!({"role": "assistant", "content": {"type": "text", "text": text}, "model": model});
        for server in [asking(question.clone()), asking_back(question.clone())] {
            let client = connect(&server, handlers.clone()).await;
            assert_eq!(answer(&client).await.unwrap(), expected);
        }
    }
}

// spec: SAMP-05 SAMP-06 SAMP-07 SAMP-08 SAMP-14
#[tokio::test]
async fn a_conversation_that_is_against_the_rules_reaches_no_model_and_no_server() {
    let asked = |messages: Value, choice: &str| {
        json!({"method": "sampling/createMessage", "params": {
            "maxTokens": 9, "messages": messages, "toolChoice": {"mode": choice}, "tools": [],
        }})
    };
    let used = json!({"role": "assistant", "content": {"type": "tool_use", "id": "a", "name": "t", "input": {}}});
    let text = json!({"role": "user", "content": {"type": "text", "text": "hi"}});
    let refuses = ErrorObject::new(ErrorCode::USER_REJECTED, "the user said no");
    let model = Handlers::new().on_sample_with_tools(async |_| {
        let block = SamplingMessageContentBlock::from(TextContent::new("hi"));
        Ok(CreateMessageResult::new(Role::Assistant, block, "parrot"))
    });
    let nobody = Handlers::new().on_sample_with_tools(move |_| std::future::ready(refuses.clone()));
    for (question, handlers, code) in [
        (asked(json!([used, text]), "auto"), &model, -32602),
        (asked(json!([text]), "required"), &model, -32603),
        (asked(json!([text]), "auto"), &nobody, -1),
    ] {
        let client = connect(&asking_back(question.clone()), handlers.clone()).await;
        assert_eq!(answer(&client).await.unwrap(), json!(code));
        let server = asking(question);
        let error = answer(&connect(&server, handlers.clone()).await).await.unwrap_err();
        assert!(matches!(error, Error::InputRequired { .. }), "{error:?}");
        assert_eq!(server.sent("tools/call").len(), 1, "no second try");
    }
}

// spec: ROOT-01 ROOT-02 ROOT-03 ROOT-04
// seed: 52
#[tokio::test]
async fn roots_are_those_of_the_moment() {
    let question = json!({"method": "roots/list", "params": {}});
    let (modern, legacy) = (asking(question.clone()), asking_back(question));
    let roots = Roots::new([Root::new("file:///a")]).unwrap();
    for server in [&modern, &legacy] {
        let client = connect(server, Handlers::new().roots(roots.clone())).await;
        roots.set([Root::new("file:///b")]).unwrap();
        assert_eq!(answer(&client).await.unwrap(), json!({"roots": [{"uri": "file:///b"}]}));
    }
    assert_eq!(
        legacy.sent("initialize")[0]["params"]["capabilities"],
        json!({"roots": {"listChanged": true}})
    );
    let stray = Handlers::new().on_list_roots(async || Ok(vec![Root::new("/etc")]));
    let client = connect(&legacy, stray).await;
    assert_eq!(answer(&client).await.unwrap(), json!(-32603));
}

// spec: MSG-17 PING-01 MRTR-09
// seed: 54
#[tokio::test]
async fn nobody_answers_what_nobody_declared() {
    let client = connect(&asking_back(form()), Handlers::new()).await;
    assert_eq!(answer(&client).await.unwrap(), json!(-32601));
    let error = answer(&connect(&asking(form()), Handlers::new()).await).await.unwrap_err();
    assert!(matches!(error, Error::Misbehaved { .. }), "{error:?}");
    let server = InProcess::legacy(async |asked: Asked| -> Outcome {
        let pong = asked.ask("ping", json!({})).await?;
        Ok(said(&pong.to_string()))
    });
    assert_eq!(answer(&connect(&server, Handlers::new()).await).await.unwrap(), json!({}));
}
