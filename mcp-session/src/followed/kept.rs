//! A compact copy of a call, to be sent again.

use crate::{Call, Events, Meta, Params};
use mcp_transport::Extensions;
use mcp_types::RawJson;
use std::borrow::Cow;

/// Parameters up to this length are copied into place, which avoids reference counting.
const SHORT: usize = 62;

/// A compact copy of a call, because each call in flight has one.
pub(super) struct Kept {
    method: Cow<'static, str>,
    params: KeptParams,
    events: Events,
    /// What few calls have.
    rest: Option<Box<(Meta, Extensions)>>,
}

enum KeptParams {
    Short { length: u8, text: [u8; SHORT] },
    Long(Params),
}

impl KeptParams {
    #[inline]
    fn of(params: &Params) -> Self {
        let bytes = params.as_raw().as_bytes();
        let mut text = [0; SHORT];
        match (u8::try_from(bytes.len()), text.get_mut(..bytes.len())) {
            (Ok(length), Some(place)) => {
                place.copy_from_slice(bytes);
                Self::Short { length, text }
            }
            _ => Self::Long(params.clone()),
        }
    }

    fn into_params(self) -> Params {
        match self {
            Self::Short { length, text } => {
                let text = text[..usize::from(length)].to_vec();
                Params::trusted(RawJson::from_joined(text))
            }
            Self::Long(params) => params,
        }
    }
}

impl Kept {
    #[inline]
    pub(super) fn of(call: &Call) -> Self {
        let Call { method, params, meta, events, extensions } = call;
        let has_more = !meta.is_empty() || !extensions.is_empty();
        Self {
            method: method.clone(),
            params: KeptParams::of(params),
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
        Call { method, params: params.into_params(), meta, events, extensions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_comes_back_as_it_was() {
        let params = Params::encode(&serde_json::json!({"name": "echo"})).unwrap();
        let plain = Call::new("tools/call").with_params(params);
        let mut rich = plain.clone().with_extension(7_u8).with_events(Events::listener(|_| ()));
        rich.meta.insert("a", RawJson::EMPTY_OBJECT);
        let text = "a".repeat(SHORT);
        let fitting = |length| Params::encode(&serde_json::json!({"a": text[..length]})).unwrap();
        let longest = SHORT - r#"{"a":""}"#.len();
        let around = [0, longest, longest + 1].map(|length| {
            let params = fitting(length);
            plain.clone().with_params(params)
        });
        for call in around.into_iter().chain([plain, rich]) {
            let kept = Kept::of(&call).into_call();
            assert_eq!((&kept.method, &kept.params), (&call.method, &call.params));
            assert_eq!((&kept.meta, kept.events.is_empty()), (&call.meta, call.events.is_empty()));
            assert_eq!(kept.extensions.get::<u8>(), call.extensions.get());
        }
    }

    #[test]
    fn it_takes_little_room() {
        assert!(size_of::<Kept>() <= 104);
    }
}
