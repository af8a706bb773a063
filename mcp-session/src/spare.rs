//! A service that is cloned for its calls, but not for each of them.

use crate::{BoxCallService, Call, Reply};
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use std::{
    fmt,
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{self, Context, Poll},
};
use tower_service::Service;

/// So many clones are kept: as many threads may make calls at the same time, and none has to clone anything.
const KEPT: usize = 8;

/// A service, and a few clones of it that are not in use.
///
/// A clone is busy from the time that it is asked whether it is ready until it is called, and that is mostly one moment.
pub(crate) struct Spare {
    service: BoxCallService,
    idle: Mutex<Vec<BoxCallService>>,
}

impl Spare {
    pub(crate) fn new(service: BoxCallService) -> Self {
        Self { service, idle: Mutex::default() }
    }

    fn take(&self) -> BoxCallService {
        let idle = self.lock().pop();
        idle.unwrap_or_else(|| self.service.clone())
    }

    fn give_back(&self, service: BoxCallService) {
        let mut idle = self.lock();
        if idle.len() < KEPT {
            idle.push(service);
            return;
        }
        // Not under the lock: a layer may do what it likes when it is dropped.
        drop(idle);
        drop(service);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<BoxCallService>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call of a session: waits until its layers are ready, and then for the reply.
#[must_use = "futures do nothing unless polled"]
pub struct Calling(Stage);

enum Stage {
    Waiting { spare: Arc<Spare>, service: Option<BoxCallService>, call: Option<Call> },
    Called(BoxFuture<'static, Result<Reply, BoxError>>),
}

impl Calling {
    pub(crate) fn new(spare: Arc<Spare>, call: Call) -> Self {
        Self(Stage::Waiting { spare, service: None, call: Some(call) })
    }

    /// A call that is made now, if its layers are ready.
    #[inline]
    pub(crate) fn begin(spare: &Arc<Spare>, call: Call, cx: &mut Context<'_>) -> Self {
        let mut service = spare.take();
        Self(match service.poll_ready(cx) {
            Poll::Ready(Ok(())) => {
                let reply = service.call(call);
                spare.give_back(service);
                Stage::Called(reply)
            }
            Poll::Ready(Err(error)) => Stage::Called(Box::pin(ready(Err(error)))),
            Poll::Pending => Stage::Waiting {
                spare: Arc::clone(spare),
                service: Some(service),
                call: Some(call),
            },
        })
    }

    /// The future of the reply, if the call has been made.
    pub(crate) fn into_called(
        self,
    ) -> Result<BoxFuture<'static, Result<Reply, BoxError>>, Box<Self>> {
        match self.0 {
            Stage::Called(reply) => Ok(reply),
            stage @ Stage::Waiting { .. } => Err(Box::new(Self(stage))),
        }
    }
}

impl Future for Calling {
    type Output = Result<Reply, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Waiting { spare, service, call } = &mut self.0 {
            let ready = service.get_or_insert_with(|| spare.take());
            task::ready!(ready.poll_ready(cx))?;
            let (Some(mut service), Some(call)) = (service.take(), call.take()) else {
                return Poll::Pending;
            };
            let reply = service.call(call);
            spare.give_back(service);
            self.0 = Stage::Called(reply);
        }
        match &mut self.0 {
            Stage::Called(reply) => reply.as_mut().poll(cx),
            Stage::Waiting { .. } => Poll::Pending,
        }
    }
}

impl fmt::Debug for Calling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Stage::Waiting { .. } => "Calling(waiting)",
            Stage::Called(_) => "Calling(called)",
        })
    }
}
