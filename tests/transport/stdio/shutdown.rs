//! How a child is shut down.

use super::*;
use std::time::Instant;

/// Waits for the end of its input, or for a signal, and reports which one came on standard error.
const WATCHFUL: &str = "
def note(*_):
    sys.stderr.write('terminated\\n')
    if EXITS_ON_TERM: os._exit(0)
signal.signal(signal.SIGTERM, note)
say('pid', pid=os.getpid())
serve()
sys.stderr.write('end of input\\n')
if EXITS_ON_EOF: os._exit(0)
while True: time.sleep(60)
";

fn watchful(exits_on_eof: bool, exits_on_term: bool) -> Command {
    let flags = [("EXITS_ON_EOF", exits_on_eof), ("EXITS_ON_TERM", exits_on_term)];
    let script = flags.iter().fold(WATCHFUL.to_owned(), |script, (name, value)| {
        script.replace(name, if *value { "True" } else { "False" })
    });
    python(&script)
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

// spec: STDIO-09
#[tokio::test]
async fn closing_the_input_is_enough_for_a_good_child() {
    let mut child = Child::start(watchful(true, false).exit_grace(LONG)).await;
    let pid = child.pid().await;
    child.call(1).await;
    child.close().await.unwrap();
    assert!(!is_running(pid));
}

// spec: STDIO-09
// seed: 7
#[tokio::test]
async fn f40_a_child_that_ignores_the_end_of_its_input_is_terminated() {
    let command = watchful(false, true).exit_grace(SHORT).terminate_grace(LONG);
    let mut child = Child::start(command).await;
    let pid = child.pid().await;
    child.close().await.unwrap();
    assert!(!is_running(pid));
}

// spec: STDIO-09
// seed: 7
#[tokio::test]
async fn f41_a_child_that_ignores_sigterm_is_killed() {
    let command = watchful(false, false).exit_grace(SHORT).terminate_grace(SHORT);
    let mut child = Child::start(command).await;
    let pid = child.pid().await;
    let start = Instant::now();
    child.close().await.unwrap();
    assert!(start.elapsed() >= 2 * SHORT, "it had its graces");
    assert!(!is_running(pid));
}

#[tokio::test]
async fn f20_a_child_that_does_not_read_is_ended_all_the_same() {
    for exits in ["time.sleep(60)", "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"]
    {
        let script = format!("say('pid', pid=os.getpid()); {exits}");
        let command = python(&script).exit_grace(SHORT).terminate_grace(SHORT);
        let mut child = Child::start(command).await;
        let pid = child.pid().await;
        let params = mcp_types::RawJson::encode(&"x".repeat(1 << 20)).unwrap();
        let params = mcp_types::RawJson::encode(&[params]).unwrap();
        let message = ClientMessage::new(Request::new(1, "a").with_params(params));
        drop(deadline(child.client.call(message)).await.unwrap());
        // The pipe is full and the driver waits for the child when the last handle is dropped.
        tokio::time::sleep(SHORT).await;
        child.close().await.unwrap();
        assert!(!is_running(pid));
    }
}

#[tokio::test]
async fn a_child_that_still_writes_is_read_until_it_is_done() {
    let script = "
serve()
for _ in range(200): say('goodbye', pad='x' * 10_000)
os._exit(0)
";
    let child = Child::start(python(script).exit_grace(LONG)).await;
    child.call(1).await;
    child.close().await.unwrap();
}

/// A child with a grandchild that ignores what it can, both in one group.
pub(super) const FAMILY: &str = "
code = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)'
grandchild = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
grandchild.stdout.readline()
say('pid', pid=grandchild.pid)
say('pid', pid=os.getpid())
serve()
";

#[tokio::test]
async fn f43_a_grandchild_does_not_survive_the_end() {
    let mut child = Child::start(python(FAMILY).exit_grace(LONG)).await;
    let (grandchild, parent) = (child.pid().await, child.pid().await);
    child.close().await.unwrap();
    assert!(!is_running(parent));
    gone(grandchild).await;
}

// seed: 25
#[tokio::test]
async fn f52_dropping_the_driver_kills_the_group() {
    let mut child = Child::start(python(FAMILY)).await;
    let (grandchild, parent) = (child.pid().await, child.pid().await);
    let replies = child.open_unanswered(1).await;
    child.driver.cut().await;
    gone(parent).await;
    gone(grandchild).await;
    drop(replies);
}

impl Child {
    async fn open_unanswered(&self, id: i64) -> Replies {
        self.open(id).await
    }
}

#[tokio::test]
async fn a_driver_that_is_never_polled_kills_the_group_too() {
    let mut link = deadline(python(FAMILY).connect()).await.unwrap();
    let mut told = Vec::new();
    // Reads what the child sends through the driver, then drops it halfway.
    for _ in 0..2 {
        let arrival = deadline(async {
            tokio::select! {
                arrival = link.unsolicited.next() => arrival,
                _ = &mut link.driver => panic!("the child lives"),
            }
        });
        match arrival.await {
            Some(Arrival::Message(Message::Notification(it))) => {
                let params: Value = it.params.unwrap().decode().unwrap();
                told.push(params["pid"].as_u64().unwrap());
            }
            other => panic!("{other:?}"),
        }
    }
    drop(link);
    for pid in told {
        gone(pid).await;
    }
    // Nothing was polled at all.
    drop(deadline(sh("sleep 60").connect()).await.unwrap());
}

#[test]
fn f53_a_link_may_be_dropped_outside_a_runtime() {
    let first = runtime();
    let (link, pid) = first.block_on(async {
        let mut link = deadline(python(FAMILY).connect()).await.unwrap();
        let arrival = deadline(async {
            tokio::select! {
                arrival = link.unsolicited.next() => arrival,
                _ = &mut link.driver => panic!("the child lives"),
            }
        });
        let Some(Arrival::Message(Message::Notification(it))) = arrival.await else { panic!() };
        let params: Value = it.params.unwrap().decode().unwrap();
        (link, params["pid"].as_u64().unwrap())
    });
    drop(first);
    drop(link);
    runtime().block_on(gone(pid));
}

// spec: STDIO-09
#[tokio::test]
async fn a_child_whose_transport_is_still_held_can_be_closed_in_good_order() {
    let silent = "
say('pid', pid=os.getpid())
while receive(): pass
say('goodbye')
";
    let mut link = deadline(python(silent).exit_grace(LONG).connect()).await.unwrap();
    let mut unsolicited = link.unsolicited;
    let pid = deadline(async {
        tokio::select! {
            arrival = unsolicited.next() => pid_of(arrival),
            _ = &mut link.driver => panic!("the child lives"),
        }
    });
    let pid = pid.await;
    let mut client = link.transport.clone();
    let replies = deadline(client.call(ClientMessage::new(Request::new(1, "a")))).await.unwrap();
    link.driver.shut_down();
    deadline(link.driver).await.unwrap();
    assert!(!is_running(pid));
    assert!(failure(replies).await.is_closed());
    assert!(deadline(client.call(ClientMessage::new(Request::new(2, "b")))).await.is_err());
}

fn pid_of(arrival: Option<Arrival>) -> u64 {
    let Some(Arrival::Message(Message::Notification(it))) = arrival else { panic!("{arrival:?}") };
    it.params.unwrap().decode::<Value>().unwrap()["pid"].as_u64().unwrap()
}
