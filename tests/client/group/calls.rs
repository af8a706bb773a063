//! Which member a call goes to, and as what.

use super::{bare, call, client, connect, group, server};
use crate::{deadline, params};
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Content, Error, Group, Handlers, Naming, Target, elicit};
use mcp_types::{PromptReference, ResourceTemplateReference};
use serde_json::json;

// spec: TOOL-12
// seed: 61
#[tokio::test]
async fn calls_go_to_the_member_that_the_name_says_without_a_list() {
    let (new, old) = (server("new", &["echo"], false), server("old", &["echo"], true));
    let group = connect(&group(&[("a", &new), ("b", &old)])).await;
    assert_eq!(call(&group, "a_echo").await.unwrap(), "echo of new");
    assert_eq!(call(&group, "b_echo").await.unwrap(), "echo of old");
    let eras = ["a", "b"].map(|name| group.member(name).unwrap().server().unwrap().era);
    assert_ne!(eras[0], eras[1], "each member has its own era");
    assert!(new.sent("tools/list").is_empty() && old.sent("tools/list").is_empty());
    // The builders' settings arrive as they do for a client.
    deadline(group.call_tool("a_echo").argument("x", 1).meta("example.com/k", true)).await.unwrap();
    let sent = new.sent("tools/call").pop().unwrap();
    assert_eq!(params(&sent), json!({"name": "echo", "arguments": {"x": 1}}));
    assert_eq!(sent["params"]["_meta"]["example.com/k"], true);
}

#[tokio::test]
async fn prompts_resources_and_proposals_go_to_their_member() {
    let (one, two) = (server("one", &[], false), server("two", &[], true));
    let group = connect(&group(&[("a", &one), ("b", &two)])).await;
    let prompt = deadline(group.get_prompt("b_hello")).await.unwrap();
    assert!(format!("{prompt:?}").contains("of two"), "{prompt:?}");
    let contents = deadline(group.read_resource("test://b/two/r")).await.unwrap();
    assert_eq!(contents[0].as_text(), Some("test://two/r of two"));
    let proposals =
        deadline(group.complete(PromptReference::new("a_hello"), "x", "")).await.unwrap();
    assert!(proposals.values[0].contains(r#""name":"hello""#), "{proposals:?}");
    let template = ResourceTemplateReference::new("test://b/two/t/{id}");
    let proposals = deadline(group.complete(template, "id", "")).await.unwrap();
    assert!(proposals.values[0].contains(r#""uri":"test://two/t/{id}""#), "{proposals:?}");
}

#[tokio::test]
async fn a_link_that_a_member_wrote_is_read_once_a_list_has_told_whose_it_is() {
    let (one, two) = (server("one", &[], false), server("two", &[], false));
    let group = connect(&group(&[("a", &one), ("b", &two)])).await;
    let read = async |uri: &str| deadline(group.read_resource(uri)).await;
    assert!(matches!(read("test://two/r").await, Err(Error::NoRoute { .. })));
    deadline(group.list_resources()).await.unwrap();
    deadline(group.list_resource_templates()).await.unwrap();
    assert_eq!(read("test://two/r").await.unwrap()[0].as_text(), Some("test://two/r of two"));
    assert_eq!(read("test://two/t/7").await.unwrap()[0].as_text(), Some("test://two/t/7 of two"));
}

#[tokio::test]
async fn a_name_that_no_member_has_is_told_with_names_like_it() {
    let server = server("one", &["forecast", "warnings"], false);
    let group = connect(&group(&[("weather", &server)])).await;
    super::tools(&group).await;
    let error = call(&group, "wether_forecast").await.unwrap_err();
    let Error::NoRoute { near, .. } = &error else { panic!("{error:?}") };
    assert_eq!(&*near[0], "weather_forecast");
    assert!(error.to_string().contains(r#"did you mean "weather_forecast""#), "{error}");
    assert!(server.sent("tools/call").is_empty());
}

#[tokio::test]
async fn without_prefixes_the_lists_say_whose_a_name_is() {
    let (one, two) = (server("one", &["a", "both"], false), server("two", &["both", "b"], true));
    let group = bare(&[("x", &one), ("y", &two)]);
    let group = connect(&group).await;
    for (tool, said) in [("a", "a of one"), ("b", "b of two"), ("both", "both of one")] {
        assert_eq!(call(&group, tool).await.unwrap(), said);
    }
    assert!(matches!(call(&group, "c").await, Err(Error::NoRoute { .. })));
    let contents = deadline(group.read_resource("test://two/t/9")).await.unwrap();
    assert_eq!(contents[0].as_text(), Some("test://two/t/9 of two"));
}

#[tokio::test]
async fn another_separator_may_stand_between() {
    let server = server("one", &["echo"], false);
    let group = Group::builder().member("a", client(&server)).naming(Naming::prefixed("."));
    let group = connect(&group.build().unwrap()).await;
    assert_eq!(super::tools(&group).await, ["a.echo"]);
    assert_eq!(call(&group, "a.echo").await.unwrap(), "echo of one");
}

#[tokio::test]
async fn without_a_connection_nothing_is_called() {
    let server = server("one", &["echo"], false);
    let group = group(&[("a", &server)]);
    assert!(matches!(call(&group, "a_echo").await, Err(Error::NotConnected)));
    assert!(matches!(deadline(group.list_tools()).await, Err(Error::NotConnected)));
    assert!(server.record().is_empty());
}

// seed: 61
#[tokio::test]
async fn questions_of_each_member_are_answered() {
    let asking = InProcess::legacy(async |asked: Asked| {
        let form =
            json!({"message": "Sure?", "requestedSchema": {"type": "object", "properties": {}}});
        let answer = asked.ask("elicitation/create", form).await?;
        Ok(crate::said(answer["action"].as_str().unwrap()))
    });
    let handlers = Handlers::new().on_elicit_form(async |_| elicit::accept(json!({})));
    let member = || {
        let target = Target::service(asking.transport());
        mcp_client::Client::builder(target).input(handlers.clone()).build()
    };
    let group = Group::builder().member("a", member()).member("b", member()).build().unwrap();
    let group = connect(&group).await;
    assert_eq!(call(&group, "a_ask").await.unwrap(), "accept");
    assert_eq!(call(&group, "b_ask").await.unwrap(), "accept");
}
