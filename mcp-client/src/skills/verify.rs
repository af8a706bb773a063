//! Verifying files against the entry of a skill.

use super::{
    Skill, SkillError, SkillFile,
    digest::Digest,
    front_matter::{self, Difference},
};
use crate::Content;
use mcp_types::ResourceContents;
use std::borrow::Cow;

/// Returns the single content that a server sent for a file.
pub(super) fn only(
    uri: &str,
    mut contents: Vec<ResourceContents>,
) -> Result<ResourceContents, SkillError> {
    match (contents.pop(), contents.len()) {
        (Some(content), 0) => Ok(content),
        (last, others) => Err(SkillError::NoContent {
            file: uri.into(),
            contents: others + usize::from(last.is_some()),
        }),
    }
}

/// Returns the bytes of a file.
pub(super) fn bytes<'a>(
    uri: &str,
    content: &'a ResourceContents,
) -> Result<Cow<'a, [u8]>, SkillError> {
    match (content.as_text(), content.bytes()) {
        (Some(text), _) => Ok(text.as_bytes().into()),
        (None, Some(Ok(bytes))) => Ok(bytes.into()),
        (None, Some(Err(source))) => Err(SkillError::Encoding { file: uri.into(), source }),
        (None, None) => Err(SkillError::NoContent { file: uri.into(), contents: 0 }),
    }
}

/// Checks the size and digest of a file.
pub(super) fn file(expected: &SkillFile, bytes: &[u8]) -> Result<(), SkillError> {
    let file = || expected.uri().into();
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size != expected.size() {
        return Err(SkillError::Size { file: file(), expected: expected.size(), found: size });
    }
    let found = Digest::of(bytes);
    if found != expected.expected() {
        let (expected, found) = (expected.digest().into(), found.to_string().into());
        return Err(SkillError::Digest { file: file(), expected, found });
    }
    Ok(())
}

/// Checks the front matter of `SKILL.md` against the entry, and returns the instructions after it.
pub(super) fn front_matter<'a>(skill: &Skill, text: &'a str) -> Result<&'a str, SkillError> {
    let file = || skill.uri().into();
    let Some((yaml, instructions)) = front_matter::split(text) else {
        return Err(SkillError::NoFrontMatter { file: file(), reason: "there is none".into() });
    };
    match front_matter::compare(skill.front_matter(), yaml) {
        Ok(()) => Ok(instructions),
        Err(Difference::Field(field)) => {
            Err(SkillError::FrontMatter { file: file(), field: field.into() })
        }
        Err(Difference::Unreadable(reason)) => {
            Err(SkillError::NoFrontMatter { file: file(), reason: reason.into() })
        }
    }
}
