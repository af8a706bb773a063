//! Serializing arrays and objects.

use super::{
    Place, VERBATIM, Writer,
    text::{append, write_name},
};
use serde_core::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};
use serde_json::Error;
use std::mem;

/// An array or an object being written, or text in the form of one.
///
/// The compiler mostly knows its end and its separator where it is used, so that it is in no memory then.
#[derive(Debug)]
pub(super) struct Compound<'w, 'a> {
    writer: &'w mut Writer<'a>,
    end: End,
    /// What to write before the next value: the opening bracket, or a comma.
    separator: u8,
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    Array,
    Object,
    /// The array of a variant, and the object around it.
    ArrayInObject,
    /// The object of a variant, and the other one around it.
    ObjectInObject,
    /// Nothing: the value of the only field is written as it is.
    Verbatim,
}

impl<'w, 'a> Compound<'w, 'a> {
    #[inline]
    pub(super) fn begin(writer: &'w mut Writer<'a>, end: End) -> Self {
        let separator = if matches!(end, End::Array | End::ArrayInObject) { b'[' } else { b'{' };
        Self { writer, end, separator }
    }

    /// Creates it for a type whose only field is JSON text.
    pub(super) fn verbatim(writer: &'w mut Writer<'a>) -> Result<Self, Error> {
        if writer.place == Place::Key {
            return Err(Error::custom("key must be a string"));
        }
        Ok(Self { writer, end: End::Verbatim, separator: b',' })
    }

    /// Writes the separator.
    #[inline]
    fn separate(&mut self) {
        self.writer.out.push(mem::replace(&mut self.separator, b','));
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.separate();
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if self.end == End::Verbatim {
            return self.text(name, value);
        }
        write_name(mem::replace(&mut self.separator, b','), name, self.writer.out);
        value.serialize(&mut *self.writer)
    }

    #[cold]
    fn text<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if !VERBATIM.contains(&name) {
            return Err(Error::custom("expected value"));
        }
        let place = mem::replace(&mut self.writer.place, Place::Verbatim);
        let written = value.serialize(&mut *self.writer);
        self.writer.place = place;
        written
    }

    #[inline(always)]
    fn finish(self) {
        finish(self.end, self.separator, self.writer.out);
    }
}

/// Ends a value. It is empty if the separator is still its opening bracket.
#[inline]
fn finish(end: End, separator: u8, out: &mut Vec<u8>) {
    let (close, length) = match end {
        End::Array => (*b"]\0", 1),
        End::Object => (*b"}\0", 1),
        End::ArrayInObject => (*b"]}", 2),
        End::ObjectInObject => (*b"}}", 2),
        End::Verbatim => return,
    };
    let close = u128::from(u16::from_le_bytes(close));
    match separator {
        b',' => append(close, length, out),
        open => append(close << u8::BITS | u128::from(open), length + 1, out),
    }
}

/// Implements one kind of arrays.
macro_rules! array {
    ($($kind:ident::$method:ident),+) => {$(
        impl $kind for Compound<'_, '_> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            #[inline]
            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        }
    )+};
}

array!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

/// Implements one kind of objects whose keys are field names.
macro_rules! fields {
    ($($kind:ident),+) => {$(
        impl $kind for Compound<'_, '_> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(name, value)
            }

            #[inline]
            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        }
    )+};
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.separate();
        let start = self.writer.out.len();
        self.writer.place = Place::Key;
        key.serialize(&mut *self.writer)?;
        self.writer.place = Place::Value;
        self.writer.quote(start)?;
        self.writer.out.push(b':');
        Ok(())
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}
