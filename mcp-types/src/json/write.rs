//! Writing values as compact JSON text.
//!
//! The output equals that of serde_json. Strings are scanned many bytes at a time, and everything goes into one buffer,
//! so that this is compiled only once.

mod compound;
mod number;
#[cfg(test)]
mod tests;
mod text;

use compound::{Compound, End};
pub(crate) use number::write_integer;
use number::{write_double, write_float, write_many};
pub(crate) use text::write_text;

use serde_core::ser::{Error as _, Serialize, Serializer};
use serde_json::Error;
use std::fmt::{self, Display, Write as _};
use text::write_escaped;

/// The names by which serde_json marks its own types that are JSON text already.
const VERBATIM: [&str; 2] = ["$serde_json::private::RawValue", "$serde_json::private::Number"];

/// Appends a value. After an error nothing of it is left.
///
/// # Errors
///
/// The value cannot be serialized to JSON.
pub(crate) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    let start = out.len();
    let written = value.serialize(&mut Writer { out, place: Place::Value });
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Writes values to the end of a buffer.
#[derive(Debug)]
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    place: Place,
}

/// What is being written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Value,
    /// The key of a member, which has to be a string. Numbers and booleans are converted.
    Key,
    /// Text that is already JSON.
    Verbatim,
}

impl Writer<'_> {
    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Writes a float that is not finite.
    #[cold]
    fn no_number(&mut self) -> Result<(), Error> {
        if self.place == Place::Key {
            return Err(Error::custom("float key must be finite (got NaN or +/-inf)"));
        }
        self.raw("null");
        Ok(())
    }

    /// Begins an object with the name of a variant as its key.
    fn variant(&mut self, name: &str) {
        self.out.push(b'{');
        write_text(name, self.out);
        self.out.push(b':');
    }

    /// Converts the value that was written from `start` on to a key.
    fn quote(&mut self, start: usize) -> Result<(), Error> {
        match self.out.get(start) {
            Some(b'"') => Ok(()),
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                self.out.insert(start, b'"');
                self.out.push(b'"');
                Ok(())
            }
            _ => Err(Error::custom("key must be a string")),
        }
    }
}

/// Implements the integer types of at most 64 bits.
macro_rules! integers {
    ($($method:ident($type:ty) = |$value:ident| $is_negative:expr, $magnitude:expr;)+) => {$(
        #[inline]
        fn $method(self, $value: $type) -> Result<(), Error> {
            write_integer($is_negative, $magnitude.into(), self.out);
            Ok(())
        }
    )+};
}

impl<'w, 'a> Serializer for &'w mut Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'w, 'a>;
    type SerializeTuple = Compound<'w, 'a>;
    type SerializeTupleStruct = Compound<'w, 'a>;
    type SerializeTupleVariant = Compound<'w, 'a>;
    type SerializeMap = Compound<'w, 'a>;
    type SerializeStruct = Compound<'w, 'a>;
    type SerializeStructVariant = Compound<'w, 'a>;

    integers! {
        serialize_i8(i8) = |value| value < 0, value.unsigned_abs();
        serialize_i16(i16) = |value| value < 0, value.unsigned_abs();
        serialize_i32(i32) = |value| value < 0, value.unsigned_abs();
        serialize_i64(i64) = |value| value < 0, value.unsigned_abs();
        serialize_u8(u8) = |value| false, value;
        serialize_u16(u16) = |value| false, value;
        serialize_u32(u32) = |value| false, value;
        serialize_u64(u64) = |value| false, value;
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        write_many(value, self.out);
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        write_many(value, self.out);
        Ok(())
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.raw(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        if !value.is_finite() {
            return self.no_number();
        }
        write_float(value, self.out);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        if !value.is_finite() {
            return self.no_number();
        }
        write_double(value, self.out);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        match self.place {
            Place::Verbatim => self.raw(value),
            Place::Value | Place::Key => write_text(value, self.out),
        }
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.collect_seq(value)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Error> {
        self.raw("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(variant);
        value.serialize(&mut *self)?;
        self.out.push(b'}');
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'w, 'a>, Error> {
        Ok(Compound::begin(self, End::Array))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'w, 'a>, Error> {
        Ok(Compound::begin(self, End::Array))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'w, 'a>, Error> {
        Ok(Compound::begin(self, End::Array))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w, 'a>, Error> {
        self.variant(variant);
        Ok(Compound::begin(self, End::ArrayInObject))
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'w, 'a>, Error> {
        Ok(Compound::begin(self, End::Object))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Compound<'w, 'a>, Error> {
        if VERBATIM.contains(&name) {
            return Compound::verbatim(self);
        }
        Ok(Compound::begin(self, End::Object))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w, 'a>, Error> {
        self.variant(variant);
        Ok(Compound::begin(self, End::ObjectInObject))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        if self.place == Place::Verbatim {
            return self.serialize_str(&value.to_string());
        }
        self.out.push(b'"');
        write!(Escaping(self.out), "{value}").map_err(Error::custom)?;
        self.out.push(b'"');
        Ok(())
    }
}

/// The content of a string that is written in parts.
struct Escaping<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_escaped(text.as_bytes(), self.0);
        Ok(())
    }
}
