//! Verifying in the background that the earlier discovery still holds.

use super::PriorDiscover;
use crate::{
    BoxCallService, Call, Deadlines, Error, Reply,
    negotiate::{Verdict, judge_error},
};
use futures_util::future::BoxFuture;
use mcp_transport::{Binding, BoxError};
use mcp_types::{ProtocolVersion, discover::DiscoverResult};
use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tower_service::Service;

/// Watches calls until one shows what the server is.
#[derive(Clone)]
pub(crate) struct CheckPrior {
    inner: BoxCallService,
    check: Arc<Check>,
}

/// What to check, and the result.
pub(crate) struct Check {
    prior: PriorDiscover,
    binding: Binding,
    version: ProtocolVersion,
    /// How long the server may take to answer the probe.
    limit: Duration,
    /// Ends the session.
    released: CancellationToken,
    /// Whether the prior knowledge was confirmed.
    is_true: AtomicBool,
    /// The result of the probe, which is sent only once.
    asked: OnceCell<bool>,
}

impl CheckPrior {
    pub(crate) fn new(inner: BoxCallService, check: Check) -> Self {
        Self { inner, check: Arc::new(check) }
    }
}

impl Service<Call> for CheckPrior {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        if self.check.is_true.load(Ordering::Relaxed) {
            return self.inner.call(call);
        }
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let check = Arc::clone(&self.check);
        let reply = inner.call(call);
        Box::pin(async move {
            match reply.await {
                Ok(reply) => {
                    check.confirm();
                    Ok(reply)
                }
                Err(error) => Err(check.judge(Error::from_layers(error), inner).await.into()),
            }
        })
    }
}

impl Check {
    pub(crate) fn new(
        prior: PriorDiscover,
        binding: Binding,
        version: ProtocolVersion,
        limit: Duration,
        released: CancellationToken,
    ) -> Self {
        let (is_true, asked) = (AtomicBool::new(false), OnceCell::new());
        Self { prior, binding, version, limit, released, is_true, asked }
    }

    fn confirm(&self) {
        self.is_true.store(true, Ordering::Relaxed);
    }

    /// Checks the prior knowledge in the light of a call's error.
    async fn judge(&self, error: Error, service: BoxCallService) -> Error {
        match judge_error(error, self.binding, &self.version) {
            Verdict::Legacy(error @ Error::NoCommonVersion { .. })
            | Verdict::Failed(error @ Error::NoCommonVersion { .. }) => self.wrong(error),
            Verdict::Legacy(error) => {
                if *self.asked.get_or_init(|| self.ask(service)).await {
                    self.confirm();
                    error
                } else {
                    self.wrong(error)
                }
            }
            Verdict::Failed(error) => {
                if error.as_rpc().is_some_and(|said| said.code.is_modern()) {
                    self.confirm();
                }
                error
            }
            Verdict::Lost(error) => {
                // Some servers with a handshake exit when another message comes first.
                self.prior.note_wrong();
                error
            }
            Verdict::Modern(_) => Error::NotConnected,
        }
    }

    /// Asks whether the server is stateless.
    async fn ask(&self, service: BoxCallService) -> bool {
        let call = Call::new("server/discover").with_extension(Deadlines::total(self.limit));
        let Ok(reply) = service.oneshot(call).await else { return false };
        let answer = reply.decode::<DiscoverResult>();
        answer.is_ok_and(|answer| answer.supported_versions.contains(&self.version))
    }

    fn wrong(&self, error: Error) -> Error {
        self.prior.note_wrong();
        self.released.cancel();
        Error::WrongPrior { source: Box::new(error) }
    }
}
