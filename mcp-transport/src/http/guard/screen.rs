//! The policy for the addresses of guarded requests.

use super::{Guarded, reach::Reach};
use crate::{BoxError, Url, url::is_loopback};
use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    vec,
};
use tower_service::Service;

/// The widest reach of any address of the server seen so far: the server cannot become local to this machine by
/// changing its DNS records.
#[derive(Debug, Default)]
pub(in crate::http) struct Seen(Mutex<Option<Reach>>);

impl Seen {
    /// Notes an address of the server, because a connection to it was made.
    pub(in crate::http) fn at(&self, address: IpAddr) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = (*seen).max(Some(Reach::of(address)));
    }

    fn reach(&self) -> Option<Reach> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Decides which addresses guarded requests may reach.
#[derive(Debug)]
pub(in crate::http) struct Screen {
    pub(in crate::http) guarded: Guarded,
    pub(in crate::http) seen: Arc<Seen>,
}

impl Screen {
    /// Checks the host of a URI if it is an address, since no name is resolved then.
    pub(in crate::http) fn check(&self, uri: &Uri) -> Result<(), BoxError> {
        // Some connectors accept hosts as addresses that a strict parser does not.
        let url = Url::parse(&uri.to_string())?;
        match address(url.host()) {
            Some(address) if !self.takes(self.server_by_name(), address) => {
                Err(Refused::new(url.host(), address).into())
            }
            _ => Ok(()),
        }
    }

    fn takes(&self, server: Option<Reach>, address: IpAddr) -> bool {
        match Reach::of(address) {
            Reach::Public => true,
            Reach::Special => false,
            near => self.guarded.allows_private || server == Some(near),
        }
    }

    /// Returns the reach of the server, as far as it is known without name resolution.
    fn server_by_name(&self) -> Option<Reach> {
        let host = self.guarded.server.host()?;
        let named = match address(host) {
            Some(address) => Some(Reach::of(address)),
            None => is_loopback(host).then_some(Reach::Loopback),
        };
        self.seen.reach().max(named)
    }

    /// Returns the name of the server, if it has to be resolved.
    fn server_name(&self) -> Option<Name> {
        self.guarded.server.host()?.parse().ok()
    }
}

/// Returns the address in a host, if it is not a name.
fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Resolves names, and drops the addresses that a guarded request may not reach: only addresses that were checked are
/// connected to.
#[derive(Clone)]
pub(in crate::http) struct Screened<R = GaiResolver> {
    pub(in crate::http) inner: R,
    pub(in crate::http) screen: Arc<Screen>,
}

impl<R> Screened<R>
where
    R: Service<Name, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
    R::Response: Iterator<Item = SocketAddr> + Send,
{
    async fn resolve(mut self, name: Name) -> Result<vec::IntoIter<SocketAddr>, BoxError> {
        let found: Vec<_> = self.inner.call(name.clone()).await.map_err(Into::into)?.collect();
        let mut server = self.screen.server_by_name();
        if server.is_none()
            && let Some(name) = self.screen.server_name()
        {
            let addresses = self.inner.call(name).await.map_err(Into::into)?;
            server = addresses.map(|address| Reach::of(address.ip())).max();
        }
        let taken: Vec<_> = found
            .iter()
            .filter(|address| self.screen.takes(server, address.ip()))
            .copied()
            .collect();
        match (found.first(), taken.is_empty()) {
            (Some(address), true) => Err(Refused::new(name.as_str(), address.ip()).into()),
            _ => Ok(taken.into_iter()),
        }
    }
}

impl<R> Service<Name> for Screened<R>
where
    R: Service<Name, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
    R::Response: Iterator<Item = SocketAddr> + Send,
{
    type Response = vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().resolve(name))
    }
}

/// A server named an address that it must not name.
#[derive(Debug)]
pub(in crate::http) struct Refused {
    host: String,
    reach: Reach,
}

impl Refused {
    fn new(host: &str, address: IpAddr) -> Self {
        Self { host: host.to_owned(), reach: Reach::of(address) }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.reach {
            Reach::Loopback => "on this machine",
            Reach::Private => "in a private network",
            Reach::Special | Reach::Public => "at a reserved address",
        };
        write!(f, "{} is {place}, and the server that names it is not: it is not asked", self.host)
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::VecDeque, future::Ready, future::ready};

    /// A resolver that returns one answer after the other.
    #[derive(Clone)]
    struct Stub(Arc<Mutex<VecDeque<&'static str>>>);

    impl Service<Name> for Stub {
        type Response = vec::IntoIter<SocketAddr>;
        type Error = BoxError;
        type Future = Ready<Result<Self::Response, BoxError>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Name) -> Self::Future {
            let answer = self.0.lock().unwrap().pop_front().unwrap();
            let addresses = answer.split(' ').filter(|address| !address.is_empty());
            let addresses = addresses.map(|address| SocketAddr::new(address.parse().unwrap(), 0));
            ready(Ok(addresses.collect::<Vec<_>>().into_iter()))
        }
    }

    fn screen(server: &'static str) -> Arc<Screen> {
        let guarded = Guarded::new(Uri::from_static(server));
        Arc::new(Screen { guarded, seen: Arc::default() })
    }

    async fn resolve(
        screen: &Arc<Screen>,
        answers: &[&'static str],
    ) -> Result<Vec<String>, String> {
        let stub = Stub(Arc::new(Mutex::new(answers.iter().copied().collect())));
        let mut screened = Screened { inner: stub, screen: Arc::clone(screen) };
        let found = screened.call("as.example".parse().unwrap()).await;
        let found = found.map_err(|error| error.to_string())?;
        Ok(found.map(|address| address.ip().to_string()).collect())
    }

    // spec: SBP-01 SBP-03 SBP-06
    #[tokio::test]
    async fn s12_a_name_that_moves_inside_is_refused_when_it_is_connected_to() {
        let screen = screen("https://mcp.example/mcp");
        screen.seen.at("198.41.0.4".parse().unwrap());
        assert_eq!(resolve(&screen, &["1.1.1.1"]).await.unwrap(), ["1.1.1.1"]);
        for inside in ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:192.168.0.1"] {
            let refused = resolve(&screen, &[inside]).await.unwrap_err();
            assert!(refused.starts_with("as.example is "), "{refused}");
            assert!(!refused.contains(inside), "what a name stands for inside is not told");
        }
        let both = resolve(&screen, &["127.0.0.1 1.1.1.1 10.0.0.1"]).await.unwrap();
        assert_eq!(both, ["1.1.1.1"], "only those that are taken");
        // The server moves too: what counts is where it was seen first.
        screen.seen.at("127.0.0.1".parse().unwrap());
        assert!(resolve(&screen, &["127.0.0.1"]).await.is_err());
    }

    // spec: SBP-02 SBP-03
    #[tokio::test]
    async fn s12_neighbours_of_the_server_may_be_asked_and_what_is_further_inside_may_not() {
        let local = screen("http://localhost:8080/mcp");
        assert_eq!(resolve(&local, &["127.0.0.1 ::1"]).await.unwrap(), ["127.0.0.1", "::1"]);
        assert!(resolve(&local, &["10.0.0.1"]).await.is_err());
        assert!(resolve(&local, &["169.254.169.254"]).await.is_err());
        let intranet = screen("https://mcp.corp/mcp");
        assert_eq!(resolve(&intranet, &["10.0.0.2", "10.0.0.1"]).await.unwrap(), ["10.0.0.2"]);
        assert!(resolve(&intranet, &["127.0.0.1", "10.0.0.1"]).await.is_err());
        assert!(
            resolve(&intranet, &["10.0.0.2", "10.0.0.1 1.1.1.1"]).await.is_err(),
            "it is outside too"
        );
        let guarded = Guarded::new(Uri::from_static("https://mcp.example/"));
        let guarded = Guarded { allows_private: true, ..guarded };
        let trusted = Arc::new(Screen { guarded, seen: Arc::default() });
        assert!(resolve(&trusted, &["10.0.0.1", "1.1.1.1"]).await.is_ok());
        assert!(
            resolve(&trusted, &["169.254.169.254", "1.1.1.1"]).await.is_err(),
            "nobody is there"
        );
    }

    // spec: SBP-03 SBP-10
    #[test]
    fn s12_an_address_in_a_url_is_known_however_it_is_written() {
        let screen = screen("https://mcp.example/mcp");
        for host in [
            "127.0.0.1",
            "0x7f.1",
            "127.1",
            "2130706433",
            "0177.0.0.1",
            "[::1]",
            "[::ffff:7f00:1]",
            "[::ffff:127.0.0.1]",
            "10.0.0.1",
            "169.254.169.254",
            "[fe80::1]",
            "0.0.0.0",
        ] {
            let uri = format!("https://{host}/token").parse().unwrap();
            assert!(screen.check(&uri).is_err(), "{host}");
        }
        for host in ["1.1.1.1", "as.example", "localhost.", "[2606:4700::1111]"] {
            let uri = format!("https://{host}/token").parse().unwrap();
            assert!(screen.check(&uri).is_ok(), "{host}: a name is checked when it is resolved");
        }
    }
}
