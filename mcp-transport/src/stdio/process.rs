//! A child and what descends from it.

use process_wrap::tokio::ChildWrapper;
use std::process::ExitStatus;

/// The number of the signal that asks to terminate, the same on every Unix.
#[cfg(unix)]
const SIGTERM: i32 = 15;

/// A running child in a group of its own. Dropping it kills the group, with or without a runtime.
#[derive(Debug)]
pub(super) struct Process {
    child: Box<dyn ChildWrapper>,
    has_exited: bool,
    exit_status: Option<ExitStatus>,
}

impl Process {
    pub(super) fn new(child: Box<dyn ChildWrapper>) -> Self {
        Self { child, has_exited: false, exit_status: None }
    }

    /// Waits until the child has exited and is reaped, then kills what it left behind in its group.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub(super) async fn wait(&mut self) {
        if self.has_exited {
            return;
        }
        // The child alone, not its group. Without a status when somebody else has reaped it; it is gone all the same.
        self.exit_status = self.child.inner_mut().wait().await.ok();
        self.has_exited = true;
        // The id of the group stays taken while it has members; without any there is nobody to hit.
        let _ = self.child.start_kill();
    }

    /// How the child ended, if it did.
    pub(super) fn exit_status(&self) -> Option<ExitStatus> {
        self.exit_status
    }

    /// Asks the group to terminate; false where there is no way to ask.
    pub(super) fn terminate(&self) -> bool {
        #[cfg(unix)]
        return !self.has_exited && self.child.signal(SIGTERM).is_ok();
        #[cfg(not(unix))]
        false
    }

    /// Kills the group.
    pub(super) fn kill(&mut self) {
        if !self.has_exited {
            let _ = self.child.start_kill();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
