//! What is generated: one concept per type, over all revisions.

use super::revisions::{Revisions, Source};
use anyhow::{Result, bail};
use std::collections::BTreeMap;

/// Prefix of the types of the tasks extension, whose names clash with older ones.
pub(crate) const EXTENSION_PREFIX: &str = "tasks_extension.";

/// The concepts of all sources.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) concepts: BTreeMap<String, Concept>,
    pub(crate) methods: Vec<Method>,
}

/// A Rust type.
pub(crate) struct Concept {
    pub(crate) revisions: Revisions,
    pub(crate) shape: Shape,
    /// The method, if it is the parameters of a request or notification.
    pub(crate) method: Option<(Kind, String)>,
}

pub(crate) enum Shape {
    Object(Object),
    Strings(BTreeMap<String, Revisions>),
    /// Member types, in the order of the last source.
    Union(Vec<(String, Revisions)>),
    /// A map from names to values of one type.
    Map(Type),
}

#[derive(Default)]
pub(crate) struct Object {
    /// A constant member that identifies the type.
    pub(crate) tag: Option<(String, String)>,
    pub(crate) fields: BTreeMap<String, Field>,
    /// The struct that has the same members, apart from `_meta` and `resultType`.
    pub(crate) extends: Option<String>,
}

pub(crate) struct Field {
    pub(crate) ty: Type,
    pub(crate) present: Revisions,
    pub(crate) required: Revisions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Request,
    Notification,
}

/// A method in one source.
pub(crate) struct Method {
    pub(crate) source: Source,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// The type of the parameters.
    pub(crate) params: String,
    pub(crate) result: Option<String>,
    pub(crate) from_client: bool,
    pub(crate) from_server: bool,
    /// Whether a server sends it inside of an interim result.
    pub(crate) as_input: bool,
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Bool,
    Text,
    Integer,
    Float,
    /// A number whose digits matter.
    Number,
    /// Any value, including null.
    Value,
    JsonObject,
    /// A handwritten type, in the root of the crate.
    Root(&'static str),
    Named(String),
    Vec(Box<Self>),
    List(Box<Self>),
    OneOrMany(Box<Self>),
    Map(Box<Self>),
    Nullable(Box<Self>),
}

impl Type {
    /// Returns the type that accepts the values of both.
    fn merge(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (this, other) if this == other => Some(this.clone()),
            (Self::JsonObject, Self::Named(_) | Self::Map(_)) => Some(other.clone()),
            (Self::Named(_) | Self::Map(_), Self::JsonObject) => Some(self.clone()),
            (Self::JsonObject, Self::Value) | (Self::Value, Self::JsonObject) => Some(Self::Value),
            (Self::OneOrMany(many), one) | (one, Self::OneOrMany(many)) if **many == *one => {
                Some(Self::OneOrMany(many.clone()))
            }
            _ => None,
        }
    }

    /// Returns the generated type that it refers to.
    pub(crate) fn named(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Vec(inner)
            | Self::List(inner)
            | Self::OneOrMany(inner)
            | Self::Map(inner)
            | Self::Nullable(inner) => inner.named(),
            _ => None,
        }
    }
}

impl Model {
    /// Returns the concept with a name and a shape of this kind.
    fn concept(&mut self, name: &str, source: Source, empty: fn() -> Shape) -> &mut Concept {
        let concept = self.concepts.entry(name.to_owned()).or_insert_with(|| Concept {
            revisions: Revisions::default(),
            shape: empty(),
            method: None,
        });
        concept.revisions.insert(source);
        concept
    }

    pub(crate) fn object(&mut self, name: &str, source: Source) -> Result<&mut Object> {
        match &mut self.concept(name, source, || Shape::Object(Object::default())).shape {
            Shape::Object(object) => Ok(object),
            _ => bail!("{name} is an object in {} and something else before", source.name()),
        }
    }

    pub(crate) fn strings(&mut self, name: &str, source: Source, values: &[String]) -> Result<()> {
        match &mut self.concept(name, source, || Shape::Strings(BTreeMap::new())).shape {
            Shape::Strings(known) => {
                for value in values {
                    known.entry(value.clone()).or_default().insert(source);
                }
                Ok(())
            }
            _ => bail!("{name} is a string in {} and something else before", source.name()),
        }
    }

    pub(crate) fn union(&mut self, name: &str, source: Source, types: &[String]) -> Result<()> {
        match &mut self.concept(name, source, || Shape::Union(Vec::new())).shape {
            Shape::Union(known) => {
                for ty in types {
                    let index = known.iter().position(|(known, _)| known == ty);
                    let index = index.unwrap_or_else(|| {
                        known.push((ty.clone(), Revisions::default()));
                        known.len() - 1
                    });
                    known[index].1.insert(source);
                }
                Ok(())
            }
            _ => bail!("{name} is a union in {} and something else before", source.name()),
        }
    }

    pub(crate) fn map(&mut self, name: &str, source: Source, ty: Type) {
        self.concept(name, source, || Shape::Map(Type::Value)).shape = Shape::Map(ty);
    }

    /// Adds what a source says about a field.
    pub(crate) fn field(
        &mut self,
        owner: &str,
        source: Source,
        name: &str,
        (ty, is_required): (Type, bool),
    ) -> Result<()> {
        let object = self.object(owner, source)?;
        let field = object.fields.entry(name.to_owned()).or_insert_with(|| Field {
            ty: ty.clone(),
            present: Revisions::default(),
            required: Revisions::default(),
        });
        let Some(merged) = field.ty.merge(&ty) else {
            bail!("{owner}.{name} is {ty:?} in {} and {:?} before", source.name(), field.ty);
        };
        field.ty = merged;
        field.present.insert(source);
        if is_required {
            field.required.insert(source);
        }
        // A nested object exists wherever its field does, even if a revision does not describe its members.
        let named = field.ty.named().map(str::to_owned);
        let present = field.present;
        if let Some(concept) = named.and_then(|name| self.concepts.get_mut(&name))
            && matches!(ty, Type::JsonObject | Type::Named(_))
            && !source.is_extension()
        {
            concept.revisions.0 |= present.0;
        }
        Ok(())
    }
}
