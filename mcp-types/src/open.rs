//! An object without a schema of its own.

use crate::{Extra, MetaObject, wire::object};

/// An object without known members except `_meta`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct OpenObject {
    /// Metadata beside the payload.
    pub meta: Option<MetaObject>,
    /// All other members.
    pub extra: Extra,
}

object!(OpenObject {
    optional { meta = "_meta" }
});
