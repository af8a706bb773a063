//! String enums, which keep the values they do not know.

/// Implements the JSON form of an enum: known values have a variant, all others are `Unknown`.
macro_rules! string_enum {
    ($type:ident { $($name:literal => $variant:ident),+ $(,)? }) => {
        impl $type {
            /// The value as it is on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<&str> for $type {
            fn from(text: &str) -> Self {
                match text {
                    $($name => Self::$variant,)+
                    _ => Self::Unknown(text.to_owned()),
                }
            }
        }

        impl From<String> for $type {
            fn from(text: String) -> Self {
                match &*text {
                    $($name => Self::$variant,)+
                    _ => Self::Unknown(text),
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::wire::Wire for $type {
            fn blank() -> Self {
                Self::Unknown(String::new())
            }

            fn read(reader: &mut $crate::json::Reader<'_>) -> Result<Self, $crate::wire::Failure> {
                reader.next()?;
                $(if reader.takes(concat!("\"", $name, "\"")) {
                    return Ok(Self::$variant);
                })+
                // It is unknown, or written with escapes.
                Ok(match $crate::wire::leaves::read_text(reader)? {
                    std::borrow::Cow::Borrowed(text) => text.into(),
                    std::borrow::Cow::Owned(text) => text.into(),
                })
            }
        }

        impl serde_core::Serialize for $type {
            fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        $crate::wire::deserialize!($type);
    };
}
pub(crate) use string_enum;
