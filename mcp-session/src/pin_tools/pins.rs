//! The accepted tools, and those that wait for acceptance.

use super::digest::{ToolDigest, definition};
use crate::params::Members;
use mcp_types::RawJson;
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::task::spawn_blocking;

/// The maximum number of tools accepted on first sight, and of changes that wait.
const MAX_TOOLS: usize = 10_000;
/// The version of the file format.
const VERSION: u32 = 1;

/// The accepted tool definitions, and changes that wait for acceptance. Clones share them.
///
/// They are kept in one file per server: JSON with the digest and the definition of each tool, sorted by name, so that
/// it can be read and diffed. The file is written when a new tool has been accepted automatically, and by
/// [`save`](Self::save).
///
/// ```no_run
/// use mcp_session::{OnChange, PinToolsLayer, ToolPins};
///
/// # async fn review() -> std::io::Result<()> {
/// let pins = ToolPins::open("weather.tools.lock")?;
/// let layer = PinToolsLayer::new(pins.clone(), OnChange::Drop);
/// // Connect with the layer, list the tools, and then:
/// for change in pins.changes() {
///     println!("{}: {:?} is now {}", change.tool, change.before, change.after);
///     pins.accept(&change);
/// }
/// pins.save().await
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ToolPins(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    path: Option<PathBuf>,
    state: Mutex<State>,
    /// Held while the file is written.
    writing: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    accepted: BTreeMap<String, Pin>,
    waiting: BTreeMap<String, ToolChange>,
    /// The number of pins accepted or forgotten so far, and as of the last write.
    changes: u64,
    saved: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pin {
    digest: ToolDigest,
    definition: RawJson,
}

#[derive(Serialize, Deserialize)]
struct Lock {
    version: u32,
    tools: BTreeMap<String, Pin>,
}

/// A tool that differs from what was accepted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolChange {
    /// Its name. Untrusted.
    pub tool: String,
    /// The accepted definition; `None` for a new tool. Untrusted.
    pub before: Option<RawJson>,
    /// The definition that the server lists now. Untrusted.
    pub after: RawJson,
    /// The digest of the new definition.
    pub digest: ToolDigest,
}

/// A tool compared with its accepted definition.
pub(super) enum Standing {
    Accepted,
    Changed(String),
    Unreadable,
}

impl ToolPins {
    /// Creates pins that are not kept in a file.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Opens the pins in a file; there are none if the file does not exist.
    ///
    /// Blocks while it reads, so call it before connecting.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not a file of pins.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let accepted = match fs::read(&path) {
            Ok(bytes) => read(&bytes).map_err(|reason| unusable(&path, &reason))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        let state = Mutex::new(State { accepted, ..State::default() });
        Ok(Self(Arc::new(Inner { path: Some(path), state, ..Inner::default() })))
    }

    /// The digest of a tool's accepted definition.
    pub fn digest(&self, tool: &str) -> Option<ToolDigest> {
        self.state().accepted.get(tool).map(|pin| pin.digest)
    }

    /// The tools that differ from what was accepted, as of their last listing.
    pub fn changes(&self) -> Vec<ToolChange> {
        self.state().waiting.values().cloned().collect()
    }

    /// Accepts a change, and returns true; if the server lists another definition by now, accepts nothing and returns
    /// false.
    pub fn accept(&self, change: &ToolChange) -> bool {
        let mut state = self.state();
        if state.waiting.get(&change.tool).is_none_or(|waiting| waiting.digest != change.digest) {
            return false;
        }
        state.waiting.remove(&change.tool);
        let pin = Pin { digest: change.digest, definition: change.after.clone() };
        state.accepted.insert(change.tool.clone(), pin);
        state.changes += 1;
        true
    }

    /// Forgets a tool: the next time it counts as seen for the first time.
    pub fn forget(&self, tool: &str) {
        let mut state = self.state();
        state.waiting.remove(tool);
        state.changes += u64::from(state.accepted.remove(tool).is_some());
    }

    /// Writes the accepted tools to the file, if there is one and something changed. The file is replaced atomically.
    ///
    /// # Errors
    ///
    /// The file cannot be written; accepted tools stay accepted in this process.
    ///
    /// # Cancel safety
    ///
    /// What was not written is written the next time.
    pub async fn save(&self) -> io::Result<()> {
        let Some(path) = &self.0.path else { return Ok(()) };
        let writing = Arc::clone(&self.0.writing).lock_owned().await;
        let (lock, changes) = {
            let state = self.state();
            if state.changes == state.saved {
                return Ok(());
            }
            (Lock { version: VERSION, tools: state.accepted.clone() }, state.changes)
        };
        let path = path.clone();
        spawn_blocking(move || {
            // Held even if nobody waits any more, so that no other write starts meanwhile.
            let _writing = writing;
            write(&path, &lock)
        })
        .await??;
        self.state().saved = changes;
        Ok(())
    }

    /// Compares a tool with its accepted definition; a new one is accepted unless pins are locked.
    pub(super) fn compare(&self, tool: &str, is_locked: bool) -> Standing {
        let (Some(name), Ok(after)) = (name(tool), definition(tool)) else {
            return Standing::Unreadable;
        };
        let digest = ToolDigest::of_definition(&after);
        let mut state = self.state();
        let before = match state.accepted.get(&name) {
            Some(pin) if pin.digest == digest => {
                state.waiting.remove(&name);
                return Standing::Accepted;
            }
            Some(pin) => Some(pin.definition.clone()),
            None if is_locked || state.accepted.len() >= MAX_TOOLS => None,
            None => {
                state.accepted.insert(name, Pin { digest, definition: after });
                state.changes += 1;
                return Standing::Accepted;
            }
        };
        // A tool that was accepted before always waits, so that it is known not to be callable.
        if before.is_some() || state.waiting.len() < MAX_TOOLS {
            let change = ToolChange { tool: name.clone(), before, after, digest };
            state.waiting.insert(name.clone(), change);
        }
        Standing::Changed(name)
    }

    /// Whether a tool is as accepted, as far as is known.
    pub(super) fn is_accepted(&self, tool: &str, is_locked: bool) -> bool {
        let state = self.state();
        let may_be_new = !is_locked && state.accepted.len() < MAX_TOOLS;
        !state.waiting.contains_key(tool) && (may_be_new || state.accepted.contains_key(tool))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the name of a tool; `None` if it has two.
pub(super) fn name(tool: &str) -> Option<String> {
    let members = Members::of(tool).ok()?.0;
    let mut names = members.iter().filter(|(name, _)| name == "name");
    let (Some((_, name)), None) = (names.next(), names.next()) else { return None };
    RawJson::read_str(name).map(Cow::into_owned)
}

fn read(bytes: &[u8]) -> Result<BTreeMap<String, Pin>, String> {
    let Lock { version, tools } =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match version {
        VERSION => Ok(tools),
        _ => Err(format!("it is of version {version}, not {VERSION}")),
    }
}

fn unusable(path: &Path, reason: &str) -> io::Error {
    let path = path.display();
    let text = format!(
        "{path} is no file of accepted tools ({reason}): restore it, or remove it to accept the tools of the server anew"
    );
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Replaces the file atomically.
fn write(path: &Path, lock: &Lock) -> io::Result<()> {
    /// Makes the name unique, so that no one else writes the same file, in this process or another.
    static WRITTEN: AtomicU64 = AtomicU64::new(0);

    let mut bytes = serde_json::to_vec_pretty(lock)?;
    bytes.push(b'\n');
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}-{number}.new", std::process::id()));
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The leftover is useless.
        let _ = fs::remove_file(&beside);
    }
    written
}
