//! Lists of all members as one.

use super::{bare, broken, client, connect, group, server, tools};
use crate::{builder, deadline};
use conformance::in_process::{Asked, InProcess};
use futures_util::future::join_all;
use mcp_client::{Group, Missing};
use mcp_types::ProtocolVersion;
use serde_json::json;
use std::{future::IntoFuture, time::Duration};

// seed: 61
#[tokio::test]
async fn lists_have_all_members_in_order_with_prefixes() {
    let (one, two) = (server("one", &["z", "a"], false), server("two", &["m"], true));
    let group = connect(&group(&[("second", &one), ("first", &two)])).await;
    assert_eq!(tools(&group).await, ["second_z", "second_a", "first_m"]);
    let prompts = deadline(group.list_prompts()).await.unwrap();
    let names: Vec<_> = prompts.items.iter().map(|prompt| prompt.name.as_str()).collect();
    assert_eq!(names, ["second_hello", "first_hello"]);
    let resources = deadline(group.list_resources()).await.unwrap();
    let uris: Vec<_> = resources.items.iter().map(|resource| resource.uri.as_str()).collect();
    assert_eq!(uris, ["test://second/one/r", "test://first/two/r"]);
    let templates = deadline(group.list_resource_templates()).await.unwrap();
    assert_eq!(templates.items[1].uri_template, "test://first/two/t/{id}");
}

// seed: 61
#[tokio::test]
async fn forty_lists_at_a_time_are_all_whole() {
    let (one, two) = (server("one", &["a"], false), server("two", &["b"], true));
    let group = connect(&group(&[("x", &one), ("y", &two)])).await;
    let lists = deadline(join_all((0..40).map(|_| tools(&group)))).await;
    assert!(lists.iter().all(|list| list == &["x_a", "y_b"]), "{lists:?}");
    assert_eq!((one.sent("tools/list").len(), two.sent("tools/list").len()), (40, 40));
    assert_eq!(two.sent("initialize").len(), 1, "over one session");
}

#[tokio::test]
async fn a_member_whose_list_fails_is_missing_and_told() {
    let (good, bad) = (server("one", &["a"], false), broken());
    for members in [[("good", &good), ("bad", &bad)], [("bad", &bad), ("good", &good)]] {
        let group = connect(&group(&members)).await;
        let list = deadline(group.list_tools()).await.unwrap();
        let names: Vec<_> = list.items.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names, ["good_a"]);
        let [missing] = &list.missing[..] else { panic!("{:?}", list.missing) };
        assert!(matches!(missing, Missing::Member { member, .. } if &**member == "bad"));
        assert!(missing.to_string().contains("out of order"), "{missing}");
        list.complete().unwrap_err();
    }
}

#[tokio::test]
async fn a_member_without_a_kind_of_list_has_an_empty_one() {
    let nothing = InProcess::new(ProtocolVersion::LATEST_LEGACY, json!({}), async |_: Asked| Ok(0));
    let other = server("one", &["a"], false);
    let group = connect(&group(&[("none", &nothing), ("some", &other)])).await;
    assert_eq!(tools(&group).await, ["some_a"]);
    assert!(nothing.sent("tools/list").is_empty(), "it did not offer tools");
}

#[tokio::test]
async fn a_name_that_is_taken_or_too_long_is_left_out_and_told() {
    // `a` has `b_c`, and `a_b` has `c`: both would be `a_b_c`.
    let (one, two) = (server("one", &["b_c"], false), server("two", &["c", "d"], false));
    let members = || Group::builder().member("a", client(&one)).member("a_b", client(&two));
    let group = connect(&members().build().unwrap()).await;
    let list = deadline(group.list_tools()).await.unwrap();
    let names: Vec<_> = list.items.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["a_b_c", "a_b_d"]);
    assert_eq!(
        list.missing[0].to_string(),
        r#""a_b_c" of the member "a_b" is left out: that is what one of "a" is called"#
    );
    // A call goes to the one in the list.
    assert_eq!(super::call(&group, "a_b_c").await.unwrap(), "b_c of one");
    drop(group);

    let group = connect(&members().max_name(4).build().unwrap()).await;
    let list = deadline(group.list_tools()).await.unwrap();
    assert!(list.items.is_empty());
    assert!(matches!(&list.missing[0], Missing::TooLong { limit: 4, .. }), "{:?}", list.missing);
    assert!(list.missing[0].to_string().contains("more than 4 characters"));

    let group = connect(&bare(&[("a", &one), ("b", &one)])).await;
    let list = deadline(group.list_tools()).await.unwrap();
    assert_eq!((list.items.len(), list.missing.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_member_that_never_answers_is_given_up_and_the_others_are_there() {
    let silent = InProcess::modern(async |_: Asked| std::future::pending::<Result<u8, _>>().await);
    let good = server("one", &["a"], false);
    let group = connect(&group(&[("silent", &silent), ("good", &good)])).await;
    let list = group.list_tools().timeout(Duration::from_secs(3)).into_future();
    let list = tokio::time::timeout(Duration::from_secs(4), list).await.unwrap().unwrap();
    assert_eq!((list.items.len(), list.missing.len()), (1, 1));
    let Missing::Member { error, .. } = &list.missing[0] else { panic!("{list:?}") };
    assert!(error.is_timeout(), "{error}");
}

#[test]
fn members_need_names_of_their_own() {
    let server = server("one", &[], false);
    for names in [["a", "a"], ["a", ""]] {
        let group = Group::builder()
            .member(names[0], client(&server))
            .member(names[1], builder(&server).build());
        let error = group.build().unwrap_err().to_string();
        assert!(error.contains("member"), "{error}");
    }
}
