//! Connections through proxies.

use super::{tls::Authority, *};
use conformance::{alone::succeeds_alone, http_server::response};
use mcp_transport::{
    Delivery,
    http::{Proxy, Tls},
};
use std::{error::Error as _, io, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

fn ok(request: &Recorded) -> Answer {
    Answer::json(&response(request, &json!({})))
}

/// A proxy that answers CONNECT with `answer` and then forwards bytes; returns what it was asked.
async fn tunnel(
    answer: &'static str,
) -> (String, tokio::sync::mpsc::Receiver<String>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, heads) = tokio::sync::mpsc::channel(16);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(carry(stream, answer, asked.clone()));
        }
    });
    (format!("{address}"), heads, tasks)
}

async fn carry(
    mut stream: TcpStream,
    answer: &'static str,
    asked: tokio::sync::mpsc::Sender<String>,
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap().to_owned();
    asked.send(head).await.unwrap();
    stream.write_all(answer.as_bytes()).await?;
    if answer.contains("200") {
        let port = target.rsplit(':').next().unwrap();
        let mut server = TcpStream::connect(format!("127.0.0.1:{port}")).await?;
        copy_bidirectional(&mut stream, &mut server).await?;
    }
    Ok(())
}

// spec: SBP-05
#[tokio::test]
async fn a_plain_request_is_given_to_the_proxy_with_the_name_of_the_server() {
    deadline(async {
        let proxy = start(ok).await;
        let address = proxy.url().strip_prefix("http://").unwrap().split('/').next().unwrap();
        let proxy_url = format!("http://me:secret@{address}");
        let endpoint = Endpoint::parse("http://tools.example/mcp")
            .unwrap()
            .proxy(Proxy::to(&proxy_url).unwrap());
        assert!(!format!("{endpoint:?}").contains("secret"), "{endpoint:?}");
        connect_to(endpoint).await.ask(modern_call(1)).await;
        let request = &proxy.requests()[0];
        assert_eq!(request.uri, "http://tools.example/mcp");
        assert_eq!(request.header("host"), Some("tools.example"));
        assert_eq!(request.header("proxy-authorization"), Some("Basic bWU6c2VjcmV0"));
    })
    .await;
}

#[tokio::test]
async fn a_request_over_tls_goes_through_a_tunnel_that_sees_nothing_of_it() {
    deadline(async {
        let authority = Authority::new();
        let config = authority.server("localhost", None, &["h2"]);
        let server = HttpServer::start_tls(config, ok).await.unwrap();
        let (address, mut heads, _proxy) = tunnel("HTTP/1.1 200 OK\r\n\r\n").await;
        let tls = Tls::new().trust_only_pem(authority.pem().as_bytes()).unwrap();
        let endpoint = Endpoint::parse(server.url())
            .unwrap()
            .header(http::header::AUTHORIZATION, "Bearer hidden".parse().unwrap())
            .tls(tls)
            .proxy(Proxy::to(&format!("http://me:secret@{address}")).unwrap());
        connect_to(endpoint).await.ask(modern_call(1)).await;
        let head = heads.recv().await.unwrap();
        assert!(head.starts_with("CONNECT localhost:"), "{head}");
        assert!(head.contains("Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"), "{head}");
        let request = &server.requests()[0];
        assert_eq!(request.header("proxy-authorization"), None);
        assert_eq!(request.header("authorization"), Some("Bearer hidden"));
    })
    .await;
}

#[tokio::test]
async fn f24_a_proxy_that_refuses_is_named_and_its_secrets_are_not() {
    deadline(async {
        let (address, _heads, _proxy) =
            tunnel("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
        let tls = Tls::new().trust_only_pem(Authority::new().pem().as_bytes()).unwrap();
        let endpoint = Endpoint::parse("https://tools.example/mcp")
            .unwrap()
            .tls(tls)
            .proxy(Proxy::to(&format!("http://me:secret@{address}")).unwrap());
        let error = error_of(connect_to(endpoint).await.send(modern_call(1)).await);
        assert!(error.is_connect() && error.delivery() == Delivery::NotSent, "{error:?}");
        let mut causes = String::new();
        let mut cause = error.source();
        while let Some(at) = cause {
            causes += &format!("{at}; ");
            cause = at.source();
        }
        assert!(causes.contains("proxy 127.0.0.1"), "{causes}");
        assert!(causes.contains("proxy authorization required"), "{causes}");
        assert!(!format!("{error:?}{causes}").contains("secret"), "{error:?}");
    })
    .await;
}

/// A SOCKS 5 proxy that connects everything to `port`; returns the host that it was asked for.
async fn socks(port: u16) -> (String, JoinSet<io::Result<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let mut hello = [0; 2];
        stream.read_exact(&mut hello).await?;
        stream.read_exact(&mut vec![0; usize::from(hello[1])]).await?;
        stream.write_all(&[5, 0]).await?;
        let mut head = [0; 5];
        stream.read_exact(&mut head).await?;
        assert_eq!(head[..4], [5, 1, 0, 3], "a connection to a name");
        let mut host = vec![0; usize::from(head[4])];
        stream.read_exact(&mut host).await?;
        stream.read_u16().await?;
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
        let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
        let _ = copy_bidirectional(&mut stream, &mut server).await;
        Ok(String::from_utf8(host).unwrap())
    });
    (address, tasks)
}

#[tokio::test]
async fn a_socks_proxy_resolves_the_name_of_the_server() {
    deadline(async {
        let server = start(ok).await;
        let port = server.url().rsplit(':').next().unwrap().split('/').next().unwrap();
        let (address, mut proxy) = socks(port.parse().unwrap()).await;
        let endpoint = Endpoint::parse("http://tools.example:8080/mcp")
            .unwrap()
            .proxy(Proxy::to(&format!("socks5h://{address}")).unwrap());
        let mut peer = connect_to(endpoint).await;
        peer.ask(modern_call(1)).await;
        assert_eq!(server.requests()[0].header("host"), Some("tools.example:8080"));
        drop(peer);
        assert_eq!(proxy.join_next().await.unwrap().unwrap().unwrap(), "tools.example");
    })
    .await;
}

// spec: SBP-05
#[test]
fn the_environment_names_proxies_and_a_server_on_this_machine_needs_none() {
    let name =
        "http::proxies::the_environment_names_proxies_and_a_server_on_this_machine_needs_none";
    let prepare = "export HTTP_PROXY=http://127.0.0.1:9 NO_PROXY=spared.invalid";
    succeeds_alone(name, prepare, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(deadline(async {
            let server = Arc::new(start(ok).await);
            connect(&server).await.ask(modern_call(1)).await;
            for (url, is_proxied) in
                [("http://tools.invalid/mcp", true), ("http://spared.invalid/mcp", false)]
            {
                for proxy in [Proxy::environment(), Proxy::none()] {
                    let expected = is_proxied && format!("{proxy:?}").contains("environment");
                    let endpoint = Endpoint::parse(url).unwrap().proxy(proxy);
                    let error = error_of(connect_to(endpoint).await.send(modern_call(1)).await);
                    assert!(error.is_connect(), "{error:?}");
                    assert_eq!(format!("{error:?}").contains("ProxyError"), expected, "{error:?}");
                }
            }
        }));
    });
}
