//! The type of a member.

use super::Lowering;
use crate::{
    codegen::{
        model::Type,
        tables::{LENIENT, UNIONS, field_type},
    },
    schema::{Additional, Schema, Types},
};
use anyhow::{Context, Result, bail};

impl Lowering<'_> {
    /// Returns the type of a member, and adds the concepts that it needs.
    pub(crate) fn field_type(&mut self, owner: &str, name: &str, schema: &Schema) -> Result<Type> {
        if let Some(ty) = field_type(owner, name) {
            if let (Type::Named(name), Some(values)) = (&ty, &schema.values) {
                self.model.strings(name, self.source, values)?;
            }
            return Ok(ty);
        }
        if let Some(target) = schema.target() {
            return Ok(self.reference(target));
        }
        if let Some(types) = &schema.any_of {
            return self.alternatives(owner, name, types);
        }
        if let Some(values) = &schema.values {
            let nested = self.nested_name(owner, name);
            self.model.strings(&nested, self.source, values)?;
            return Ok(Type::Named(nested));
        }
        match &schema.types {
            None if schema.constant.is_none() => Ok(Type::Value),
            Some(Types::One(ty)) => self.plain(owner, name, ty, schema),
            Some(Types::Many(types)) => match types.as_slice() {
                [ty, null] if null == "null" => {
                    let inner = self.plain(owner, name, ty, schema)?;
                    Ok(Type::Nullable(Box::new(inner)))
                }
                _ => bail!("a union of {types:?} without an entry in `field_type`"),
            },
            None => bail!("a constant of no type"),
        }
    }

    /// A member of one JSON type.
    fn plain(&mut self, owner: &str, name: &str, ty: &str, schema: &Schema) -> Result<Type> {
        Ok(match ty {
            "string" => Type::Text,
            "boolean" => Type::Bool,
            "integer" => Type::Integer,
            "number" => Type::Float,
            "array" => {
                let items = schema.items.as_ref().context("an array of anything")?;
                let item = self.field_type(owner, name, items)?;
                let is_lenient = item.named().is_some_and(|name| LENIENT.contains(&name));
                if is_lenient { Type::List(item.into()) } else { Type::Vec(item.into()) }
            }
            "object" => return self.nested(owner, name, schema),
            _ => bail!("a member of type {ty}"),
        })
    }

    /// An object inside of an object.
    fn nested(&mut self, owner: &str, name: &str, schema: &Schema) -> Result<Type> {
        let members = self.members(schema)?;
        if !members.is_empty() {
            let nested = self.nested_name(owner, name);
            self.object(&nested, &members)?;
            return Ok(Type::Named(nested));
        }
        match value_schema(schema) {
            Some(values) => Ok(Type::Map(Box::new(self.field_type(owner, name, values)?))),
            None => Ok(Type::JsonObject),
        }
    }

    fn reference(&self, target: &str) -> Type {
        match target {
            "Error" => Type::Root("ErrorObject"),
            "ProgressToken" => Type::Root("ProgressToken"),
            "RequestId" => Type::Root("RequestId"),
            "Cursor" => Type::Text,
            "JSONObject" => Type::JsonObject,
            "JSONValue" => Type::Value,
            _ => Type::Named(self.rust_name(target)),
        }
    }

    /// A member with several types.
    fn alternatives(&mut self, owner: &str, name: &str, types: &[Schema]) -> Result<Type> {
        if let [ty, null] = types
            && null.is("null")
        {
            return Ok(Type::Nullable(Box::new(self.field_type(owner, name, ty)?)));
        }
        let place = format!("{owner}.{name}");
        let named = UNIONS.iter().find(|(known, _)| *known == place);
        let union = match named {
            Some((known, union)) => {
                self.used.mark(known);
                (*union).to_owned()
            }
            None => self.nested_name(owner, name),
        };
        let (arrays, singles): (Vec<Schema>, Vec<Schema>) =
            types.iter().cloned().partition(|ty| ty.is("array"));
        let members = self.members_of_union(&singles)?;
        self.model.union(&union, self.source, &members)?;
        let union = Type::Named(union);
        match arrays.as_slice() {
            [] => Ok(union),
            [array] => match self.plain(owner, name, "array", array)? {
                Type::Vec(item) if *item == union => Ok(Type::OneOrMany(item)),
                other => bail!("a {union:?} or {other:?}"),
            },
            _ => bail!("a union of arrays"),
        }
    }
}

/// Returns the schema of the values of a map, if there is one.
pub(super) fn value_schema(schema: &Schema) -> Option<&Schema> {
    match schema.additional.as_ref()? {
        Additional::Schema(values) if values.target().is_some() || values.is("string") => {
            Some(values)
        }
        _ => None,
    }
}
