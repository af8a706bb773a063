//! Browsers that come back, and other visitors.

use super::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
};

type Outcome = Result<Redirect, Error>;

/// A waiting login, and the authority at which it waits.
struct Waiting {
    authority: String,
    login: JoinHandle<Outcome>,
}

fn receiver() -> Loopback {
    Loopback::new(|_| async { Ok(()) })
}

fn request(redirect_uri: &str) -> AuthorizationRequest {
    AuthorizationRequest {
        url: "https://as.example/authorize".parse().unwrap(),
        server: "https://mcp.example/mcp".to_owned(),
        resource: "https://mcp.example/mcp".to_owned(),
        issuer: "https://as.example".to_owned(),
        token_endpoint: "https://as.example/token".parse().unwrap(),
        scopes: Vec::new(),
        redirect_uri: redirect_uri.to_owned(),
        state: "right".into(),
    }
}

async fn wait(receiver: Loopback) -> Waiting {
    let pending = receiver.prepare().await.unwrap();
    let redirect_uri = pending.redirect_uri().to_owned();
    let authority = redirect_uri.split('/').nth(2).unwrap().to_owned();
    #[expect(clippy::disallowed_methods, reason = "the browser is beside the login")]
    let login = tokio::spawn(pending.receive(request(&redirect_uri)));
    Waiting { authority, login }
}

impl Waiting {
    async fn get(&self, target: &str) -> String {
        self.send(&format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", self.authority)).await
    }

    async fn send(&self, text: &str) -> String {
        let mut stream = TcpStream::connect(&*self.authority).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.unwrap();
        answer
    }

    async fn end(self) -> Outcome {
        soon(self.login).await.unwrap()
    }
}

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(10), future).await.expect("no hang")
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

// spec: FLOW-06
// seed: 64
#[tokio::test]
async fn s16_what_is_not_the_answer_does_not_end_the_wait() {
    let waiting = wait(receiver()).await;
    for (target, expected) in [
        ("/favicon.ico", "404"),
        ("/?code=c&state=right", "404"),
        ("/callback", "400"),
        ("/callback?code=c", "400"),
        ("/callback?code=c&state=wrong", "400"),
        ("/callback?error=access_denied&state=wrong", "400"),
        ("/callback?error=access_denied", "400"),
        ("/callback?code=c&state=right&state=right", "400"),
        ("/callback?code=c&code=d&state=right", "400"),
        ("http://evil.example/callback?code=c&state=right", "421"),
    ] {
        assert_eq!(status(&waiting.get(target).await), expected, "{target}");
    }
    let right = "/callback?code=c&state=right";
    for (request, expected) in [
        (format!("GET {right} HTTP/1.1\r\nHost: evil.example\r\n\r\n"), "421"),
        (format!("GET {right} HTTP/1.1\r\n\r\n"), "421"),
        (format!("POST {right} HTTP/1.1\r\nHost: {}\r\n\r\n", waiting.authority), "405"),
        (format!("HEAD {right} HTTP/1.1\r\nHost: {}\r\n\r\n", waiting.authority), "405"),
        ("garbage\r\n\r\n".to_owned(), "400"),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(HEADER_SIZE)), "431"),
    ] {
        let answer = waiting.send(&request).await;
        assert!([expected, "414", ""].contains(&status(&answer)), "{answer}");
        assert_ne!(status(&answer), "200");
    }
    let answer = waiting.get("/callback?code=c&state=right&iss=https%3A%2F%2Fas.example").await;
    assert_eq!(status(&answer), "200");
    let authority = waiting.authority.clone();
    let redirect = waiting.end().await.unwrap();
    assert_eq!(redirect.code.unwrap().expose(), "c");
    assert_eq!(redirect.iss.as_deref(), Some("https://as.example"));
    assert!(TcpStream::connect(authority).await.is_err(), "the port is closed: no replay");
}

// seed: 64
#[tokio::test]
async fn s16_a_refusal_is_an_answer_and_no_page_shows_what_it_was_asked_with() {
    let vectors = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'-alert(1)-'",
        "javascript:alert(1)",
        "</p><svg/onload=alert(1)>",
    ];
    for vector in vectors {
        let waiting = wait(receiver()).await;
        let said: String = url::form_urlencoded::byte_serialize(vector.as_bytes()).collect();
        for target in [format!("/{said}"), format!("/callback?state={said}&error={said}")] {
            let answer = waiting.get(&target).await;
            assert!(!answer.contains("alert") && status(&answer).starts_with('4'), "{answer}");
        }
        let query = format!("error={said}&error_description={said}&error_uri={said}&iss=i");
        let answer = waiting.get(&format!("/callback?state=right&{query}")).await;
        assert!(answer.contains("You are not logged in") && !answer.contains("alert"), "{answer}");
        assert!(answer.contains("content-security-policy: default-src 'none'"), "{answer}");
        let redirect = waiting.end().await.unwrap();
        assert_eq!(redirect.error_description.as_deref(), Some(vector));
        assert_eq!(redirect.iss.as_deref(), Some("i"));
        assert!(redirect.code.is_none());
    }
}

// seed: 64
#[tokio::test]
async fn f73_a_user_who_never_comes_back_ends_the_login_and_frees_the_port() {
    let waiting = wait(receiver().timeout(Duration::from_millis(50))).await;
    let port = waiting.authority.clone();
    let error = waiting.end().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Receiver);
    assert!(error.to_string().contains("https://as.example within 50ms"), "{error}");
    TcpListener::bind(port).await.unwrap();
}

#[tokio::test]
async fn f73_dropping_a_login_frees_the_port() {
    let prepared = receiver().prepare().await.unwrap();
    let authority = prepared.redirect_uri().split('/').nth(2).unwrap().to_owned();
    assert!(TcpListener::bind(&authority).await.is_err());
    drop(prepared);
    TcpListener::bind(&authority).await.unwrap();

    let waiting = wait(receiver()).await;
    let idle = TcpStream::connect(&waiting.authority).await.unwrap();
    waiting.login.abort();
    assert!(soon(waiting.login).await.unwrap_err().is_cancelled());
    TcpListener::bind(&waiting.authority).await.unwrap();
    drop(idle);
}

// seed: 64
#[tokio::test]
async fn f73_logins_at_the_same_time_have_their_own_ports_and_idle_browsers_hold_nobody_up() {
    let (one, other) = (wait(receiver()).await, wait(receiver()).await);
    assert_ne!(one.authority, other.authority);
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS - 1 {
        idle.push(TcpStream::connect(&one.authority).await.unwrap());
    }
    for waiting in [other, one] {
        assert_eq!(status(&waiting.get("/callback?code=c&state=right").await), "200");
        assert!(waiting.end().await.is_ok());
    }
}

// spec: FLOW-05
// seed: 64
#[tokio::test]
async fn host_port_and_path_are_what_was_registered() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = receiver().port(port).prepare().await.err().unwrap();
    assert!(error.to_string().contains(&format!("port {port}")), "{error}");
    drop(taken);
    let prepared = receiver().port(port).path("oauth/back").prepare().await.unwrap();
    assert_eq!(prepared.redirect_uri(), format!("http://127.0.0.1:{port}/oauth/back"));
    drop(prepared);
    let named = wait(receiver().port(port).localhost()).await;
    assert_eq!(named.authority, format!("localhost:{port}"));
    assert_eq!(status(&named.get("/callback?code=c&state=right").await), "200");
    match receiver().ipv6().prepare().await {
        Ok(prepared) => assert!(prepared.redirect_uri().starts_with("http://[::1]:")),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Receiver, "a machine without IPv6"),
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_opened_ends_the_login_at_once() {
    let receiver = Loopback::new(|_| async { Err("there is no browser".into()) });
    let error = wait(receiver).await.end().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Receiver);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "there is no browser");
}
