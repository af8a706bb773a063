//! The opening handshake.

use super::*;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

async fn refused(socket: WebSocket) -> Error {
    let error = deadline(socket.connect()).await.map(drop).unwrap_err();
    assert!(error.is_connect() && error.delivery() == Delivery::NotSent, "{error:?}");
    let shown = format!("{error} {error:?} {socket:?}");
    assert!(!shown.contains("hunter2"), "no query is shown: {shown}");
    error
}

/// Reads the opening request, and answers with these bytes.
async fn answered(
    answer: &'static str,
    socket: WebSocket,
    listener: TcpListener,
) -> (Error, String) {
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut opening = Vec::new();
        while !opening.ends_with(b"\r\n\r\n") {
            stream.read_buf(&mut opening).await.unwrap();
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(opening).unwrap()
    };
    deadline(async { tokio::join!(refused(socket), server) }).await
}

#[tokio::test]
async fn a_refusal_has_its_status_and_its_challenge() {
    let (listener, socket) = listener().await;
    let socket = socket.header("authorization".parse().unwrap(), "Bearer abc".parse().unwrap());
    assert!(!format!("{socket:?}").contains("abc"));
    let answer = "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer realm=\"x\"\r\n\r\n";
    let (error, opening) = answered(answer, socket, listener).await;
    assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
    assert_eq!(error.challenge(), Some("Bearer realm=\"x\""));
    let opening = opening.to_ascii_lowercase();
    assert!(opening.starts_with("get /mcp?key=hunter2 http/1.1\r\n"), "{opening}");
    assert!(opening.contains("authorization: bearer abc\r\n"), "{opening}");
    assert!(opening.contains("sec-websocket-protocol: mcp\r\n"), "{opening}");
}

#[tokio::test]
async fn a_server_without_the_subprotocol_is_refused() {
    let (listener, socket) = listener().await;
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        // It accepts the socket, but not the subprotocol.
        let _ = tokio_tungstenite::accept_async(stream).await;
    };
    let (error, ()) = deadline(async { tokio::join!(refused(socket), server) }).await;
    assert!(std::error::Error::source(&error).is_some(), "{error:?}");
}

#[tokio::test]
async fn what_is_no_handshake_is_refused() {
    for answer in ["garbage\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", ""] {
        let (listener, socket) = listener().await;
        answered(answer, socket, listener).await;
    }
}

#[tokio::test]
async fn f24_a_server_that_does_not_answer_has_a_time_limit() {
    let (listener, socket) = listener().await;
    let error = refused(socket.connect_timeout(SHORT)).await;
    assert!(error.to_string().contains("no answer within 50ms"), "{error}");
    drop(listener);
}

#[tokio::test]
async fn f24_what_cannot_be_connected_to_says_why() {
    let cases = [
        ("http://localhost/", "neither a `ws:` nor a `wss:` URL"),
        ("ws://user:hunter2@localhost/", "use a header"),
        ("ws://127.0.0.1:1/", "nobody listens there"),
        ("wss://no-such-host.invalid/", "cannot connect to wss://no-such-host.invalid/"),
    ];
    for (url, reason) in cases {
        let error = refused(WebSocket::new(url.parse().unwrap())).await;
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn tls_that_fails_is_an_error_of_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://{}/", listener.local_addr().unwrap());
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    };
    let socket = WebSocket::new(url.parse().unwrap()).tls(tls().1);
    let (error, ()) = deadline(async { tokio::join!(refused(socket), server) }).await;
    assert!(error.to_string().ends_with("TLS failed"), "{error}");
}

/// Returns both sides of TLS with a certificate for `localhost` that is not trusted otherwise.
fn tls() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let certificate = made.cert.der().clone();
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}

#[tokio::test]
async fn a_server_is_called_over_tls_if_its_certificate_is_trusted() {
    let (theirs, ours) = tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
    let socket = WebSocket::new(url.parse().unwrap());
    let mut server = Background::run(async move {
        let acceptor = TlsAcceptor::from(theirs);
        // The first does not trust the certificate, the second does.
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.unwrap_err();
        let (stream, _) = listener.accept().await.unwrap();
        let stream = acceptor.accept(stream).await.unwrap();
        let mut peer = accept_hdr_async(stream, accept).await.unwrap();
        peer.next().await.unwrap().unwrap();
        peer.send(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.into()).await.unwrap();
        while let Some(Ok(_)) = peer.next().await {}
    });
    refused(socket.clone()).await;
    let mut link = deadline(socket.tls(ours).connect()).await.unwrap();
    let mut driver = Background::run(link.driver);
    let message = ClientMessage::new(Request::new(1, "a"));
    let replies = deadline(link.transport.call(message)).await.unwrap();
    assert_eq!(result(replies).await, json!({}));
    drop(link.transport);
    server.end().await;
    driver.end().await.unwrap();
}
