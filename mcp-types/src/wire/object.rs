//! Objects with known members and an open rest.

use super::{
    Encoded, Fit, Members, Misfit, Source, Wire,
    source::{Checked, Plain},
    to_value,
};
use crate::{Extra, JsonObject, json::Reader};
use serde_core::{Deserialize, ser::SerializeMap};
use serde_json::{Error, Value};

/// A type that is an object on the wire, and nothing else.
pub(crate) trait Object: Wire {
    /// Reads the members, some of which may have been read ahead.
    fn from_members<'de, S: Source<'de>>(members: &mut Members<'de, S>)
    -> Result<Fit<Self>, Error>;
}

/// Reads an object from text that was checked.
pub(crate) fn read<T: Object>(reader: &mut Reader<'_>) -> Result<Fit<T>, Error> {
    match reader.next()? {
        b'{' => {
            reader.inside(b'}', |reader| T::from_members(&mut Members::new(Checked::new(reader))))
        }
        _ => Value::deserialize(reader).map(T::misfit),
    }
}

/// Makes an object of one in memory.
pub(crate) fn from_value<T: Object>(value: Value) -> Fit<T> {
    match value {
        Value::Object(members) => T::from_members(&mut Members::new(Plain::new(members)))
            .unwrap_or_else(|error| Err(Misfit::other(Value::Null, error))),
        value => T::misfit(value),
    }
}

/// Gives an object the ways that lead to its members.
macro_rules! by_members {
    () => {
        fn read(
            reader: &mut $crate::json::Reader<'_>,
        ) -> Result<$crate::wire::Fit<Self>, serde_json::Error> {
            $crate::wire::object::read(reader)
        }

        fn from_value(value: serde_json::Value) -> $crate::wire::Fit<Self> {
            $crate::wire::object::from_value(value)
        }
    };
}
pub(crate) use by_members;

/// What an object has beside the known members that fit.
#[derive(Default)]
pub(crate) struct Rest {
    extra: Extra,
    misfits: Option<Box<(Misfit, JsonObject)>>,
}

impl Rest {
    /// Keeps an unknown member, or a hint that does not fit.
    pub(crate) fn keep(&mut self, name: impl Into<String>, value: Value) {
        self.extra.insert(name, value);
    }

    /// The value of a hint: one that does not fit is not worth the loss of the object.
    pub(crate) fn hint<T>(&mut self, name: &'static str, value: Fit<Option<T>>) -> Option<T> {
        value.unwrap_or_else(|misfit| {
            self.keep(name, misfit.into_value());
            None
        })
    }

    /// The value of a member, unless it does not fit.
    pub(crate) fn check<T>(&mut self, name: &'static str, value: Fit<T>) -> Option<T> {
        value.map_err(|misfit| self.refuse(name, misfit)).ok()
    }

    #[cold]
    fn refuse(&mut self, name: &'static str, mut misfit: Misfit) {
        let value = misfit.take_value();
        match &mut self.misfits {
            Some(misfits) => _ = misfits.1.insert(name.to_owned(), value),
            None => {
                let misfit = misfit.within(&format!(".{name}"), value.clone());
                let members = [(name.to_owned(), value)].into_iter().collect();
                self.misfits = Some(Box::new((misfit, members)));
            }
        }
    }

    #[inline]
    pub(crate) fn is_broken(&self) -> bool {
        self.misfits.is_some()
    }

    #[inline]
    pub(crate) fn into_extra(self) -> Extra {
        self.extra
    }

    /// The object as it came, with the members that were read into types, which `restore` has written again.
    #[cold]
    pub(crate) fn into_misfit(
        self,
        missing: Option<&'static str>,
        restored: &mut JsonObject,
    ) -> Misfit {
        let mut object = std::mem::take(restored);
        object.extend(self.extra.into_map());
        match (self.misfits, missing) {
            (Some(misfits), _) => {
                let (misfit, members) = *misfits;
                object.extend(members);
                misfit.within("", object.into())
            }
            (None, missing) => Misfit::missing(missing.unwrap_or_default(), object.into()),
        }
    }
}

/// Puts a member that fits back into the plain object.
#[cold]
pub(crate) fn restore<T: Wire>(object: &mut JsonObject, name: &str, value: Option<&T>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), to_value(value));
    }
}

/// Writes a member.
pub(crate) fn write<T: Wire, M: SerializeMap>(
    map: &mut M,
    name: &'static str,
    value: &T,
) -> Result<(), M::Error> {
    map.serialize_entry(name, &Encoded(value))
}

/// Gives a struct its constructor and its JSON form.
///
/// Groups, each optional: `tag` is a constant member without a field; `required` members; `optional` ones, for which
/// null is absence; `nullable` ones, for which null is a value; `present` ones, which are written as null where there
/// is no value; `hints`, which go to `extra` when they do not fit. Every struct has `extra` for unknown members.
macro_rules! object {
    ($type:ident {
        $(tag $tag:literal = $constant:literal)?
        $(required { $($req:ident: $req_type:ty = $req_name:literal),+ $(,)? })?
        $(present { $($pre:ident = $pre_name:literal),+ $(,)? })?
        $(optional { $($opt:ident = $opt_name:literal),+ $(,)? })?
        $(nullable { $($nul:ident = $nul_name:literal),+ $(,)? })?
        $(hints { $($hint:ident = $hint_name:literal),+ $(,)? })?
    }) => {
        impl $type {
            #[doc = concat!("A `", stringify!($type), "` of the required members; the others are absent.")]
            pub fn new($($($req: impl Into<$req_type>),+)?) -> Self {
                Self {
                    $($($req: $req.into(),)+)?
                    $($($pre: None,)+)?
                    $($($opt: None,)+)?
                    $($($nul: None,)+)?
                    $($($hint: None,)+)?
                    extra: $crate::Extra::default(),
                }
            }

            /// Whether a member has a value in its own field.
            fn has(&self, name: &str) -> bool {
                match name {
                    $($tag => true,)?
                    $($($req_name => true,)+)?
                    $($($pre_name => true,)+)?
                    $($($opt_name => self.$opt.is_some(),)+)?
                    $($($nul_name => self.$nul.is_some(),)+)?
                    $($($hint_name => self.$hint.is_some(),)+)?
                    _ => false,
                }
            }
        }

        impl $crate::wire::Wire for $type {
            const EXPECTED: &'static str = "an object";

            $crate::wire::object::by_members!();
        }

        impl $crate::wire::Object for $type {
            fn from_members<'de, S: $crate::wire::Source<'de>>(
                members: &mut $crate::wire::Members<'de, S>,
            ) -> Result<$crate::wire::Fit<Self>, serde_json::Error> {
                $($(let mut $req: Option<$req_type> = None;)+)?
                $($(let mut $pre = None;)+)?
                $($(let mut $opt = None;)+)?
                $($(let mut $nul = None;)+)?
                $($(let mut $hint = None;)+)?
                let mut rest = $crate::wire::Rest::default();
                while let Some(key) = members.key()? {
                    match &*key {
                        $($tag => match members.any()? {
                            serde_json::Value::String(tag) if tag == $constant => members.is_tagged = true,
                            other => {
                                let misfit = $crate::wire::Misfit::constant(other, $constant);
                                rest.check::<()>($tag, Err(misfit));
                            }
                        },)?
                        $($($req_name => $req = rest.check($req_name, members.value()?),)+)?
                        $($($pre_name => $pre = rest.check($pre_name, members.value()?).flatten(),)+)?
                        $($($opt_name => $opt = rest.check($opt_name, members.value()?).flatten(),)+)?
                        $($($nul_name => $nul = rest.check($nul_name, members.value()?),)+)?
                        $($($hint_name => $hint = rest.hint($hint_name, members.value()?),)+)?
                        _ => {
                            let value = members.any()?;
                            rest.keep(key, value);
                        }
                    }
                }
                let missing: Option<&'static str> = None;
                $(let missing = if members.is_tagged { missing } else { Some($tag) };)?
                $($(let missing = if $req.is_none() { Some($req_name) } else { missing };)+)?
                if rest.is_broken() || missing.is_some() {
                    let mut object = $crate::JsonObject::new();
                    $(if members.is_tagged {
                        object.insert($tag.to_owned(), $constant.into());
                    })?
                    $($($crate::wire::object::restore(&mut object, $req_name, $req.as_ref());)+)?
                    $($($crate::wire::object::restore(&mut object, $pre_name, $pre.as_ref());)+)?
                    $($($crate::wire::object::restore(&mut object, $opt_name, $opt.as_ref());)+)?
                    $($($crate::wire::object::restore(&mut object, $nul_name, $nul.as_ref());)+)?
                    $($($crate::wire::object::restore(&mut object, $hint_name, $hint.as_ref());)+)?
                    return Ok(Err(rest.into_misfit(missing, &mut object)));
                }
                Ok(Ok(Self {
                    $($($req: match $req {
                        Some(value) => value,
                        // Checked above.
                        None => return Ok(Err($crate::wire::Misfit::missing($req_name, serde_json::Value::Null))),
                    },)+)?
                    $($($pre,)+)?
                    $($($opt,)+)?
                    $($($nul,)+)?
                    $($($hint,)+)?
                    extra: rest.into_extra(),
                }))
            }
        }

        impl serde_core::Serialize for $type {
            fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                $(serde_core::ser::SerializeMap::serialize_entry(&mut map, $tag, $constant)?;)?
                $($($crate::wire::object::write(&mut map, $req_name, &self.$req)?;)+)?
                $($($crate::wire::object::write(&mut map, $pre_name, &self.$pre)?;)+)?
                $($(if let Some(value) = &self.$opt {
                    $crate::wire::object::write(&mut map, $opt_name, value)?;
                })+)?
                $($(if let Some(value) = &self.$nul {
                    $crate::wire::object::write(&mut map, $nul_name, value)?;
                })+)?
                $($(if let Some(value) = &self.$hint {
                    $crate::wire::object::write(&mut map, $hint_name, value)?;
                })+)?
                for (name, value) in self.extra.iter().filter(|(name, _)| !self.has(name)) {
                    serde_core::ser::SerializeMap::serialize_entry(&mut map, name, value)?;
                }
                serde_core::ser::SerializeMap::end(map)
            }
        }

        $crate::wire::deserialize!($type, $crate::List<$type>);
    };
}
pub(crate) use object;
