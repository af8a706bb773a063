//! How a child is started.

use super::*;
use mcp_transport::{Delivery, stdio::Stderr};
use serde_json::json;
use std::{collections::BTreeMap, error::Error as _, io, os::unix::fs::PermissionsExt};

#[tokio::test]
async fn a_child_is_called_and_ends_in_good_order() {
    let child = Child::start(python("serve()")).await;
    assert_eq!(child.call(1).await, json!({}));
    assert_eq!(child.call(2).await, json!({}));
    child.close().await.unwrap();
}

#[tokio::test]
async fn a_command_connects_as_often_as_it_is_asked() {
    let command = python("answer({'pid': os.getpid()})");
    let first = Child::start(command.clone()).await;
    let second = Child::start(command).await;
    assert_ne!(first.call(1).await, second.call(1).await);
}

#[tokio::test]
async fn arguments_reach_the_child_as_they_are() {
    let tricky = ["; rm -rf /", "$(id)", "a b", "\"", "'", "\n", "", "ä", "*", "`x`", "-flag"];
    let child = Child::start(python("answer({'args': sys.argv[1:]})").args(tricky)).await;
    assert_eq!(child.call(1).await["args"], json!(tricky));
}

/// Answers with the environment that it was started with, in hexadecimal.
const ENVIRONMENT: &str = r#"
read -r line
environment=$(od -An -v -tx1 /proc/$$/environ | tr -d ' \n')
printf '{"jsonrpc":"2.0","id":1,"result":{"hex":"%s"}}\n' "$environment"
read -r line
"#;

async fn environment(command: Command) -> BTreeMap<String, String> {
    let answer = Child::start(command).await.call(1).await;
    let digits = answer["hex"].as_str().unwrap().as_bytes().chunks(2);
    let bytes = digits.map(|digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16));
    let text = String::from_utf8(bytes.map(Result::unwrap).collect()).unwrap();
    let pairs = text.split_terminator('\0').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn a_child_gets_the_listed_environment_and_no_more() {
    let command = sh(ENVIRONMENT).env("OWN", "x=y").envs([("LC_ALL", "C.UTF-8")]);
    let mut found = environment(command).await;
    assert_eq!(found.remove("OWN").as_deref(), Some("x=y"));
    assert_eq!(found.remove("LC_ALL").as_deref(), Some("C.UTF-8"));
    assert_eq!(found.get("PATH"), std::env::var("PATH").ok().as_ref());
    let listed = ["HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER"];
    for name in found.keys() {
        assert!(listed.contains(&&**name) || name.starts_with("LC_"), "{name} leaks");
    }
    let found = environment(sh(ENVIRONMENT).inherit_env()).await;
    assert_eq!(found, std::env::vars().collect());
}

#[tokio::test]
async fn a_child_runs_in_the_directory_it_is_given() {
    let child = Child::start(python("answer({'cwd': os.getcwd()})").current_dir("/usr")).await;
    assert_eq!(child.call(1).await["cwd"], "/usr");
}

async fn refused(command: Command) -> Error {
    let error = deadline(command.connect()).await.unwrap_err();
    assert!(error.is_connect() && error.delivery() == Delivery::NotSent, "{error:?}");
    error
}

#[tokio::test]
async fn f44_a_missing_command_is_named_with_where_it_was_looked_for() {
    let error = refused(Command::new("no-such-server").env("PATH", "/bin:/opt/x")).await;
    let expected = "cannot start `no-such-server`: it is in no directory of PATH (/bin:/opt/x)";
    assert_eq!(error.to_string(), expected);
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::NotFound));
}

#[tokio::test]
async fn f44_each_reason_not_to_start_has_its_own_words() {
    let directory = std::env::temp_dir().join(format!("mcp-launch-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let file = |name: &str, mode: u32, text: &str| {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let cases = [
        (Command::new(directory.join("none")), "there is no such file"),
        (
            Command::new(file("orphan", 0o755, "#!/no/such/interpreter\n")),
            "the interpreter that its first line names does not exist",
        ),
        (Command::new(file("plain", 0o644, "")), "it may not be executed"),
        (Command::new(file("garbage", 0o755, "\u{1}\u{2}")), "the system refuses it"),
        (sh("").current_dir("/no/such/directory"), "its working directory /no/such/directory"),
    ];
    for (command, reason) in cases {
        let text = refused(command).await.to_string();
        assert!(text.starts_with("cannot start `") && text.contains(reason), "{text}");
    }
    fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn outside_a_runtime_there_is_an_error_and_no_panic() {
    let command = sh("");
    let mut connecting = std::pin::pin!(command.connect());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = connecting.as_mut().poll(&mut cx);
    assert!(matches!(polled, std::task::Poll::Ready(Err(error)) if error.is_connect()));
}

#[test]
fn debug_shows_no_values_of_the_environment() {
    let text = format!("{:?}", sh("serve").env("TOKEN", "hunter2"));
    assert!(text.contains("TOKEN") && text.contains("serve") && !text.contains("hunter2"));
}

// spec: STDIO-05
#[tokio::test]
async fn f45_a_flood_on_standard_error_blocks_nobody() {
    let script = "
for _ in range(100): sys.stderr.write('x' * 100_000)
sys.stderr.write('\\nlast line\\n')
answer({})
os._exit(3)
";
    for policy in [Stderr::Capture, Stderr::Null] {
        let child = Child::start(python(script).stderr(policy)).await;
        assert_eq!(child.call(1).await, json!({}));
        let error = child.close_lost().await;
        let tail = error.stderr_tail();
        assert_eq!(tail, (policy == Stderr::Capture).then_some("last line"));
    }
}

impl Child {
    /// The error of a child that ends by itself.
    async fn close_lost(mut self) -> Error {
        self.driver.end().await.unwrap_err()
    }
}
