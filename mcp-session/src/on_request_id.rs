//! A hook that learns the ids of requests.

use mcp_types::RequestId;
use std::{fmt, sync::Arc};

/// A hook that gets the id of each request of a call, as an extension of the call.
///
/// A call that is sent again has a new id each time. The closure is called in the task of the call, right before the
/// request is sent.
///
/// ```
/// use mcp_session::{Call, OnRequestId};
///
/// let call = Call::new("tools/list").with_extension(OnRequestId::new(|id| println!("sent as {id}")));
/// ```
#[derive(Clone)]
pub struct OnRequestId(Arc<dyn Fn(&RequestId) + Send + Sync>);

impl OnRequestId {
    /// Creates a hook from a closure.
    pub fn new(listener: impl Fn(&RequestId) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    /// Calls the closure.
    pub fn tell(&self, id: &RequestId) {
        (self.0)(id);
    }
}

impl fmt::Debug for OnRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnRequestId")
    }
}
