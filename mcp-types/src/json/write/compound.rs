//! Values that have others in them.

use super::{Place, Writer, write_text};
use serde_core::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};
use serde_json::Error;

/// An array or an object that is being written, or text in the disguise of one.
#[derive(Debug)]
pub(super) struct Compound<'w, 'a> {
    writer: &'w mut Writer<'a>,
    end: End,
    is_first: bool,
    /// The name of the only field, if its value is written as it is.
    verbatim: Option<&'static str>,
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
    Nothing,
}

impl<'w, 'a> Compound<'w, 'a> {
    pub(super) fn begin(writer: &'w mut Writer<'a>, end: End) -> Self {
        let is_array = matches!(end, End::Array | End::ArrayInObject);
        writer.out.push(if is_array { b'[' } else { b'{' });
        Self { writer, end, is_first: true, verbatim: None }
    }

    /// The type of that name, whose one field is text that is JSON already.
    pub(super) fn verbatim(writer: &'w mut Writer<'a>, name: &'static str) -> Result<Self, Error> {
        if writer.place == Place::Key {
            return Err(Error::custom("key must be a string"));
        }
        Ok(Self { writer, end: End::Nothing, is_first: true, verbatim: Some(name) })
    }

    fn separate(&mut self) {
        if !self.is_first {
            self.writer.out.push(b',');
        }
        self.is_first = false;
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.separate();
        value.serialize(&mut *self.writer)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if self.verbatim.is_some() {
            return self.text(name, value);
        }
        self.name(name);
        value.serialize(&mut *self.writer)
    }

    /// Writes a key that is a string.
    fn name(&mut self, name: &str) {
        self.separate();
        write_text(name, self.writer.out);
        self.writer.out.push(b':');
    }

    #[cold]
    fn text<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if self.verbatim != Some(name) {
            return Err(Error::custom("expected value"));
        }
        let place = std::mem::replace(&mut self.writer.place, Place::Verbatim);
        let written = value.serialize(&mut *self.writer);
        self.writer.place = place;
        written
    }

    fn finish(self) {
        let out = &mut *self.writer.out;
        match self.end {
            End::Array => out.push(b']'),
            End::Object => out.push(b'}'),
            End::ArrayInObject => out.extend_from_slice(b"]}"),
            End::ObjectInObject => out.extend_from_slice(b"}}"),
            End::Nothing => {}
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
