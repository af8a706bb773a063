//! How handles find the session that is open.

use super::Slot;
use crate::Error;
use std::{
    ops::Deref,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

/// What was opened: a session, or the members of a group.
///
/// It is closed when nobody holds it any more, and used for new calls only until it is over.
pub(crate) struct Opened<S> {
    session: S,
    is_over: AtomicBool,
}

impl<S> Opened<S> {
    pub(super) fn new(session: S) -> Self {
        Self { session, is_over: AtomicBool::new(false) }
    }

    /// Marks it as over, so that nobody finds it any more.
    pub(super) fn is_over_now(&self) {
        self.is_over.store(true, Ordering::Release);
    }
}

impl<S> Deref for Opened<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.session
    }
}

/// What was found first in a slot: found again without a lock until it is over, and not kept open.
pub(crate) struct Found<S>(OnceLock<Weak<Opened<S>>>);

impl<S> Found<S> {
    /// Returns what is open now in the slot.
    pub(crate) fn or_in(&self, slot: &Slot<S>) -> Result<Arc<Opened<S>>, Error> {
        let found = self.0.get();
        if let Some(opened) = found.and_then(Weak::upgrade)
            && !opened.is_over.load(Ordering::Acquire)
        {
            return Ok(opened);
        }
        let opened = slot.session()?;
        if found.is_none() {
            // If another thread was faster, its value stays.
            let _ = self.0.set(Arc::downgrade(&opened));
        }
        Ok(opened)
    }
}

impl<S> Default for Found<S> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<S> Clone for Found<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
