//! Values that are one of several types. What is none of them is kept as it is.

use super::{Fit, Members, Object, Source, Wire, to_value};
use crate::JsonObject;
use serde_core::{Serializer, ser::SerializeMap};
use serde_json::{Error, Value};

/// What all unions have in common: conversions from the members, and writing.
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

/// Writes the value of whichever variant it is.
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

/// A union told apart by a constant member.
macro_rules! by_tag {
    ($type:ident, $tag:literal { $($constant:literal => $variant:ident($inner:ty)),+ $(,)? }) => {
        impl $crate::wire::Wire for $type {
            const EXPECTED: &'static str = "an object";

            fn misfit(value: serde_json::Value) -> $crate::wire::Fit<Self> {
                Ok(Self::Unknown(value))
            }

            $crate::wire::object::by_members!();
        }

        impl $crate::wire::Object for $type {
            fn from_members<'de, S: $crate::wire::Source<'de>>(
                members: &mut $crate::wire::Members<'de, S>,
            ) -> Result<$crate::wire::Fit<Self>, serde_json::Error> {
                let tag = members.find_tag($tag)?;
                match tag.as_deref() {
                    $(Some($constant) => {
                        let known = <Self as From<$inner>>::from;
                        $crate::wire::union::variant(members, known, Self::Unknown)
                    })+
                    _ => {
                        let tag = tag.map(|tag| ($tag, tag));
                        members.remaining(tag).map(Self::Unknown).map(Ok)
                    }
                }
            }
        }

        $crate::wire::union::union_serialize!($type { $($variant),+ });
        $crate::wire::union::union_common!($type { $($variant($inner)),+ });
    };
}
pub(crate) use by_tag;

/// A union told apart by a member that only one of the types has.
macro_rules! by_key {
    ($type:ident { $($key:literal => $variant:ident($inner:ty)),+ $(,)? }) => {
        impl $crate::wire::Wire for $type {
            const EXPECTED: &'static str = "an object";

            fn misfit(value: serde_json::Value) -> $crate::wire::Fit<Self> {
                Ok(Self::Unknown(value))
            }

            $crate::wire::object::by_members!();
        }

        impl $crate::wire::Object for $type {
            fn from_members<'de, S: $crate::wire::Source<'de>>(
                members: &mut $crate::wire::Members<'de, S>,
            ) -> Result<$crate::wire::Fit<Self>, serde_json::Error> {
                match members.find_key(&[$($key),+])? {
                    $(Some($key) => {
                        $crate::wire::union::variant(members, Self::$variant, Self::Unknown)
                    })+
                    _ => members.remaining(None).map(Self::Unknown).map(Ok),
                }
            }
        }

        $crate::wire::union::union_serialize!($type { $($variant),+ });
        $crate::wire::union::union_common!($type { $($variant($inner)),+ });
    };
}
pub(crate) use by_key;

/// A union whose types are tried in order. A type may ask for a member, or for values of one, to be tried only there.
macro_rules! by_shape {
    ($type:ident {
        $($($key:literal $(in [$($allowed:literal),+])? =>)? $variant:ident($inner:ty)),+ $(,)?
    }) => {
        impl $crate::wire::Wire for $type {
            const EXPECTED: &'static str = "an object";

            fn misfit(value: serde_json::Value) -> $crate::wire::Fit<Self> {
                Ok(Self::Unknown(value))
            }

            fn from_value(value: serde_json::Value) -> $crate::wire::Fit<Self> {
                let mut value = value;
                $(
                    let conditions: &[(&str, &[&str])] = &[$(($key, &[$($($allowed),+)?]))?];
                    if $crate::wire::union::has_all(&value, conditions) {
                        match <$inner as $crate::wire::Wire>::from_value(value) {
                            Ok(fit) => return Ok(Self::$variant(fit)),
                            Err(misfit) => value = misfit.into_value(),
                        }
                    }
                )+
                Ok(Self::Unknown(value))
            }
        }

        $crate::wire::union::union_serialize!($type { $($variant),+ });
        $crate::wire::union::union_common!($type { $($variant($inner)),+ });
    };
}
pub(crate) use by_shape;

/// A union of parameters told apart by a member that may be absent. What is none of them is an open object.
macro_rules! by_mode {
    ($type:ident, $tag:literal = $default:literal {
        $($constant:literal => $variant:ident($inner:ty)),+ $(,)?
    }) => {
        impl $crate::wire::Wire for $type {
            const EXPECTED: &'static str = "an object";

            fn from_value(value: serde_json::Value) -> $crate::wire::Fit<Self> {
                if !value.is_object() {
                    return $crate::wire::of_leaf(value);
                }
                let mode = value.get($tag).map_or(Some($default), serde_json::Value::as_str);
                let fit = match mode {
                    $(Some($constant) => {
                        <$inner as $crate::wire::Wire>::from_value(value).map(Self::$variant)
                    })+
                    _ => return $crate::wire::Wire::from_value(value).map(Self::Unknown),
                };
                fit.or_else(|misfit| {
                    $crate::wire::Wire::from_value(misfit.into_value()).map(Self::Unknown)
                })
            }
        }

        $crate::wire::union::union_serialize!($type { $($variant),+ });
        $crate::wire::union::union_common!($type { $($variant($inner)),+ });
    };
}
pub(crate) use by_mode;

/// A union of requests, told apart by their method, with the parameters in `params`.
macro_rules! by_method {
    ($type:ident { $($variant:ident($inner:ty)),+ $(,)? }) => {
        impl $crate::wire::Wire for $type {
            const EXPECTED: &'static str = "an object";

            fn misfit(value: serde_json::Value) -> $crate::wire::Fit<Self> {
                Ok(Self::Unknown(value))
            }

            $crate::wire::object::by_members!();
        }

        impl $crate::wire::Object for $type {
            fn from_members<'de, S: $crate::wire::Source<'de>>(
                members: &mut $crate::wire::Members<'de, S>,
            ) -> Result<$crate::wire::Fit<Self>, serde_json::Error> {
                let method = members.find_tag("method")?;
                match method.as_deref() {
                    $(Some(<$inner as $crate::Request>::METHOD) => {
                        let method = <$inner as $crate::Request>::METHOD;
                        let params = $crate::wire::union::params(members, method)?;
                        Ok(Ok(params.map_or_else(Self::Unknown, Self::$variant)))
                    })+
                    _ => {
                        let method = method.map(|method| ("method", method));
                        members.remaining(method).map(Self::Unknown).map(Ok)
                    }
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

/// Goes on with the type that the members read so far tell.
pub(crate) fn variant<'de, T: Object, U, S: Source<'de>>(
    members: &mut Members<'de, S>,
    known: impl FnOnce(T) -> U,
    unknown: impl FnOnce(Value) -> U,
) -> Result<Fit<U>, Error> {
    match T::from_members(members) {
        Ok(Ok(value)) => Ok(Ok(known(value))),
        Ok(Err(misfit)) => Ok(Ok(unknown(misfit.into_value()))),
        Err(error) => Err(error),
    }
}

/// The parameters of an embedded request. Members beside them mean nothing there and are not kept.
pub(crate) fn params<'de, T: Wire, S: Source<'de>>(
    members: &mut Members<'de, S>,
    method: &str,
) -> Result<Result<T, Value>, Error> {
    let mut request = JsonObject::new();
    request.insert("method".to_owned(), method.into());
    let mut params = Ok(None);
    while let Some(key) = members.key()? {
        if key == "params" {
            params = members.value::<Option<T>>()?;
        } else {
            request.insert(key.into_owned(), members.any()?);
        }
    }
    Ok(match params {
        Ok(Some(params)) => Ok(params),
        Ok(None) => T::from_value(JsonObject::new().into()).map_err(|_| request.into()),
        Err(misfit) => {
            request.insert("params".to_owned(), misfit.into_value());
            Err(request.into())
        }
    })
}

/// Writes an embedded request. Empty parameters are left out.
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

/// Whether an object has these members, each with one of the values if there are any. Null is absence.
pub(crate) fn has_all(object: &Value, conditions: &[(&str, &[&str])]) -> bool {
    conditions.iter().all(|(key, values)| match object.get(key) {
        None | Some(Value::Null) => false,
        Some(_) if values.is_empty() => true,
        Some(value) => value.as_str().is_some_and(|value| values.contains(&value)),
    })
}
