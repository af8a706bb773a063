//! Access to content: text, and the bytes of images, audio and files.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use mcp_types::{
    AudioContent, BlobResourceContents, ContentBlock, ImageContent, ResourceContents,
    SamplingMessageContentBlock,
};
use std::{borrow::Cow, error, fmt};

/// Access to the payload of a piece of content.
///
/// Nothing is decoded before it is asked for, so one broken image spoils nothing else.
///
/// ```
/// use mcp_client::Content;
/// use mcp_types::{ContentBlock, ImageContent};
///
/// let block = ContentBlock::from(ImageContent::new("aGVsbG8=", "image/png"));
/// assert_eq!(block.bytes().transpose()?.as_deref(), Some(&b"hello"[..]));
/// assert_eq!(block.as_text(), None);
/// # Ok::<(), mcp_client::InvalidBase64>(())
/// ```
pub trait Content {
    /// The text, if it is text. Untrusted.
    fn as_text(&self) -> Option<&str> {
        None
    }

    /// The Base64 text of its bytes, if it has bytes.
    fn as_base64(&self) -> Option<&str>;

    /// What kind of data it is, if the server says so. Untrusted.
    fn mime_type(&self) -> Option<&str> {
        None
    }

    /// The bytes, if it has bytes.
    ///
    /// # Errors
    ///
    /// They are not encoded as Base64.
    // spec: RES-02
    fn bytes(&self) -> Option<Result<Vec<u8>, InvalidBase64>> {
        self.as_base64().map(|text| BASE64.decode(text).map_err(InvalidBase64))
    }
}

/// The standard alphabet; padding, which some servers omit, is optional.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Content whose bytes are not valid Base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidBase64(base64::DecodeError);

impl fmt::Display for InvalidBase64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes are not encoded as Base64")
    }
}

impl error::Error for InvalidBase64 {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.0)
    }
}

impl Content for ContentBlock {
    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(block) => Some(&block.text),
            Self::EmbeddedResource(block) => block.resource.as_text(),
            _ => None,
        }
    }

    fn as_base64(&self) -> Option<&str> {
        match self {
            Self::Image(block) => block.as_base64(),
            Self::Audio(block) => block.as_base64(),
            Self::EmbeddedResource(block) => block.resource.as_base64(),
            _ => None,
        }
    }

    fn mime_type(&self) -> Option<&str> {
        match self {
            Self::Image(block) => block.mime_type(),
            Self::Audio(block) => block.mime_type(),
            Self::EmbeddedResource(block) => block.resource.mime_type(),
            Self::ResourceLink(link) => link.mime_type.as_deref(),
            _ => None,
        }
    }
}

impl Content for SamplingMessageContentBlock {
    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(block) => Some(&block.text),
            _ => None,
        }
    }

    fn as_base64(&self) -> Option<&str> {
        match self {
            Self::Image(block) => block.as_base64(),
            Self::Audio(block) => block.as_base64(),
            _ => None,
        }
    }

    fn mime_type(&self) -> Option<&str> {
        match self {
            Self::Image(block) => block.mime_type(),
            Self::Audio(block) => block.mime_type(),
            _ => None,
        }
    }
}

impl Content for ResourceContents {
    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(contents) => Some(&contents.text),
            _ => None,
        }
    }

    fn as_base64(&self) -> Option<&str> {
        match self {
            Self::Blob(contents) => contents.as_base64(),
            _ => None,
        }
    }

    fn mime_type(&self) -> Option<&str> {
        match self {
            Self::Text(contents) => contents.mime_type.as_deref(),
            Self::Blob(contents) => contents.mime_type(),
            _ => None,
        }
    }
}

impl Content for ImageContent {
    fn as_base64(&self) -> Option<&str> {
        Some(&self.data)
    }

    fn mime_type(&self) -> Option<&str> {
        Some(&self.mime_type)
    }
}

impl Content for AudioContent {
    fn as_base64(&self) -> Option<&str> {
        Some(&self.data)
    }

    fn mime_type(&self) -> Option<&str> {
        Some(&self.mime_type)
    }
}

impl Content for BlobResourceContents {
    fn as_base64(&self) -> Option<&str> {
        Some(&self.blob)
    }

    fn mime_type(&self) -> Option<&str> {
        self.mime_type.as_deref()
    }
}

/// Joins the text blocks, each on a line of its own.
pub(crate) fn joined_text(content: &[ContentBlock]) -> Cow<'_, str> {
    let mut texts = content.iter().filter_map(|block| match block {
        ContentBlock::Text(block) => Some(block.text.as_str()),
        _ => None,
    });
    let mut joined = Cow::Borrowed(texts.next().unwrap_or_default());
    for text in texts {
        joined.to_mut().push('\n');
        joined.to_mut().push_str(text);
    }
    joined
}
