//! Bounding the work of a schema before a validator runs it.
//!
//! Small schemas can make a validator work practically forever: with references that double at each level, or
//! alternatives that do so at each level of the value. So the schema is treated as a graph, and before a value is
//! validated, this counts how often each part of the schema would be applied to each part of the value. Counting is as
//! fast as validation would be if nothing were applied twice.

mod build;

use super::schema::Unusable;
use serde_json::Value;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

/// The maximum number of subschemas.
const MAX_NODES: usize = 10_000;
/// The maximum number of nested subschemas that may apply to one part of a value, including references.
const MAX_CHAIN: usize = 64;
/// The maximum total depth for the validator: nested parts of the value, each with its chain.
const MAX_DEPTH: usize = 400;
/// The base budget for validating a value, in applications of a subschema.
const BUDGET: u64 = 500_000;
/// The additional budget for each part of the value.
const BUDGET_PER_PART: u64 = 64;

/// A schema as a graph.
#[derive(Debug)]
pub(super) struct Graph {
    nodes: Vec<Node>,
}

/// A subschema.
#[derive(Debug, Default)]
struct Node {
    /// The subschemas that apply to the same part of the value.
    same: Vec<usize>,
    /// The subschemas that apply to a member with this name.
    named: HashMap<Box<str>, usize>,
    /// The subschemas that may apply to any member.
    members: Vec<usize>,
    /// The subschemas that apply to the first items, one each.
    leading: Vec<usize>,
    /// The subschemas that may apply to any item.
    items: Vec<usize>,
    /// The cost of applying it.
    weight: u64,
    /// The additional cost per member.
    member_weight: u64,
    /// How often its children are applied per application.
    times: u64,
    /// The length of the longest chain that starts here.
    height: usize,
}

/// A value would be too costly to validate, or too deep.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooCostly;

impl Graph {
    /// Builds the graph of a schema.
    ///
    /// # Errors
    ///
    /// It is too large, or refers to something that it does not contain, or to itself without end.
    pub(super) fn new(schema: &Value) -> Result<Self, Unusable> {
        build::build(schema)
    }

    /// Counts the cost of validating a value.
    pub(super) fn check(&self, value: &Value) -> Result<(), TooCostly> {
        Walk { graph: self, left: BUDGET }.visit(value, vec![(0, 1)], 0)
    }
}

/// Subschemas, and how often each is applied.
type Counts = Vec<(usize, u64)>;

struct Walk<'a> {
    graph: &'a Graph,
    left: u64,
}

impl Walk<'_> {
    fn visit(&mut self, value: &Value, counts: Counts, depth: usize) -> Result<(), TooCostly> {
        self.left = self.left.saturating_add(BUDGET_PER_PART);
        let height = counts.iter().map(|(node, _)| self.graph.nodes[*node].height).max();
        let depth = depth + height.unwrap_or_default();
        if depth > MAX_DEPTH {
            return Err(TooCostly);
        }
        let applied = self.applied(counts)?;
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let mut below = Counts::new();
                    for (node, count) in &applied {
                        let Node { named, members, times, member_weight, .. } =
                            &self.graph.nodes[*node];
                        self.spend(count.saturating_mul(*member_weight))?;
                        let named = named.get(name.as_str());
                        let count = count.saturating_mul(*times);
                        below.extend(named.into_iter().chain(members).map(|node| (*node, count)));
                    }
                    if !below.is_empty() {
                        self.visit(member, below, depth)?;
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let mut below = Counts::new();
                    for (node, count) in &applied {
                        let Node { leading, items, times, .. } = &self.graph.nodes[*node];
                        let count = count.saturating_mul(*times);
                        let leading = leading.get(index);
                        below.extend(leading.into_iter().chain(items).map(|node| (*node, count)));
                    }
                    if !below.is_empty() {
                        self.visit(item, below, depth)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns everything that is applied to one part of a value if these are.
    fn applied(&mut self, counts: Counts) -> Result<Counts, TooCostly> {
        // Higher ones first: when one is taken, everything that leads to it has been counted.
        let mut waiting = BTreeMap::new();
        let key = |node: usize| (Reverse(self.graph.nodes[node].height), node);
        for (node, count) in counts {
            let sum: &mut u64 = waiting.entry(key(node)).or_default();
            *sum = sum.saturating_add(count);
        }
        let mut applied = Counts::new();
        while let Some(((_, node), count)) = waiting.pop_first() {
            let Node { same, weight, times, .. } = &self.graph.nodes[node];
            self.left = self.left.checked_sub(count.saturating_mul(*weight)).ok_or(TooCostly)?;
            for child in same {
                let sum = waiting.entry((Reverse(self.graph.nodes[*child].height), *child));
                let sum = sum.or_default();
                *sum = sum.saturating_add(count.saturating_mul(*times));
            }
            applied.push((node, count));
        }
        Ok(applied)
    }

    fn spend(&mut self, work: u64) -> Result<(), TooCostly> {
        self.left = self.left.checked_sub(work).ok_or(TooCostly)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Graph, TooCostly};
    use serde_json::{Value, json};

    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!({}), |value, _| json!({"a": value}))
    }

    /// Definitions that each refer to the next one twice.
    fn doubling(levels: usize, keyword: &str) -> Value {
        let mut definitions = json!({});
        for level in 0..levels {
            let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
            definitions[level.to_string()] = json!({keyword: [next, next]});
        }
        definitions[levels.to_string()] = json!({"type": "object"});
        json!({"$ref": "#/$defs/0", "$defs": definitions})
    }

    // spec: SCH-08
    #[test]
    fn work_that_doubles_is_refused_before_it_is_done() {
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let small = Graph::new(&doubling(8, keyword)).unwrap();
            assert_eq!(small.check(&json!({})), Ok(()), "{keyword}");
            let large = Graph::new(&doubling(30, keyword)).unwrap();
            assert_eq!(large.check(&json!({})), Err(TooCostly), "{keyword}");
        }
        let twice = json!({"properties": {"a": {"$ref": "#"}}});
        let tree = Graph::new(&json!({"anyOf": [twice, twice]})).unwrap();
        assert_eq!(tree.check(&nested(10)), Ok(()));
        assert_eq!(tree.check(&nested(100)), Err(TooCostly));
        let closed = json!({"unevaluatedProperties": false, "properties": {"a": {"$ref": "#"}}});
        assert_eq!(Graph::new(&closed).unwrap().check(&nested(60)), Err(TooCostly));
    }

    // spec: SCH-08
    #[test]
    fn large_values_of_plain_schemas_are_not_too_much() {
        let row = json!({"type": "object", "properties": {
            "id": {"type": "integer"}, "kind": {"anyOf": [{"const": "a"}, {"const": "b"}]}}});
        let schema =
            json!({"type": "array", "items": {"$ref": "#/$defs/row"}, "$defs": {"row": row}});
        let rows: Vec<_> = (0..50_000).map(|id| json!({"id": id, "kind": "b"})).collect();
        assert_eq!(Graph::new(&schema).unwrap().check(&rows.into()), Ok(()));
        let list = json!({"properties": {"a": {"$ref": "#"}}, "required": []});
        assert_eq!(Graph::new(&list).unwrap().check(&nested(100)), Ok(()));
        let look_ahead = json!({"items": {"pattern": "^(?!x).*$"}});
        let words = |count: usize| Value::from(vec!["word"; count]);
        let look_ahead = Graph::new(&look_ahead).unwrap();
        assert_eq!(look_ahead.check(&words(1_000)), Ok(()));
        assert_eq!(look_ahead.check(&words(10_000)), Err(TooCostly));
    }

    // spec: SCH-05 SCH-07 SCH-08
    #[test]
    fn schemas_that_lead_nowhere_are_refused() {
        let chain = |length: usize| {
            (0..length).fold(json!({"type": "string"}), |schema, _| json!({"not": schema}))
        };
        assert!(Graph::new(&chain(60)).is_ok());
        for (schema, reason) in [
            (chain(70), "nests more than 64 subschemas"),
            (json!({"$ref": "#"}), "refers to itself without end"),
            (json!({"anyOf": [{"type": "string"}, {"$ref": "#"}]}), "refers to itself without end"),
            (json!({"$ref": "https://example.com/x"}), "refers to \"https://example.com/x\""),
            (json!({"items": {"$ref": "file:///etc/passwd"}}), "refers to \"file:///etc/passwd\""),
            (json!({"$ref": "#/$defs/no"}), "refers to \"#/$defs/no\""),
            (json!({"$ref": "#no"}), "refers to \"#no\""),
            (json!({"enum": [], "properties": {"a": 7}}), "a subschema is neither"),
            (json!({"anyOf": vec![json!({}); 10_001]}), "more than 10000 subschemas"),
        ] {
            let error = Graph::new(&schema).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn references_are_found_by_pointer_anchor_and_id() {
        for schema in [
            json!({"$ref": "#/$defs/a~1b%25", "$defs": {"a/b%": {}}}),
            json!({"$ref": "#x", "$defs": {"x": {"$anchor": "x"}}}),
            json!({"$dynamicRef": "#x", "$defs": {"x": {"$dynamicAnchor": "x"}}}),
            json!({"$id": "https://example.com/a", "$ref": "https://example.com/a#/$defs/b", "$defs": {"b": {}}}),
            json!({"$ref": "T", "$defs": {"T": {"$id": "T", "$ref": "#/$defs/u", "$defs": {"u": {}}}}}),
            json!({"items": {"$recursiveRef": "#"}}),
            json!({"properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}}}),
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": true},
                "dependencies": {"a": ["b"], "b": {"$ref": "#/definitions/a"}}}),
            json!(true),
        ] {
            assert!(Graph::new(&schema).is_ok(), "{schema}");
        }
    }
}
