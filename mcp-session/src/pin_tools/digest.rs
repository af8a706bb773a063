//! Digests of tool definitions.

use crate::{canonical::canonical, params::Members};
use mcp_types::RawJson;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

const PREFIX: &str = "sha256:";

/// The members of a tool that define what it is and does.
const DEFINING: [&str; 7] =
    ["name", "title", "description", "inputSchema", "outputSchema", "annotations", "execution"];

/// The SHA-256 of a tool's definition in canonical JSON, written as `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ToolDigest([u8; 32]);

impl ToolDigest {
    /// The digest of a tool as the server lists it.
    ///
    /// # Errors
    ///
    /// The tool is not an object, or is nested too deeply.
    pub fn of(tool: &RawJson) -> Result<Self, serde_json::Error> {
        definition(tool.as_str()).map(|definition| Self::of_definition(&definition))
    }

    pub(super) fn of_definition(definition: &RawJson) -> Self {
        Self(Sha256::digest(definition.as_bytes()).into())
    }
}

/// Returns the part of a tool that is compared, as canonical JSON.
pub(super) fn definition(tool: &str) -> Result<RawJson, serde_json::Error> {
    let mut members = Members::of(tool)?;
    members.0.retain(|(name, _)| DEFINING.contains(&&**name));
    canonical(&members.encode()).map(RawJson::from_joined)
}

impl fmt::Display for ToolDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ToolDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ToolDigest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let digits = text.strip_prefix(PREFIX).ok_or(InvalidDigest)?.as_bytes();
        if digits.len() != 64 {
            return Err(InvalidDigest);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = pair.iter().try_fold(0, |byte, digit| match digit {
                b'0'..=b'9' => Ok(byte << 4 | (digit - b'0')),
                b'a'..=b'f' => Ok(byte << 4 | (digit - b'a' + 10)),
                _ => Err(InvalidDigest),
            })?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for ToolDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ToolDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A text that is not a [`ToolDigest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidDigest;

impl fmt::Display for InvalidDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid digest of a tool: it is not `sha256:` and 64 digits")
    }
}

impl std::error::Error for InvalidDigest {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(text: &str) -> ToolDigest {
        ToolDigest::of(&RawJson::parse(text.to_owned()).unwrap()).unwrap()
    }

    #[test]
    fn only_the_definition_counts_and_all_of_it() {
        let tool = r#"{"name":"t","description":"d","inputSchema":{"type":"object","properties":{"a":{"type":"string","description":"x"}}}}"#;
        let reordered = r#"{ "inputSchema":{"properties":{"a":{"description":"\u0078","type":"string"}},"type":"object"},"description":"d","name":"t","_meta":{"n":1},"icons":[]}"#;
        assert_eq!(digest(tool), digest(reordered));
        for changed in [
            tool.replace(r#""x""#, r#""y""#),
            tool.replace(r#""d""#, r#""d ""#),
            tool.replace(r#""name":"t""#, r#""name":"t","title":"T""#),
            tool.replace(r#""name":"t""#, r#""name":"t","annotations":{"readOnlyHint":true}"#),
            tool.replace(r#""name":"t""#, r#""name":"t","execution":{}"#),
            tool.replace(r#""description":"d""#, r#""description":"evil","description":"d""#),
        ] {
            assert_ne!(digest(tool), digest(&changed), "{changed}");
        }
    }

    #[test]
    fn a_digest_is_the_sha_256_of_the_canonical_definition() {
        // `printf '{"name":"t"}' | sha256sum`
        let expected = "sha256:3647a67649228b62fe3d139c47f7a3c673c31ce57da824082b6654fc0b15751f";
        assert_eq!(digest(r#"{ "name" : "t" }"#).to_string(), expected);
    }

    proptest! {
        #[test]
        fn a_digest_is_read_as_it_is_written(bytes: [u8; 32], junk in ".*") {
            let digest = ToolDigest(bytes);
            prop_assert_eq!(digest.to_string().parse(), Ok(digest));
            if let Ok(digest) = junk.parse::<ToolDigest>() {
                prop_assert_eq!(digest.to_string(), junk);
            }
        }
    }
}
