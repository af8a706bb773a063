//! Lists: to their end, page by page, and without one.

use crate::{connect, deadline, params};
use conformance::in_process::{Asked, InProcess, Outcome};
use futures_util::{StreamExt, TryStreamExt};
use mcp_client::{Connection, Endless, Error, Phase};
use mcp_types::{ErrorCode, ErrorObject};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{sleep, timeout};

/// Returns a page of tools with these names, and the cursor of the next.
fn page(names: &[&str], next: Option<&str>) -> Value {
    let tools = names.iter().map(|name| json!({"name": name, "inputSchema": {"type": "object"}}));
    let mut page = json!({"resultType": "complete", "tools": tools.collect::<Vec<_>>()});
    if let Some(next) = next {
        page["nextCursor"] = next.into();
    }
    page
}

/// Creates a server whose list goes from cursor to cursor; the first page has none.
fn pages<const N: usize>(pages: [(Option<&'static str>, Value); N]) -> InProcess {
    let pages = BTreeMap::from(pages);
    InProcess::modern(move |asked: Asked| {
        let page = pages.get(&asked.params["cursor"].as_str());
        let page = page.cloned();
        std::future::ready(
            page.ok_or_else(|| ErrorObject::new(ErrorCode::INVALID_PARAMS, "where?")),
        )
    })
}

async fn tools(client: &Connection) -> Result<Vec<String>, Error> {
    let tools = deadline(client.list_tools()).await?;
    Ok(tools.into_iter().map(|tool| tool.name).collect())
}

fn endless(outcome: Result<Vec<String>, Error>) -> Endless {
    match outcome {
        Err(Error::Endless { method, reason }) if &*method == "tools/list" => reason,
        other => panic!("{other:?}"),
    }
}

// spec: PAG-01 PAG-02 PAG-03 PAG-04 PAG-05
// seed: 38
#[tokio::test]
async fn pages_are_joined_in_order_and_any_text_is_a_cursor() {
    let server = pages([
        (None, page(&["a", "b"], Some(""))),
        (Some(""), page(&[], Some("\"{}\u{1}"))),
        (Some("\"{}\u{1}"), page(&["c"], None)),
    ]);
    assert_eq!(tools(&connect(&server).await).await.unwrap(), ["a", "b", "c"]);
    let sent: Vec<_> = server.sent("tools/list").iter().map(params).collect();
    assert_eq!(sent, [json!({}), json!({"cursor": ""}), json!({"cursor": "\"{}\u{1}"})]);
}

// spec: PAG-07
// seed: 39 40
#[tokio::test]
async fn a_cursor_that_comes_again_is_an_error_and_no_short_list() {
    for (server, requests) in [
        (pages([(None, page(&["a"], Some("x"))), (Some("x"), page(&["a"], Some("x")))]), 2),
        (pages([(None, page(&["a"], Some(""))), (Some(""), page(&[], Some("")))]), 2),
        (
            pages([
                (None, page(&["a"], Some("x"))),
                (Some("x"), page(&["b"], Some("y"))),
                (Some("y"), page(&["c"], Some("x"))),
            ]),
            3,
        ),
    ] {
        let outcome = tools(&connect(&server).await).await;
        assert_eq!(endless(outcome), Endless::RepeatedCursor);
        assert_eq!(server.sent("tools/list").len(), requests);
    }
}

// spec: PAG-07
// seed: 41
#[tokio::test]
async fn a_list_with_ever_new_cursors_is_given_up() {
    let server = InProcess::modern(async |asked: Asked| {
        let count = asked.params["cursor"].as_str().map_or(0, |text| text.parse().unwrap());
        Ok(page(&["a", "b"], Some(&(count + 1_i32).to_string())))
    });
    let client = connect(&server).await;
    assert_eq!(endless(tools(&client).await), Endless::Pages(1_000));
    assert_eq!(server.sent("tools/list").len(), 1_000);
    for (call, reason) in [
        (client.list_tools().max_pages(3), Endless::Pages(3)),
        (client.list_tools().max_items(5), Endless::Items(5)),
        (client.list_tools().max_bytes(500), Endless::Bytes(500)),
    ] {
        let outcome = deadline(call).await.map(|_| Vec::new());
        assert_eq!(endless(outcome), reason);
    }
    // A list that exactly fits the limits is like any other.
    let server = pages([(None, page(&["a"], Some("x"))), (Some("x"), page(&["b"], None))]);
    let client = connect(&server).await;
    assert_eq!(deadline(client.list_tools().max_pages(2).max_items(2)).await.unwrap().len(), 2);
}

// spec: PAG-07 CAN-04
#[tokio::test(start_paused = true)]
async fn all_pages_together_have_one_time_limit() {
    let server = InProcess::modern(async |asked: Asked| {
        sleep(Duration::from_secs(50)).await;
        let count = asked.params["cursor"].as_str().map_or(0, |text| text.parse().unwrap());
        Ok(page(&["a"], Some(&(count + 1_i32).to_string())))
    });
    let client = connect(&server).await;
    for (call, limit) in [
        (client.list_tools(), Duration::from_secs(600)),
        (client.list_tools().timeout(Duration::from_secs(70)), Duration::from_secs(70)),
    ] {
        let outcome = timeout(Duration::from_secs(3_600), call.into_future()).await;
        let error = outcome.expect("no hang").unwrap_err();
        let Error::Timeout { phase: Phase::Total, after, .. } = error else { panic!("{error:?}") };
        assert_eq!(after, limit);
    }
}

// spec: PAG-08
#[tokio::test]
async fn a_cursor_that_is_refused_is_told_from_other_errors() {
    let server = pages([(None, page(&["a"], Some("old")))]);
    let client = connect(&server).await;
    let error = tools(&client).await.unwrap_err();
    assert!(matches!(error, Error::InvalidCursor { .. }), "{error:?}");
    assert_eq!(error.as_rpc().unwrap().code, ErrorCode::INVALID_PARAMS);
    let error = deadline(client.list_tools_page(Some("other".to_owned()))).await.unwrap_err();
    assert!(matches!(error, Error::InvalidCursor { .. }), "{error:?}");

    let server = InProcess::modern(async |_: Asked| -> Outcome {
        Err(ErrorObject::new(ErrorCode::INVALID_PARAMS, "no metadata"))
    });
    let error = tools(&connect(&server).await).await.unwrap_err();
    assert!(matches!(error, Error::Rpc { .. }), "{error:?}");
}

// spec: TOOL-14
#[tokio::test]
async fn one_broken_tool_hides_no_other() {
    let mut broken = page(&["a", "b", "c"], None);
    broken["tools"][1]["inputSchema"] = Value::Null;
    let server = pages([(None, broken)]);
    let client = connect(&server).await;
    assert_eq!(tools(&client).await.unwrap(), ["a", "c"]);
    let page = deadline(client.list_tools_page(None)).await.unwrap();
    assert_eq!(page.tools.broken()[0].index, 1);
}

// seed: 42
#[tokio::test]
async fn a_page_is_what_the_protocol_has() {
    let server = pages([(None, page(&["a"], Some("x"))), (Some("x"), page(&["b"], None))]);
    let client = connect(&server).await;
    let first = deadline(client.list_tools_page(None)).await.unwrap();
    assert_eq!((first.tools.len(), first.next_cursor.as_deref()), (1, Some("x")));
    let second = deadline(client.list_tools_page(first.next_cursor)).await.unwrap();
    assert_eq!((second.tools[0].name.as_str(), second.next_cursor), ("b", None));
}

#[tokio::test]
async fn a_stream_fetches_a_page_when_it_is_wanted() {
    let server =
        pages([(None, page(&["a", "b"], Some("x"))), (Some("x"), page(&["c"], Some("x")))]);
    let client = connect(&server).await;
    let mut stream = std::pin::pin!(client.list_tools().stream().map_ok(|tool| tool.name));
    assert_eq!(deadline(stream.next()).await.unwrap().unwrap(), "a");
    assert_eq!(deadline(stream.next()).await.unwrap().unwrap(), "b");
    assert_eq!(server.sent("tools/list").len(), 1);
    // The page with the repeated cursor is not yielded: only the error is left.
    let error = deadline(stream.next()).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Endless { reason: Endless::RepeatedCursor, .. }), "{error:?}");
    assert!(deadline(stream.next()).await.is_none());
}

// seed: 42
#[tokio::test]
async fn every_list_has_its_own_method() {
    let server = InProcess::modern(async |asked: Asked| {
        Ok(match &*asked.method {
            "prompts/list" => json!({"prompts": [{"name": "p"}]}),
            "resources/list" => json!({"resources": [{"name": "r", "uri": "a:b"}]}),
            "resources/templates/list" => {
                json!({"resourceTemplates": [{"name": "t", "uriTemplate": "a:{b}"}]})
            }
            method => panic!("{method}"),
        })
    });
    let client = connect(&server).await;
    assert_eq!(deadline(client.list_prompts()).await.unwrap()[0].name, "p");
    assert_eq!(deadline(client.list_resources()).await.unwrap()[0].uri, "a:b");
    assert_eq!(deadline(client.list_resource_templates()).await.unwrap()[0].uri_template, "a:{b}");
    assert_eq!(deadline(client.list_prompts_page(None)).await.unwrap().prompts.len(), 1);
    assert_eq!(deadline(client.list_resources_page(None)).await.unwrap().resources.len(), 1);
    let templates = deadline(client.list_resource_templates_page(None)).await.unwrap();
    assert_eq!(templates.resource_templates.len(), 1);
}
