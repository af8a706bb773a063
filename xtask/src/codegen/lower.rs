//! From the definitions of one source to concepts.

mod types;

use super::{
    model::{EXTENSION_PREFIX, Kind, Method, Model, Type},
    names,
    revisions::Source,
    tables::{JOINED, NAMES, SKIPPED, UNIONS},
};
use crate::schema::{Document, Schema};
use anyhow::{Context, Result, bail, ensure};
use indexmap::IndexMap;
use std::{cell::RefCell, collections::BTreeSet};

/// Table entries that were used by any source.
#[derive(Default)]
pub(crate) struct Used(RefCell<BTreeSet<String>>);

impl Used {
    fn mark(&self, name: &str) {
        self.0.borrow_mut().insert(name.to_owned());
    }

    /// Fails if a table has an unused entry.
    pub(crate) fn check(&self) -> Result<()> {
        let skipped = SKIPPED.iter().flat_map(|(_, names)| names.iter());
        for name in skipped.chain(NAMES.iter().chain(UNIONS).chain(JOINED).map(|(name, _)| name)) {
            ensure!(
                self.0.borrow().contains(*name),
                "{name} is in a table of xtask, but in no schema"
            );
        }
        Ok(())
    }
}

/// Reads the definitions of one source into the model.
pub(crate) struct Lowering<'a> {
    pub(crate) source: Source,
    pub(crate) document: &'a Document,
    /// The revision that an extension is based on.
    pub(crate) core: Option<&'a Document>,
    pub(crate) model: &'a mut Model,
    pub(crate) used: &'a Used,
}

impl Lowering<'_> {
    pub(crate) fn run(mut self) -> Result<()> {
        for (name, schema) in &self.document.definitions {
            if self.is_core(name, schema)? || self.is_skipped(name) || self.is_part(name) {
                continue;
            }
            if let Some((_, owner)) = JOINED.iter().find(|(joined, _)| joined == name) {
                self.join(owner, schema)?;
                continue;
            }
            let source = self.source.name();
            self.definition(name, schema).with_context(|| format!("{name} of {source}"))?;
        }
        Ok(())
    }

    /// Returns whether a definition of an extension repeats one of the revision that it is based on.
    fn is_core(&self, name: &str, schema: &Schema) -> Result<bool> {
        let Some(core) = self.core else { return Ok(false) };
        match core.definitions.get(name) {
            Some(same) if same == schema => Ok(true),
            Some(_) => bail!("{name} differs between {} and its core", self.source.name()),
            None => Ok(false),
        }
    }

    fn is_skipped(&self, name: &str) -> bool {
        self.used.mark(name);
        SKIPPED.iter().any(|(_, names)| names.contains(&name))
    }

    /// Returns whether it is only the parameters or the envelope of another definition.
    fn is_part(&self, name: &str) -> bool {
        let whole = name.strip_suffix("Params").or(name.strip_suffix("Response"));
        whole.is_some_and(|whole| self.document.definitions.contains_key(whole))
    }

    /// Adds members of the extension to a type of the protocol.
    fn join(&mut self, owner: &str, schema: &Schema) -> Result<()> {
        for (name, (schema, _)) in self.members(schema)? {
            let ty = self.field_type(owner, &name, &schema)?;
            let revisions = self.model.concepts.get(owner).context("joins no type")?.revisions;
            self.model.field(owner, self.source, &name, (ty, false))?;
            // The type itself belongs to the protocol.
            self.model.concepts.get_mut(owner).context("joins no type")?.revisions = revisions;
        }
        Ok(())
    }

    fn definition(&mut self, name: &str, schema: &Schema) -> Result<()> {
        let rust = self.rust_name(name);
        if let Some(values) = &schema.values {
            return self.model.strings(&rust, self.source, values);
        }
        if let Some(types) = &schema.any_of {
            let types = self.members_of_union(types)?;
            return self.model.union(&rust, self.source, &types);
        }
        let members = self.members(schema)?;
        if let Some(method) = members.get("method").and_then(|(method, _)| method.text()) {
            return self.message(&rust, method, members.get("params"));
        }
        if let Some((error, _)) = members.get("error").filter(|_| name.ends_with("Error")) {
            let (data, _) = self.members(error)?.swap_remove("data").context("no data")?;
            let members = self.members(&data)?;
            return self.object(&rust, &members);
        }
        if let (true, Some(values)) = (members.is_empty(), types::value_schema(schema)) {
            let ty = self.field_type(&rust, "", values)?;
            self.model.map(&rust, self.source, ty);
            return Ok(());
        }
        self.object(&rust, &members)?;
        let extends = schema.all_of.iter().flatten().filter_map(Schema::target);
        let mut extends = extends.filter(|base| *base != "Result").map(|base| self.rust_name(base));
        self.model.object(&rust, self.source)?.extends = extends.next();
        Ok(())
    }

    /// Adds a request or a notification: its parameters under its own name.
    fn message(&mut self, rust: &str, method: &str, params: Option<&(Schema, bool)>) -> Result<()> {
        let kind = if rust.ends_with("Request") { Kind::Request } else { Kind::Notification };
        let empty = Schema::default();
        let params = self.resolve(params.map_or(&empty, |(params, _)| params))?.clone();
        // Some revisions omit what each request and notification inherits, unless a result embeds it.
        let has_meta = !self.is_in("InputRequest", super::emit::short(rust));
        if let Some(types) = &params.any_of {
            let types = self.members_of_union(types)?;
            self.model.union(rust, self.source, &types)?;
            for ty in types.iter().filter(|_| has_meta) {
                let meta = (Type::Root("MetaObject"), false);
                self.model.field(ty, self.source, "_meta", meta)?;
            }
        } else {
            let mut members = self.members(&params)?;
            if has_meta {
                members.entry("_meta".to_owned()).or_insert((Schema::default(), false));
            }
            self.object(rust, &members)?;
            let bases = params.all_of.iter().flatten().filter_map(Schema::target);
            let mut bases = bases.filter(|base| *base != "NotificationParams");
            let extends = bases.next().map(|base| self.rust_name(base));
            self.model.object(rust, self.source)?.extends = extends;
        }
        if let Some(concept) = self.model.concepts.get_mut(rust) {
            concept.method = Some((kind, method.to_owned()));
        }
        let method = self.method(rust, kind, method)?;
        self.model.methods.push(method);
        Ok(())
    }

    fn method(&self, rust: &str, kind: Kind, name: &str) -> Result<Method> {
        let wire = super::emit::short(rust);
        let is_request = kind == Kind::Request;
        let (client, server) = match kind {
            Kind::Request => ("ClientRequest", "ServerRequest"),
            Kind::Notification => ("ClientNotification", "ServerNotification"),
        };
        let is_extension = self.source.is_extension();
        let method = Method {
            source: self.source,
            kind,
            name: name.to_owned(),
            params: rust.to_owned(),
            result: if is_request { Some(self.result(wire)?) } else { None },
            // An extension does not specify directions. Its requests are sent by the client.
            from_client: self.is_in(client, wire) || is_extension && is_request,
            from_server: self.is_in(server, wire) || is_extension && !is_request,
            as_input: self.is_in("InputRequest", wire),
        };
        ensure!(method.from_client || method.from_server || method.as_input, "nobody sends {name}");
        Ok(method)
    }

    /// Returns the result type of a request: the one named after it, or an empty one.
    fn result(&self, request: &str) -> Result<String> {
        let stem = request.strip_suffix("Request").context("a request is not called so")?;
        let own = format!("{stem}Result");
        let result = match self.document.definitions.contains_key(&own) {
            true => own,
            false => "EmptyResult".to_owned(),
        };
        if let Some(envelope) = self.document.definitions.get(&format!("{result}Response")) {
            let schema = envelope.property("result").context("a response without result")?;
            let types = schema.any_of.as_deref().unwrap_or(std::slice::from_ref(schema));
            let is_named = types.iter().any(|ty| ty.target() == Some(&result));
            ensure!(is_named, "{result}Response does not have a {result}");
        }
        Ok(self.rust_name(&result))
    }

    fn is_in(&self, union: &str, name: &str) -> bool {
        let union = self.document.definitions.get(union);
        let types = union.and_then(|union| union.any_of.as_deref()).unwrap_or_default();
        types.iter().any(|ty| ty.target() == Some(name))
    }

    pub(crate) fn members_of_union(&self, types: &[Schema]) -> Result<Vec<String>> {
        let name = |ty: &Schema| ty.target().map(|target| target.to_owned());
        let targets = types.iter().map(|ty| name(ty).context("a union of nameless types"));
        let targets: Vec<String> = targets.collect::<Result<_>>()?;
        Ok(targets.iter().map(|target| self.rust_name(target)).collect())
    }

    /// Adds the members of an object to its concept.
    pub(crate) fn object(
        &mut self,
        rust: &str,
        members: &IndexMap<String, (Schema, bool)>,
    ) -> Result<()> {
        self.model.object(rust, self.source)?;
        for (name, (schema, is_required)) in members {
            let constant = schema.text().filter(|_| *is_required);
            if let Some(constant) = constant {
                let tag = Some((name.clone(), constant.to_owned()));
                let object = self.model.object(rust, self.source)?;
                ensure!(object.tag.is_none() || object.tag == tag, "{rust} has two constants");
                object.tag = tag;
                continue;
            }
            let problem = || format!("member {name} of {rust}");
            let ty = self.field_type(rust, name, schema).with_context(problem)?;
            self.model.field(rust, self.source, name, (ty, *is_required))?;
        }
        Ok(())
    }

    /// Returns the members of an object, including those of its bases, and whether they are required.
    pub(crate) fn members(&self, schema: &Schema) -> Result<IndexMap<String, (Schema, bool)>> {
        let mut members = IndexMap::new();
        if let Some(target) = schema.target() {
            return self.members(self.find(target)?);
        }
        for base in schema.all_of.iter().flatten() {
            members.extend(self.members(base)?);
        }
        for (name, member) in schema.properties.iter().flatten() {
            members.insert(name.clone(), (member.clone(), schema.requires(name)));
        }
        Ok(members)
    }

    fn find(&self, name: &str) -> Result<&Schema> {
        self.document.definitions.get(name).with_context(|| format!("{name} is not defined"))
    }

    fn resolve<'s>(&'s self, schema: &'s Schema) -> Result<&'s Schema> {
        schema.target().map_or(Ok(schema), |target| self.find(target))
    }

    /// Returns the Rust name of a definition.
    pub(crate) fn rust_name(&self, name: &str) -> String {
        let is_own = self.core.is_some_and(|core| !core.definitions.contains_key(name));
        let renamed = self.renamed(name);
        if is_own { format!("{EXTENSION_PREFIX}{renamed}") } else { renamed }
    }

    /// Looks up the name of a nested type or definition in the table of names.
    fn renamed(&self, name: &str) -> String {
        match NAMES.iter().find(|(old, _)| *old == name) {
            Some((old, new)) => {
                self.used.mark(old);
                (*new).to_owned()
            }
            None => name.to_owned(),
        }
    }

    /// Returns the name of a type that only one member has.
    pub(crate) fn nested_name(&self, owner: &str, member: &str) -> String {
        let name = format!("{owner}{}", names::pascal(member));
        self.renamed(&name)
    }
}
