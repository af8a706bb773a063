//! Two real servers of different eras in one group, as in a config.

use crate::{
    run::{NAME, WORDS, handlers, within_deadline},
    watch::Processes,
};
use conformance::peers::{self, Program};
use futures_util::StreamExt;
use mcp_client::{
    Client, ClientBuilder, Config, Era, Error, Group, GroupBuilder, GroupConnection, MemberState,
    Policy,
};
use serde_json::{Value, json};
use std::{error::Error as _, time::Duration};
use tokio::time::sleep;

/// The servers of a config, each with its processes.
struct Servers {
    config: Config,
    everything: Processes,
    fastmcp: Processes,
}

/// A config of both servers and of one that cannot be started, which is the first, the last or absent.
fn servers(dead: Option<bool>) -> Option<Servers> {
    let programs = [peers::everything_stdio(), peers::fastmcp_stdio()].map(peers::or_skip);
    let [Some(everything), Some(fastmcp)] = programs else { return None };
    let (mark, everything_processes) = Processes::marked();
    let everything = entry(everything, &mark, &json!({"timeout": 20_000}));
    let (mark, fastmcp_processes) = Processes::marked();
    let fastmcp = entry(fastmcp, &mark, &json!({"timeout": 5_000}));
    let broken = json!({"command": "no-such-program-anywhere"});
    let servers = match dead {
        Some(true) => json!({"dead": broken, "ts": everything, "py": fastmcp}),
        Some(false) => json!({"ts": everything, "py": fastmcp, "dead": broken}),
        None => json!({"ts": everything, "py": fastmcp}),
    };
    let config = Config::parse(&json!({"mcpServers": servers}).to_string()).unwrap();
    let (everything, fastmcp) = (everything_processes, fastmcp_processes);
    Some(Servers { config, everything, fastmcp })
}

/// Returns the entry of a program in a config.
fn entry(program: Program, mark: &str, more: &Value) -> Value {
    let mut env: serde_json::Map<_, _> =
        program.environment.into_iter().map(|(name, value)| (name, value.into())).collect();
    env.insert(Processes::MARK.to_owned(), mark.into());
    let args: Vec<_> =
        program.arguments.iter().map(|argument| argument.to_str().unwrap()).collect();
    let mut entry = json!({"command": program.program, "args": args, "env": env});
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    entry
}

fn group(config: &Config) -> GroupBuilder {
    Group::from_config_with(config, with_handlers)
        .backoff(Duration::from_millis(50), Duration::from_millis(500))
}

/// The client of a server, with the handlers of the tests.
fn with_handlers(_: &str, client: ClientBuilder) -> ClientBuilder {
    client.input(handlers())
}

async fn text(group: &Group, tool: &str, arguments: Value) -> Result<String, Error> {
    let result = group.call_tool(tool).arguments(arguments).await?;
    Ok(result.require_success()?.text().into_owned())
}

/// Calls the echo of both.
async fn expect_both(group: &Group) {
    let said = text(group, "ts_echo", json!({"message": "hi"})).await.unwrap();
    assert_eq!(said, "Echo: hi");
    assert_eq!(text(group, "py_echo", json!({"text": "hi"})).await.unwrap(), "hi");
}

async fn gone(processes: [&mut Processes; 2]) {
    for processes in processes {
        while !processes.are_gone() {
            sleep(Duration::from_millis(10)).await;
        }
    }
}

// seed: 61
#[test]
fn two_servers_of_two_eras_are_one_client() {
    let Some(Servers { config, mut everything, mut fastmcp }) = servers(None) else { return };
    within_deadline(async {
        let group = group(&config).policy(Policy::Strict).build().unwrap();
        let connection = group.connect().await.unwrap();
        let era = |name| connection.member(name).unwrap().server().unwrap().era;
        assert_eq!((era("ts"), era("py")), (Era::Legacy, Era::Modern));
        expect_both(&connection).await;
        let tools = connection.list_tools().await.unwrap().complete().unwrap();
        for tool in ["ts_get-sum", "ts_echo", "py_add", "py_echo"] {
            assert!(tools.iter().any(|known| known.name == tool), "{tool}");
        }
        let first_py = tools.iter().position(|tool| tool.name.starts_with("py_")).unwrap();
        assert!(tools[..first_py].iter().all(|tool| tool.name.starts_with("ts_")));

        expect_the_rest(&connection).await;
        assert_eq!((everything.running(), fastmcp.running()), (1, 1), "one process for all calls");
        connection.close().await;
        assert!(everything.are_gone() && fastmcp.are_gone());
    });
}

/// Checks resources, prompts, questions of the servers, and the time limit in the config.
async fn expect_the_rest(group: &Group) {
    let contents = group.read_resource("demo://ts/resource/dynamic/text/7").await.unwrap();
    assert!(format!("{contents:?}").contains("Resource 7: "), "{contents:?}");
    let contents = group.read_resource("test://py/hello").await.unwrap();
    assert!(format!("{contents:?}").contains("hello"), "{contents:?}");
    let prompt = group.get_prompt("py_greet").argument("name", "Bob").await.unwrap();
    assert!(format!("{prompt:?}").contains("Greet Bob."), "{prompt:?}");
    let prompt = group.get_prompt("ts_args-prompt").argument("city", "Oslo").await.unwrap();
    assert!(format!("{prompt:?}").contains("Oslo"), "{prompt:?}");

    let asked = text(group, "py_ask", json!({"question": "Who are you?"})).await.unwrap();
    assert!(asked.contains(NAME), "{asked}");
    let sampled = text(group, "ts_trigger-sampling-request", json!({"prompt": "Say hello."}));
    assert!(sampled.await.unwrap().contains(WORDS));

    let late = text(group, "py_slow", json!({"seconds": 60})).await.unwrap_err();
    assert!(late.is_timeout(), "{late}");
    let slow = json!({"duration": 1, "steps": 1});
    text(group, "ts_trigger-long-running-operation", slow).await.unwrap();
}

// seed: 62
#[test]
fn a_server_that_cannot_be_started_harms_no_other_and_leaves_no_process() {
    for dead_first in [true, false] {
        let Some(servers) = servers(Some(dead_first)) else { return };
        let Servers { config, mut everything, mut fastmcp } = servers;
        within_deadline(async {
            let connection = group(&config).build().unwrap().connect().await.unwrap();
            expect_both(&connection).await;
            expect_dead(&connection).await;
            assert_eq!((everything.running(), fastmcp.running()), (1, 1));
            drop(connection);
            gone([&mut everything, &mut fastmcp]).await;

            let strict = group(&config).policy(Policy::Strict).build().unwrap();
            let error = strict.connect().await.unwrap_err();
            assert!(error.source().unwrap().to_string().contains("\"dead\""), "{error:?}");
            gone([&mut everything, &mut fastmcp]).await;
        });
    }
}

async fn expect_dead(group: &GroupConnection) {
    let error = group.call_tool("dead_echo").await.unwrap_err();
    assert!(format!("{error:?}").contains("no-such-program-anywhere"), "{error:?}");
    let tools = group.list_tools().await.unwrap();
    assert_eq!(tools.missing.len(), 1, "{:?}", tools.missing);
    assert!(group.state("dead").unwrap().error().is_some());
}

// seed: 62
#[test]
fn a_killed_server_comes_back_and_the_other_never_notices() {
    let Some(Servers { config, mut everything, mut fastmcp }) = servers(None) else { return };
    within_deadline(async {
        let connection = group(&config).build().unwrap().connect().await.unwrap();
        expect_both(&connection).await;
        let mut changes = connection.changes().skip(2).boxed();
        let before = connection.member("ts").unwrap().server().unwrap();
        fastmcp.kill();
        let (name, state) = changes.next().await.unwrap();
        assert_eq!(&*name, "py");
        assert!(matches!(state, MemberState::Reconnecting(_)), "{state}");
        assert_eq!(text(&connection, "ts_echo", json!({"message": "a"})).await.unwrap(), "Echo: a");
        let (_, state) = changes.next().await.unwrap();
        assert!(state.is_ready(), "{state}");
        expect_both(&connection).await;
        let after = connection.member("ts").unwrap().server().unwrap();
        assert!(std::sync::Arc::ptr_eq(&before, &after), "the session of the other is the same");
        connection.close().await;
        gone([&mut everything, &mut fastmcp]).await;
    });
}

// seed: 60
#[test]
fn a_config_with_one_server_is_a_target_and_its_tools_have_no_prefix() {
    let Some(program) = peers::or_skip(peers::everything_stdio()) else { return };
    let (mark, mut processes) = Processes::marked();
    let one = json!({"mcpServers": {"ts": entry(program, &mark, &json!({}))}}).to_string();
    let config = Config::parse(&one).unwrap();
    within_deadline(async {
        let connection = Client::connect_to(&config).await.unwrap();
        assert_eq!(
            connection.call_tool("echo").argument("message", "a").await.unwrap().text(),
            "Echo: a"
        );
        connection.close().await;
        let group = Group::from_config(&config).build().unwrap();
        let connection = group.connect().await.unwrap();
        assert_eq!(text(&connection, "echo", json!({"message": "b"})).await.unwrap(), "Echo: b");
        connection.close().await;
        assert!(processes.are_gone());
    });
}
