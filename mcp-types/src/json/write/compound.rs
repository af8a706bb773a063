//! Serializing arrays and objects.

use super::{Place, VERBATIM, Writer, write_text};
use serde_core::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};
use serde_json::Error;

/// An array or an object that is being written, or text in the disguise of one.
///
/// It is given from hand to hand for each, so it is what two registers hold.
#[derive(Debug)]
pub(super) struct Compound<'w, 'a> {
    writer: &'w mut Writer<'a>,
    end: End,
}

/// What ends it.
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
        let is_array = matches!(end, End::Array | End::ArrayInObject);
        writer.out.push(if is_array { b'[' } else { b'{' });
        Self { writer, end }
    }

    /// A type whose one field is text that is JSON already.
    pub(super) fn verbatim(writer: &'w mut Writer<'a>) -> Result<Self, Error> {
        if writer.place == Place::Key {
            return Err(Error::custom("key must be a string"));
        }
        Ok(Self { writer, end: End::Verbatim })
    }

    /// Separates what follows from the value before it, which ends with neither bracket.
    #[inline]
    fn separate(&mut self) {
        if !matches!(self.writer.out.last(), Some(b'[' | b'{')) {
            self.writer.out.push(b',');
        }
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.separate();
        value.serialize(&mut *self.writer)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if self.end == End::Verbatim {
            return self.text(name, value);
        }
        self.name(name);
        value.serialize(&mut *self.writer)
    }

    /// Writes a key that is a string.
    #[inline]
    fn name(&mut self, name: &str) {
        self.separate();
        write_text(name, self.writer.out);
        self.writer.out.push(b':');
    }

    #[cold]
    fn text<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if !VERBATIM.contains(&name) {
            return Err(Error::custom("expected value"));
        }
        let place = std::mem::replace(&mut self.writer.place, Place::Verbatim);
        let written = value.serialize(&mut *self.writer);
        self.writer.place = place;
        written
    }

    #[inline]
    fn finish(self) {
        let out = &mut *self.writer.out;
        match self.end {
            End::Array => out.push(b']'),
            End::Object => out.push(b'}'),
            End::ArrayInObject => out.extend_from_slice(b"]}"),
            End::ObjectInObject => out.extend_from_slice(b"}}"),
            End::Verbatim => {}
        }
    }
}

/// Lets arrays of one kind be written.
macro_rules! array {
    ($($kind:ident::$method:ident),+) => {$(
        impl $kind for Compound<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

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

/// Lets objects of one kind be written whose keys are the names of fields.
macro_rules! fields {
    ($($kind:ident),+) => {$(
        impl $kind for Compound<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(name, value)
            }

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

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}
