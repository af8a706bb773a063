//! Handlers that are set and changed while a client is connected.

use crate::{builder, deadline, said};
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Client, Connection, Handlers, InputHandler, Question, Roots, elicit};
use mcp_types::{
    CreateMessageRequest, CreateMessageResult, ErrorObject, Role, Root,
    SamplingMessageContentBlock, TextContent,
};
use serde_json::{Value, json};

fn sampling() -> Value {
    let message = json!({"role": "user", "content": {"type": "text", "text": "hi"}});
    json!({"method": "sampling/createMessage", "params": {"maxTokens": 9, "messages": [message]}})
}

fn roots() -> Value {
    json!({"method": "roots/list", "params": {}})
}

fn form() -> Value {
    let schema = json!({"type": "object", "properties": {"size": {"type": "string"}}});
    json!({"method": "elicitation/create",
        "params": {"mode": "form", "message": "Which size?", "requestedSchema": schema}})
}

/// Creates a stateless server whose tools are named after what they ask; they ask what the client can answer.
fn modern() -> InProcess {
    InProcess::modern(async |asked: Asked| {
        let declared = &asked.params["_meta"]["io.modelcontextprotocol/clientCapabilities"];
        let (name, answer) = (asked.params["name"].clone(), &asked.params["inputResponses"]["q"]);
        let question = match name.as_str() {
            Some("sampling") => sampling(),
            Some("roots") => roots(),
            _ => form(),
        };
        Ok::<_, ErrorObject>(if !answer.is_null() {
            said(&answer.to_string())
        } else if declared[name.as_str().unwrap()].is_object() {
            json!({"resultType": "input_required", "inputRequests": {"q": question}})
        } else {
            said("not declared")
        })
    })
}

/// Creates a server with a handshake whose tools ask in any case.
fn legacy() -> InProcess {
    InProcess::legacy(async |asked: Asked| {
        let answer = match asked.params["name"].as_str() {
            Some("sampling") => {
                asked.ask("sampling/createMessage", sampling()["params"].clone()).await
            }
            Some("roots") => asked.ask("roots/list", json!({})).await,
            _ => asked.ask("elicitation/create", form()["params"].clone()).await,
        };
        Ok::<_, ErrorObject>(said(
            &answer.unwrap_or_else(|error| error.code.to_string().into()).to_string(),
        ))
    })
}

fn model(name: &'static str) -> impl Fn(Question<CreateMessageRequest>) -> Answer + Clone {
    move |_| {
        let text = SamplingMessageContentBlock::Text(TextContent::new("hello"));
        std::future::ready(Ok(CreateMessageResult::new(Role::Assistant, text, name)))
    }
}

type Answer = std::future::Ready<Result<CreateMessageResult, ErrorObject>>;

async fn ask(client: &Client, what: &str) -> String {
    deadline(client.call_tool(what)).await.unwrap().text().into_owned()
}

async fn connect(client: &Client) -> Connection {
    deadline(client.connect()).await.unwrap()
}

// spec: META-05 SAMP-01 ROOT-01
// seed: 52 53 54
#[tokio::test]
async fn a_stateless_server_learns_of_a_handler_with_the_next_request() {
    let client = connect(&builder(&modern()).build()).await;
    for what in ["sampling", "roots", "elicitation"] {
        assert_eq!(ask(&client, what).await, "not declared");
    }
    client.set_sampling_handler(model("parrot"));
    client.set_elicitation_handler(async |_| elicit::accept(json!({"size": "M"})));
    client.set_roots(Roots::new([Root::new("file:///a")]).unwrap());
    assert!(ask(&client, "sampling").await.contains("parrot"));
    assert!(ask(&client, "roots").await.contains("file:///a"));
    assert_eq!(ask(&client, "elicitation").await, r#"{"action":"accept","content":{"size":"M"}}"#);
    client.set_sampling_handler(model("owl"));
    assert!(ask(&client, "sampling").await.contains("owl"));
    client.change_handlers(|_| Handlers::new());
    assert_eq!(ask(&client, "sampling").await, "not declared");
}

// spec: META-16
// seed: 53
#[tokio::test]
async fn a_server_with_a_handshake_is_answered_by_the_handler_of_the_moment() {
    let server = legacy();
    let client = connect(&builder(&server).on_sample(model("parrot")).build()).await;
    assert!(ask(&client, "sampling").await.contains("parrot"));
    client.set_sampling_handler(model("owl"));
    assert!(ask(&client, "sampling").await.contains("owl"));
    client.change_handlers(|_| Handlers::new());
    assert_eq!(ask(&client, "sampling").await, r#""-32601""#);
    let declared = &server.sent("initialize")[0]["params"]["capabilities"];
    assert_eq!(*declared, json!({"sampling": {}}));
}

// seed: 15
#[tokio::test]
async fn a_fresh_client_has_the_handlers_of_now_and_is_changed_apart() {
    let client = builder(&modern()).on_sample(model("parrot")).build();
    client.set_roots(Roots::new([Root::new("file:///a")]).unwrap());
    let fresh = client.fresh();
    client.set_sampling_handler(model("owl"));
    let (client, fresh) = (connect(&client).await, connect(&fresh).await);
    assert!(ask(&client, "sampling").await.contains("owl"));
    assert!(ask(&fresh, "sampling").await.contains("parrot"));
    assert!(ask(&fresh, "roots").await.contains("file:///a"));
}

#[tokio::test]
async fn closures_and_a_handler_of_ones_own_answer_together() {
    let own = Handlers::new()
        .on_sample(model("own"))
        .on_elicit_url(async |_| elicit::decline())
        .roots(Roots::new([Root::new("file:///own")]).unwrap());
    let server = modern();
    let client = builder(&server)
        .on_sample(model("closure"))
        .input(own)
        .on_elicit_form(async |_| elicit::cancel())
        .build();
    let client = connect(&client).await;
    assert!(ask(&client, "sampling").await.contains("closure"));
    assert!(ask(&client, "roots").await.contains("file:///own"));
    assert!(ask(&client, "elicitation").await.contains("cancel"));
    let declared = &server.sent("server/discover")[0]["params"]["_meta"];
    let declared = &declared["io.modelcontextprotocol/clientCapabilities"]["elicitation"];
    assert_eq!(*declared, json!({"form": {}, "url": {}}));
}

#[test]
fn handlers_that_are_set_at_the_same_time_are_all_set() {
    let client = Client::new("servers/files.py");
    let (begun, begins) = std::sync::mpsc::sync_channel(1);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            client.change_handlers(|handlers| {
                begun.send(()).unwrap();
                // Long enough for the other to make progress, whether it waits or not.
                std::thread::sleep(std::time::Duration::from_millis(50));
                handlers.on_sample(model("parrot"))
            });
        });
        begins.recv().unwrap();
        client.set_elicitation_handler(async |_| elicit::decline());
    });
    client.change_handlers(|handlers| {
        let capabilities = handlers.capabilities();
        assert!(capabilities.sampling.is_some() && capabilities.elicitation.is_some());
        handlers
    });
}
