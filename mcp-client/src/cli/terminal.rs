//! Where the command reads and writes.

use super::printable::printable;
use std::{
    error, fmt,
    io::{BufRead, BufReader, IsTerminal, Write, stderr, stdin, stdout},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Where the command writes, and whom it can ask. Clones are the same.
#[derive(Clone)]
pub struct Terminal(Arc<Streams>);

struct Streams {
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    /// What a person writes, if there is one.
    input: Option<Mutex<Box<dyn BufRead + Send>>>,
    /// Whether bytes that are no text may be written.
    takes_bytes: bool,
}

impl Terminal {
    /// That of this process. Somebody can be asked if both the standard input and the standard error are a terminal.
    pub fn standard() -> Self {
        let is_interactive = stdin().is_terminal() && stderr().is_terminal();
        let input: Box<dyn BufRead + Send> = Box::new(BufReader::new(stdin()));
        Self(Arc::new(Streams {
            out: Mutex::new(Box::new(stdout())),
            err: Mutex::new(Box::new(stderr())),
            input: is_interactive.then(|| Mutex::new(input)),
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
        Self::of(Some(Box::new(input)), out, err)
    }

    fn of(
        input: Option<Box<dyn BufRead + Send>>,
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
    ) -> Self {
        let out: Box<dyn Write + Send> = Box::new(out);
        let err: Box<dyn Write + Send> = Box::new(err);
        let (out, err, input) = (Mutex::new(out), Mutex::new(err), input.map(Mutex::new));
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

    /// A line that somebody writes; it blocks. `None` if there is nobody, or nothing more comes.
    pub(super) fn read_line(&self) -> Option<String> {
        let mut line = String::new();
        let count = lock(self.0.input.as_ref()?).read_line(&mut line).ok()?;
        (count > 0).then_some(line)
    }

    /// Has a conversation, one at a time; it blocks. `None` if there is nobody.
    pub(super) fn converse<T>(
        &self,
        conversation: impl FnOnce(&mut dyn BufRead, &mut dyn Write) -> T,
    ) -> Option<T> {
        let mut input = lock(self.0.input.as_ref()?);
        let mut err = lock(&self.0.err);
        Some(conversation(&mut **input, &mut **err))
    }
}

fn put(stream: &Mutex<Box<dyn Write + Send>>, bytes: &[u8]) {
    let mut stream = lock(stream);
    // A reader that has gone, as in `mcp list … | head`, wants no more.
    let _ = stream.write_all(bytes).and_then(|()| stream.flush());
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("is_interactive", &self.is_interactive())
            .finish_non_exhaustive()
    }
}
