//! Tasks that wait to be woken and do nothing else: what the callers take by themselves, whatever they call.

use crate::{
    drive::Driver,
    plan::{Plan, Work},
};
use anyhow::{Result, ensure};
use std::{
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

/// Who waits, and the task that wakes them all at once.
#[derive(Clone, Default)]
pub struct Tasks(Arc<Mutex<Shared>>);

#[derive(Default)]
struct Shared {
    waiting: Vec<Waker>,
    /// The task that wakes, while nobody waits.
    idle: Option<Waker>,
}

impl Driver for Tasks {
    async fn connect(_: Plan) -> Result<Self> {
        let tasks = Self::default();
        let shared = tasks.clone();
        tokio::spawn(poll_fn(move |cx| {
            let mut guard = shared.lock();
            guard.idle = Some(cx.waker().clone());
            let waiting = mem::take(&mut guard.waiting);
            drop(guard);
            waiting.into_iter().for_each(Waker::wake);
            Poll::<()>::Pending
        }));
        Ok(tasks)
    }

    async fn call(&self, work: Work) -> Result<()> {
        ensure!(work == Work::Wait, "nothing is called");
        let mut has_waited = false;
        poll_fn(|cx| {
            if mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            let mut guard = self.lock();
            guard.waiting.push(cx.waker().clone());
            if let Some(idle) = guard.idle.take() {
                idle.wake();
            }
            Poll::Pending
        })
        .await;
        Ok(())
    }
}

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
