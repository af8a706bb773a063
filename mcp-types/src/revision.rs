//! Which method, notification and field exists in which revision of the protocol.
//!
//! The tables are generated from the schemas. With them a program proves that it sends nothing to a peer that the
//! peer's revision does not have.
//!
//! ```
//! use mcp_types::{
//!     ProtocolVersion,
//!     revision::{Direction, Kind, exists, field_exists},
//! };
//!
//! let old = ProtocolVersion::V2024_11_05;
//! assert!(exists(&old, Kind::Request, "ping", Direction::ServerToClient));
//! assert!(!exists(&old, Kind::Request, "server/discover", Direction::ClientToServer));
//! assert!(!field_exists(&old, "Tool", "title"));
//! ```

use crate::{
    ProtocolVersion,
    generated::facts::{METHODS, TYPES},
};

/// Whether a message wants an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "JSON-RPC 2.0 has no third kind with a method")]
pub enum Kind {
    /// It does.
    Request,
    /// It does not.
    Notification,
}

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// The client, to the server.
    ClientToServer,
    /// The server, to the client, as a message of its own.
    ServerToClient,
    /// The server, inside of an interim result that asks for input.
    Input,
}

/// A set of known revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revisions(pub(crate) u8);

impl Revisions {
    /// Whether a revision is in the set. One that this library does not know is in none.
    pub fn contains(self, revision: &ProtocolVersion) -> bool {
        let index = ProtocolVersion::KNOWN.iter().position(|known| known == revision);
        index.is_some_and(|index| self.0 & (1 << index) != 0)
    }

    /// The revisions of the set, oldest first.
    pub fn iter(self) -> impl Iterator<Item = ProtocolVersion> {
        ProtocolVersion::KNOWN.into_iter().filter(move |revision| self.contains(revision))
    }
}

/// What is known about a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Method {
    /// The method on the wire, like `tools/call`.
    pub name: &'static str,
    /// Whether it is a request or a notification.
    pub kind: Kind,
    /// The type of the parameters, like `CallToolRequest`.
    pub params: &'static str,
    /// The type of the result of a request.
    pub result: Option<&'static str>,
    /// The extension that defines it; `None` for the protocol itself.
    pub extension: Option<&'static str>,
    pub(crate) from_client: Revisions,
    pub(crate) from_server: Revisions,
    pub(crate) as_input: Revisions,
}

impl Method {
    /// The revisions in which it is sent in this direction; for an extension, the revisions that it builds on.
    pub fn revisions(&self, direction: Direction) -> Revisions {
        match direction {
            Direction::ClientToServer => self.from_client,
            Direction::ServerToClient => self.from_server,
            Direction::Input => self.as_input,
        }
    }
}

/// Every method of every revision and of the tasks extension, by name. A name occurs twice if its meaning changed.
pub fn methods() -> &'static [Method] {
    METHODS
}

/// Whether a revision itself, without extensions, has a method in a direction.
pub fn exists(revision: &ProtocolVersion, kind: Kind, method: &str, direction: Direction) -> bool {
    let mut found = METHODS.iter().filter(|known| known.name == method && known.kind == kind);
    found.any(|known| known.extension.is_none() && known.revisions(direction).contains(revision))
}

/// Every generated type, by name.
///
/// Names are those of this crate; the types of the tasks extension, which goes with 2026-07-28, have their module
/// before their name, like `tasks_extension.Task`.
pub fn types() -> &'static [Type] {
    TYPES
}

/// Whether a revision has a type, by its name as in [`types`].
pub fn type_exists(revision: &ProtocolVersion, name: &str) -> bool {
    Type::find(name).is_some_and(|known| known.revisions.contains(revision))
}

/// Whether a type, by its name as in [`types`], has a member in a revision, by its name on the wire.
pub fn field_exists(revision: &ProtocolVersion, type_name: &str, field: &str) -> bool {
    let field = Type::find(type_name).and_then(|known| known.field(field));
    field.is_some_and(|field| field.revisions.contains(revision))
}

/// Whether a revision requires a member of a type.
pub fn field_is_required(revision: &ProtocolVersion, type_name: &str, field: &str) -> bool {
    let field = Type::find(type_name).and_then(|known| known.field(field));
    field.is_some_and(|field| field.required.contains(revision))
}

/// What is known about a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Type {
    /// Its name, as in [`types`].
    pub name: &'static str,
    /// The revisions that have it.
    pub revisions: Revisions,
    /// Its members; those of a union are the members of its types.
    pub fields: &'static [Field],
}

/// What is known about a member of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// Its name on the wire.
    pub name: &'static str,
    /// The revisions that have it.
    pub revisions: Revisions,
    /// The revisions that require it.
    pub required: Revisions,
}

impl Type {
    fn find(name: &str) -> Option<&'static Self> {
        TYPES.binary_search_by(|known| known.name.cmp(name)).ok().map(|index| &TYPES[index])
    }

    fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Field {
    pub(crate) const fn new(name: &'static str, revisions: u8, required: u8) -> Self {
        Self { name, revisions: Revisions(revisions), required: Revisions(required) }
    }
}
