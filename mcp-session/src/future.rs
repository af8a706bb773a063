//! Named futures for the middlewares that every call passes, so that none is boxed.

pub use crate::{
    call_raw::{Begun, CallRaw, CompactCall},
    deadline::Expiring,
    followed::Followed,
    honor_cancel::Cancellable,
    require_complete::Complete,
    spare::Calling,
};
