//! Unsolicited messages of servers: changes, and their own end.

use crate::{
    expected::Expected,
    run::{client, command, within_deadline},
    suite::echo,
    watch::Processes,
};
use conformance::peers::Program;
use futures_util::{FutureExt, StreamExt};
use mcp_client::{Client, Notice, Reconnect};

/// Subscribers are told what changed, and nobody else is; two subscriptions do not mix.
// spec: SUB-01 SUB-02 SUB-04 SUB-06 SUB-09 STDIO-07
#[track_caller]
pub(crate) fn subscribers_are_told_what_they_asked_for(client: &Client) {
    within_deadline(async {
        let connection = client.connect().await.unwrap();
        let incidents = connection.diagnostics();
        let mut lists = connection.subscribe().tools().prompts().await.unwrap();
        let mut resource = connection.subscribe().resource("test://hello").await.unwrap();
        assert_eq!(lists.acknowledged().tools_list_changed, Some(true));
        for what in ["resources", "tools", "test://hello", "prompts"] {
            let call = connection.call_tool("change").argument("what", what);
            call.require_success().await.unwrap();
        }
        let updated = Notice::ResourceUpdated { uri: "test://hello".into() };
        assert_eq!(resource.next().await.unwrap().unwrap(), updated);
        assert_eq!(lists.next().await.unwrap().unwrap(), Notice::ToolsChanged);
        assert_eq!(lists.next().await.unwrap().unwrap(), Notice::PromptsChanged);
        drop((lists, resource));
        connection.call_tool("echo").argument("text", "still here").await.unwrap();
        connection.close().await;
        let incident = std::pin::pin!(incidents).next().now_or_never();
        assert_eq!(incident, None, "nothing was against the specification");
    });
}

/// A killed server is restarted below the session, and its subscribers are told that they may have missed something.
// spec: STDIO-10 STDIO-11 STDIO-12 SUB-08
#[track_caller]
pub(crate) fn a_killed_process_is_replaced(program: Program, expected: &Expected) {
    let (command, mut processes) = Processes::of(command(program));
    let client = client(command).reconnect(Reconnect::at_once()).build();
    within_deadline(async {
        let connection = client.connect().await.unwrap();
        let mut changes = connection.subscribe().tools().await.unwrap();
        processes.kill();
        let call = connection.call_tool(expected.slow.tool).arguments(expected.slow.arguments());
        // It may fail with the process, or be sent to the next one: what matters is that it ends.
        let _ = call.timeout(std::time::Duration::from_secs(1)).await;
        assert_eq!(changes.next().await.unwrap().unwrap(), Notice::Missed);
        let answer = echo(&connection, &expected.echo, "hello").await.unwrap();
        assert_eq!(answer, expected.echo.of("hello"));
        connection.call_tool("change").argument("what", "tools").await.unwrap();
        assert_eq!(changes.next().await.unwrap().unwrap(), Notice::ToolsChanged);
        drop(changes);
        connection.close().await;
        assert!(processes.are_gone());
    });
}
