//! Replaying a transcript as a server.

mod connection;
mod difference;
mod names;
mod script;

pub use connection::Playback;

use super::{
    entry::{Event, Failure},
    transcript::{Transcript, TranscriptError},
};
use crate::{Binding, Connector, Delivery, Error, Link, Unsolicited, error::Kind};
use connection::{Handle, Unasked};
use script::{Rules, Script};
use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A [`Connector`] that replays a [`Transcript`]. Clones share the replay.
///
/// Each connect replays the next recorded connection. Each message of the client must equal the next recorded one; the
/// server's messages are replayed as fast as they are read:
///
/// - the replies to a message in order; those after an answer of the client only once the client has sent that answer;
/// - unsolicited messages once the client has sent everything that it had sent before them.
///
/// The first difference fails its call with an error that shows it, path by path, and all calls in flight and later
/// ones as well. [`finish`](Self::finish) reports what is left.
///
/// Ids and progress tokens are matched by meaning, and need not be equal; trace contexts are ignored. A redacted value
/// equals any other.
#[derive(Clone)]
pub struct Replay(Arc<Reel>);

struct Reel {
    connections: Vec<Recorded>,
    /// How many connections were made.
    made: AtomicUsize,
    rules: Rules,
}

/// One recorded connection, or the failure to make it.
#[derive(Clone)]
struct Recorded {
    outcome: Result<Binding, Box<Failure>>,
    script: Arc<Mutex<Script>>,
}

impl Replay {
    /// Replays a transcript.
    pub fn new(transcript: Transcript) -> Self {
        let mut numbers = Vec::new();
        let mut connections: Vec<Recorded> = Vec::new();
        for entry in transcript.into_entries() {
            if matches!(entry.event, Event::Lost { .. }) {
                continue;
            }
            let known = numbers.iter().position(|number| *number == entry.connection);
            let at = known.unwrap_or_else(|| {
                numbers.push(entry.connection);
                let outcome = Ok(Binding::InProcess);
                connections.push(Recorded { outcome, script: Arc::default() });
                numbers.len() - 1
            });
            let Recorded { outcome, script } = &mut connections[at];
            match entry.event {
                Event::Connected { binding } => *outcome = Ok(binding),
                Event::NotConnected { failure } => *outcome = Err(Box::new(failure)),
                event => lock(script).add(event),
            }
        }
        Self(Arc::new(Reel { connections, made: AtomicUsize::new(0), rules: Rules::default() }))
    }

    /// Replays the transcript in a text.
    ///
    /// # Errors
    ///
    /// The text is not a transcript.
    pub fn parse(text: &str) -> Result<Self, TranscriptError> {
        Transcript::parse(text).map(Self::new)
    }

    /// Ignores members with this name, wherever they are. Starts the replay anew.
    #[must_use]
    pub fn ignore_key(self, name: impl Into<String>) -> Self {
        self.change(|rules| rules.ignored.keys.push(name.into()))
    }

    /// Ignores the value at a JSON pointer into a message, like `/params/arguments/now`. Starts the replay anew.
    #[must_use]
    pub fn ignore_pointer(self, pointer: impl Into<String>) -> Self {
        self.change(|rules| rules.ignored.pointers.push(pointer.into()))
    }

    /// Lets the client send its messages in any order: each must equal a recorded one that was not sent yet. For
    /// clients with concurrent calls. Starts the replay anew.
    #[must_use]
    pub fn in_any_order(self) -> Self {
        self.change(|rules| rules.any_order = true)
    }

    fn change(self, change: impl FnOnce(&mut Rules)) -> Self {
        let mut rules = self.0.rules.clone();
        change(&mut rules);
        let rewound = |Recorded { outcome, script }: &Recorded| Recorded {
            outcome: outcome.clone(),
            script: Arc::new(Mutex::new(lock(script).rewound())),
        };
        let connections = self.0.connections.iter().map(rewound).collect();
        Self(Arc::new(Reel { connections, made: AtomicUsize::new(0), rules }))
    }

    /// Checks that everything was replayed: all connections were made, all messages of the client were sent, all
    /// replies were read, and nothing differed. Unsolicited messages do not count, because a client need not listen.
    ///
    /// # Errors
    ///
    /// Something differed or was not replayed; the error says what.
    pub fn finish(&self) -> Result<(), ReplayError> {
        let made = self.0.made.load(Ordering::Relaxed);
        let mut left = Vec::new();
        for (Recorded { script, .. }, number) in self.0.connections.iter().zip(1..) {
            if number > made {
                left.push(format!("connection {number} was not made"));
            }
            let script = lock(script);
            if let Some(difference) = script.difference() {
                return Err(ReplayError { difference: Some(difference.to_owned()), left });
            }
            left.extend(script.left());
        }
        if left.is_empty() { Ok(()) } else { Err(ReplayError { difference: None, left }) }
    }
}

impl Connector for Replay {
    type Transport = Playback;

    /// Connects to the next recorded connection, without IO.
    async fn connect(&self) -> Result<Link<Playback>, Error> {
        let number = self.0.made.fetch_add(1, Ordering::Relaxed);
        match self.0.connections.get(number) {
            Some(Recorded { outcome: Ok(binding), script }) => {
                let handle = Handle::new(Arc::clone(script), self.0.rules.clone());
                let unasked = Unasked::new(Arc::clone(script));
                let link = Link::new(Playback::new(handle), *binding);
                Ok(link.with_unsolicited(Unsolicited::new(unasked)))
            }
            Some(Recorded { outcome: Err(failure), .. }) => Err((**failure).clone().into()),
            None => {
                let count = self.0.connections.len();
                let text = format!("recording has {count} connections, the client wants one more");
                Err(Error::new(Kind::Connect, Delivery::NotSent, text))
            }
        }
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.0.connections.len();
        f.debug_struct("Replay").field("connections", &connections).finish_non_exhaustive()
    }
}

fn lock(script: &Mutex<Script>) -> std::sync::MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A replay differed from its recording.
#[derive(Clone, Debug)]
pub struct ReplayError {
    difference: Option<String>,
    left: Vec<String>,
}

impl ReplayError {
    /// The first message of the client that differed, and how.
    pub fn difference(&self) -> Option<&str> {
        self.difference.as_deref()
    }

    /// What was recorded but not replayed, one line each.
    pub fn left(&self) -> &[String] {
        &self.left
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(difference) = &self.difference {
            return f.write_str(difference);
        }
        write!(f, "recording was not played to its end:")?;
        self.left.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl std::error::Error for ReplayError {}
