//! Tasks that run beside a session and end with it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::task::JoinSet;

/// The tasks beside one session, so that their work does not block the driver.
pub(super) struct SideTasks(Mutex<Option<JoinSet<()>>>);

impl Default for SideTasks {
    fn default() -> Self {
        Self(Mutex::new(Some(JoinSet::new())))
    }
}

impl SideTasks {
    /// Spawns a task, unless the session has ended.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(tasks) = &mut *self.lock() {
            // Finished tasks are reaped, so that the set does not grow.
            while tasks.try_join_next().is_some() {}
            tasks.spawn(work);
        }
    }

    /// Aborts all tasks.
    pub(super) fn end(&self) {
        let tasks = self.lock().take();
        drop(tasks);
    }

    fn lock(&self) -> MutexGuard<'_, Option<JoinSet<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
