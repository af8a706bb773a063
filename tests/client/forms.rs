//! Answers to forms: what closures may give, what is filled in, and what does not go out.

use crate::{
    deadline,
    questions::{answer, asking, asking_back, connect},
};
use conformance::in_process::InProcess;
use mcp_client::{Client, Error, Handlers, Question, elicit};
use mcp_types::{ElicitRequestFormParams, ElicitationSchema};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

fn form(properties: &Value, required: &[&str]) -> Value {
    json!({"method": "elicitation/create", "params": {"message": "Well?", "requestedSchema": {
        "type": "object", "properties": properties, "required": required,
    }}})
}

/// Returns what a server of each era receives as an answer: the content, or the error code for a legacy one.
async fn answers(question: &Value, handlers: &Handlers) -> [Result<Value, Error>; 2] {
    let modern = answer(&connect(&asking(question.clone()), handlers.clone()).await).await;
    let legacy = answer(&connect(&asking_back(question.clone()), handlers.clone()).await).await;
    [modern, legacy]
}

#[track_caller]
fn accepted(outcome: Result<Value, Error>, content: &Value) {
    assert_eq!(outcome.unwrap(), json!({"action": "accept", "content": content}));
}

// spec: ELI-11 ELI-12
// seed: 54
#[tokio::test]
async fn a_value_alone_is_the_answer_of_a_user_who_accepts() {
    let one = |schema: Value| form(&json!({"value": schema}), &["value"]);
    let cases: [(Value, Handlers, Value); 7] = [
        (json!({"type": "string"}), Handlers::new().on_elicit_form(async |_| "x"), json!("x")),
        (json!({"type": "integer"}), Handlers::new().on_elicit_form(async |_| 7), json!(7)),
        (json!({"type": "number"}), Handlers::new().on_elicit_form(async |_| 1.5), json!(1.5)),
        (json!({"type": "boolean"}), Handlers::new().on_elicit_form(async |_| true), json!(true)),
        (
            json!({"type": "string", "enum": ["a", "b"]}),
            Handlers::new().on_elicit_form(async |_| elicit::accept("b")),
            json!("b"),
        ),
        (
            json!({"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}),
            Handlers::new().on_elicit_form(async |_| vec!["a".to_owned(), "b".to_owned()]),
            json!(["a", "b"]),
        ),
        (
            json!({"type": "string", "oneOf": [{"const": "#F00", "title": "Red"}]}),
            Handlers::new().on_elicit_form(async |_| json!({"value": "#F00"})),
            json!("#F00"),
        ),
    ];
    for (schema, handlers, value) in cases {
        for outcome in answers(&one(schema), &handlers).await {
            accepted(outcome, &json!({"value": value}));
        }
    }
    // A bare value does not answer a form with other fields.
    let scalar = Handlers::new().on_elicit_form(async |_| 7);
    let [modern, legacy] = answers(&form(&json!({"name": {"type": "string"}}), &[]), &scalar).await;
    let error = modern.unwrap_err().to_string();
    assert!(error.contains("`value` is not a field of the form"), "{error}");
    assert_eq!(legacy.unwrap(), json!(-32603));
}

#[derive(JsonSchema, Serialize)]
struct Booking {
    name: String,
    #[schemars(range(min = 1, max = 9))]
    seats: u8,
    class: Class,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
enum Class {
    #[expect(dead_code, reason = "a choice that nobody makes")]
    First,
    Second,
}

// spec: ELI-11
// seed: 54
#[tokio::test]
async fn a_struct_answers_the_form_that_is_made_of_it() {
    let schema = ElicitationSchema::of::<Booking>().unwrap();
    let question = json!({"method": "elicitation/create", "params": {
        "message": "Who travels?", "requestedSchema": schema,
    }});
    let booking = |seats: u8| {
        Handlers::new().on_elicit_form(move |_| {
            let (name, class, email) = ("Ada".to_owned(), Class::Second, None);
            std::future::ready(elicit::accept(Booking { name, seats, class, email }))
        })
    };
    for outcome in answers(&question, &booking(2)).await {
        accepted(outcome, &json!({"name": "Ada", "seats": 2, "class": "second"}));
    }
    let [modern, legacy] = answers(&question, &booking(10)).await;
    let error = modern.unwrap_err().to_string();
    assert!(error.contains("elicitation/create: the answer does not fit the form"), "{error}");
    assert!(error.contains("`seats` must be at most 9"), "{error}");
    assert_eq!(legacy.unwrap(), json!(-32603));
}

/// Returns a form with a default of every kind, and one field without.
fn with_defaults() -> Value {
    let properties = json!({
        "name": {"type": "string", "default": "Ada"},
        "age": {"type": "integer", "default": 36},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["on", "off"], "default": "on"},
        "verified": {"type": "boolean", "default": true},
        "note": {"type": "string"},
    });
    form(&properties, &["name", "age"])
}

// spec: ELI-10
#[tokio::test]
async fn fields_that_an_answer_leaves_out_have_their_defaults() {
    let some = Handlers::new().on_elicit_form(async |_| json!({"age": 7}));
    for outcome in answers(&with_defaults(), &some).await {
        let expected =
            json!({"age": 7, "name": "Ada", "score": 95.5, "status": "on", "verified": true});
        accepted(outcome, &expected);
    }
    let no = Handlers::new().on_elicit_form(async |_| elicit::decline());
    for outcome in answers(&with_defaults(), &no).await {
        assert_eq!(outcome.unwrap(), json!({"action": "decline"}));
    }
}

// spec: ELI-08 ELI-12
#[tokio::test(start_paused = true)]
async fn a_person_sees_what_is_asked_and_may_turn_away_at_any_time() {
    for (turn, action) in [(elicit::decline as fn() -> _, "decline"), (elicit::cancel, "cancel")] {
        let handlers = Handlers::new().on_elicit_form(
            move |form: Question<ElicitRequestFormParams>| async move {
                assert_eq!(form.message, "Well?");
                assert!(form.requested_schema.properties.contains_key("age"));
                // Thinking it over is not an answer.
                tokio::time::sleep(Duration::from_secs(5)).await;
                turn()
            },
        );
        for outcome in answers(&with_defaults(), &handlers).await {
            assert_eq!(outcome.unwrap(), json!({"action": action}));
        }
    }
}

// spec: ELI-10
#[tokio::test]
async fn a_host_can_do_without_defaults() {
    let connected = async |server: &InProcess, answer: Value| {
        let handlers = Handlers::new().on_elicit_form(move |_| std::future::ready(answer.clone()));
        let client = crate::builder(server).input(handlers);
        let client = client.configure(|options| options.fill_in_defaults = false).build();
        deadline(client.connect()).await.unwrap()
    };
    let server = asking(with_defaults());
    let whole = json!({"age": 7, "name": "Bo"});
    accepted(answer(&connected(&server, whole.clone()).await).await, &whole);
    let error = answer(&connected(&server, json!({"age": 7})).await).await.unwrap_err();
    assert!(error.to_string().ends_with("`name` is missing"), "{error}");
}

// spec: ELI-23
#[tokio::test]
async fn a_form_that_is_none_reaches_no_user() {
    let nobody = Handlers::new().on_elicit_form(async |_| -> bool { panic!("nobody is asked") });
    let broken = [
        form(&json!({"x": {"type": "object", "properties": {}}}), &[]),
        form(&json!({"x": {"type": "array", "items": {"type": "object"}}}), &[]),
        json!({"method": "elicitation/create", "params": {"message": "Well?"}}),
        json!({"method": "elicitation/create", "params": {"requestedSchema": {"type": "object", "properties": {}}}}),
        json!({"method": "elicitation/create", "params": {"message": "Well?", "requestedSchema": {"type": "string"}}}),
        json!({"method": "elicitation/create", "params": {"mode": "voice", "message": "Well?"}}),
    ];
    for question in broken {
        let [modern, legacy] = answers(&question, &nobody).await;
        assert!(modern.is_err(), "{question}");
        assert_eq!(legacy.unwrap(), json!(-32602), "{question}");
    }
    // A form without fields is valid: it asks for a yes.
    let yes = Handlers::new().on_elicit_form(async |_| json!({}));
    for outcome in answers(&form(&json!({}), &[]), &yes).await {
        accepted(outcome, &json!({}));
    }
}

// spec: ELI-07
// seed: 54
#[tokio::test]
async fn a_handler_is_told_what_is_asked_and_who_asks_about_which_call() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let handlers =
        Handlers::new().on_elicit_form(move |form: Question<ElicitRequestFormParams>| {
            let asker = &form.asker;
            let info = asker.info.as_ref().map(|info| info.name.clone());
            let name = asker.name.as_deref().map(str::to_owned);
            let target = asker.target().map(std::borrow::Cow::into_owned);
            log.lock().unwrap().push((form.message.clone(), name, info, target));
            std::future::ready(json!({}))
        });
    for server in [asking(form(&json!({}), &[])), asking_back(form(&json!({}), &[]))] {
        let client: Client = crate::builder(&server)
            .input(handlers.clone())
            .configure(|options| options.server_name = Some("the shop".into()))
            .build();
        let client = deadline(client.connect()).await.unwrap();
        answer(&client).await.unwrap();
    }
    let of = |info: Option<&str>| {
        let name = Some("the shop".to_owned());
        ("Well?".to_owned(), name, info.map(str::to_owned), Some("x".to_owned()))
    };
    assert_eq!(*seen.lock().unwrap(), [of(None), of(Some("scripted"))]);
}

// spec: MRTR-01
// seed: 54
#[tokio::test]
async fn a_server_may_ask_several_times_during_a_call() {
    let server = InProcess::modern(async |asked: conformance::in_process::Asked| {
        let round = asked.params["requestState"].as_str().map_or(0, |state| state.len());
        Ok(if round < 3 {
            json!({
                "resultType": "input_required", "requestState": "x".repeat(round + 1),
                "inputRequests": {"q": form(&json!({"value": {"type": "integer"}}), &["value"])},
            })
        } else {
            crate::said(&asked.params["inputResponses"]["q"]["content"]["value"].to_string())
        })
    });
    let count = Arc::new(Mutex::new(0));
    let handlers = Handlers::new().on_elicit_form(move |_| {
        *count.lock().unwrap() += 1;
        std::future::ready(*count.lock().unwrap())
    });
    let client = connect(&server, handlers).await;
    assert_eq!(answer(&client).await.unwrap(), json!(3));
}
