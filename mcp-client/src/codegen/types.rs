//! Rust types for schemas, made by typify.

use super::{
    docs,
    names::TypeNames,
    schema::{Detail, Simple, simplify},
};
use quote::ToTokens;
use serde_json::Value;
use std::{
    collections::HashSet,
    panic::{self, AssertUnwindSafe},
};
use syn::{Attribute, Item, parse_quote, visit_mut::VisitMut};
use typify_impl::{TypeSpace, TypeSpaceSettings};

/// Where the schema of a type starts in the documentation that typify writes.
const SCHEMA: &str = "<details><summary>JSON schema</summary>";

/// The type of a schema, and all types that it needs.
pub(super) struct Types {
    /// The items, in which the type has the requested name.
    pub(super) items: Vec<Item>,
    /// Whether parts of it are any value although the schema says more.
    pub(super) is_lossy: bool,
}

/// Generates the type of a schema under a name; any value if that is impossible.
pub(super) fn of_schema(schema: &Value, name: &str, names: &mut TypeNames) -> Types {
    for detail in [Detail::Full, Detail::Plain] {
        // Names of a discarded attempt stay free.
        let mut taken = names.clone();
        let Simple { schema, is_lossy } = simplify(schema, name, detail, &mut taken);
        // typify panics on what it cannot handle. Its partial output is then discarded.
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| items(&schema, name)));
        if let Ok(Some(items)) = outcome
            && are_distinct(&items)
        {
            *names = taken;
            return Types { items, is_lossy: is_lossy || detail == Detail::Plain };
        }
    }
    let name = syn::Ident::new(name, proc_macro2::Span::call_site());
    let any: Item = parse_quote!(pub type #name = ::serde_json::Value;);
    Types { items: vec![any], is_lossy: true }
}

fn items(schema: &Value, name: &str) -> Option<Vec<Item>> {
    let mut settings = TypeSpaceSettings::default();
    settings.with_map_type("::std::collections::BTreeMap");
    let mut space = TypeSpace::new(&settings);
    let mut root: schemars_08::schema::RootSchema = match schema {
        Value::Bool(_) => serde_json::from_str("{}").ok()?,
        schema => serde_json::from_value(schema.clone()).ok()?,
    };
    space.add_ref_types(std::mem::take(&mut root.definitions)).ok()?;
    let id = space.add_type_with_name(&root.schema.into(), Some(name.to_owned())).ok()?;
    let root = space.get_type(&id).ok()?.ident();
    let mut file: syn::File = syn::parse2(space.to_stream()).ok()?;
    Documentation.visit_file_mut(&mut file);
    // Conversions from text, and their error type, are more to read than they are worth.
    let is_wanted = |item: &Item| match item {
        Item::Mod(_) => false,
        Item::Impl(_) => !item.to_token_stream().to_string().contains("ConversionError"),
        _ => true,
    };
    let mut items: Vec<_> = file.items.into_iter().filter(is_wanted).collect();
    if !items.iter().any(|item| declared(item).as_deref() == Some(name)) {
        let name = syn::Ident::new(name, proc_macro2::Span::call_site());
        items.insert(0, parse_quote!(pub type #name = #root;));
    }
    Some(items)
}

/// Returns the name of the type that an item declares.
fn declared(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) => Some(item.ident.to_string()),
        Item::Enum(item) => Some(item.ident.to_string()),
        Item::Type(item) => Some(item.ident.to_string()),
        _ => None,
    }
}

/// Whether all types, the fields of each struct and the variants of each enum have distinct names.
fn are_distinct(items: &[Item]) -> bool {
    fn distinct(names: impl Iterator<Item = String>) -> bool {
        let mut seen = HashSet::new();
        names.into_iter().all(|name| seen.insert(name))
    }

    distinct(items.iter().filter_map(declared))
        && items.iter().all(|item| match item {
            Item::Struct(item) => distinct(
                item.fields.iter().filter_map(|field| Some(field.ident.as_ref()?.to_string())),
            ),
            Item::Enum(item) => distinct(item.variants.iter().map(|it| it.ident.to_string())),
            _ => true,
        })
}

/// Replaces documentation with plain text.
struct Documentation;

impl VisitMut for Documentation {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        let mut text = String::new();
        attributes.retain(|attribute| match doc(attribute) {
            Some(doc) => {
                text.push_str(&doc);
                text.push('\n');
                false
            }
            None => true,
        });
        let words = text.split(SCHEMA).next().unwrap_or_default();
        let lines = docs::attributes(&docs::lines(words));
        let docs: Vec<Attribute> = parse_quote!(#lines);
        attributes.splice(0..0, docs);
    }
}

/// Returns the text of a documentation attribute.
fn doc(attribute: &Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
    if !pair.path.is_ident("doc") {
        return None;
    }
    match &pair.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => Some(String::new()),
    }
}
