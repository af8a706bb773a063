//! A pool of service clones, so that not every call has to clone the stack.

use crate::{BoxCallService, Call, Reply};
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use std::{
    fmt,
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, TryLockError},
    task::{Context, Poll},
};
use tower_service::Service;

/// The number of spare clones: this many threads can make calls at the same time without cloning.
const KEPT: usize = 8;

/// A service with a few clones of it that are reused from call to call.
///
/// A clone is busy from the readiness check until it is called, which usually is a single moment.
pub(crate) struct Spare {
    service: BoxCallService,
    /// Each is locked while it makes a call. Nobody waits for a lock: if none is free, the service is cloned.
    kept: [Place; KEPT],
}

/// A slot for a clone: empty at first, and while a call waits for the clone to be ready.
type Place = Mutex<Option<BoxCallService>>;

impl Spare {
    pub(crate) fn new(service: BoxCallService) -> Self {
        Self { service, kept: Default::default() }
    }

    /// Makes a call with any clone. If its layers are not ready, returns what waits for them.
    #[inline]
    pub(crate) fn begin(
        self: &Arc<Self>,
        call: Call,
        cx: &mut Context<'_>,
    ) -> Result<Called, Box<Calling>> {
        let mut place = self.free().next();
        // Taken out for the call, so that a clone whose layers panicked is not used again.
        let kept = place.as_mut().and_then(|place| place.take());
        let mut service = kept.unwrap_or_else(|| self.service.clone());
        match service.poll_ready(cx) {
            Poll::Ready(Ok(())) => {
                let called = service.call(call);
                if let Some(place) = &mut place {
                    **place = Some(service);
                }
                Ok(called)
            }
            Poll::Ready(Err(error)) => Ok(Box::pin(ready(Err(error)))),
            Poll::Pending => {
                let (spare, service) = (Arc::clone(self), Some(service));
                Err(Box::new(Calling(Stage::Waiting { spare, service, call: Some(call) })))
            }
        }
    }

    /// Makes a call with the clone that it waits for, if that is ready now.
    fn resume(
        self: &Arc<Self>,
        mut service: BoxCallService,
        call: Call,
        cx: &mut Context<'_>,
    ) -> Stage {
        match service.poll_ready(cx) {
            Poll::Ready(Ok(())) => {
                let called = service.call(call);
                if let Some(mut place) = self.free().find(|place| place.is_none()) {
                    *place = Some(service);
                }
                Stage::Called(called)
            }
            Poll::Ready(Err(error)) => Stage::Called(Box::pin(ready(Err(error)))),
            Poll::Pending => {
                let (spare, service) = (Arc::clone(self), Some(service));
                Stage::Waiting { spare, service, call: Some(call) }
            }
        }
    }

    /// Returns the slots that are not in use.
    fn free(&self) -> impl Iterator<Item = MutexGuard<'_, Option<BoxCallService>>> {
        self.kept.iter().filter_map(|place| match place.try_lock() {
            Ok(place) => Some(place),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        })
    }
}

/// A call that was made: the future of its reply.
pub(crate) type Called = BoxFuture<'static, Result<Reply, BoxError>>;

/// The future of a call through a session: waits until its layers are ready, and then for the reply.
#[must_use = "futures do nothing unless polled"]
pub struct Calling(Stage);

enum Stage {
    Waiting { spare: Arc<Spare>, service: Option<BoxCallService>, call: Option<Call> },
    Called(Called),
}

impl Calling {
    pub(crate) fn new(spare: Arc<Spare>, call: Call) -> Self {
        Self(Stage::Waiting { spare, service: None, call: Some(call) })
    }
}

impl Future for Calling {
    type Output = Result<Reply, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Waiting { spare, service, call } = &mut self.0 {
            let Some(call) = call.take() else { return Poll::Pending };
            let stage = match service.take() {
                None => match spare.begin(call, cx) {
                    Ok(called) => Stage::Called(called),
                    Err(waiting) => waiting.0,
                },
                Some(service) => spare.resume(service, call, cx),
            };
            self.0 = stage;
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

#[cfg(test)]
mod tests {
    use super::{Calling, KEPT, Spare};
    use crate::{BoxCallService, Call, Reply};
    use futures_util::FutureExt;
    use mcp_transport::BoxError;
    use mcp_types::RawJson;
    use std::{
        future::{Ready, ready},
        panic::{AssertUnwindSafe, catch_unwind},
        sync::{
            Arc, OnceLock,
            atomic::{AtomicUsize, Ordering::SeqCst},
        },
        task::{Context, Poll, Waker},
    };
    use tower_service::Service;

    type Outcome = Result<Reply, BoxError>;

    /// Counts how often it is cloned.
    struct Counted {
        clones: Arc<AtomicUsize>,
        /// Called with each call.
        called: Arc<dyn Fn(&Call) + Send + Sync>,
        /// Whether it was polled once: it is ready on the second poll.
        was_asked: bool,
    }

    impl Clone for Counted {
        fn clone(&self) -> Self {
            self.clones.fetch_add(1, SeqCst);
            let (clones, called) = (Arc::clone(&self.clones), Arc::clone(&self.called));
            Self { clones, called, was_asked: self.was_asked }
        }
    }

    impl Service<Call> for Counted {
        type Response = Reply;
        type Error = BoxError;
        type Future = Ready<Outcome>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            if std::mem::replace(&mut self.was_asked, true) {
                return Poll::Ready(Ok(()));
            }
            Poll::Pending
        }

        fn call(&mut self, call: Call) -> Self::Future {
            (self.called)(&call);
            ready(Ok(Reply::new(RawJson::EMPTY_OBJECT)))
        }
    }

    /// Creates a service that is ready at once, with a counter of its clones.
    fn counted(called: impl Fn(&Call) + Send + Sync + 'static) -> (Arc<Spare>, Arc<AtomicUsize>) {
        let clones = Arc::new(AtomicUsize::new(0));
        let (counter, called) = (Arc::clone(&clones), Arc::new(called));
        let service = Counted { clones: counter, called, was_asked: true };
        (Arc::new(Spare::new(BoxCallService::new(service))), clones)
    }

    fn call(spare: &Arc<Spare>, method: &'static str) -> Option<Outcome> {
        let mut cx = Context::from_waker(Waker::noop());
        spare.begin(Call::new(method), &mut cx).ok()?.now_or_never()
    }

    #[test]
    fn calls_one_after_the_other_have_one_clone() {
        let (spare, clones) = counted(|_| ());
        for _ in 0..100 {
            assert!(call(&spare, "a").unwrap().is_ok());
            assert!(Calling::new(Arc::clone(&spare), Call::new("b")).now_or_never().is_some());
        }
        assert_eq!(clones.load(SeqCst), 1);
    }

    #[test]
    fn a_call_that_is_made_within_another_has_a_clone_of_its_own_and_waits_for_nobody() {
        let place = Arc::new(OnceLock::<Arc<Spare>>::new());
        let (within, depth) = (Arc::clone(&place), AtomicUsize::new(0));
        let (spare, clones) = counted(move |_| {
            if depth.fetch_add(1, SeqCst) < 2 * KEPT {
                assert!(call(within.get().unwrap(), "inner").unwrap().is_ok());
            }
            depth.fetch_sub(1, SeqCst);
        });
        place.set(Arc::clone(&spare)).ok().unwrap();
        assert!(call(&spare, "outer").unwrap().is_ok());
        let first = clones.load(SeqCst);
        assert_eq!(first, 2 * KEPT + 1);
        assert!(call(&spare, "outer").unwrap().is_ok());
        assert_eq!(
            clones.load(SeqCst) - first,
            first - KEPT,
            "those that were kept are used again"
        );
    }

    #[test]
    fn a_clone_whose_layers_panicked_is_not_used_again_and_calls_go_on() {
        let (spare, clones) = counted(|call| assert_ne!(call.method, "bad"));
        for _ in 0..2 {
            assert!(call(&spare, "good").unwrap().is_ok());
            let panicked = catch_unwind(AssertUnwindSafe(|| call(&spare, "bad").is_some()));
            assert!(panicked.is_err());
        }
        assert!(call(&spare, "good").unwrap().is_ok());
        assert_eq!(clones.load(SeqCst), 3);
    }

    #[test]
    fn a_call_that_waits_has_the_clone_that_it_asked_and_gives_it_back() {
        let clones = Arc::new(AtomicUsize::new(0));
        let (counter, called) = (Arc::clone(&clones), Arc::new(|_: &Call| ()));
        let service = Counted { clones: counter, called, was_asked: false };
        let spare = Arc::new(Spare::new(BoxCallService::new(service)));
        let mut cx = Context::from_waker(Waker::noop());
        let mut waiting = spare.begin(Call::new("a"), &mut cx).err().unwrap();
        assert!(waiting.poll_unpin(&mut cx).is_ready(), "it is the one that was asked before");
        assert!(call(&spare, "b").unwrap().is_ok());
        assert_eq!(clones.load(SeqCst), 1);
    }
}
