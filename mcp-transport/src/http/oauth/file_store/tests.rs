//! Two stores over one file, and invalid files.

use super::*;
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;
use tokio::time::timeout;

fn tokens(access: &str) -> Tokens {
    let tokens = json!({
        "issuer": "https://as.example", "resource": "https://mcp.example/mcp",
        "client": {"client_id": "me", "client_secret": "client-s3cret"},
        "access_token": access, "refresh_token": format!("refresh-{access}"), "expires_at": 1_900_000_000,
        "scopes": ["a", "b"], "proof_key": "key-s3cret",
    });
    serde_json::from_value(tokens).unwrap()
}

fn key(server: &str) -> Key {
    Key::new(server, None)
}

fn store() -> (TempDir, FileStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path().join("app/tokens.json"));
    (folder, store)
}

// spec: TOK-05 TOK-06 REG-11
// seed: 63
#[tokio::test]
async fn what_one_process_keeps_another_one_finds() {
    let (_folder, store) = store();
    let (one, other) = (key("https://one.example/mcp"), key("https://one.example/mcp/other"));
    assert_eq!(store.tokens(&one).await.unwrap(), None, "a file that is not there is empty");
    store.save_tokens(&one, &tokens("first")).await.unwrap();
    store.save_tokens(&other, &tokens("other")).await.unwrap();
    store.save_tokens(&one, &tokens("second")).await.unwrap();
    let mine = Key::new("https://one.example/mcp", Some("mine"));
    let client = Registration::public("me");
    store.save_registration("https://as.example", &client).await.unwrap();

    let later = FileStore::new(store.path());
    assert_eq!(later.tokens(&one).await.unwrap(), Some(tokens("second")));
    assert_eq!(later.tokens(&other).await.unwrap(), Some(tokens("other")));
    assert_eq!(later.tokens(&mine).await.unwrap(), None, "another client of that server");
    assert_eq!(later.registration("https://as.example").await.unwrap(), Some(client.clone()));
    assert_eq!(later.registration("https://as.example/").await.unwrap(), None, "to the letter");
    assert_eq!(later.keys().await.unwrap(), [other.clone(), one.clone()]);

    // Other tokens are stored by now, which must not be removed.
    later.forget_tokens(&one, &tokens("first")).await.unwrap();
    later.forget_registration("https://as.example", &Registration::public("you")).await.unwrap();
    assert_eq!(store.tokens(&one).await.unwrap(), Some(tokens("second")));
    later.forget_tokens(&one, &tokens("second")).await.unwrap();
    later.forget_registration("https://as.example", &client).await.unwrap();
    assert_eq!(store.tokens(&one).await.unwrap(), None);
    assert_eq!(store.registration("https://as.example").await.unwrap(), None);
    assert_eq!(store.keys().await.unwrap(), [other]);
}

// spec: TOK-05 TOK-06
#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owner_alone_and_nothing_shows_what_is_in_it() {
    use std::os::unix::fs::PermissionsExt;

    let (_folder, store) = store();
    store.save_tokens(&key("https://mcp.example"), &tokens("access-s3cret")).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(store.path()), 0o600);
    assert_eq!(mode(store.path().parent().unwrap()), 0o700);
    let shown = format!("{store:?} {:?}", store.tokens(&key("https://mcp.example")).await.unwrap());
    assert!(!shown.contains("s3cret") && shown.contains("tokens.json"), "{shown}");
    let names = fs::read_dir(store.path().parent().unwrap()).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["tokens.json", "tokens.json.lock"], "nothing else is left");
}

#[tokio::test]
async fn f74_a_file_that_cannot_be_understood_stays_as_it_is() {
    let (_folder, store) = store();
    fs::create_dir(store.path().parent().unwrap()).unwrap();
    for broken in ["{\"tokens\": [\"access-s3cret\"", "access-s3cret", "", "[]", "{\"tokens\": 1}"]
    {
        fs::write(store.path(), broken).unwrap();
        let key = key("https://mcp.example");
        let read = store.tokens(&key).await.unwrap_err().to_string();
        let written = store.save_tokens(&key, &tokens("new")).await.unwrap_err().to_string();
        assert!(read.contains("tokens.json is no file of tokens (line "), "{read}");
        assert!(read == written && !read.contains("s3cret"), "{written}");
        assert_eq!(fs::read_to_string(store.path()).unwrap(), broken);
    }
}

#[tokio::test]
async fn f74_what_cannot_be_written_leaves_the_old_file() {
    let (folder, _) = store();
    // A directory cannot be created where a file is.
    fs::write(folder.path().join("file"), "x").unwrap();
    let store = FileStore::new(folder.path().join("file/tokens.json"));
    assert!(store.save_tokens(&key("https://mcp.example"), &tokens("new")).await.is_err());
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "x");
    // Nor can a file replace a directory.
    let store = FileStore::new(folder.path().join("taken"));
    fs::create_dir(store.path()).unwrap();
    assert!(store.save_tokens(&key("https://mcp.example"), &tokens("new")).await.is_err());
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 3, "the file, the folder and its lock: no half of a secret");
}

#[tokio::test]
async fn what_a_later_version_keeps_is_not_lost() {
    let (_folder, store) = store();
    fs::create_dir(store.path().parent().unwrap()).unwrap();
    fs::write(store.path(), r#"{"later": {"a": 1}}"#).unwrap();
    store.save_tokens(&key("https://mcp.example"), &tokens("new")).await.unwrap();
    let written: Value = serde_json::from_slice(&fs::read(store.path()).unwrap()).unwrap();
    assert_eq!(written["later"], json!({"a": 1}));
    assert_eq!(written["tokens"][0]["server"], "https://mcp.example");
}

// spec: TOK-09
#[tokio::test]
async fn f69_one_process_refreshes_and_writers_lose_nothing() {
    let (_folder, store) = store();
    let other = FileStore::new(store.path());
    let key = key("https://mcp.example");
    let held = store.lock(&key).await.unwrap();
    let wait = Duration::from_millis(120);
    assert!(timeout(wait, other.lock(&key)).await.is_err(), "it waits for the other one");
    let elsewhere = Key::new("https://else.example", None);
    drop(other.lock(&elsewhere).await.unwrap());
    other.save_tokens(&key, &tokens("new")).await.unwrap();
    drop(held);
    drop(timeout(Duration::from_secs(10), other.lock(&key)).await.unwrap().unwrap());

    let writers = (0..40).map(|count| {
        let store = FileStore::new(store.path());
        async move {
            let key = Key::new(format!("https://{count}.example"), None);
            store.save_tokens(&key, &tokens("new")).await.unwrap();
        }
    });
    futures_util::future::join_all(writers).await;
    assert_eq!(store.keys().await.unwrap().len(), 41);
}

#[tokio::test(start_paused = true)]
async fn f74_a_process_that_never_lets_go_of_the_file_is_not_waited_for_without_end() {
    let (_folder, store) = store();
    let held = file::open_lock(store.path(), "").unwrap();
    held.lock().unwrap();
    let key = key("https://mcp.example");
    let error = store.save_tokens(&key, &tokens("new")).await.unwrap_err();
    assert!(error.to_string().contains("another process holds the tokens"), "{error}");
    drop(held);
    store.save_tokens(&key, &tokens("new")).await.unwrap();
}
