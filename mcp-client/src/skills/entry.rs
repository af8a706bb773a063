//! The entry of a skill, and its rules.

use super::digest::Digest;
use mcp_types::JsonObject;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashSet;

/// The entry of a skill: what the skill is for, and which files it has.
///
/// The entry is the server's own claim, and untrusted. It follows the rules: the folder is named like the skill,
/// `SKILL.md` is among the files, each file is inside of the folder and listed once. It serializes to the JSON of the
/// protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Entry", into = "Entry")]
pub struct Skill {
    uri: String,
    front_matter: JsonObject,
    files: Option<Vec<SkillFile>>,
    extra: JsonObject,
}

/// A file of a skill, with its expected size and digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "File", into = "File")]
pub struct SkillFile {
    uri: String,
    digest: Digest,
    size: u64,
    extra: JsonObject,
}

/// An entry on the wire.
#[derive(Serialize, Deserialize)]
struct Entry {
    uri: String,
    frontmatter: JsonObject,
    resources: Value,
    #[serde(flatten)]
    extra: JsonObject,
}

/// A file on the wire.
#[derive(Serialize, Deserialize)]
struct File {
    uri: String,
    digest: String,
    size: u64,
    #[serde(flatten)]
    extra: JsonObject,
}

/// What an entry has in place of its files if they are generated for each read.
const DYNAMIC: &str = "dynamic";

const SKILL_MD: &str = "/SKILL.md";

impl Skill {
    /// The URI of its `SKILL.md`, which identifies the skill at its server.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The name, for people and models. It is not unique.
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// What it is for, and when to use it.
    pub fn description(&self) -> &str {
        self.text("description")
    }

    /// The front matter of its `SKILL.md`. Grant no permissions because of what it says.
    pub fn front_matter(&self) -> &JsonObject {
        &self.front_matter
    }

    /// All files, including `SKILL.md`; `None` if they are generated for each read, so that they cannot be verified.
    pub fn files(&self) -> Option<&[SkillFile]> {
        self.files.as_deref()
    }

    /// The file with a URI.
    pub fn file(&self, uri: &str) -> Option<&SkillFile> {
        self.files.iter().flatten().find(|file| file.uri == uri)
    }

    /// A digest over all files, to bind a user's consent to: it changes when a file is changed, added or removed.
    /// `None` if the files cannot be verified.
    pub fn content_digest(&self) -> Option<String> {
        let mut lines: Vec<_> =
            self.files()?.iter().map(|file| format!("{} {}\n", file.digest, file.uri)).collect();
        lines.sort_unstable();
        Some(Digest::of(lines.concat().as_bytes()).to_string())
    }

    /// Returns the folder that contains its files, with a trailing slash.
    pub(super) fn folder(&self) -> &str {
        &self.uri[..self.uri.len() - SKILL_MD.len() + 1]
    }

    fn text(&self, field: &str) -> &str {
        self.front_matter.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    // The sections `Resource Mapping`, `Frontmatter` and `Resources` of the extension.
    fn check(&self) -> Result<(), String> {
        let Some(folder) = self.uri.strip_suffix(SKILL_MD) else {
            return Err(format!("`uri` is {:?}, which is no SKILL.md", self.uri));
        };
        for field in ["name", "description"] {
            if self.text(field).is_empty() {
                return Err(format!("`frontmatter` has no {field}"));
            }
        }
        if folder.rsplit('/').next() != Some(self.name()) {
            return Err(format!("the skill is named {:?}, but is at {:?}", self.name(), self.uri));
        }
        let Some(files) = &self.files else { return Ok(()) };
        let mut seen = HashSet::new();
        for SkillFile { uri, .. } in files {
            if !is_inside(self.folder(), uri) {
                return Err(format!("`resources` has {uri:?}, which is not in the folder"));
            }
            if !seen.insert(uri) {
                return Err(format!("`resources` has {uri:?} twice"));
            }
        }
        if seen.contains(&self.uri) {
            Ok(())
        } else {
            Err("`resources` has no SKILL.md".to_owned())
        }
    }
}

impl SkillFile {
    /// The URI, for [`LoadedSkill::read`](super::LoadedSkill::read).
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The expected SHA-256 of the bytes: `sha256:` and 64 hexadecimal digits.
    pub fn digest(&self) -> String {
        self.digest.to_string()
    }

    /// The expected size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn expected(&self) -> Digest {
        self.digest
    }
}

/// Whether a URI lies in a folder and does not lead out of it again, even if taken for a path with the separators and
/// drives of Windows, or with its escapes decoded.
pub(super) fn is_inside(folder: &str, uri: &str) -> bool {
    let Some(path) = uri.strip_prefix(folder) else { return false };
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let is_name = |part: &str| {
        let is_plain = !part.contains(|c: char| c == '\\' || c.is_control());
        !matches!(part, "" | "." | "..") && is_plain && !has_drive(part)
    };
    path.split('/').count() == decoded.split('/').count() && decoded.split('/').all(is_name)
}

/// Whether a name starts with a drive, such as `C:x`: on Windows, joining it to a path discards the path.
fn has_drive(part: &str) -> bool {
    matches!(part.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic())
}

impl TryFrom<Entry> for Skill {
    type Error = String;

    fn try_from(entry: Entry) -> Result<Self, String> {
        let Entry { uri, frontmatter: front_matter, resources, extra } = entry;
        let files = match resources {
            Value::String(word) if word == DYNAMIC => None,
            Value::Array(files) => Some(decode_files(files)?),
            _ => return Err("`resources` is neither a list nor \"dynamic\"".to_owned()),
        };
        let skill = Self { uri, front_matter, files, extra };
        skill.check().map(|()| skill)
    }
}

fn decode_files(files: Vec<Value>) -> Result<Vec<SkillFile>, String> {
    let decoded = files.into_iter().enumerate().map(|(index, file)| {
        serde_json::from_value(file).map_err(|error| format!("`resources[{index}]`: {error}"))
    });
    decoded.collect()
}

impl From<Skill> for Entry {
    fn from(skill: Skill) -> Self {
        let Skill { uri, front_matter: frontmatter, files, extra } = skill;
        let resources = match files {
            // What was read from JSON has a JSON form.
            Some(files) => serde_json::to_value(files).unwrap_or_default(),
            None => DYNAMIC.into(),
        };
        Self { uri, frontmatter, resources, extra }
    }
}

impl TryFrom<File> for SkillFile {
    type Error = String;

    fn try_from(file: File) -> Result<Self, String> {
        let File { uri, digest, size, extra } = file;
        let digest = digest.parse().map_err(|error| format!("`digest` {error}"))?;
        Ok(Self { uri, digest, size, extra })
    }
}

impl From<SkillFile> for File {
    fn from(file: SkillFile) -> Self {
        let SkillFile { uri, digest, size, extra } = file;
        Self { uri, digest: digest.to_string(), size, extra }
    }
}

#[cfg(test)]
mod tests;
