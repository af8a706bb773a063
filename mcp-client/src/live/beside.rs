//! Tasks that run beside a session and end with it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::task::JoinSet;

/// Work beside one session, each in a task of its own, so that none holds up the driver.
pub(super) struct Beside(Mutex<Option<JoinSet<()>>>);

impl Default for Beside {
    fn default() -> Self {
        Self(Mutex::new(Some(JoinSet::new())))
    }
}

impl Beside {
    /// Does some work; none after the end.
    pub(super) fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(tasks) = &mut *self.lock() {
            // What is done is forgotten, so that the set is as large as the work under way.
            while tasks.try_join_next().is_some() {}
            tasks.spawn(work);
        }
    }

    /// Cuts all work off.
    pub(super) fn end(&self) {
        let tasks = self.lock().take();
        drop(tasks);
    }

    fn lock(&self) -> MutexGuard<'_, Option<JoinSet<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
