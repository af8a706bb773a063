//! The futures of the middlewares that all calls go through: named, so that a call takes no box for each of them.

pub use crate::{
    call_raw::{Begun, CallRaw, CompactCall},
    deadline::Expiring,
    followed::Followed,
    honor_cancel::Cancellable,
    require_complete::Complete,
    spare::Calling,
};
