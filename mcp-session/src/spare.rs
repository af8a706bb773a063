//! A service that is cloned for its calls, but not for each of them.

use crate::{BoxCallService, Call, Reply};
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};
use tower_service::Service;

/// A service, and at most one clone of it that is not in use.
///
/// A clone is busy from the time that it is asked whether it is ready until it is called, and that is mostly one moment.
pub(crate) struct Spare {
    service: BoxCallService,
    idle: Mutex<Option<BoxCallService>>,
}

impl Spare {
    pub(crate) fn new(service: BoxCallService) -> Self {
        Self { service, idle: Mutex::new(None) }
    }

    fn take(&self) -> BoxCallService {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        idle.unwrap_or_else(|| self.service.clone())
    }

    fn give_back(&self, service: BoxCallService) {
        let before = self.idle.lock().unwrap_or_else(PoisonError::into_inner).replace(service);
        // Not under the lock: a layer may do what it likes when it is dropped.
        drop(before);
    }
}

/// A call of a session: waits until its layers are ready, and then for the reply.
#[must_use = "futures do nothing unless polled"]
pub struct Calling(Stage);

enum Stage {
    Waiting {
        spare: Arc<Spare>,
        service: Option<BoxCallService>,
        call: Option<Call>,
    },
    Called(BoxFuture<'static, Result<Reply, BoxError>>),
    /// Taken away.
    Over,
}

impl Calling {
    pub(crate) fn new(spare: Arc<Spare>, call: Call) -> Self {
        Self(Stage::Waiting { spare, service: None, call: Some(call) })
    }

    /// Takes the future of the reply, if the call has been made.
    pub(crate) fn take_called(&mut self) -> Option<BoxFuture<'static, Result<Reply, BoxError>>> {
        match mem::replace(&mut self.0, Stage::Over) {
            Stage::Called(reply) => Some(reply),
            before @ (Stage::Waiting { .. } | Stage::Over) => {
                self.0 = before;
                None
            }
        }
    }
}

impl Future for Calling {
    type Output = Result<Reply, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Waiting { spare, service, call } = &mut self.0 {
            let ready = service.get_or_insert_with(|| spare.take());
            ready!(ready.poll_ready(cx))?;
            let (Some(mut service), Some(call)) = (service.take(), call.take()) else {
                return Poll::Pending;
            };
            let reply = service.call(call);
            spare.give_back(service);
            self.0 = Stage::Called(reply);
        }
        match &mut self.0 {
            Stage::Called(reply) => reply.as_mut().poll(cx),
            Stage::Waiting { .. } | Stage::Over => Poll::Pending,
        }
    }
}

impl fmt::Debug for Calling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Stage::Waiting { .. } => "Calling(waiting)",
            Stage::Called(_) => "Calling(called)",
            Stage::Over => "Calling(over)",
        })
    }
}
