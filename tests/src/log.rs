//! What is logged while a test runs.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};
use tracing::{Dispatch, level_filters::LevelFilter, subscriber::DefaultGuard};
use tracing_subscriber::fmt::MakeWriter;

/// All that is logged in the thread of a test, as text. Clones are the same log.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

/// Records until it is dropped.
#[derive(Debug)]
#[must_use = "nothing is recorded after it is dropped"]
pub struct Recording {
    _guard: DefaultGuard,
    _other: Dispatch,
}

impl Log {
    /// Records what is logged from now on in this thread, down to a level.
    pub fn record(&self, level: impl Into<LevelFilter>) -> Recording {
        // With a single subscriber, `tracing` caches the interest of the thread that first reaches a callsite, and that
        // may be another test without a subscriber. So there are two.
        let other = Dispatch::new(tracing_subscriber::registry());
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .without_time()
            .with_writer(self.clone())
            .finish();
        Recording { _guard: tracing::subscriber::set_default(subscriber), _other: other }
    }

    /// What was logged.
    pub fn text(&self) -> String {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&log).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
