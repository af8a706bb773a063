//! Process groups.

use super::Ends;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use std::{io, process::ExitStatus};
use tokio::process::{Child, Command};

/// A child that leads its own group. Dropping this kills only the child.
#[derive(Debug)]
pub(in crate::stdio) struct Group {
    leader: Child,
    id: Pid,
}

impl Group {
    /// Starts the leader of a new group.
    pub(in crate::stdio) fn spawn(mut command: Command) -> io::Result<Self> {
        let leader = command.process_group(0).kill_on_drop(true).spawn()?;
        let id = leader.id().and_then(|id| i32::try_from(id).ok());
        let id = id.ok_or_else(|| io::Error::other("the child has no id"))?;
        Ok(Self { leader, id: Pid::from_raw(id) })
    }

    pub(in crate::stdio) fn ends(&mut self) -> Ends {
        let Child { stdin, stdout, stderr, .. } = &mut self.leader;
        Ends { stdin: stdin.take(), stdout: stdout.take(), stderr: stderr.take() }
    }

    /// Waits until the child itself has exited and is reaped.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub(in crate::stdio) async fn wait_for_leader(&mut self) -> io::Result<ExitStatus> {
        self.leader.wait().await
    }

    /// Asks the group to terminate; returns false if that is not possible.
    pub(in crate::stdio) fn terminate(&self) -> bool {
        killpg(self.id, Signal::SIGTERM).is_ok()
    }

    /// Kills the group.
    pub(in crate::stdio) fn kill(&mut self) {
        // Fails if the group is empty.
        let _ = killpg(self.id, Signal::SIGKILL);
    }
}
