//! Unions of several types. A value that fits none of them is kept as it is.

use super::{Failure, Object, Wire, array::read_entries, object, to_value};
use crate::json::{self, Mark, Reader};
use serde_core::{Serializer, ser::SerializeMap};
use serde_json::{Error, Value};
use std::borrow::Cow;

/// The common part of all unions: conversions from the members, and writing.
macro_rules! union_common {
    ($type:ident { $($variant:ident($inner:ty)),+ }) => {
        $(impl From<$inner> for $type {
            fn from(value: $inner) -> Self {
                Self::$variant(value.into())
            }
        })+

        $crate::wire::deserialize!($type);
    };
}
pub(crate) use union_common;

/// Writes the value of any variant.
macro_rules! union_serialize {
    ($type:ident { $($variant:ident),+ }) => {
        impl serde_core::Serialize for $type {
            fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(value) => value.serialize(serializer),)+
                    Self::Unknown(value) => value.serialize(serializer),
                }
            }
        }
    };
}
pub(crate) use union_serialize;

/// A union whose types are distinguished by a constant member.
macro_rules! by_tag {
    ($type:ident, $tag:literal { $($constant:literal => $variant:ident($inner:ty)),+ $(,)? }) => {
        impl $crate::wire::Wire for $type {
            fn blank() -> Self {
                Self::Unknown(serde_json::Value::Null)
            }

            fn fill(&mut self, reader: &mut $crate::json::Reader<'_>) -> Result<(), $crate::wire::Failure> {
                reader.next()?;
                let start = reader.mark();
                let is_behind = 'tag: {
                    // Nearly all peers write the tag first, and in this form.
                    $(if reader.takes(concat!("{\"", $tag, "\":\"", $constant, "\"")) {
                        *self = Self::from(<$inner as $crate::wire::Wire>::blank());
                        break 'tag true;
                    })+
                    let (tag, is_behind) = $crate::wire::union::read_tag(reader, $tag)?;
                    *self = match tag.as_deref() {
                        $(Some($constant) => Self::from(<$inner as $crate::wire::Wire>::blank()),)+
                        _ => Self::blank(),
                    };
                    is_behind
                };
                let object: Option<&mut dyn $crate::wire::Object> = match self {
                    $(Self::$variant(object) => Some(object),)+
                    Self::Unknown(_) => None,
                };
                let unknown = $crate::wire::union::fill_known(reader, start, is_behind, object)?;
                if let Some(value) = unknown {
                    *self = Self::Unknown(value);
                }
                Ok(())
            }
        }

        $crate::wire::union::union_serialize!($type { $($variant),+ });
        $crate::wire::union::union_common!($type { $($variant($inner)),+ });
    };
}
pub(crate) use by_tag;

/// A union whose types are distinguished by a member that only one of them has.
macro_rules! by_key {
    ($type:ident { $($key:literal => $variant:ident($inner:ty)),+ $(,)? }) => {
        impl $crate::wire::Wire for $type {
            fn blank() -> Self {
                Self::Unknown(serde_json::Value::Null)
            }

            fn read(reader: &mut $crate::json::Reader<'_>) -> Result<Self, $crate::wire::Failure> {
                let start = reader.mark();
                match $crate::wire::union::first_of(reader, &[$($key),+])? {
                    $(Some($key) => $crate::wire::union::known(
                        reader,
                        start,
                        |reader| <$inner as $crate::wire::Wire>::read(reader).map(Self::$variant),
                        Self::Unknown,
                    ),)+
                    _ => $crate::wire::union::unknown(reader, start, Self::Unknown),
                }
            }
        }

        $crate::wire::union::union_serialize!($type { $($variant),+ });
        $crate::wire::union::union_common!($type { $($variant($inner)),+ });
    };
}
pub(crate) use by_key;

/// A union whose types are tried in order. A type may require a member, or values of one, to be tried.
macro_rules! by_shape {
    ($type:ident {
        $($($key:literal $(in [$($allowed:literal),+])? =>)? $variant:ident($inner:ty)),+ $(,)?
    }) => {
        impl $crate::wire::Wire for $type {
            fn blank() -> Self {
                Self::Unknown(serde_json::Value::Null)
            }

            fn read(reader: &mut $crate::json::Reader<'_>) -> Result<Self, $crate::wire::Failure> {
                let start = reader.mark();
                $(
                    let conditions: &[(&str, &[&str])] = &[$(($key, &[$($($allowed),+)?]))?];
                    if $crate::wire::union::has_all(reader, conditions)? {
                        match <$inner as $crate::wire::Wire>::read(reader) {
                            Ok(fit) => return Ok(Self::$variant(fit)),
                            Err(failure) => failure.retry(reader, start)?,
                        }
                    }
                )+
                $crate::wire::union::unknown(reader, start, Self::Unknown)
            }
        }

        $crate::wire::union::union_serialize!($type { $($variant),+ });
        $crate::wire::union::union_common!($type { $($variant($inner)),+ });
    };
}
pub(crate) use by_shape;

/// A union of parameters whose types are distinguished by a member that may be absent. Values that fit no type become
/// an open object.
macro_rules! by_mode {
    ($type:ident, $tag:literal = $default:literal {
        $($constant:literal => $variant:ident($inner:ty)),+ $(,)?
    }) => {
        impl $crate::wire::Wire for $type {
            fn blank() -> Self {
                Self::Unknown($crate::wire::Wire::blank())
            }

            fn read(reader: &mut $crate::json::Reader<'_>) -> Result<Self, $crate::wire::Failure> {
                let start = reader.mark();
                let mode = $crate::wire::union::mode(reader, $tag, $default)?;
                let fit = match mode.as_deref() {
                    $(Some($constant) => <$inner as $crate::wire::Wire>::read(reader).map(Self::$variant),)+
                    _ => return $crate::wire::Wire::read(reader).map(Self::Unknown),
                };
                match fit {
                    Ok(fit) => Ok(fit),
                    Err(failure) => {
                        failure.retry(reader, start)?;
                        $crate::wire::Wire::read(reader).map(Self::Unknown)
                    }
                }
            }
        }

        $crate::wire::union::union_serialize!($type { $($variant),+ });
        $crate::wire::union::union_common!($type { $($variant($inner)),+ });
    };
}
pub(crate) use by_mode;

/// A union of requests, distinguished by their method, with the parameters in `params`.
macro_rules! by_method {
    ($type:ident { $($variant:ident($inner:ty)),+ $(,)? }) => {
        impl $crate::wire::Wire for $type {
            fn blank() -> Self {
                Self::Unknown(serde_json::Value::Null)
            }

            fn read(reader: &mut $crate::json::Reader<'_>) -> Result<Self, $crate::wire::Failure> {
                let start = reader.mark();
                match $crate::wire::union::find_tag(reader, "method")?.as_deref() {
                    $(Some(<$inner as $crate::Request>::METHOD) => $crate::wire::union::known(
                        reader,
                        start,
                        |reader| $crate::wire::union::read_params(reader).map(Self::$variant),
                        Self::Unknown,
                    ),)+
                    _ => $crate::wire::union::unknown(reader, start, Self::Unknown),
                }
            }
        }

        impl serde_core::Serialize for $type {
            fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(params) => {
                        let method = <$inner as $crate::Request>::METHOD;
                        $crate::wire::union::write_request(serializer, method, params)
                    })+
                    Self::Unknown(value) => value.serialize(serializer),
                }
            }
        }

        $crate::wire::union::union_common!($type { $($variant($inner)),+ });
    };
}
pub(crate) use by_method;

/// Reads a value as the type that it claims to be; if it does not fit, as plain JSON.
pub(crate) fn known<'de, U>(
    reader: &mut Reader<'de>,
    start: Mark,
    read: impl FnOnce(&mut Reader<'de>) -> Result<U, Failure>,
    unknown: fn(Value) -> U,
) -> Result<U, Failure> {
    match read(reader) {
        Ok(value) => Ok(value),
        Err(failure) => Ok(failure.set_aside(reader, start).map(|(value, _)| unknown(value))?),
    }
}

/// Reads a value of an unknown type.
pub(crate) fn unknown<U>(
    reader: &mut Reader<'_>,
    start: Mark,
    unknown: fn(Value) -> U,
) -> Result<U, Failure> {
    Ok(reader.again(start).map(unknown)?)
}

/// Reads an object as the type that it claims to be. Returns the plain value if that type is unknown, or if it does not
/// fit.
pub(crate) fn fill_known(
    reader: &mut Reader<'_>,
    start: Mark,
    is_behind: bool,
    object: Option<&mut dyn Object>,
) -> Result<Option<Value>, Failure> {
    let Some(object) = object else { return Ok(Some(reader.again(start)?)) };
    match object::fill(reader, is_behind, object) {
        Ok(()) => Ok(None),
        Err(failure) => Ok(Some(failure.set_aside(reader, start)?.0)),
    }
}

/// Returns the tag of an object, if it is a string, and whether the reader has moved behind it: it has if the tag comes
/// first, and otherwise it does not move.
#[cold]
pub(crate) fn read_tag<'de>(
    reader: &mut Reader<'de>,
    name: &str,
) -> Result<(Option<Cow<'de, str>>, bool), Error> {
    Ok(match reader.first_member(name)? {
        Some(tag) => (Some(tag), true),
        None => (find_tag(reader, name)?.map(Cow::Owned), false),
    })
}

/// Returns the tag of an object, if it is a string. The reader does not move.
pub(crate) fn find_tag(reader: &mut Reader<'_>, name: &str) -> Result<Option<String>, Error> {
    if reader.next()? != b'{' {
        return Ok(None);
    }
    let tag = reader.look_ahead(|key, value| {
        (key == name && value.starts_with(b"\"")).then(|| json::read::<String>(value))
    })?;
    tag.transpose()
}

/// Returns which of the members an object has, the first of them. The reader does not move.
pub(crate) fn first_of(
    reader: &mut Reader<'_>,
    names: &[&'static str],
) -> Result<Option<&'static str>, Error> {
    if reader.next()? != b'{' {
        return Ok(None);
    }
    reader.look_ahead(|key, _| names.iter().find(|name| **name == key).copied())
}

/// Returns the text of a member of an object; the last one if there are several. The reader does not move.
fn member(reader: &mut Reader<'_>, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let mut found = None;
    if reader.next()? == b'{' {
        reader.look_ahead(|key, value| {
            if key == name {
                found = Some(value.to_vec());
            }
            None::<()>
        })?;
    }
    Ok(found)
}

/// Returns the mode of an object, or the default if it has none; none if the mode is not a string.
pub(crate) fn mode(
    reader: &mut Reader<'_>,
    name: &str,
    default: &'static str,
) -> Result<Option<Cow<'static, str>>, Error> {
    Ok(match member(reader, name)? {
        None => Some(Cow::Borrowed(default)),
        Some(value) => json::read::<String>(&value).ok().map(Cow::Owned),
    })
}

/// Returns whether an object has these members, each with one of the values if any are given. Null is absence.
pub(crate) fn has_all(
    reader: &mut Reader<'_>,
    conditions: &[(&str, &[&str])],
) -> Result<bool, Error> {
    for (name, values) in conditions {
        let is_met = match member(reader, name)?.as_deref() {
            None | Some(b"null") => false,
            Some(_) if values.is_empty() => true,
            Some(value) => json::read::<String>(value).is_ok_and(|it| values.contains(&&*it)),
        };
        if !is_met {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads the parameters of an embedded request. Other members have no meaning there and are not kept.
pub(crate) fn read_params<T: Wire>(reader: &mut Reader<'_>) -> Result<T, Failure> {
    let mut params = None;
    read_entries(reader, &mut |key, reader| {
        if key == "params" {
            params = Wire::read(reader)?;
        } else {
            reader.pass()?;
        }
        Ok(())
    })?;
    match params {
        Some(params) => Ok(params),
        None => T::read(&mut Reader::new(b"{}", None)),
    }
}

/// Writes an embedded request. Empty parameters are omitted.
pub(crate) fn write_request<S: Serializer, T: Wire>(
    serializer: S,
    method: &'static str,
    params: &T,
) -> Result<S::Ok, S::Error> {
    let params = to_value(params);
    let mut request = serializer.serialize_map(None)?;
    request.serialize_entry("method", method)?;
    if params.as_object().is_none_or(|params| !params.is_empty()) {
        request.serialize_entry("params", &params)?;
    }
    request.end()
}
