//! How a child is started.

use super::*;
use mcp_transport::{
    Delivery,
    stdio::{Npx, Uv, Uvx},
};
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

// spec: STDIO-13
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
async fn a_variable_of_the_parent_is_inherited_when_it_is_named() {
    // Cargo sets it for every test; it is not on any list.
    let found =
        environment(sh(ENVIRONMENT).inherit_var("CARGO_PKG_NAME").inherit_var("NO_SUCH")).await;
    assert_eq!(found.get("CARGO_PKG_NAME"), std::env::var("CARGO_PKG_NAME").ok().as_ref());
    assert!(!found.contains_key("NO_SUCH"));
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

// seed: 27
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

#[tokio::test]
async fn what_a_runner_needs_is_looked_at_first() {
    let uv = |uv: Uv| Command::from(uv.project("/no/such/project"));
    let cases = [
        (Command::python("/no/such.py"), "cannot start `python3`: there is no script /no/such.py"),
        (Command::python("/etc/passwd"), "script /etc/passwd does not end in .py"),
        (Command::python("such.py").current_dir("/no"), "there is no script /no/such.py"),
        (Command::node("server.ts"), "cannot start `node`: script server.ts does not end in .js"),
        (Command::script("pypy", "/no/such"), "cannot start `pypy`: there is no script /no/such"),
        (uv(Uv::script("x")), "cannot start `uv`: there is no directory /no/such/project"),
        (Uv::module("--quiet").into(), "cannot start `uv`: `--quiet` is an option and not a name"),
        (Uvx::new("").into(), "cannot start `uvx`: `` is an option and not a name"),
        (Npx::new("-c").into(), "cannot start `npx`: `-c` is an option and not a name"),
        (
            Command::from(Npx::new("x")).env("PATH", "/none"),
            "cannot start `npx`: it is in no directory of PATH (/none)",
        ),
    ];
    for (command, reason) in cases {
        let text = refused(command).await.to_string();
        assert!(text.contains(reason), "{text}");
    }
}

// seed: 33
#[tokio::test]
async fn a_script_is_run_with_its_arguments() {
    let directory = std::env::temp_dir().join(format!("mcp-script-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("a.py"), format!("{PRELUDE}\nanswer({{'args': sys.argv}})")).unwrap();
    let command = Command::python("a.py").arg("x").current_dir(&directory);
    assert_eq!(Child::start(command).await.call(1).await["args"], json!(["a.py", "x"]));
    fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn s03_a_fingerprint_tells_commands_apart_that_start_different_things() {
    let base = || Command::new("a").args(["b", "c"]).env("D", "e").current_dir("/f");
    let different = [
        base(),
        Command::new("x").args(["b", "c"]).env("D", "e").current_dir("/f"),
        Command::new("a").args(["bc"]).env("D", "e").current_dir("/f"),
        Command::new("a").args(["c", "b"]).env("D", "e").current_dir("/f"),
        Command::new("a").args(["b", "c"]).env("D", "e"),
        base().current_dir("/g"),
        base().env("D", "f"),
        base().env("E", "e"),
        base().inherit_var("D"),
        base().inherit_env(),
    ];
    for (place, command) in different.iter().enumerate() {
        assert_eq!(command.fingerprint(), command.clone().fingerprint());
        let others = different.iter().skip(place + 1);
        assert!(others.into_iter().all(|it| it.fingerprint() != command.fingerprint()), "{place}");
    }
    let swapped = [base().envs([("X", "1"), ("Y", "2")]), base().envs([("Y", "2"), ("X", "1")])];
    assert_eq!(swapped[0].fingerprint(), swapped[1].fingerprint());
    let shown = base().fingerprint().to_string();
    assert!(shown.len() == 64 && shown.chars().all(|digit| digit.is_ascii_hexdigit()));
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
