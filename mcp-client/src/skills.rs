//! Skills: instructions for agents that a server offers besides its tools (extension `io.modelcontextprotocol/skills`).
//!
//! A skill is a folder of files around a `SKILL.md`. A [`Skill`] is its entry: what it is for, and which files it has,
//! with their digests. The files are resources.
//!
//! ```no_run
//! # async fn example(client: &mcp_client::Client) -> Result<(), mcp_client::skills::SkillError> {
//! for skill in client.list_skills().await? {
//!     println!("{}: {}", skill.name(), skill.description());
//! }
//!
//! let skill = client.get_skill("skill://pdf-processing/SKILL.md").await?;
//! let skill = client.load_skill(&skill).await?;
//! println!("{}", skill.instructions());
//! let forms = skill.read("references/FORMS.md").await?;
//! # Ok(())
//! # }
//! ```
//!
//! Nothing is prefetched: listing reads no files, and loading a skill reads only its `SKILL.md`. Files are verified
//! against the entry (size, digest, and the front matter of `SKILL.md`); a difference is an error, and the content is
//! not returned. A loaded skill reads only its own files, from its own server.
//!
//! # Duties of the program
//!
//! A digest shows that a file is the one that the server listed, not that it can be trusted: both come from the server.
//! So a program
//!
//! - asks the user before it loads a skill, and again if [`Skill::content_digest`] has changed,
//! - tells the model which server a skill is from, by a name of its own for the server,
//! - keeps skills apart by server and [`Skill::uri`]; names are not unique,
//! - grants no permissions because the front matter asks for them (`allowed-tools`), and runs nothing without asking.
//!
//! See [the specification](https://modelcontextprotocol.io/extensions/skills/overview).

mod digest;
mod entry;
mod error;
mod front_matter;
mod load;
mod reference;
mod verify;

pub use entry::{Skill, SkillFile};
pub use error::SkillError;
pub use load::{LoadSkill, LoadedSkill, ReadSkillFile};

use crate::{
    Client, Error, ListAll, ListPage, ListRequest, Operation,
    operation::{self, Caller},
    read_resource,
};
use futures_util::future::BoxFuture;
use mcp_session::Params;
use mcp_types::{CacheScope, List, MetaObject, Request};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;
use std::{future::IntoFuture, time::Duration};

/// The id of the extension.
pub const EXTENSION: &str = "io.modelcontextprotocol/skills";

/// The maximum number of files of a skill that can be loaded.
pub const MAX_FILES: usize = 512;

/// The maximum total size of the files of a skill that can be loaded, in bytes.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Asks for one page of the skills of a server.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct ListSkillsRequest {
    /// The cursor of the page; absent for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Metadata beside the payload.
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<MetaObject>,
}

/// One page of the skills of a server.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListSkillsResult {
    /// The skills of this page. An entry that breaks the rules is kept apart, as broken.
    #[serde(deserialize_with = "one_by_one")]
    pub skills: List<Skill>,
    /// The cursor of the next page; absent on the last page.
    pub next_cursor: Option<String>,
    /// How long the result may be reused, in milliseconds from its arrival.
    pub ttl_ms: Option<i64>,
    /// Who may share a stored copy of the result.
    pub cache_scope: Option<CacheScope>,
}

impl Request for ListSkillsRequest {
    const METHOD: &'static str = "skills/list";
    type Result = ListSkillsResult;

    fn meta_mut(&mut self) -> &mut Option<MetaObject> {
        &mut self.meta
    }
}

impl ListRequest for ListSkillsRequest {
    type Item = Skill;

    fn at(cursor: Option<String>) -> Self {
        Self { cursor, meta: None }
    }

    fn page(result: ListSkillsResult) -> (List<Skill>, Option<String>) {
        (result.skills, result.next_cursor)
    }

    fn fresh_for(result: &ListSkillsResult) -> Option<Duration> {
        result.ttl_ms.map(|millis| Duration::from_millis(millis.try_into().unwrap_or(0)))
    }
}

/// A request for the entry of a skill, made by [`Client::get_skill`]. Awaiting it gives the [`Skill`].
#[derive(Debug)]
pub struct GetSkill {
    uri: String,
}

const GET: &str = "skills/get";

impl Client {
    /// Lists the skills of the server, page after page. Reads none of their files.
    ///
    /// A server need not list all its skills: use [`get_skill`](Self::get_skill) for one that is named elsewhere. An
    /// entry that breaks the rules is left out, with a warning.
    ///
    /// # Errors
    ///
    /// [`Error::NotOffered`] if the server has not declared the extension.
    pub fn list_skills(&self) -> Operation<ListAll<ListSkillsRequest>> {
        self.list().needs_extension(ListSkillsRequest::METHOD, EXTENSION)
    }

    /// Reads one page of the skills of the server: the first, or the one at a cursor.
    pub fn list_skills_page(
        &self,
        cursor: Option<String>,
    ) -> Operation<ListPage<ListSkillsRequest>> {
        self.list_page(cursor).needs_extension(ListSkillsRequest::METHOD, EXTENSION)
    }

    /// Asks for the entry of one skill, by the URI of its `SKILL.md`. Reads none of its files.
    ///
    /// This also refreshes an entry that is already known.
    ///
    /// # Errors
    ///
    /// [`Error::NotOffered`] if the server has not declared the extension; [`Error::Decode`] if the entry breaks the rules,
    /// or is that of another skill.
    pub fn get_skill(&self, uri: impl Into<String>) -> Operation<GetSkill> {
        let uri = uri.into();
        let checked = read_resource::check(&uri);
        let mut operation =
            operation::begin(self, GetSkill { uri }).needs_extension(GET, EXTENSION);
        operation.check(checked);
        operation
    }
}

impl IntoFuture for Operation<GetSkill> {
    type Output = Result<Skill, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start(async |caller: Caller, GetSkill { uri }| {
            #[derive(Serialize)]
            struct Body<'a> {
                uri: &'a str,
            }

            #[derive(Deserialize)]
            struct Answer {
                skill: Skill,
            }

            let reply = caller.call(GET, Params::encode(&Body { uri: &uri })?).await?;
            let Answer { skill } = operation::decode(GET, reply)?;
            if skill.uri() == uri {
                return Ok(skill);
            }
            let source = serde_json::Error::custom(format!("`skill` is {:?}", skill.uri()));
            Err(Error::Decode { method: GET.into(), source })
        })
    }
}

/// Decodes each entry separately, so that a broken one does not hide the others.
fn one_by_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<List<Skill>, D::Error> {
    Vec::<Value>::deserialize(deserializer).map(List::decode_each)
}
