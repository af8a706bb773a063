//! The bytes of a value, in one piece or in two.

use bytes::Bytes;
use std::sync::{Arc, OnceLock};

/// The bytes of a value.
#[derive(Clone)]
pub(super) enum Text {
    Whole(Bytes),
    /// Boxed, because only large parameters have parts, and most are small.
    Parts(Arc<Parts>),
}

/// An object in two parts, which are joined only if it is needed as a whole.
pub(super) struct Parts {
    /// Up to the comma after a member.
    head: Bytes,
    rest: Bytes,
    whole: OnceLock<Bytes>,
}

impl Text {
    pub(super) fn of_parts(head: Bytes, rest: Bytes) -> Self {
        Self::Parts(Arc::new(Parts { head, rest, whole: OnceLock::new() }))
    }

    /// Returns the first part, which is empty for a value in one piece, and the rest.
    #[inline]
    pub(super) fn parts(&self) -> (&[u8], &Bytes) {
        match self {
            Self::Whole(bytes) => (&[], bytes),
            Self::Parts(parts) => (&parts.head, &parts.rest),
        }
    }

    #[inline]
    pub(super) fn whole(&self) -> &Bytes {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Parts(parts) => parts.whole(),
        }
    }

    #[inline]
    pub(super) fn into_whole(self) -> Bytes {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Parts(parts) => parts.whole().clone(),
        }
    }
}

impl Parts {
    #[cold]
    fn whole(&self) -> &Bytes {
        self.whole.get_or_init(|| [&*self.head, &*self.rest].concat().into())
    }
}
