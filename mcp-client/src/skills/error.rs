//! Errors of skills.

use super::{MAX_BYTES, MAX_FILES};
use crate::{Error, InvalidBase64};

/// A skill could not be loaded, or one of its files could not be read. No part of the content is returned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SkillError {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] Error),
    /// The skill is larger than what is loaded.
    #[error(
        "skill {skill:?} is too large: it has {files} files and {bytes} bytes, the limits are {MAX_FILES} and {MAX_BYTES}"
    )]
    TooLarge {
        /// The URI of the skill.
        skill: Box<str>,
        /// How many files it has.
        files: usize,
        /// How many bytes they have, or had when it was given up.
        bytes: u64,
    },
    /// The files of the skill are generated for each read, and cannot be verified.
    #[error("skill {skill:?} cannot be verified: its files are made anew for each read")]
    Dynamic {
        /// The URI of the skill.
        skill: Box<str>,
    },
    /// The file is not one of the skill.
    #[error("{file:?} is not a file of skill {skill:?}")]
    NotListed {
        /// The URI of the skill.
        skill: Box<str>,
        /// What was to be read.
        file: Box<str>,
    },
    /// The server did not give one content for the file.
    #[error("the server gave {contents} contents for {file:?} instead of one")]
    NoContent {
        /// The URI of the file.
        file: Box<str>,
        /// How many it gave.
        contents: usize,
    },
    /// The bytes of the file are not encoded as Base64.
    #[error("the content of {file:?} cannot be read")]
    Encoding {
        /// The URI of the file.
        file: Box<str>,
        /// Why.
        source: InvalidBase64,
    },
    /// The file has another size than the entry says.
    #[error("{file:?} has {found} bytes instead of {expected}")]
    Size {
        /// The URI of the file.
        file: Box<str>,
        /// The size that the entry says.
        expected: u64,
        /// The size that it has.
        found: u64,
    },
    /// The file has another digest than the entry says.
    #[error("{file:?} has the digest {found} instead of {expected}")]
    Digest {
        /// The URI of the file.
        file: Box<str>,
        /// The digest that the entry says.
        expected: Box<str>,
        /// The digest that it has.
        found: Box<str>,
    },
    /// The front matter of `SKILL.md` is not what the entry says.
    #[error("the front matter of {file:?} has another {field:?} than the entry of the skill")]
    FrontMatter {
        /// The URI of the file.
        file: Box<str>,
        /// The field that differs, or that one of the two lacks.
        field: Box<str>,
    },
    /// `SKILL.md` has no front matter that can be read.
    #[error("the front matter of {file:?} cannot be read: {reason}")]
    NoFrontMatter {
        /// The URI of the file.
        file: Box<str>,
        /// Why.
        reason: Box<str>,
    },
}

impl SkillError {
    /// Whether the content differs from the entry: it was changed, damaged or tampered with.
    ///
    /// [`get_skill`](crate::Client::get_skill) returns the current entry. Ask the user again if they agreed to the old one.
    pub fn is_mismatch(&self) -> bool {
        matches!(
            self,
            Self::NotListed { .. }
                | Self::Size { .. }
                | Self::Digest { .. }
                | Self::FrontMatter { .. }
                | Self::NoFrontMatter { .. }
        )
    }
}
