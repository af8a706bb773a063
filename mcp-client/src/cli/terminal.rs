//! Where the command reads and writes.

use super::{input::Input, printable::printable};
use std::{
    error, fmt,
    io::{BufRead, BufReader, IsTerminal, Write, stderr, stdin, stdout},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::SemaphorePermit;

/// Where the command writes, and whom it can ask. Clones are the same.
#[derive(Clone)]
pub struct Terminal(Arc<Streams>);

struct Streams {
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    /// What a person writes, if there is one.
    input: Option<Arc<Input>>,
    /// Whether bytes that are no text may be written.
    takes_bytes: bool,
}

impl Terminal {
    /// That of this process. Somebody can be asked if both the standard input and the standard error are a terminal.
    pub fn standard() -> Self {
        let is_interactive = stdin().is_terminal() && stderr().is_terminal();
        Self(Arc::new(Streams {
            out: Mutex::new(Box::new(stdout())),
            err: Mutex::new(Box::new(stderr())),
            input: is_interactive.then(|| Input::new(BufReader::new(stdin()))),
            takes_bytes: !stdout().is_terminal(),
        }))
    }

    /// One that writes to these two, and asks nobody.
    pub fn new(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        Self::of(None, out, err)
    }

    /// One that writes to these two, and asks somebody whose lines it reads.
    pub fn interactive(
        input: impl BufRead + Send + 'static,
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
    ) -> Self {
        Self::of(Some(Input::new(input)), out, err)
    }

    fn of(
        input: Option<Arc<Input>>,
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
    ) -> Self {
        let out: Box<dyn Write + Send> = Box::new(out);
        let err: Box<dyn Write + Send> = Box::new(err);
        let (out, err) = (Mutex::new(out), Mutex::new(err));
        Self(Arc::new(Streams { out, err, input, takes_bytes: true }))
    }

    /// Writes why something failed, with all causes, as one line.
    pub fn complain(&self, error: &dyn error::Error) {
        let mut text = format!("error: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        self.say(&text);
    }

    /// Writes a line of the result, without what a terminal would obey.
    pub(super) fn print(&self, text: &str) {
        self.write(&format!("{}\n", printable(text)));
    }

    /// Writes a line beside the result, without what a terminal would obey.
    pub(super) fn say(&self, text: &str) {
        self.write_error(&format!("{}\n", printable(text)));
    }

    pub(super) fn write(&self, text: &str) {
        put(&self.0.out, text.as_bytes());
    }

    pub(super) fn write_error(&self, text: &str) {
        put(&self.0.err, text.as_bytes());
    }

    /// Writes bytes as they are, unless somebody would have to look at them.
    pub(super) fn write_bytes(&self, bytes: &[u8]) -> bool {
        if self.0.takes_bytes {
            put(&self.0.out, bytes);
        }
        self.0.takes_bytes
    }

    /// Whether there is somebody to ask.
    pub(super) fn is_interactive(&self) -> bool {
        self.0.input.is_some()
    }

    /// A line that somebody writes. `None` if there is nobody, or nothing more comes.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a line that comes later is for whoever asks next.
    pub(super) async fn read_line(&self) -> Option<String> {
        self.0.input.as_ref()?.line().await
    }

    /// Waits for the turn to have a conversation, which lasts until it is dropped. `None` if there is nobody.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.0.input.as_ref()?.floor().await
    }
}

fn put(stream: &Mutex<Box<dyn Write + Send>>, bytes: &[u8]) {
    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    // A reader that has gone, as in `mcp list … | head`, wants no more.
    let _ = stream.write_all(bytes).and_then(|()| stream.flush());
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("is_interactive", &self.is_interactive())
            .finish_non_exhaustive()
    }
}
