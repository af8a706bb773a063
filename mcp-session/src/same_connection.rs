//! Tying a call to one connection.

use std::sync::{Arc, OnceLock};

/// Ties calls to one connection, as an extension of each of them: clones are the same tie.
///
/// The first of the calls is sent over whatever connection the session has, and the others over that one alone. If it
/// was replaced meanwhile, they fail and nothing is sent. A cursor of a list is why: no server knows those of an
/// earlier session
/// ([clause](https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/pagination#implementation-guidelines)).
// spec: PAG-06
#[derive(Clone, Debug, Default)]
pub struct SameConnection(Arc<OnceLock<u64>>);

impl SameConnection {
    /// Creates a tie for calls that have not been sent yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a tie to the connection with this number.
    pub(crate) fn to(number: u64) -> Self {
        Self(Arc::new(number.into()))
    }

    /// Whether calls with this tie may use the connection with this number.
    pub(crate) fn admits(&self, number: u64) -> bool {
        *self.0.get_or_init(|| number) == number
    }
}
