//! Job objects of Windows.

use super::Ends;
use process_wrap::tokio::{ChildWrapper, CommandWrap, JobObject, KillOnDrop};
use std::{io, process::ExitStatus};
use tokio::process::Command;

/// A child in its own job. Dropping this kills the job.
#[derive(Debug)]
pub(in crate::stdio) struct Group(Box<dyn ChildWrapper>);

impl Group {
    /// Starts a child in a new job.
    pub(in crate::stdio) fn spawn(command: Command) -> io::Result<Self> {
        let mut wrapped = CommandWrap::from(command);
        wrapped.wrap(JobObject);
        wrapped.wrap(KillOnDrop);
        wrapped.spawn().map(Self)
    }

    pub(in crate::stdio) fn ends(&mut self) -> Ends {
        let child = &mut self.0;
        Ends {
            stdin: child.stdin().take(),
            stdout: child.stdout().take(),
            stderr: child.stderr().take(),
        }
    }

    /// Waits until the child itself has exited.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub(in crate::stdio) async fn wait_for_leader(&mut self) -> io::Result<ExitStatus> {
        self.0.inner_mut().wait().await
    }

    /// Windows has no way to ask a job to terminate.
    #[expect(clippy::unused_self, reason = "there is a way on Unix")]
    pub(in crate::stdio) fn terminate(&self) -> bool {
        false
    }

    /// Kills the job.
    pub(in crate::stdio) fn kill(&mut self) {
        let _ = self.0.start_kill();
    }
}
