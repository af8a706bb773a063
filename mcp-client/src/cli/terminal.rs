//! The input and output of the command.

use super::{
    ending,
    input::Input,
    printable::{printable, quoted},
};
use std::{
    error, fmt,
    future::pending,
    io::{self, BufRead, BufReader, ErrorKind, IsTerminal, Write, stderr, stdin, stdout},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::SemaphorePermit,
    task::block_in_place,
    time::timeout,
};

/// How long ending a command may take.
const MAX_ENDING: Duration = Duration::from_secs(10);

/// Where the command writes, and whom it can ask. Clones share both.
#[derive(Clone)]
pub struct Terminal {
    streams: Arc<Streams>,
    ends_on_signals: bool,
}

struct Streams {
    out: Mutex<Box<dyn Write + Send>>,
    /// Why part of the result was not written, if so.
    lost: Mutex<Option<io::Error>>,
    err: Mutex<Box<dyn Write + Send>>,
    /// The input of a person, if there is one.
    input: Option<Arc<Input>>,
    /// Whether binary output may be written.
    takes_bytes: bool,
}

impl Terminal {
    /// The terminal of this process. The user can be asked if both standard input and standard error are a terminal.
    pub fn standard() -> Self {
        let is_interactive = stdin().is_terminal() && stderr().is_terminal();
        Self::with(Streams {
            out: Mutex::new(Box::new(stdout())),
            lost: Mutex::default(),
            err: Mutex::new(Box::new(stderr())),
            input: is_interactive.then(|| Input::new(BufReader::new(stdin()))),
            takes_bytes: !stdout().is_terminal(),
        })
    }

    /// A terminal that writes to `out` and `err`, and has no user to ask.
    pub fn new(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        Self::of(None, out, err)
    }

    /// A terminal that writes to `out` and `err`, and reads the answers of its user.
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
        Self::with(Streams { out, lost: Mutex::default(), err, input, takes_bytes: true })
    }

    fn with(streams: Streams) -> Self {
        Self { streams: Arc::new(streams), ends_on_signals: false }
    }

    /// The same, for the one command of a process: it ends in good order when the process is told to end (SIGINT and
    /// SIGTERM, or Ctrl-C), and at once when it is told so again or when that takes longer than 10 s. Its exit code is
    /// then 128 and the number of the signal.
    #[must_use]
    pub fn ending_on_signals(mut self) -> Self {
        self.ends_on_signals = true;
        self
    }

    /// Writes why something failed, with all causes.
    pub fn complain(&self, error: &dyn error::Error) {
        let mut text = format!("error: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        self.say(&quoted(&text));
    }

    /// Writes a line of the result, without what a terminal would interpret.
    pub(super) fn print(&self, text: &str) {
        self.write(&format!("{}\n", printable(text)));
    }

    /// Writes a line beside the result, without what a terminal would interpret.
    pub(super) fn say(&self, text: &str) {
        self.write_error(&format!("{}\n", printable(text)));
    }

    pub(super) fn write(&self, text: &str) {
        self.put_out(text.as_bytes());
    }

    pub(super) fn write_error(&self, text: &str) {
        // An error could not be reported anywhere.
        let _ = self.put(&self.streams.err, text.as_bytes());
    }

    fn put_out(&self, bytes: &[u8]) {
        match self.put(&self.streams.out, bytes) {
            // A reader that has gone, as in `mcp list … | head`, wants no more.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                lock(&self.streams.lost).get_or_insert(error);
            }
            _ => {}
        }
    }

    /// Writes for as long as the reader takes, and lets other threads run the rest of the program meanwhile.
    fn put(&self, stream: &Mutex<Box<dyn Write + Send>>, bytes: &[u8]) -> io::Result<()> {
        match self.ends_on_signals && has_workers() {
            true => block_in_place(|| put(stream, bytes)),
            false => put(stream, bytes),
        }
    }

    /// Returns, only once, why part of the result was not written, if so.
    pub(super) fn take_lost(&self) -> Option<io::Error> {
        mem::take(&mut *lock(&self.streams.lost))
    }

    /// Waits until the command is told to end, and returns the exit code for that.
    pub(super) async fn told_to_end(&self) -> u8 {
        match self.ends_on_signals {
            true => ending::told().await,
            false => pending().await,
        }
    }

    /// Whether the command ends on signals to the process.
    pub(super) fn ends_on_signals(&self) -> bool {
        self.ends_on_signals
    }

    /// Waits until the command was told to end but is still running: told again, or for too long. Returns the exit
    /// code.
    pub(super) async fn overdue(&self) -> u8 {
        let code = self.told_to_end().await;
        // Overdue in either case.
        let _ = timeout(MAX_ENDING, self.told_to_end()).await;
        code
    }

    /// Writes raw bytes, unless the output is a terminal.
    pub(super) fn write_bytes(&self, bytes: &[u8]) -> bool {
        if self.streams.takes_bytes {
            self.put_out(bytes);
        }
        self.streams.takes_bytes
    }

    /// Whether there is a person to ask.
    pub(super) fn is_interactive(&self) -> bool {
        self.streams.input.is_some()
    }

    /// Reads a line that a person types. `None` if there is nobody, or at the end of the input.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a line that arrives later goes to the next reader.
    pub(super) async fn read_line(&self) -> Option<String> {
        self.streams.input.as_ref()?.line().await
    }

    /// Waits for a turn to hold a conversation, which lasts until it is dropped. `None` if there is nobody.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.streams.input.as_ref()?.floor().await
    }
}

/// Whether this is a task of a multi-threaded runtime.
fn has_workers() -> bool {
    let runtime = Handle::try_current();
    runtime.is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

fn put(stream: &Mutex<Box<dyn Write + Send>>, bytes: &[u8]) -> io::Result<()> {
    let mut stream = lock(stream);
    stream.write_all(bytes)?;
    stream.flush()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("is_interactive", &self.is_interactive())
            .finish_non_exhaustive()
    }
}
