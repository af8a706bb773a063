//! A connection pool for guarded requests.

use super::{
    Guarded,
    screen::{Screen, Screened, Seen},
};
use crate::{
    BoxError,
    http::{
        RequestBody,
        client::{self, Decoding, Options},
        proxy::Rules,
        tls::Lazy,
    },
};
use http::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::connect::{HttpConnector, HttpInfo, dns::GaiResolver};
use std::sync::{Arc, OnceLock};
use tower_service::Service;

/// Sends guarded requests over their own connections: connections made for other requests are not reused for them.
#[derive(Clone)]
pub(in crate::http) struct Guard {
    options: Arc<Options>,
    proxies: Rules,
    seen: Arc<Seen>,
    /// The pool for requests that may reach private networks, and the one for all others.
    pools: [Arc<OnceLock<Decoding>>; 2],
}

impl Guard {
    pub(in crate::http) fn new(options: &Options, proxies: Rules) -> Self {
        let mut options = options.clone();
        // A client certificate is shown to the server alone.
        options.tls = options.tls.without_identity();
        // No keeper looks after idle connections, and few are needed.
        options.idle_connections.0 = 0;
        let options = Arc::new(options);
        Self { options, proxies, seen: Arc::default(), pools: Default::default() }
    }

    /// Notes which address refused an ordinary request to `uri`: that begins a login.
    pub(in crate::http) fn saw<B>(&self, uri: &Uri, response: &Response<B>) {
        if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            && let Some(info) = response.extensions().get::<HttpInfo>()
            && self.proxies.intercept(uri).is_none()
        {
            self.seen.at(info.remote_addr().ip());
        }
    }

    /// Sends a request to an address that a server named.
    pub(in crate::http) async fn send(
        &self,
        guarded: Guarded,
        request: Request<RequestBody>,
    ) -> Result<Response<client::Decoded>, BoxError> {
        let pool = &self.pools[usize::from(guarded.allows_private)];
        let screen = Arc::new(Screen { guarded, seen: Arc::clone(&self.seen) });
        screen.check(request.uri())?;
        let mut pool = match pool.get() {
            Some(pool) => pool.clone(),
            None => {
                let made = self.connections(request.uri(), screen);
                pool.get_or_init(|| made).clone()
            }
        };
        pool.call(request).await
    }

    fn connections(&self, home: &Uri, screen: Arc<Screen>) -> Decoding {
        let tcp = HttpConnector::new_with_resolver(Screened { inner: GaiResolver::new(), screen });
        let tls = Arc::new(Lazy::new(self.options.tls.clone()));
        let pool = client::pool(&self.options, home, tls, tcp, self.proxies.clone(), None);
        client::decoding(&pool, &self.options)
    }
}
