//! The serde `Deserializer` over validated text.
//!
//! All of this is compiled again for each type, so it is small and only provides what the type asks for.

use super::{BY_ITSELF, Elements, Entries, RAW_VALUE, Reader};
use serde_core::{
    Deserializer,
    de::{Error as _, Expected, Unexpected, Visitor},
};
use serde_json::{Error, Number};
use std::borrow::Cow;

/// The beginning of a value, or the whole value if it is small.
enum Token<'de> {
    Null,
    Bool(bool),
    Natural(u64),
    Negative(i64),
    Number(Number),
    Text(Cow<'de, str>),
    /// The reader is after the bracket.
    Array,
    /// The same.
    Object,
}

impl<'de> Reader<'de> {
    #[inline(never)]
    fn token(&mut self) -> Result<Token<'de>, Error> {
        Ok(match self.next()? {
            b'"' => Token::Text(self.string()?),
            b'{' => {
                self.open()?;
                Token::Object
            }
            b'[' => {
                self.open()?;
                Token::Array
            }
            b't' => self.word("true").map(|()| Token::Bool(true))?,
            b'f' => self.word("false").map(|()| Token::Bool(false))?,
            b'n' => self.word("null").map(|()| Token::Null)?,
            _ => match self.integer() {
                Some((false, number)) => Token::Natural(number.unsigned_abs()),
                Some((true, number)) => Token::Negative(number),
                None => Token::Number(self.exact()?),
            },
        })
    }

    /// Enters a container.
    fn open(&mut self) -> Result<(), Error> {
        self.at += 1;
        self.descend()
    }

    fn visit_map<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_map(Entries::new(self))?;
        self.ascend(b'}')?;
        Ok(value)
    }

    fn visit_seq<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_seq(Elements::new(self))?;
        self.ascend(b']')?;
        Ok(value)
    }

    /// Returns the error for a value of another type, which is next.
    #[cold]
    fn invalid_type(&mut self, expected: &dyn Expected) -> Error {
        match self.invalid(expected) {
            Ok(error) | Err(error) => error,
        }
    }

    fn invalid(&mut self, expected: &dyn Expected) -> Result<Error, Error> {
        let token = self.token()?;
        let unexpected = match &token {
            Token::Null => Unexpected::Unit,
            Token::Bool(value) => Unexpected::Bool(*value),
            Token::Natural(number) => Unexpected::Unsigned(*number),
            Token::Negative(number) => Unexpected::Signed(*number),
            Token::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => Unexpected::Unsigned(number),
                (_, Some(number)) => Unexpected::Signed(number),
                _ => Unexpected::Float(number.as_f64().unwrap_or_default()),
            },
            Token::Text(text) => Unexpected::Str(text),
            Token::Array => Unexpected::Seq,
            Token::Object => Unexpected::Map,
        };
        Ok(Error::invalid_type(unexpected, expected))
    }

    /// Reads a value with serde_json.
    #[inline(never)]
    pub(super) fn leave<T>(
        &mut self,
        read: impl FnOnce(
            &mut serde_json::Deserializer<serde_json::de::StrRead<'de>>,
        ) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let passed = self.pass_apart()?;
        let text = self.part(self.at - passed.len()..self.at)?;
        let mut json = serde_json::Deserializer::from_str(text);
        let value = read(&mut json)?;
        json.end().map(|()| value)
    }
}

/// Implements the common number types.
macro_rules! numbers {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if !matches!(self.next()?, b'-' | b'0'..=b'9') {
                return Err(self.invalid_type(&visitor));
            }
            match self.integer() {
                Some((false, number)) => visitor.visit_u64(number.unsigned_abs()),
                Some((true, number)) => visitor.visit_i64(number),
                None => self.exact()?.deserialize_any(visitor),
            }
        }
    )+};
}

/// Implements the string types.
macro_rules! strings {
    ($($method:ident)+) => {$(
        /// Strings only: some types would accept a number in place of a name.
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if self.next()? != b'"' {
                return Err(self.invalid_type(&visitor));
            }
            match self.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Null => visitor.visit_unit(),
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Natural(number) => visitor.visit_u64(number),
            Token::Negative(number) => visitor.visit_i64(number),
            Token::Number(number) => number.deserialize_any(visitor),
            Token::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Token::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Token::Array => self.visit_seq(visitor),
            Token::Object => self.visit_map(visitor),
        }
    }

    strings! { deserialize_char deserialize_str deserialize_string deserialize_identifier }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.next()? {
            b't' | b'f' => match self.token()? {
                Token::Bool(value) => visitor.visit_bool(value),
                _ => Err(super::no_json()),
            },
            _ => Err(self.invalid_type(&visitor)),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.next()? != b'n' {
            return Err(self.invalid_type(&visitor));
        }
        self.word("null")?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.next()? != b'[' {
            return Err(self.invalid_type(&visitor));
        }
        self.open()?;
        self.visit_seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.next()? != b'{' {
            return Err(self.invalid_type(&visitor));
        }
        self.open()?;
        self.visit_map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.next()? {
            b'[' => self.deserialize_seq(visitor),
            _ => self.deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.next()? != b'n' {
            return visitor.visit_some(self);
        }
        self.word("null")?;
        visitor.visit_none()
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if !matches!(self.next()?, b'-' | b'0'..=b'9') {
            return Err(self.invalid_type(&visitor));
        }
        if let Some((_, number)) = self.integer() {
            return visitor.visit_i64(number);
        }
        let digits = self.number()?.len();
        match self.part(self.at - digits..self.at)?.parse() {
            Ok(number) if f64::is_finite(number) => visitor.visit_f64(number),
            _ => Err(Error::custom("number out of range")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            RAW_VALUE => self.raw(visitor),
            BY_ITSELF => visitor.visit_enum(self.hand_over()?),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.leave(|json| json.deserialize_enum(name, variants, visitor))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.leave(|json| json.deserialize_f32(visitor))
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.leave(|json| json.deserialize_i128(visitor))
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.leave(|json| json.deserialize_u128(visitor))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.leave(|json| json.deserialize_bytes(visitor))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.pass()?;
        visitor.visit_unit()
    }
}
