//! Opening sessions for targets of any type.

mod any;

use crate::{Error, live::Wrap};
use any::{AnyConnector, AnyTransport};
use futures_util::future::BoxFuture;
use mcp_session::{BoxCallService, Options, Phase, Session, Upstream};
use mcp_transport::{Connector, Driver, Link};
use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;
use tower_layer::layer_fn;

/// The outcome of dialing: a session, and its driver.
pub(crate) type Dialed = Result<(Session, Driver), Error>;

/// How to open the sessions of a client.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) options: Options,
    /// The user's layers.
    pub(crate) wrap: Vec<Wrap>,
    /// Provides the subscriptions and tasks of the session, if not its server.
    pub(crate) upstream: Option<Arc<dyn Upstream>>,
    /// The pause before a connection is initialized, if there is one.
    pub(crate) pause: Option<Pause>,
}

/// A pause between connecting and initializing.
#[derive(Clone, Default)]
pub(crate) struct Pause {
    /// Cancelled once connected.
    pub(crate) connected: CancellationToken,
    /// Cancelled when the connection should be initialized.
    pub(crate) over: CancellationToken,
}

/// A way to open a session.
pub(crate) trait Dial: Send + Sync {
    fn dial(&self, plan: Plan) -> BoxFuture<'static, Dialed>;
}

/// Dials through a connector: here the types of a connection are erased.
pub(crate) struct Connecting(AnyConnector);

impl Connecting {
    pub(crate) fn new(connector: impl Connector) -> Self {
        Self(AnyConnector::new(connector))
    }
}

impl Dial for Connecting {
    fn dial(&self, plan: Plan) -> BoxFuture<'static, Dialed> {
        Box::pin(dial(self.0.clone(), plan))
    }
}

async fn dial(connector: AnyConnector, plan: Plan) -> Dialed {
    let Plan { options, wrap, upstream, pause } = plan;
    let first = match pause {
        Some(pause) => Some(paused(&connector, pause, &options).await?),
        None => None,
    };
    let wrap = layer_fn(move |service: BoxCallService| {
        wrap.iter().rev().fold(service, |service, layer| layer(service))
    });
    let connector = Prepared { connector, first: Mutex::new(first) };
    let session = Session::builder(connector).options(options).layer(wrap);
    match upstream {
        Some(upstream) => session.upstream(upstream).connect().await,
        None => session.connect().await,
    }
}

/// Waits until a connection should be initialized, driving it meanwhile.
async fn paused(
    connector: &AnyConnector,
    pause: Pause,
    options: &Options,
) -> Result<Link<AnyTransport>, Error> {
    let mut link = within(connector.connect(), options).await?;
    pause.connected.cancel();
    tokio::select! {
        biased;
        end = &mut link.driver => end?,
        () = pause.over.cancelled() => return Ok(link),
    }
    // A driver may have had nothing to do.
    link.driver = Driver::new(std::future::ready(Ok(())));
    pause.over.cancelled().await;
    Ok(link)
}

async fn within<T>(
    connecting: impl Future<Output = Result<T, mcp_transport::Error>>,
    options: &Options,
) -> Result<T, Error> {
    let Some(after) = options.connect_timeout else { return Ok(connecting.await?) };
    match tokio::time::timeout(after, connecting).await {
        Ok(connected) => Ok(connected?),
        Err(_) => Err(Error::Timeout { method: "connect".into(), phase: Phase::Connect, after }),
    }
}

/// A connector whose first connection may already be open.
struct Prepared {
    connector: AnyConnector,
    first: Mutex<Option<Link<AnyTransport>>>,
}

impl Connector for Prepared {
    type Transport = AnyTransport;

    async fn connect(&self) -> Result<Link<AnyTransport>, mcp_transport::Error> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            Some(link) => Ok(link),
            None => self.connector.connect().await,
        }
    }
}

/// Dials through another, after changing the plan.
#[cfg(any(feature = "config", feature = "oauth"))]
pub(crate) struct Planned<F> {
    pub(crate) inner: std::sync::Arc<dyn Dial>,
    pub(crate) change: F,
}

#[cfg(any(feature = "config", feature = "oauth"))]
impl<F: Fn(&mut Plan) + Send + Sync> Dial for Planned<F> {
    fn dial(&self, mut plan: Plan) -> BoxFuture<'static, Dialed> {
        (self.change)(&mut plan);
        self.inner.dial(plan)
    }
}

/// A target that can never be reached.
pub(crate) struct Invalid(pub(crate) String);

impl Dial for Invalid {
    fn dial(&self, _: Plan) -> BoxFuture<'static, Dialed> {
        let error = Error::InvalidTarget { reason: self.0.as_str().into() };
        Box::pin(std::future::ready(Err(error)))
    }
}

/// A path. The file found there on dialing decides what it is: a socket, a script or a program.
pub(crate) struct Place(pub(crate) Box<str>);

impl Dial for Place {
    fn dial(&self, plan: Plan) -> BoxFuture<'static, Dialed> {
        self.socket().unwrap_or_else(|| self.program()).dial(plan)
    }
}

impl Place {
    #[cfg(all(feature = "socket", unix))]
    fn socket(&self) -> Option<Box<dyn Dial>> {
        use std::os::unix::fs::FileTypeExt;

        let file = std::fs::metadata(&*self.0).ok()?;
        let unix = || mcp_transport::socket::Unix::new(&*self.0);
        file.file_type().is_socket().then(|| Box::new(Connecting::new(unix())) as Box<dyn Dial>)
    }

    #[cfg(not(all(feature = "socket", unix)))]
    fn socket(&self) -> Option<Box<dyn Dial>> {
        None
    }

    #[cfg(feature = "stdio")]
    fn program(&self) -> Box<dyn Dial> {
        use mcp_transport::stdio::Command;
        use std::path::Path;

        let path = &*self.0;
        let command = match Path::new(path).extension().and_then(|extension| extension.to_str()) {
            Some("py") => Command::python(path),
            Some("js" | "mjs" | "cjs") => Command::node(path),
            _ => Command::new(path),
        };
        Box::new(Connecting::new(command))
    }

    #[cfg(not(feature = "stdio"))]
    fn program(&self) -> Box<dyn Dial> {
        Box::new(Invalid(format!("to start {:?}, the feature `stdio` is needed", self.0)))
    }
}
