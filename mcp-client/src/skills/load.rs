//! Loading a skill and its files.

use super::{
    MAX_BYTES, MAX_FILES, Skill, SkillError, SkillFile, entry::is_inside, reference, verify,
};
use crate::{
    Client,
    operation::{self, Caller, Operation},
    read_resource,
};
use futures_util::future::BoxFuture;
use mcp_types::ResourceContents;
use std::{
    fmt,
    future::IntoFuture,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// A skill that is about to be loaded, made by [`Client::load_skill`]. Awaiting it gives the [`LoadedSkill`].
pub struct LoadSkill {
    client: Client,
    skill: Skill,
    allows_dynamic: bool,
}

/// A skill whose `SKILL.md` has been read and verified against its entry.
///
/// It keeps the entry: its files are those of the entry, even if the server has changed them since. All of it is server
/// text: untrusted, also when a model reads it. Clones share the content.
#[derive(Clone)]
pub struct LoadedSkill {
    client: Client,
    skill: Arc<Skill>,
    text: Arc<str>,
    /// The offset of the instructions in the text.
    body: usize,
    read: Arc<AtomicU64>,
}

/// A file that is about to be read, made by [`LoadedSkill::read`]. Awaiting it gives the content.
pub struct ReadSkillFile {
    skill: Arc<Skill>,
    uri: Result<String, SkillError>,
    read: Arc<AtomicU64>,
}

impl Client {
    /// Loads a skill: reads its `SKILL.md`, verifies it, and reads nothing else.
    ///
    /// Ask the user first, and tell the model which server the skill is from; see [the module](crate::skills).
    ///
    /// # Errors
    ///
    /// [`SkillError`]; [`is_mismatch`](SkillError::is_mismatch) if `SKILL.md` is not what the entry describes. A skill of more
    /// than [`MAX_FILES`] files or [`MAX_BYTES`] bytes is not loaded.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request on the wire.
    pub fn load_skill(&self, skill: &Skill) -> Operation<LoadSkill> {
        let (client, skill) = (self.clone(), skill.clone());
        operation::begin(self, LoadSkill { client, skill, allows_dynamic: false })
    }
}

impl Operation<LoadSkill> {
    /// Allows a skill whose files are generated for each read: only the front matter is verified then, and any file in
    /// its folder can be read, up to [`MAX_BYTES`] in total. Default: such a skill is an error.
    pub fn allow_dynamic(mut self) -> Self {
        self.kind_mut().allows_dynamic = true;
        self
    }
}

impl IntoFuture for Operation<LoadSkill> {
    type Output = Result<LoadedSkill, SkillError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (caller, LoadSkill { client, skill, allows_dynamic }) = self.into_parts();
            check_size(&skill, allows_dynamic)?;
            let (skill, read) = (Arc::new(skill), Arc::default());
            let content = fetch(&caller?, &skill, skill.uri(), &read).await?;
            let bytes = verify::bytes(skill.uri(), &content)?;
            let text = std::str::from_utf8(&bytes).map_err(|error| SkillError::NoFrontMatter {
                file: skill.uri().into(),
                reason: error.to_string().into(),
            })?;
            let body = text.len() - verify::front_matter(&skill, text)?.len();
            Ok(LoadedSkill { client, text: text.into(), body, skill, read })
        })
    }
}

impl LoadedSkill {
    /// The entry that the skill was loaded from.
    pub fn skill(&self) -> &Skill {
        &self.skill
    }

    /// The whole `SKILL.md`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The instructions: `SKILL.md` without its front matter.
    pub fn instructions(&self) -> &str {
        &self.text[self.body..]
    }

    /// Reads a file of the skill, by its URI or by its path in the folder of the skill.
    ///
    /// ```no_run
    /// # async fn example(skill: &mcp_client::skills::LoadedSkill) -> Result<(), mcp_client::skills::SkillError> {
    /// use mcp_client::Content;
    ///
    /// let content = skill.read("references/FORMS.md").await?;
    /// println!("{}", content.as_text().unwrap_or_default());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The `SKILL.md` of a nested skill is a file like any other: reading it does not load that skill.
    ///
    /// # Errors
    ///
    /// [`SkillError`]: the file is not one of the entry, or is not what the entry describes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request on the wire.
    pub fn read(&self, file: impl AsRef<str>) -> Operation<ReadSkillFile> {
        let (file, skill) = (file.as_ref(), Arc::clone(&self.skill));
        let uri = reference::resolve(skill.folder(), file).map(String::from);
        let uri = uri.ok_or_else(|| not_listed(&skill, file));
        operation::begin(&self.client, ReadSkillFile { skill, uri, read: Arc::clone(&self.read) })
    }
}

impl IntoFuture for Operation<ReadSkillFile> {
    type Output = Result<ResourceContents, SkillError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (caller, ReadSkillFile { skill, uri, read }) = self.into_parts();
            fetch(&caller?, &skill, &uri?, &read).await
        })
    }
}

/// Reads and verifies a file.
async fn fetch(
    caller: &Caller,
    skill: &Skill,
    uri: &str,
    read: &AtomicU64,
) -> Result<ResourceContents, SkillError> {
    let file = match skill.files() {
        Some(_) => Some(skill.file(uri).ok_or_else(|| not_listed(skill, uri))?),
        None if is_inside(skill.folder(), uri) => None,
        None => return Err(not_listed(skill, uri)),
    };
    let content = verify::only(uri, read_resource::fetch(caller, uri).await?)?;
    let bytes = verify::bytes(uri, &content)?;
    match file {
        Some(file) => verify::file(file, &bytes)?,
        None => add(skill, read, bytes.len())?,
    }
    drop(bytes);
    Ok(content)
}

/// Adds to the size of a skill whose entry declares none.
fn add(skill: &Skill, read: &AtomicU64, bytes: usize) -> Result<(), SkillError> {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let bytes = read.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
    if bytes > MAX_BYTES { Err(too_large(skill, 0, bytes)) } else { Ok(()) }
}

fn check_size(skill: &Skill, allows_dynamic: bool) -> Result<(), SkillError> {
    let Some(files) = skill.files() else {
        return if allows_dynamic {
            Ok(())
        } else {
            Err(SkillError::Dynamic { skill: skill.uri().into() })
        };
    };
    let bytes = files.iter().map(SkillFile::size).fold(0, u64::saturating_add);
    if files.len() > MAX_FILES || bytes > MAX_BYTES {
        return Err(too_large(skill, files.len(), bytes));
    }
    Ok(())
}

fn too_large(skill: &Skill, files: usize, bytes: u64) -> SkillError {
    SkillError::TooLarge { skill: skill.uri().into(), files, bytes }
}

fn not_listed(skill: &Skill, file: &str) -> SkillError {
    SkillError::NotListed { skill: skill.uri().into(), file: file.into() }
}

impl fmt::Debug for LoadSkill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadSkill").field("skill", &self.skill.uri()).finish_non_exhaustive()
    }
}

impl fmt::Debug for LoadedSkill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedSkill").field("skill", &self.skill.uri()).finish_non_exhaustive()
    }
}

impl fmt::Debug for ReadSkillFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadSkillFile").field("uri", &self.uri).finish_non_exhaustive()
    }
}
