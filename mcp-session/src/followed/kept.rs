//! A compact copy of a call, to be sent again.

use crate::{Call, Events, Meta, Params};
use mcp_transport::Extensions;
use std::borrow::Cow;

/// A copy of a call, in little room, for each call in flight has one.
pub(super) struct Kept {
    method: Cow<'static, str>,
    params: Params,
    events: Events,
    /// What few calls bring.
    rest: Option<Box<(Meta, Extensions)>>,
}

impl Kept {
    #[inline]
    pub(super) fn of(call: &Call) -> Self {
        let Call { method, params, meta, events, extensions } = call;
        let has_more = !meta.is_empty() || !extensions.is_empty();
        Self {
            method: method.clone(),
            params: params.clone(),
            events: events.clone(),
            rest: has_more.then(|| Box::new((meta.clone(), extensions.clone()))),
        }
    }

    pub(super) fn method(&self) -> &str {
        &self.method
    }

    pub(super) fn into_call(self) -> Call {
        let Self { method, params, events, rest } = self;
        let (meta, extensions) = rest.map(|rest| *rest).unwrap_or_default();
        Call { method, params, meta, events, extensions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_types::RawJson;

    #[test]
    fn a_call_comes_back_as_it_was() {
        let params = Params::encode(&serde_json::json!({"name": "echo"})).unwrap();
        let plain = Call::new("tools/call").with_params(params);
        let mut rich = plain.clone().with_extension(7_u8).with_events(Events::listener(|_| ()));
        rich.meta.insert("a", RawJson::EMPTY_OBJECT);
        for call in [plain, rich] {
            let kept = Kept::of(&call).into_call();
            assert_eq!((&kept.method, &kept.params), (&call.method, &call.params));
            assert_eq!((&kept.meta, kept.events.is_empty()), (&call.meta, call.events.is_empty()));
            assert_eq!(kept.extensions.get::<u8>(), call.extensions.get());
        }
    }

    #[test]
    fn it_takes_little_room() {
        assert!(size_of::<Kept>() <= 72);
    }
}
