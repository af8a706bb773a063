//! Objects with known members, which keep unknown ones.

use super::{Encoded, Failure, Wire, array::open};
use crate::{
    Extra,
    json::{Entries, Mark, Reader},
};
use serde_core::{Deserialize, ser::SerializeMap};
use serde_json::Value;

/// A type that is always an object on the wire. Its members are numbered.
///
/// This way a single function reads all objects, so it is compiled once.
pub(crate) trait Object {
    fn form(&self) -> &'static Form;

    /// Reads the next member if it is a numbered one and its key is written without escapes; returns its number.
    /// Otherwise the reader does not move. `seen` has a bit for each number read before.
    fn set(&mut self, seen: u64, reader: &mut Reader<'_>) -> Result<Option<usize>, Failure>;

    /// Returns the members without a number.
    fn extra(&mut self) -> &mut Extra;
}

impl<T: Object> Object for Box<T> {
    fn form(&self) -> &'static Form {
        (**self).form()
    }

    fn set(&mut self, seen: u64, reader: &mut Reader<'_>) -> Result<Option<usize>, Failure> {
        (**self).set(seen, reader)
    }

    fn extra(&mut self) -> &mut Extra {
        (**self).extra()
    }
}

/// The description of the members of an object.
pub(crate) struct Form {
    /// A constant member without a field, if there is one.
    pub(crate) tag: &'static [(&'static str, &'static str)],
    /// The names by number: required ones first, and last those that go to `extra` if they do not fit.
    pub(crate) names: &'static [&'static str],
    pub(crate) required: usize,
    pub(crate) hints: usize,
}

impl Form {
    /// Checks that all required members were read; `seen` has a bit for each number.
    #[inline]
    fn complete(&self, seen: u64, is_tagged: bool) -> Result<(), Failure> {
        let required = (1 << self.required) - 1;
        let is_tagged = is_tagged || self.tag.is_empty();
        if seen & required == required && is_tagged { Ok(()) } else { Err(self.missing(seen)) }
    }

    #[inline(never)]
    fn number(&self, name: &[u8]) -> Option<usize> {
        self.names.iter().position(|known| known.as_bytes() == name)
    }

    #[cold]
    fn missing(&self, seen: u64) -> Failure {
        let first = self.names.get(seen.trailing_ones() as usize..self.required);
        let first = first.and_then(<[_]>::first).copied();
        Failure::missing(first.or_else(|| Some(self.tag.first()?.0)).unwrap_or_default())
    }
}

/// Reads the members of an object. If it is tagged, the reader is after the tag, which was its first member and has the
/// right value.
pub(crate) fn fill(
    reader: &mut Reader<'_>,
    mut is_tagged: bool,
    object: &mut dyn Object,
) -> Result<(), Failure> {
    let form = object.form();
    let mut entries = if is_tagged {
        reader.descend()?;
        Entries::behind_first(reader)
    } else {
        open(reader, b'{', "an object")?;
        Entries::new(reader)
    };
    let mut seen = 0_u64;
    while let Some(reader) = entries.entry()? {
        let start = reader.mark();
        match object.set(seen, reader) {
            Ok(Some(number)) => seen |= 1 << number,
            Ok(None) => is_tagged |= set_other(reader, object, &mut seen)?,
            Err(failure) => seen |= 1 << refuse(reader, start, failure, object)?,
        }
    }
    reader.ascend(b'}')?;
    form.complete(seen, is_tagged)
}

/// Handles a member that does not fit, which begins at `start`: a hint is not worth the loss of the object. Returns its
/// number.
#[cold]
fn refuse(
    reader: &mut Reader<'_>,
    start: Mark,
    failure: Failure,
    object: &mut dyn Object,
) -> Result<usize, Failure> {
    if let Failure::Text(_) = failure {
        return Err(failure);
    }
    reader.back(start)?;
    let key = reader.string()?.into_owned();
    reader.take(b':')?;
    let number = object.form().number(key.as_bytes()).unwrap_or_default();
    if number < object.form().hints {
        return Err(failure.within(format_args!(".{key}")));
    }
    object.extra().insert(key, Value::deserialize(reader)?);
    Ok(number)
}

/// Reads a member without a number, or with an unusual spelling of its key. Returns whether it is the tag, with the
/// right value.
#[inline(never)]
fn set_other(
    reader: &mut Reader<'_>,
    object: &mut dyn Object,
    seen: &mut u64,
) -> Result<bool, Failure> {
    let key = reader.string()?;
    reader.take(b':')?;
    let form = object.form();
    if let Some((_, constant)) = form.tag.iter().find(|(name, _)| *name == key) {
        let is_right = reader.next()? == b'"' && reader.string()? == *constant;
        let failure = || Failure::constant(constant).within(format_args!(".{key}"));
        return if is_right { Ok(true) } else { Err(failure()) };
    }
    if form.number(key.as_bytes()).is_none() {
        object.extra().insert(key, Value::deserialize(reader)?);
        return Ok(false);
    }
    // It is read again, in the usual spelling.
    let member = ["\"".as_bytes(), key.as_bytes(), b"\":", reader.pass_apart()?].concat();
    let mut reader = reader.within(&member);
    let start = reader.mark();
    match object.set(*seen, &mut reader) {
        Ok(number) => *seen |= number.map_or(0, |number| 1 << number),
        Err(failure) => *seen |= 1 << refuse(&mut reader, start, failure, object)?,
    }
    Ok(false)
}

/// Writes a member.
pub(crate) fn write<T: Wire, M: SerializeMap>(
    map: &mut M,
    name: &'static str,
    value: &T,
) -> Result<(), M::Error> {
    map.serialize_entry(name, &Encoded(value))
}

/// Writes the other members, except those that have a value in their own field.
pub(crate) fn write_rest<M: SerializeMap>(
    map: &mut M,
    extra: &Extra,
    has: &dyn Fn(&str) -> bool,
) -> Result<(), M::Error> {
    for (name, value) in extra.iter() {
        if !has(name) {
            map.serialize_entry(name, value)?;
        }
    }
    Ok(())
}

/// Implements the constructor and the JSON form of a struct.
///
/// Groups, each optional: `tag` is a constant member without a field; `required` members; `optional` ones, for which
/// null is absence; `nullable` ones, for which null is a value; `present` ones, which are written as null if there is
/// no value; `hints`, which go to `extra` if they do not fit. Every struct has `extra` for unknown members.
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

            /// Returns whether a member has a value in its own field.
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
            fn blank() -> Self {
                Self {
                    $($($req: $crate::wire::Wire::blank(),)+)?
                    $($($pre: None,)+)?
                    $($($opt: None,)+)?
                    $($($nul: None,)+)?
                    $($($hint: None,)+)?
                    extra: $crate::Extra::default(),
                }
            }

            fn fill(&mut self, reader: &mut $crate::json::Reader<'_>) -> Result<(), $crate::wire::Failure> {
                $crate::wire::object::fill(reader, false, self)
            }
        }

        const _: () = {
            /// The numbers of the members.
            #[allow(non_camel_case_types, dead_code, reason = "named like fields, of which there may be none")]
            enum Number { $($($req,)+)? $($($pre,)+)? $($($opt,)+)? $($($nul,)+)? $($($hint,)+)? }

            const REQUIRED: &[&str] = &[$($($req_name),+)?];
            const HINTS: &[&str] = &[$($($hint_name),+)?];
            const NAMES: &[&str] = &[
                $($($req_name,)+)? $($($pre_name,)+)? $($($opt_name,)+)? $($($nul_name,)+)? $($($hint_name,)+)?
            ];

            impl $crate::wire::Object for $type {
                fn form(&self) -> &'static $crate::wire::Form {
                    const {
                        &$crate::wire::Form {
                            tag: &[$(($tag, $constant))?],
                            names: NAMES,
                            required: REQUIRED.len(),
                            hints: NAMES.len() - HINTS.len(),
                        }
                    }
                }

                #[allow(unused_variables, reason = "there may be no members")]
                fn set(
                    &mut self,
                    seen: u64,
                    reader: &mut $crate::json::Reader<'_>,
                ) -> Result<Option<usize>, $crate::wire::Failure> {
                    $($(if reader.takes(concat!("\"", $req_name, "\":")) {
                        // The last one counts, and each begins blank.
                        if seen & 1 << Number::$req as usize != 0 {
                            self.$req = $crate::wire::Wire::blank();
                        }
                        $crate::wire::Wire::fill(&mut self.$req, reader)?;
                        return Ok(Some(Number::$req as usize));
                    })+)?
                    $($(if reader.takes(concat!("\"", $pre_name, "\":")) {
                        $crate::wire::Wire::fill(&mut self.$pre, reader)?;
                        return Ok(Some(Number::$pre as usize));
                    })+)?
                    $($(if reader.takes(concat!("\"", $opt_name, "\":")) {
                        $crate::wire::Wire::fill(&mut self.$opt, reader)?;
                        return Ok(Some(Number::$opt as usize));
                    })+)?
                    $($(if reader.takes(concat!("\"", $nul_name, "\":")) {
                        // Null is a value, so there is always one.
                        $crate::wire::Wire::fill(self.$nul.insert($crate::wire::Wire::blank()), reader)?;
                        return Ok(Some(Number::$nul as usize));
                    })+)?
                    $($(if reader.takes(concat!("\"", $hint_name, "\":")) {
                        $crate::wire::Wire::fill(&mut self.$hint, reader)?;
                        return Ok(Some(Number::$hint as usize));
                    })+)?
                    Ok(None)
                }

                fn extra(&mut self) -> &mut $crate::Extra {
                    &mut self.extra
                }
            }
        };

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
                $crate::wire::object::write_rest(&mut map, &self.extra, &|name| self.has(name))?;
                serde_core::ser::SerializeMap::end(map)
            }
        }

        $crate::wire::deserialize!($type, $crate::List<$type>);
    };
}
pub(crate) use object;
