//! A session over a byte stream whose other end the test plays.

use conformance::script::{Background, Peer};
use mcp_session::{Mode, Options, Session};
use mcp_transport::{Connector, Delivery, Driver, Error, Link, duplex::Multiplex, memory};
use mcp_types::ProtocolVersion;
use serde_json::json;
use std::sync::Mutex;
use tokio::io::DuplexStream;

/// A connector with a single connection to hand out.
pub(crate) struct Once(Mutex<Option<Link<Multiplex>>>);

impl Connector for Once {
    type Transport = Multiplex;

    async fn connect(&self) -> Result<Link<Multiplex>, Error> {
        let link = self.0.lock().unwrap().take();
        link.ok_or_else(|| Error::closed("there is no other connection", Delivery::NotSent))
    }
}

/// Returns a connector, and the other end of its only connection.
pub(crate) fn pair() -> (Once, Peer<DuplexStream>) {
    let (link, server) = memory::pair(64 * 1024);
    (Once(Mutex::new(Some(link))), Peer::new(server))
}

/// An open session, its background work, and the server to play.
pub(crate) type Open = (Session, Background<Result<(), Error>>, Peer<DuplexStream>);

/// Opens a session; the server introduces itself in the era that the options' mode asks for.
pub(crate) async fn open(options: Options) -> Open {
    let (connector, mut peer) = pair();
    let version = match &options.mode {
        Mode::Pinned(version) => version.clone(),
        Mode::Legacy => ProtocolVersion::LATEST_LEGACY,
        _ => ProtocolVersion::LATEST,
    };
    let connected = async {
        let connected = Session::builder(connector).options(options).connect().await;
        let (session, driver): (Session, Driver) = connected.unwrap();
        (session, Background::run(driver))
    };
    let introduced = async {
        if !version.is_modern() {
            let id = peer.expect("initialize").await["id"].clone();
            peer.answer(id, json!({
                "protocolVersion": version, "serverInfo": {"name": "scripted", "version": "1"},
                "capabilities": {"tools": {"listChanged": true}, "resources": {"subscribe": true},
                    "tasks": {"cancel": {}, "list": {}, "requests": {"tools": {"call": {}}}}},
            }))
            .await;
            peer.expect("notifications/initialized").await;
        } else {
            let id = peer.expect("server/discover").await["id"].clone();
            peer.answer(
                id,
                json!({
                    "resultType": "complete", "supportedVersions": [version],
                    "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private",
                }),
            )
            .await;
        }
    };
    let ((session, driver), ()) = tokio::join!(connected, introduced);
    (session, driver, peer)
}

/// Returns options for a session with a server that has a handshake.
pub(crate) fn legacy() -> Options {
    let mut options = Options::default();
    options.mode = Mode::Legacy;
    options
}
