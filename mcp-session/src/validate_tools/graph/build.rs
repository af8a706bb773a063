//! Building the graph of a schema.

use super::{Graph, MAX_CHAIN, MAX_NODES, Node};
use crate::validate_tools::schema::Unusable;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use std::{collections::HashMap, ptr};

/// The maximum number of patterns in a schema.
const MAX_PATTERNS: usize = 512;
/// The cost of a pattern, and of one that needs a backtracking matcher.
const PATTERN: u64 = 4;
const BACKTRACKING: u64 = 400;

/// The height of a node that is being measured.
const UNDER_WAY: usize = usize::MAX;

/// The keywords that hold a schema, or an array or object of schemas, grouped by what those apply to.
const SAME: [&str; 4] = ["not", "if", "then", "else"];
const SAME_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const SAME_MAPS: [&str; 2] = ["dependentSchemas", "dependencies"];
const MEMBERS: [&str; 3] = ["additionalProperties", "unevaluatedProperties", "propertyNames"];
const ITEMS: [&str; 3] = ["additionalItems", "unevaluatedItems", "contains"];
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

pub(super) fn build(schema: &Value) -> Result<Graph, Unusable> {
    let mut build = Build {
        document: schema,
        marked: Marked::default(),
        indices: HashMap::new(),
        waiting: Vec::new(),
        nodes: Vec::new(),
        patterns: 0,
    };
    build.marked.find(schema, schema);
    build.index(schema, schema)?;
    while let Some((index, schema, resource)) = build.waiting.pop() {
        let node = build.node(schema, resource)?;
        build.nodes[index] = node;
    }
    let mut nodes = build.nodes;
    for index in 0..nodes.len() {
        height(&mut nodes, index, 0)?;
    }
    Ok(Graph { nodes })
}

/// Measures the chains that start at a node.
fn height(nodes: &mut [Node], index: usize, above: usize) -> Result<usize, Unusable> {
    match nodes[index].height {
        0 if above >= MAX_CHAIN => return Err(Unusable::Chain(MAX_CHAIN)),
        0 => {}
        UNDER_WAY => return Err(Unusable::Cycle),
        height if above + height > MAX_CHAIN => return Err(Unusable::Chain(MAX_CHAIN)),
        height => return Ok(height),
    }
    nodes[index].height = UNDER_WAY;
    let mut highest = 0;
    for child in nodes[index].same.clone() {
        highest = highest.max(height(nodes, child, above + 1)?);
    }
    nodes[index].height = highest + 1;
    Ok(highest + 1)
}

/// Everything that has a name in a schema, wherever it is.
#[derive(Default)]
struct Marked<'a> {
    /// Each with the resource that it belongs to.
    anchors: HashMap<&'a str, Vec<(&'a Value, &'a Value)>>,
    resources: Vec<&'a Value>,
}

impl<'a> Marked<'a> {
    /// Searches everywhere: a named value that is not a subschema does no harm.
    fn find(&mut self, value: &'a Value, resource: &'a Value) {
        match value {
            Value::Object(members) => {
                let is_resource = is_resource(members);
                if is_resource {
                    self.resources.push(value);
                }
                let resource = if is_resource { value } else { resource };
                for keyword in ["$anchor", "$dynamicAnchor", "$id", "id"] {
                    let name = members.get(keyword).and_then(Value::as_str).unwrap_or_default();
                    let name = name.split_once('#').map_or(name, |(_, fragment)| fragment);
                    self.anchors.entry(name).or_default().push((value, resource));
                }
                members.values().for_each(|member| self.find(member, resource));
            }
            Value::Array(items) => items.iter().for_each(|item| self.find(item, resource)),
            _ => {}
        }
    }
}

struct Build<'a> {
    document: &'a Value,
    marked: Marked<'a>,
    /// The subschemas seen so far, by their addresses in memory.
    indices: HashMap<usize, usize>,
    /// Subschemas still to be read, each with the resource that it belongs to.
    waiting: Vec<(usize, &'a Value, &'a Value)>,
    nodes: Vec<Node>,
    patterns: usize,
}

impl<'a> Build<'a> {
    /// Returns the index of a subschema, which is read later.
    fn index(&mut self, schema: &'a Value, resource: &'a Value) -> Result<usize, Unusable> {
        let address = ptr::from_ref(schema).addr();
        if let Some(index) = self.indices.get(&address) {
            return Ok(*index);
        }
        let index = self.nodes.len();
        if index == MAX_NODES {
            return Err(Unusable::Subschemas(MAX_NODES));
        }
        self.indices.insert(address, index);
        self.nodes.push(Node::default());
        self.waiting.push((index, schema, resource));
        Ok(index)
    }

    fn node(&mut self, schema: &'a Value, resource: &'a Value) -> Result<Node, Unusable> {
        let mut node = Node { weight: 1, times: 1, ..Node::default() };
        let members = match schema {
            Value::Object(members) => members,
            Value::Bool(_) => return Ok(node),
            _ => return Err(Unusable::NoSchema),
        };
        // Older dialects ignore the name of a resource beside a reference.
        let resources = if is_resource(members) { &[schema, resource][..] } else { &[resource] };
        let resource = resources[0];
        for keyword in REFERENCES {
            if let Some(reference) = members.get(keyword).and_then(Value::as_str) {
                for (target, resource) in self.resolve(reference, resources)? {
                    node.same.push(self.index(target, resource)?);
                }
            }
        }
        if members.contains_key("$recursiveRef") {
            // It may lead further out.
            node.same.push(self.index(self.document, self.document)?);
        }
        self.collect(members, &SAME, resource, &mut node.same)?;
        for keyword in SAME_LISTS {
            let list = members.get(keyword).and_then(Value::as_array);
            self.add(list.into_iter().flatten(), resource, &mut node.same)?;
        }
        for keyword in SAME_MAPS {
            let map = members.get(keyword).and_then(Value::as_object);
            let schemas = map.into_iter().flat_map(Map::values).filter(|value| !value.is_array());
            self.add(schemas, resource, &mut node.same)?;
        }
        self.members(members, resource, &mut node)?;
        self.items(members, resource, &mut node)?;
        node.weight += members.get("enum").and_then(Value::as_array).map_or(0, Vec::len) as u64 / 8;
        if let Some(pattern) = members.get("pattern").and_then(Value::as_str) {
            node.weight += self.pattern(pattern)?;
        }
        if ["unevaluatedProperties", "unevaluatedItems"]
            .iter()
            .any(|key| members.contains_key(*key))
        {
            // Finding what was evaluated requires applying it once more.
            node.times = 2;
        }
        Ok(node)
    }

    /// Collects the subschemas for the members of an object.
    fn members(
        &mut self,
        keywords: &'a Map<String, Value>,
        resource: &'a Value,
        node: &mut Node,
    ) -> Result<(), Unusable> {
        let properties = keywords.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            node.named.insert(name.as_str().into(), self.index(schema, resource)?);
        }
        let patterns = keywords.get("patternProperties").and_then(Value::as_object);
        for (pattern, schema) in patterns.into_iter().flatten() {
            node.member_weight += self.pattern(pattern)?;
            node.members.push(self.index(schema, resource)?);
        }
        self.collect(keywords, &MEMBERS, resource, &mut node.members)
    }

    /// Collects the subschemas for the items of an array.
    fn items(
        &mut self,
        keywords: &'a Map<String, Value>,
        resource: &'a Value,
        node: &mut Node,
    ) -> Result<(), Unusable> {
        for keyword in ["prefixItems", "items"] {
            let list = keywords.get(keyword).and_then(Value::as_array);
            self.add(list.into_iter().flatten(), resource, &mut node.leading)?;
        }
        if let Some(items) = keywords.get("items").filter(|items| !items.is_array()) {
            node.items.push(self.index(items, resource)?);
        }
        self.collect(keywords, &ITEMS, resource, &mut node.items)
    }

    /// Adds the schemas of these keywords.
    fn collect(
        &mut self,
        keywords: &'a Map<String, Value>,
        names: &[&str],
        resource: &'a Value,
        to: &mut Vec<usize>,
    ) -> Result<(), Unusable> {
        self.add(names.iter().filter_map(|name| keywords.get(*name)), resource, to)
    }

    fn add(
        &mut self,
        schemas: impl Iterator<Item = &'a Value>,
        resource: &'a Value,
        to: &mut Vec<usize>,
    ) -> Result<(), Unusable> {
        for schema in schemas {
            to.push(self.index(schema, resource)?);
        }
        Ok(())
    }

    /// Returns the cost of a pattern.
    fn pattern(&mut self, pattern: &str) -> Result<u64, Unusable> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            return Err(Unusable::Patterns(MAX_PATTERNS));
        }
        let goes_back = ["(?=", "(?!", "(?<", "(?>", "*+", "++", "?+", "}+"];
        let refers = |pair: &[u8]| pair[0] == b'\\' && matches!(pair[1], b'1'..=b'9' | b'k');
        let goes_back = goes_back.iter().any(|sign| pattern.contains(sign))
            || pattern.as_bytes().windows(2).any(refers);
        Ok(if goes_back { BACKTRACKING } else { PATTERN })
    }

    /// Returns the possible targets of a reference, each with its resource; nothing outside the schema.
    ///
    /// Errs on the side of more: a validator that picks another target does no more work than was counted.
    // spec: SCH-05 SCH-07
    fn resolve(
        &self,
        reference: &str,
        resources: &[&'a Value],
    ) -> Result<Vec<(&'a Value, &'a Value)>, Unusable> {
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let resources = if base.is_empty() { resources } else { &self.marked.resources };
        let mut targets = Vec::new();
        match fragment {
            "" => targets.extend(resources.iter().map(|resource| (*resource, *resource))),
            pointer if pointer.starts_with('/') => {
                let pointer = percent_decode_str(pointer).decode_utf8_lossy();
                targets.extend(resources.iter().filter_map(|resource| follow(resource, &pointer)));
            }
            name => targets.extend(self.marked.anchors.get(name).into_iter().flatten().copied()),
        }
        if targets.is_empty() {
            return Err(Unusable::Reference(reference.into()));
        }
        Ok(targets)
    }
}

/// Follows a pointer, through any resources on the way.
fn follow<'a>(resource: &'a Value, pointer: &str) -> Option<(&'a Value, &'a Value)> {
    let (mut target, mut within) = (resource, resource);
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        target = match target {
            Value::Object(members) => members.get(&token)?,
            Value::Array(items) => items.get(token.parse::<usize>().ok()?)?,
            _ => return None,
        };
        if target.as_object().is_some_and(is_resource) {
            within = target;
        }
    }
    Some((target, within))
}

/// Whether a subschema is a resource of its own, against which its references are resolved.
fn is_resource(members: &Map<String, Value>) -> bool {
    let id = members.get("$id").and_then(Value::as_str);
    id.is_some_and(|id| !id.is_empty() && !id.starts_with('#'))
}
