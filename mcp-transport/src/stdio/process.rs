//! A child process and its descendants.

use super::group::Group;
use std::process::ExitStatus;

/// A running child in its own group. Dropping it kills the group, with or without a runtime.
#[derive(Debug)]
pub(super) struct Process {
    group: Group,
    has_exited: bool,
    exit_status: Option<ExitStatus>,
}

impl Process {
    pub(super) fn new(group: Group) -> Self {
        Self { group, has_exited: false, exit_status: None }
    }

    /// Waits until the child has exited and is reaped, then kills what it left in its group.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub(super) async fn wait(&mut self) {
        if self.has_exited {
            return;
        }
        // There is no status if the child was reaped elsewhere; it is gone all the same.
        self.exit_status = self.group.wait_for_leader().await.ok();
        self.has_exited = true;
        // The id of the group is not reused while it has members; if it has none, this kills nothing.
        self.group.kill();
    }

    /// Returns the exit status of the child, if it has exited.
    pub(super) fn exit_status(&self) -> Option<ExitStatus> {
        self.exit_status
    }

    /// Asks the group to terminate; returns false where that is not possible.
    pub(super) fn terminate(&self) -> bool {
        !self.has_exited && self.group.terminate()
    }

    /// Kills the group.
    pub(super) fn kill(&mut self) {
        if !self.has_exited {
            self.group.kill();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
