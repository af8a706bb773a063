//! Lists that stay fresh, at real servers.

use crate::{
    run::{client, command, within_deadline},
    watch::Processes,
};
use conformance::peers;
use futures_util::StreamExt;
use mcp_client::{Difference, Reconnect, Target};

/// Files created by a tool appear in the list of resources.
#[track_caller]
pub(crate) fn a_resource_that_a_tool_makes_is_listed(target: Option<Target>) {
    let Some(target) = target else { return };
    let client = client(target).build();
    within_deadline(async {
        let connection = client.connect().await.unwrap();
        let resources = connection.resources().await.unwrap();
        assert!(resources.is_told());
        let mut changes = resources.changes();
        let call = connection.call_tool("gzip-file-as-resource").argument("name", "new.gz");
        call.argument("data", "data:text/plain,hello").require_success().await.unwrap();
        let Difference { added, .. } = changes.next().await.unwrap().unwrap();
        assert!(added.iter().any(|resource| resource.uri.ends_with("new.gz")), "{added:?}");
        let listed = resources.snapshot();
        assert!(listed.get(&added[0].uri).is_some());
        connection.close().await;
        assert!(changes.next().await.is_none());
    });
}

/// A tool appears, changes, and disappears with its process.
// spec: SUB-01 SUB-08 STDIO-12
#[test]
fn tools_come_change_and_go_with_the_process() {
    let Some(program) = peers::or_skip(peers::fastmcp_stdio()) else { return };
    let (command, mut processes) = Processes::of(command(program));
    let client = client(command).reconnect(Reconnect::at_once()).build();
    within_deadline(async {
        let connection = client.connect().await.unwrap();
        let tools = connection.tools().await.unwrap();
        assert!(tools.is_told());
        let mut changes = tools.changes();
        for (description, fields) in [("one", None), ("two", Some("description"))] {
            let call = connection.call_tool("grow").argument("description", description);
            call.require_success().await.unwrap();
            let difference = changes.next().await.unwrap().unwrap();
            let tool = tools.snapshot().get("grown").cloned().unwrap();
            assert_eq!(tool.description.as_deref(), Some(description));
            match fields {
                None => assert_eq!(difference.added, [tool]),
                Some(field) => assert_eq!(difference.changed[0].fields, [field]),
            }
        }
        processes.kill();
        // There may be an error first, while there is no process.
        let difference = loop {
            if let Ok(difference) = changes.next().await.unwrap() {
                break difference;
            }
        };
        assert_eq!(difference.removed[0].name, "grown");
        connection.close().await;
    });
}
