//! The driver of a child: from its first message to its exit.

use super::{Graces, pipes::Pipes, process::Process, stderr::Tail};
use crate::{
    Delivery, Error, PollOnWake,
    duplex::{Bytestream, Connection, Engine, Patience},
};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};
use tokio::time::timeout;

/// How long to wait for the rest of an end: output, exit status and standard error end shortly after one another.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// How long a killed child may take to be reaped.
const REAP: Duration = Duration::from_secs(1);

/// A connection and the child at its other end.
#[derive(Debug)]
pub(super) struct Lifetime {
    connection: Engine<Bytestream<Pipes>>,
    process: Process,
    stderr: Tail,
    graces: Graces,
}

/// Why the connection ended.
enum End {
    /// The connection is no longer used, and the child's standard input is closed.
    ShutDown,
    /// The connection is no longer used, and the child does not read what is left for it.
    Stuck,
    /// The child closed its side, or a pipe broke.
    Lost(Error),
    /// The child exited, but its output has not ended yet.
    Exited,
}

impl Lifetime {
    pub(super) fn new(
        connection: Connection<Pipes>,
        process: Process,
        stderr: Tail,
        graces: Graces,
    ) -> Self {
        Self { connection: connection.0, process, stderr, graces }
    }

    /// Runs the connection and ends the child with it.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        let end = self.serve().await;
        let is_stuck = matches!(end, End::Stuck);
        let lost = match end {
            End::ShutDown | End::Stuck => None,
            End::Lost(error) => Some(error),
            End::Exited => self.rest().await,
        };
        let result = match lost {
            None => Ok(()),
            Some(error) => Err(self.explain(error).await),
        };
        let shut_down = Error::closed("connection was shut down", Delivery::NotSent);
        // The calls fail before the wait for the child, which may take all of its grace periods.
        self.connection.fail(result.as_ref().err().unwrap_or(&shut_down));
        self.shut_down(is_stuck).await;
        result
    }

    /// Serves calls until the connection ends. The child's output is read before its exit is checked.
    async fn serve(&mut self) -> End {
        let Self { connection, process, stderr, graces } = self;
        let mut patience = Patience::new(graces.exit);
        let mut exit = pin!(PollOnWake::new(process.wait()));
        let mut drain = pin!(PollOnWake::new(poll_fn(|cx| stderr.poll_drain(cx))));
        poll_fn(|cx| {
            let _ = drain.as_mut().poll(cx);
            match patience.poll_run(connection, cx) {
                Poll::Ready(Ok(true)) => Poll::Ready(End::ShutDown),
                Poll::Ready(Ok(false)) => Poll::Ready(End::Stuck),
                Poll::Ready(Err(error)) => Poll::Ready(End::Lost(error)),
                Poll::Pending => exit.as_mut().poll(cx).map(|()| End::Exited),
            }
        })
        .await
    }

    /// Reads what an exited child has left in the pipe, which a process outside of its group may hold open.
    async fn rest(&mut self) -> Option<Error> {
        let Self { connection, stderr, .. } = self;
        let rest = poll_fn(|cx| {
            let _ = stderr.poll_drain(cx);
            connection.poll_run(cx)
        });
        match timeout(LAST_WORDS, rest).await {
            Ok(end) => end.err(),
            Err(_) => Some(Error::closed("server exited", Delivery::Unknown)),
        }
    }

    /// Adds to an error how the child ended and what it wrote to standard error, as far as that is known soon.
    async fn explain(&mut self, error: Error) -> Error {
        let Self { process, stderr, .. } = self;
        let last_words = async {
            let mut exit = pin!(process.wait());
            let mut has_exited = false;
            poll_fn(|cx| {
                has_exited = has_exited || exit.as_mut().poll(cx).is_ready();
                let is_drained = stderr.poll_drain(cx).is_ready();
                if has_exited && is_drained { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        };
        // A child that lives on, or has passed on its standard error, is not waited for.
        let _ = timeout(LAST_WORDS, last_words).await;
        error.with_exit(self.process.exit_status(), self.stderr.text())
    }

    /// Closes the child's standard input and waits; asks it to terminate and waits; kills it.
    async fn shut_down(&mut self, is_stuck: bool) {
        poll_fn(|cx| self.connection.poll_close(cx)).await;
        // A child that did not read has used its first grace.
        if !is_stuck && self.exits_within(self.graces.exit).await {
            return;
        }
        if self.process.terminate() && self.exits_within(self.graces.terminate).await {
            return;
        }
        self.process.kill();
        if !self.exits_within(REAP).await {
            tracing::warn!("a killed server process does not go away");
        }
    }

    /// Waits for the child, and reads its output so that it never blocks on it.
    async fn exits_within(&mut self, grace: Duration) -> bool {
        let Self { connection, process, stderr, .. } = self;
        let mut exit = pin!(process.wait());
        let exited = poll_fn(|cx| {
            let _ = stderr.poll_drain(cx);
            let _ = connection.poll_discard(cx);
            exit.as_mut().poll(cx)
        });
        timeout(grace, exited).await.is_ok()
    }
}
