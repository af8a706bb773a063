//! Request parameters as encoded bytes.

use crate::Meta;
use mcp_types::{RawJson, RequestId, rpc};
use serde::{Serialize, de::Error as _};
use std::{borrow::Cow, fmt};

/// How encoded parameters with `_meta` begin.
const META: &[u8] = br#"{"_meta":"#;
/// The length from which parameters count as large.
const LARGE: usize = 64 * 1024;

/// The parameters of a call: a JSON object without `_meta`, encoded once, cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params(RawJson);

impl Default for Params {
    fn default() -> Self {
        Self(RawJson::EMPTY_OBJECT)
    }
}

impl Params {
    /// Encodes parameters.
    ///
    /// # Errors
    ///
    /// The value cannot be serialized to JSON, or is not an object.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, InvalidParams> {
        Self::checked(RawJson::encode(value)?)
    }

    /// Splits parameters from the wire into the parameters themselves and `_meta`.
    ///
    /// # Errors
    ///
    /// The value is not an object, or its `_meta` is not.
    pub fn split(params: &RawJson) -> Result<(Self, Meta), InvalidParams> {
        let mut meta = Meta::default();
        let mut rest = Members::default();
        for (name, value) in Members::of(params.as_str())?.0 {
            if name == "_meta" {
                for (key, value) in Members::of(value)?.0 {
                    meta.insert(key.into_owned(), RawJson::from_joined(value.to_owned()));
                }
            } else {
                rest.0.push((name, value));
            }
        }
        Ok((Self(rest.encode()), meta))
    }

    /// Replaces and adds members, and removes those whose value is `None`.
    ///
    /// # Errors
    ///
    /// The parameters are not an object.
    pub fn with_members(
        &self,
        changes: &[(&str, Option<&RawJson>)],
    ) -> Result<Self, InvalidParams> {
        let mut members = Members::of(self.0.as_str())?;
        members.0.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        for (name, value) in changes {
            if let Some(value) = value {
                members.0.push((Cow::Borrowed(*name), value.as_str()));
            }
        }
        Ok(Self(members.encode()))
    }

    /// Adds the members of `over`, which replace those of the same name.
    ///
    /// # Errors
    ///
    /// One of them is not an object.
    pub fn overlaid(&self, over: &Self) -> Result<Self, InvalidParams> {
        let (mut members, over) = (Members::of(self.0.as_str())?, Members::of(over.0.as_str())?);
        members.0.retain(|(name, _)| over.0.iter().all(|(other, _)| other != name));
        members.0.extend(over.0);
        Ok(Self(members.encode()))
    }

    /// The parameters for the wire: one object, with `_meta` in it unless that is empty.
    pub fn join(&self, meta: &Meta) -> RawJson {
        self.join_with(meta, None)
    }

    /// Joins them with `_meta` and the progress token. Large parameters are shared, not copied.
    pub(crate) fn join_with(&self, meta: &Meta, progress: Option<&RequestId>) -> RawJson {
        if meta.is_empty() && progress.is_none() {
            return self.0.clone();
        }
        let rest = &self.0.as_bytes()[1..];
        let has_members = rest.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'}');
        let is_large = has_members && rest.len() >= LARGE;
        let size = META.len() + meta.encoded_size(progress) + usize::from(has_members);
        // The exact capacity, so that it becomes shared bytes without a copy.
        let mut out = Vec::with_capacity(if is_large { size } else { size + rest.len() });
        out.extend_from_slice(META);
        meta.encode(progress, &mut out);
        if has_members {
            out.push(b',');
        }
        if is_large {
            return RawJson::of_parts(out, self.0.clone().into_bytes().slice(1..));
        }
        out.extend_from_slice(rest);
        RawJson::from_joined(out)
    }

    /// Whether there are no parameters.
    pub fn is_empty(&self) -> bool {
        self.0 == RawJson::EMPTY_OBJECT
    }

    /// The encoded object.
    pub fn as_raw(&self) -> &RawJson {
        &self.0
    }

    /// Wraps an object that was built from parameters.
    pub(crate) fn trusted(object: RawJson) -> Self {
        Self(object)
    }

    fn checked(raw: RawJson) -> Result<Self, InvalidParams> {
        if raw.as_bytes().first() == Some(&b'{') {
            Ok(Self(raw))
        } else {
            Err(InvalidParams::new("they are not a JSON object"))
        }
    }
}

/// Already encoded parameters, without `_meta`.
impl TryFrom<RawJson> for Params {
    type Error = InvalidParams;

    fn try_from(raw: RawJson) -> Result<Self, InvalidParams> {
        Self::checked(raw)
    }
}

/// The members of an object in order, with undecoded values.
#[derive(Default)]
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Members<'a> {
    /// Reads the members of valid JSON text.
    ///
    /// # Errors
    ///
    /// It is not an object, or a name is not valid text.
    pub(crate) fn of(object: &'a str) -> Result<Self, serde_json::Error> {
        if !object.starts_with('{') {
            return Err(serde_json::Error::custom("it is not an object"));
        }
        let members = Self(rpc::Members::of(object).collect());
        // A name with meaningful escapes is owned.
        let is_text = |name: &Cow<'_, str>| matches!(name, Cow::Owned(_)) || !name.contains('\\');
        if members.0.iter().all(|(name, _)| is_text(name)) {
            return Ok(members);
        }
        Err(serde_json::Error::custom("the name of a member is not text"))
    }

    /// Returns the value of the first member with this name.
    pub(crate) fn find(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    pub(crate) fn encode(&self) -> RawJson {
        let mut out = vec![b'{'];
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            RawJson::append_str(name, &mut out);
            out.push(b':');
            out.extend_from_slice(value.as_bytes());
        }
        out.push(b'}');
        RawJson::from_joined(out)
    }
}

/// Parameters that cannot be sent.
#[derive(Debug)]
pub struct InvalidParams {
    reason: Cow<'static, str>,
    source: Option<serde_json::Error>,
}

impl InvalidParams {
    /// Creates the error with this reason.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), source: None }
    }
}

impl From<serde_json::Error> for InvalidParams {
    fn from(source: serde_json::Error) -> Self {
        Self { source: Some(source), ..Self::new("they are not a JSON object") }
    }
}

impl fmt::Display for InvalidParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid parameters: {}", self.reason)
    }
}

impl std::error::Error for InvalidParams {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as &dyn std::error::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_types::rpc::{Message, Request};
    use serde_json::json;

    #[test]
    fn meta_is_spliced_in_and_taken_out_again() {
        let mut meta = Meta::default();
        meta.insert("progressToken", RawJson::encode(&7).unwrap());
        for (params, wire) in [
            (json!({}), r#"{"_meta":{"progressToken":7}}"#),
            (json!({"a": [1]}), r#"{"_meta":{"progressToken":7},"a":[1]}"#),
        ] {
            let params = Params::encode(&params).unwrap();
            let joined = params.join(&meta);
            assert_eq!(joined.as_str(), wire);
            assert_eq!(Params::split(&joined).unwrap(), (params, meta.clone()));
        }
    }

    #[test]
    fn what_is_large_is_not_copied_to_be_sent_with_meta() {
        let mut meta = Meta::default();
        meta.insert("a", RawJson::encode(&7).unwrap());
        for (length, is_shared) in [(10, false), (LARGE, true)] {
            let params = Params::encode(&json!({"text": "x".repeat(length)})).unwrap();
            let request = Request::new(1, "m").with_params(params.join(&meta));
            let parts = Message::from(request.clone()).encode_parts();
            let shared = parts.as_ref().map(|[_, large, _]| large.as_ptr());
            assert_eq!(shared, is_shared.then(|| params.as_raw().as_bytes()[1..].as_ptr()));
            let mut whole = Vec::new();
            request.encode(&mut whole);
            assert!(parts.is_none_or(|parts| parts.concat() == whole));
            assert_eq!(Params::split(&request.params.unwrap()).unwrap(), (params, meta.clone()));
        }
    }

    #[test]
    fn members_are_replaced_added_and_removed() {
        let params = Params::encode(&json!({"a": 1, "b": 2, "c": 3})).unwrap();
        let nine = RawJson::encode(&9).unwrap();
        let changed = params.with_members(&[("b", Some(&nine)), ("a", None), ("d", Some(&nine))]);
        assert_eq!(changed.unwrap().as_raw().as_str(), r#"{"c":3,"b":9,"d":9}"#);
    }

    #[test]
    fn members_of_other_parameters_take_the_place_of_those_of_the_same_name() {
        let params = |value| Params::encode(&value).unwrap();
        let (under, over) =
            (params(json!({"a": 1, "b": {"a": 2}})), params(json!({"c": 3, "a": 4})));
        let expected = r#"{"b":{"a":2},"c":3,"a":4}"#;
        assert_eq!(under.overlaid(&over).unwrap().as_raw().as_str(), expected);
        assert_eq!(under.overlaid(&Params::default()).unwrap(), under);
    }

    #[test]
    fn members_have_a_name_that_is_text() {
        let members = Members::of(r#"{ "\u0061" : 1 , "b":[ 2 ],"b":"}" }"#).unwrap();
        assert_eq!(members.encode().as_str(), r#"{"a":1,"b":[ 2 ],"b":"}"}"#);
        assert_eq!((members.find("b"), members.find("c")), (Some("[ 2 ]"), None));
        for text in ["null", "[]", r#"{"\ud800":1}"#] {
            assert!(Members::of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_objects_are_parameters() {
        assert!(Params::encode(&[1]).is_err());
        assert!(Params::split(&RawJson::encode(&1).unwrap()).is_err());
    }
}
