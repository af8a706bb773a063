//! `RawJson`: a JSON value that is kept as bytes.

mod parts;

use crate::json::{self, LARGE, Lifted};
use bytes::{Buf, Bytes};
use parts::Text;
use serde_core::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, ser};
use serde_json::{Value, value::RawValue};
use std::{fmt, mem, ops::Range};

/// The initial capacity for a value.
const ROOM: usize = 128;

/// A JSON value as the bytes that were received or will be sent.
///
/// It is cheap to clone: clones share the bytes. Decoding happens on demand, in the caller's task. `Debug` shows only
/// the size, because values may contain what should not be logged; `Display` writes the JSON text.
///
/// ```
/// use mcp_types::RawJson;
///
/// let raw = RawJson::encode(&["a", "b"])?;
/// assert_eq!(raw.as_str(), r#"["a","b"]"#);
/// assert_eq!(raw.decode::<Vec<String>>()?.len(), 2);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct RawJson(Text);

impl RawJson {
    /// The empty object.
    pub const EMPTY_OBJECT: Self = Self(Text::Whole(Bytes::from_static(b"{}")));

    /// Encodes a value.
    ///
    /// # Errors
    ///
    /// The value cannot be serialized to JSON, for example a map whose keys are not strings.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        let mut out = Vec::with_capacity(ROOM);
        let written = json::write(value, &mut out);
        Self::written(out, written)
    }

    /// Wraps the output if writing succeeded. Separate from the code that is compiled for each type.
    fn written(
        out: Vec<u8>,
        outcome: Result<(), serde_json::Error>,
    ) -> Result<Self, serde_json::Error> {
        outcome.map(|()| Self::of(out))
    }

    /// Appends a value as [`encode`](Self::encode) makes it, for code that writes a larger one around it.
    ///
    /// ```
    /// use mcp_types::RawJson;
    ///
    /// let mut object = br#"{"name":"#.to_vec();
    /// RawJson::append("a \"b\"", &mut object)?;
    /// object.push(b'}');
    /// assert_eq!(RawJson::from_joined(object).as_str(), r#"{"name":"a \"b\""}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The value cannot be serialized to JSON. Then nothing is appended.
    pub fn append<T: Serialize + ?Sized>(
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), serde_json::Error> {
        json::write(value, out)
    }

    /// Appends a string in JSON, as [`append`](Self::append) does.
    #[inline]
    pub fn append_str(text: &str, out: &mut Vec<u8>) {
        json::write_text(text, out);
    }

    /// Validates that the bytes are one JSON value in UTF-8, and keeps them.
    ///
    /// # Errors
    ///
    /// They are not.
    pub fn parse(bytes: impl Into<Bytes>) -> Result<Self, serde_json::Error> {
        Self::parse_bytes(&bytes.into())
    }

    fn parse_bytes(bytes: &Bytes) -> Result<Self, serde_json::Error> {
        match Self::checked(bytes, 0..bytes.len()) {
            Some(value) => Ok(value),
            // It reports what is wrong.
            None => {
                let text: &RawValue = serde_json::from_slice(bytes)?;
                Ok(Self::slice(bytes, text.get().as_bytes()))
            }
        }
    }

    /// Returns the value in a part of the bytes, without white space around it; none if it is not JSON in UTF-8.
    #[inline]
    pub(super) fn checked(bytes: &Bytes, part: Range<usize>) -> Option<Self> {
        let start = part.start;
        let value = json::check(bytes.get(part)?)?;
        Some(Self::of(bytes.slice(start + value.start..start + value.end)))
    }

    /// Takes over the bytes as the value in this part of them, which was validated.
    #[inline]
    pub(super) fn take_part(bytes: &mut Bytes, part: Range<usize>) -> Self {
        let mut value = mem::take(bytes);
        value.truncate(part.end);
        value.advance(part.start);
        Self::of(value)
    }

    /// Decodes the value; strings may be borrowed from it.
    ///
    /// # Errors
    ///
    /// The value does not fit the type.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        json::read(self.as_bytes())
    }

    /// Decodes the value into a [`Value`], like [`decode`](Self::decode). This is compiled once, here.
    ///
    /// # Errors
    ///
    /// A number is too large, a string is not text, or the value is nested too deeply.
    pub fn to_value(&self) -> Result<Value, serde_json::Error> {
        self.decode()
    }

    /// Returns the value as serde_json writes it, not decoded.
    fn text(&self) -> Result<&RawValue, serde_json::Error> {
        self.decode()
    }

    /// Decodes the value and consumes it, so that a large string in it need not be copied.
    ///
    /// If most of the value is one string of 256 KiB or more, and nothing else holds its bytes, the memory of the value
    /// becomes that of the decoded string. The result is that of [`decode`](Self::decode).
    ///
    /// Afterwards this is `null`, or still the value. It is the value after an error about a lone surrogate, so that it
    /// can be [repaired](Self::with_lone_surrogates_replaced).
    ///
    /// ```
    /// use mcp_types::RawJson;
    ///
    /// let mut raw = RawJson::encode(&["x".repeat(1_000_000)])?;
    /// let texts: Vec<String> = raw.take()?;
    /// assert_eq!(texts[0].len(), 1_000_000);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The value does not fit the type.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<T, serde_json::Error> {
        if self.size() >= LARGE
            && let Some(lifted) = self.lift()
        {
            return lifted.read();
        }
        self.decode()
    }

    /// Lifts the string that makes up most of a large value, if there is one and the bytes are not shared; leaves
    /// `null`.
    fn lift(&mut self) -> Option<Lifted> {
        let null = Self::of(Bytes::from_static(b"null"));
        match Lifted::take(mem::replace(self, null).into_bytes(), LARGE) {
            Ok(lifted) => Some(lifted),
            Err(bytes) => {
                *self = Self::of(bytes);
                None
            }
        }
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        // The constructors validate it; a value that is not UTF-8 cannot get here.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The bytes of the JSON text.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.whole()
    }

    /// The bytes of the JSON text, shared.
    #[inline]
    pub fn into_bytes(self) -> Bytes {
        self.0.into_whole()
    }

    /// Returns a part of `bytes` that was found to be a value in UTF-8.
    pub(super) fn slice(bytes: &Bytes, part: &[u8]) -> Self {
        Self::of(bytes.slice_ref(part))
    }

    /// Wraps bytes that are known to be one JSON value in UTF-8, because they were joined from such values.
    ///
    /// For code that joins values into a larger one. Debug builds check it.
    #[inline]
    pub fn from_joined(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        debug_assert!(Self::parse(bytes.clone()).is_ok(), "joined bytes are not JSON");
        Self::of(bytes)
    }

    /// Makes an object of two parts: `head` ends with the comma after a member, and `rest` is shared and not copied.
    ///
    /// For code that sends a large object with something before its members: [`Message::encode_parts`] does not copy it
    /// either. Access to the whole text, for example to decode it, makes a joined copy once, which is kept.
    ///
    /// [`Message::encode_parts`]: super::Message::encode_parts
    pub fn of_parts(head: impl Into<Bytes>, rest: Bytes) -> Self {
        let head = head.into();
        debug_assert!(
            head.trim_ascii_end().ends_with(b","),
            "the first part does not end after a member"
        );
        debug_assert!(Self::parse([&*head, &*rest].concat()).is_ok(), "the parts are not JSON");
        Self(Text::of_parts(head, rest))
    }

    #[inline]
    fn of(bytes: impl Into<Bytes>) -> Self {
        Self(Text::Whole(bytes.into()))
    }

    /// Returns the first part, which is empty unless the value is [of parts](Self::of_parts), and the rest.
    #[inline]
    pub(super) fn parts(&self) -> (&[u8], &Bytes) {
        self.0.parts()
    }

    /// The first part of a value made [of parts](Self::of_parts), or all of any other value.
    ///
    /// For code that looks at what comes first in an object, whatever comes after it.
    #[inline]
    pub fn beginning(&self) -> &[u8] {
        match self.parts() {
            ([], whole) => whole,
            (head, _) => head,
        }
    }

    /// The size of the JSON text in bytes.
    #[inline]
    pub fn size(&self) -> usize {
        let (head, rest) = self.parts();
        head.len() + rest.len()
    }
}

/// Equal if the bytes are equal.
impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.size() == other.size() && self.as_bytes() == other.as_bytes()
    }
}

impl Eq for RawJson {}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({} bytes)", self.size())
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().map_err(ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self::of(String::from(Box::<str>::from(text))))
    }
}
