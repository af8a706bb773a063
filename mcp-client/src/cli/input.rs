//! Reading terminal input line by line.

use std::{
    io::BufRead,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    sync::{Notify, Semaphore, SemaphorePermit},
    task::spawn_blocking,
};

/// What a person types, delivered to the next reader.
///
/// Reading from a terminal blocks and cannot be cancelled, so the read is shared: a line that arrives when nobody is
/// waiting is kept for the next question.
pub(super) struct Input {
    source: Mutex<Box<dyn BufRead + Send>>,
    state: Mutex<State>,
    came: Notify,
    /// Held by the conversation in progress.
    floor: Semaphore,
}

#[derive(Default)]
struct State {
    is_reading: bool,
    /// Input that nobody has taken yet: a line, or the end of the input.
    read: Option<Option<String>>,
}

impl Input {
    pub(super) fn new(source: impl BufRead + Send + 'static) -> Arc<Self> {
        Arc::new(Self {
            source: Mutex::new(Box::new(source)),
            state: Mutex::default(),
            came: Notify::new(),
            floor: Semaphore::new(1),
        })
    }

    /// Returns the next line; `None` at the end of the input.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a line that arrives later goes to the next reader.
    pub(super) async fn line(self: &Arc<Self>) -> Option<String> {
        loop {
            let mut came = pin!(self.came.notified());
            // Notifications from here on are received.
            came.as_mut().enable();
            if let Some(line) = self.take() {
                return line;
            }
            came.await;
        }
    }

    /// Takes any pending input; otherwise makes sure that a read is in progress.
    fn take(self: &Arc<Self>) -> Option<Option<String>> {
        let mut state = self.state();
        let read = state.read.take();
        if read.is_none() && !state.is_reading {
            state.is_reading = true;
            let reading = Reading { input: Arc::clone(self), read: None };
            spawn_blocking(move || reading.read());
        }
        read
    }

    /// Waits until no other conversation is in progress.
    pub(super) async fn floor(&self) -> Option<SemaphorePermit<'_>> {
        self.floor.acquire().await.ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A read in progress. Whatever its outcome, waiters are notified when it ends.
struct Reading {
    input: Arc<Input>,
    read: Option<String>,
}

impl Reading {
    fn read(mut self) {
        let mut line = String::new();
        let count = {
            let mut source = self.input.source.lock().unwrap_or_else(PoisonError::into_inner);
            source.read_line(&mut line)
        };
        self.read = count.is_ok_and(|count| count > 0).then_some(line);
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut state = self.input.state();
        (state.is_reading, state.read) = (false, Some(self.read.take()));
        drop(state);
        self.input.came.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::Input;
    use futures_util::FutureExt;
    use std::{
        io::{self, BufReader, Read},
        sync::mpsc,
        time::Duration,
    };
    use tokio::time::timeout;

    /// A scripted person who types what is sent.
    struct Lines(mpsc::Receiver<&'static str>);

    impl Read for Lines {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Ok(line) = self.0.recv() else { return Ok(0) };
            buffer[..line.len()].copy_from_slice(line.as_bytes());
            Ok(line.len())
        }
    }

    async fn soon<F: Future>(future: F) -> F::Output {
        timeout(Duration::from_secs(10), future).await.unwrap()
    }

    #[tokio::test]
    async fn a_line_that_nobody_waits_for_any_more_is_for_the_next_question() {
        let (write, lines) = mpsc::sync_channel(4);
        let input = Input::new(BufReader::new(Lines(lines)));
        assert!(input.line().now_or_never().is_none());
        write.send("late\n").unwrap();
        assert_eq!(soon(input.line()).await.unwrap(), "late\n");
        let (one, two) = (input.line(), input.line());
        write.send("a\n").unwrap();
        write.send("b\n").unwrap();
        let (one, two) = soon(async { tokio::join!(one, two) }).await;
        let mut both = [one.unwrap(), two.unwrap()];
        both.sort();
        assert_eq!(both, ["a\n", "b\n"]);
        drop(write);
        for _ in 0..2 {
            assert_eq!(soon(input.line()).await, None, "the end stays the end");
        }
    }

    #[tokio::test]
    async fn a_source_that_panics_is_at_its_end() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                panic!("broken")
            }
        }
        let input = Input::new(BufReader::new(Broken));
        assert_eq!(soon(input.line()).await, None);
    }
}
