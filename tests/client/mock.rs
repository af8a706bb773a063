//! The server for tests of others.

use mcp_client::{Client, Error, Group, mock};
use mcp_types::{ErrorCode, ErrorObject};
use serde_json::json;

fn server() -> mock::Server {
    mock::Server::new()
        .tool("greet", |arguments| Ok(json!(format!("hello {}", arguments["name"]))))
        .tool("add", |arguments| {
            let [a, b] = ["a", "b"].map(|name| arguments[name].as_i64());
            let sum = a.zip(b).map(|(a, b)| json!({"sum": a + b}));
            sum.ok_or_else(|| "two numbers are wanted".to_owned())
        })
        .on("resources/read", |params| {
            Ok(json!({"contents": [{"uri": params["uri"], "text": "a"}]}))
        })
        .on("completion/complete", |_| Err(ErrorObject::new(ErrorCode::INTERNAL_ERROR, "no")))
}

#[tokio::test]
async fn a_mock_answers_as_it_was_told_and_remembers_what_came() {
    let server = server();
    let client = Client::connect_to(&server).await.unwrap();
    let names: Vec<_> = client.list_tools().await.unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["greet", "add"]);
    let greeting = client.call_tool("greet").argument("name", "Ada").await.unwrap();
    assert_eq!(greeting.text(), "hello \"Ada\"");
    let sum = client.call_tool("add").argument("a", 1).argument("b", 2).await.unwrap();
    assert_eq!((sum.data().unwrap(), &*sum.text()), (&json!({"sum": 3}), r#"{"sum":3}"#));
    let refused = client.call_tool("add").await.unwrap();
    assert!(refused.is_error && refused.text().contains("two numbers"));
    assert_eq!(client.read_resource("file:///a").await.unwrap().len(), 1);
    let calls = server.received("tools/call");
    assert_eq!((calls.len(), &calls[0]["arguments"]), (3, &json!({"name": "Ada"})));
}

#[tokio::test]
async fn what_a_mock_has_no_answer_to_is_an_error_that_says_so() {
    let client = Client::connect_to(server()).await.unwrap();
    let code = |error: Error| (error.as_rpc().unwrap().code, error.to_string());
    let (method, said) = code(client.list_prompts().await.unwrap_err());
    assert!(method == ErrorCode::METHOD_NOT_FOUND && said.contains("prompts/list"), "{said}");
    let (tool, said) = code(client.call_tool("nothing").await.unwrap_err());
    assert!(tool == ErrorCode::INVALID_PARAMS && said.contains("nothing"), "{said}");
}

#[tokio::test]
async fn mocks_are_members_of_a_group() {
    let [one, two] = [server(), server()];
    let group = Group::builder().member("one", Client::new(&one)).member("two", Client::new(&two));
    let group = group.build().unwrap().connect().await.unwrap();
    group.call_tool("two_greet").argument("name", "Ada").await.unwrap();
    assert_eq!(one.received("tools/call").len(), 0);
    assert_eq!(two.received("tools/call").len(), 1);
}
