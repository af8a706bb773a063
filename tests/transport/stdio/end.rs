//! What happens to calls when the child exits.

use super::*;
use mcp_transport::Delivery;
use std::os::unix::process::ExitStatusExt;

// spec: STDIO-10
#[tokio::test]
async fn f44_a_child_that_exits_tells_why_it_did() {
    let script = "receive(); sys.stderr.write('no license\\n'); sys.exit(3)";
    let mut child = Child::start(python(script)).await;
    let error = failure(child.open(1).await).await;
    assert!(error.is_closed() && error.delivery() == Delivery::Unknown);
    assert_eq!(error.server_exit().and_then(|exit| exit.code()), Some(3));
    assert_eq!(error.stderr_tail(), Some("no license"));
    assert_eq!(error.to_string(), "server closed the connection (exit status: 3)");
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(cause.as_deref(), Some("it wrote to standard error: no license"));
    let end = child.driver.end().await.unwrap_err();
    assert_eq!(end.server_exit().and_then(|exit| exit.code()), Some(3));
    let message = ClientMessage::new(Request::new(2, "a"));
    let refused = deadline(child.client.call(message)).await.unwrap_err();
    assert!(refused.is_closed() && refused.delivery() == Delivery::NotSent);
    assert_eq!(refused.stderr_tail(), Some("no license"));
}

#[tokio::test]
async fn a_program_that_is_no_server_is_known_by_what_it_printed() {
    let script = "print('usage: tool [--port]', flush=True); receive(); sys.exit(2)";
    let child = Child::start(python(script)).await;
    let error = failure(child.open(1).await).await;
    let told = "server closed the connection, having written no message but \"usage: tool [--port]\" (exit status: 2)";
    assert_eq!(error.to_string(), told);
    assert!(error.is_closed());
    // What is printed between messages is unrelated to the end.
    let script = "answer({}); print('bye', flush=True); receive(); sys.exit(0)";
    let child = Child::start(python(script)).await;
    child.call(1).await;
    let error = failure(child.open(2).await).await;
    assert_eq!(error.to_string(), "server closed the connection (exit status: 0)");
}

// seed: 10
#[tokio::test]
async fn f01_a_killed_child_fails_every_call() {
    let mut child = Child::start(python("say('pid', pid=os.getpid()); time.sleep(60)")).await;
    let calls = [child.open(1).await, child.open(2).await];
    let pid = child.pid().await;
    let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    assert!(killed.unwrap().success());
    for replies in calls {
        let error = failure(replies).await;
        assert!(error.is_closed());
        assert_eq!(error.server_exit().and_then(|exit| exit.signal()), Some(9));
    }
}

#[tokio::test]
async fn what_a_child_answers_before_it_exits_is_heard() {
    let child = Child::start(python("answer({'last': 1}); os._exit(0)")).await;
    assert_eq!(child.call(1).await["last"], 1);
    assert!(failure(child.open_late(2).await).await.is_closed());
}

impl Child {
    /// Makes a call on a connection that may be lost already; a failure becomes a reply.
    async fn open_late(&self, id: i64) -> Replies {
        let message = ClientMessage::new(Request::new(id, "a"));
        match deadline(self.client.clone().call(message)).await {
            Ok(replies) => replies,
            Err(error) => Replies::new(futures_util::stream::iter([Err(error)])),
        }
    }
}

#[tokio::test]
async fn f02_half_a_line_before_the_exit_is_no_message() {
    let script = "receive(); sys.stdout.write('{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}')";
    let child = Child::start(python(script)).await;
    let error = failure(child.open(1).await).await;
    assert!(error.to_string().starts_with("server closed the connection 36 bytes into a message"));
}

#[tokio::test]
async fn f46_a_child_that_closes_its_output_and_lives_on_fails_calls() {
    let script = "say('pid', pid=os.getpid()); receive(); os.close(1); time.sleep(60)";
    let grace = Duration::from_millis(50);
    let mut child = Child::start(python(script).exit_grace(grace).terminate_grace(grace)).await;
    let pid = child.pid().await;
    let error = failure(child.open(1).await).await;
    assert!(error.is_closed() && error.server_exit().is_none());
    assert!(child.driver.end().await.unwrap_err().is_closed());
    gone(pid).await;
}

#[tokio::test]
async fn f46_a_child_that_closes_its_input_fails_calls() {
    let script = "os.close(0); say('closed'); time.sleep(60)";
    let grace = Duration::from_millis(50);
    let mut child = Child::start(python(script).exit_grace(grace).terminate_grace(grace)).await;
    child.told().await;
    let error = failure(child.open(1).await).await;
    assert!(error.is_closed());
    assert_eq!(error.delivery(), Delivery::NotSent);
}

/// Starts a grandchild that keeps all pipes of its parent open.
const GRANDCHILD: &str = "
say('pid', pid=subprocess.Popen(['sleep', '60'], start_new_session=DETACHED).pid)
receive()
os._exit(7)
";

#[tokio::test]
async fn f42_a_grandchild_that_keeps_the_pipes_open_keeps_no_call() {
    let mut child = Child::start(python(&GRANDCHILD.replace("DETACHED", "False"))).await;
    let grandchild = child.pid().await;
    assert!(is_running(grandchild));
    let error = failure(child.open(1).await).await;
    assert_eq!(error.server_exit().and_then(|exit| exit.code()), Some(7));
    gone(grandchild).await;
}

#[tokio::test]
async fn f42_a_grandchild_out_of_reach_keeps_no_call_either() {
    let mut child = Child::start(python(&GRANDCHILD.replace("DETACHED", "True"))).await;
    let grandchild = child.pid().await;
    let error = failure(child.open(1).await).await;
    assert!(error.is_closed());
    assert_eq!(error.server_exit().and_then(|exit| exit.code()), Some(7));
    assert!(child.driver.end().await.is_err());
    // It has left the group, as documented; this test kills it.
    let killed =
        std::process::Command::new("kill").args(["-KILL", &grandchild.to_string()]).status();
    assert!(killed.unwrap().success());
}
