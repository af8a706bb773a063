//! Code for the tools of a server.

use mcp_client::codegen::{GenerateError, Generator};
use mcp_types::Tool;
use proptest::prelude::*;
use serde_json::{Value, json};

fn tools(tools: Value) -> Vec<Tool> {
    serde_json::from_value(tools).unwrap()
}

fn generate(list: Value) -> String {
    Generator::new().generate(&tools(list)).unwrap()
}

/// Returns the code for one tool with these schemas.
fn code(input: Value, output: Option<Value>) -> String {
    let mut tool = json!({"name": "t"});
    tool["inputSchema"] = input;
    if let Some(output) = output {
        tool["outputSchema"] = output;
    }
    let code = generate(json!([tool]));
    assert_sound(&code);
    code
}

/// Returns the code with white space collapsed.
fn squeezed(code: &str) -> String {
    code.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn assert_has(code: &str, part: &str) {
    assert!(squeezed(code).contains(part), "{part:?} is not in\n{code}");
}

/// Checks that the code parses, and holds nothing but what a generator writes: types, their implementations and
/// modules.
fn assert_sound(code: &str) {
    fn check(items: &[syn::Item]) {
        for item in items {
            match item {
                syn::Item::Mod(module) => check(&module.content.as_ref().unwrap().1),
                syn::Item::Struct(_)
                | syn::Item::Enum(_)
                | syn::Item::Type(_)
                | syn::Item::Impl(_) => {}
                _ => panic!("an item of another kind"),
            }
        }
    }

    let file = syn::parse_file(code).unwrap_or_else(|error| panic!("{error}:\n{code}"));
    check(&file.items);
    for line in code.lines().map(str::trim_start) {
        if let Some(doc) = line.strip_prefix("///") {
            assert!(!doc.contains("```") && !doc.contains("~~~"), "a block of code: {doc}");
            assert!(!doc.starts_with("  "), "a block of code: {doc}");
        }
        assert!(!line.starts_with("/**"), "{line}");
    }
}

#[test]
fn a_tool_becomes_a_method_with_types() {
    let code = generate(json!([{
        "name": "get-weather", "description": "Tells the weather.\n\nOf today.",
        "inputSchema": {"type": "object", "properties": {
            "city": {"type": "string", "description": "Where."},
            "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
            "days": {"type": "integer"},
            "at": {"anyOf": [{"$ref": "#/$defs/Place"}, {"type": "null"}]},
        }, "required": ["city"], "$defs": {"Place": {"type": "object", "properties": {
            "lat": {"type": "number"}, "near": {"type": "array", "items": {"$ref": "#/$defs/Place"}},
        }, "required": ["lat"]}}},
        "outputSchema": {"type": "object", "properties": {"degrees": {"type": "number"}}, "required": ["degrees"]},
    }]));
    assert_sound(&code);
    assert_has(
        &code,
        "/// Tells the weather. /// /// Of today. /// /// Calls the tool `get-weather`.",
    );
    assert_has(&code, "pub fn get_weather( &self, arguments: &get_weather::Arguments, )");
    assert_has(&code, "-> ::mcp_client::Operation<::mcp_client::CallTool<get_weather::Output>>");
    assert_has(&code, r#"self.client.call_tool("get-weather").arguments(arguments).typed()"#);
    assert_has(&code, "/// Where. pub city: ::std::string::String,");
    assert_has(&code, "/// Default: `\"C\"`.");
    assert_has(&code, "pub unit: ::std::option::Option<ArgumentsUnit>,");
    assert_has(&code, "pub days: ::std::option::Option<i64>,");
    assert_has(&code, "pub at: ::std::option::Option<Place>,");
    assert_has(&code, "pub near: ::std::vec::Vec<Place>,");
    assert_has(&code, "pub degrees: f64,");
    assert!(!code.contains("any JSON value"), "{code}");
}

#[test]
fn a_tool_without_arguments_takes_none_and_one_without_output_schema_gives_a_result() {
    for input in [
        json!({"type": "object"}),
        json!({"type": "object", "properties": {}, "additionalProperties": false}),
    ] {
        let code = code(input, None);
        assert_has(
            &code,
            "pub fn t( &self, ) -> ::mcp_client::Operation<::mcp_client::CallTool<::mcp_client::ToolResult>> {",
        );
        assert!(!code.contains("pub mod t"), "{code}");
    }
}

#[test]
fn a_wrapped_output_is_unwrapped() {
    let output = json!({"type": "object", "properties": {"result": {"type": "integer"}}, "required": ["result"],
        "x-fastmcp-wrap-result": true});
    assert_has(&code(json!({"type": "object"}), Some(output)), "pub type Output = i64;");
    let output = json!({"type": "object", "x-fastmcp-wrap-result": true,
        "properties": {"result": {"type": "array", "items": {"$ref": "#/$defs/Output"}}},
        "$defs": {"Output": {"type": "object", "properties": {"a": {"type": "boolean"}}}}});
    let code = code(json!({"type": "object"}), Some(output));
    assert_has(&code, "pub type Output = ::std::vec::Vec<Output2>;");
}

#[test]
fn the_same_tools_make_the_same_text_in_any_order() {
    let list = json!([
        {"name": "b", "inputSchema": {"type": "object", "properties": {"x-y": {"enum": ["1"]}, "x_y": {"enum": ["2"]}}}},
        {"name": "a", "inputSchema": {"type": "object", "properties": {
            "p": {"type": "object", "properties": {"q": {"type": "string"}}}, "pQ": {"type": "string"}}}},
    ]);
    let other = json!([
        {"name": "a", "inputSchema": {"properties": {
            "pQ": {"type": "string"}, "p": {"properties": {"q": {"type": "string"}}, "type": "object"}}, "type": "object"}},
        {"name": "b", "inputSchema": {"type": "object", "properties": {"x_y": {"enum": ["2"]}, "x-y": {"enum": ["1"]}}}},
    ]);
    let code = generate(list);
    assert_sound(&code);
    let without =
        |code: &str| code.lines().filter(|line| !line.contains("\"{")).collect::<String>();
    assert_eq!(without(&code), without(&generate(other)));
}

#[test]
fn names_that_are_no_names_are_errors_that_say_what_to_do() {
    let named = |names: &[&str]| {
        let list =
            names.iter().map(|name| json!({"name": name, "inputSchema": {"type": "object"}}));
        tools(list.collect())
    };
    let error = Generator::new().generate(&named(&["get-sum", "get_sum"])).unwrap_err();
    assert!(
        matches!(&error, GenerateError::Collision { method, .. } if method == "get_sum"),
        "{error}"
    );
    assert!(error.to_string().contains("rename"), "{error}");
    let error = Generator::new().generate(&named(&["\u{1f4a5}"])).unwrap_err();
    assert!(error.to_string().contains("has no name in Rust"), "{error}");
    let renamed = Generator::new().rename("\u{1f4a5}", "boom").skip("get_sum");
    let code = renamed.generate(&named(&["\u{1f4a5}", "get-sum", "get_sum", "fn"])).unwrap();
    assert_has(&code, "pub fn boom( &self, )");
    assert_has(&code, "pub fn fn_( &self, )");
    assert!(!code.contains("call_tool(\"get_sum\")"));
    for bad in ["fn", "a b", "", "A", "new"] {
        let error = Generator::new().rename("x", bad).generate(&named(&["x"])).unwrap_err();
        assert!(matches!(error, GenerateError::InvalidName { .. }), "{bad}: {error}");
    }
    for unknown in [Generator::new().rename("y", "z"), Generator::new().skip("y")] {
        let error = unknown.generate(&named(&["x"])).unwrap_err();
        assert!(error.to_string().contains("there is no tool \"y\""), "{error}");
    }
    for bad in ["fn", "tools", "A; struct B", "Self"] {
        let error = Generator::new().struct_name(bad).generate(&[]).unwrap_err();
        assert!(matches!(error, GenerateError::InvalidName { .. }), "{bad}: {error}");
    }
}

#[test]
fn saved_tools_that_are_broken_or_not_all_are_errors() {
    let generate = |saved: &str| Generator::new().generate_json(saved);
    let whole = r#"{"tools": [{"name": "a", "inputSchema": {}}]}"#;
    assert_eq!(
        generate(whole).unwrap(),
        generate(r#"[{"name": "a", "inputSchema": {}}]"#).unwrap()
    );
    let error = generate(r#"{"tools": [], "nextCursor": "x"}"#).unwrap_err();
    assert!(matches!(error, GenerateError::Incomplete), "{error}");
    let error = generate(r#"{"tools": [{"name": "a", "inputSchema": 7}]}"#).unwrap_err();
    assert!(matches!(error, GenerateError::BrokenTool { index: 0, .. }), "{error}");
    for text in ["", "7", "{}", "{\"tools\": 7}", "[1"] {
        let error = generate(text).unwrap_err();
        assert!(!error.to_string().is_empty(), "{text}");
    }
}

#[test]
fn a_schema_that_has_no_type_is_any_value_and_the_rest_keeps_its_types() {
    let schema = json!({"type": "object", "required": ["a", "b"], "properties": {
        "a": {"type": "string"},
        "b": {"allOf": [{"type": "object"}, {"type": "string"}]},
        "c": {"$ref": "https://example.com/schema"},
        "d": {"type": ["string", "integer"]},
        "e": {"type": "array", "prefixItems": [{"type": "string"}]},
        "f": {"not": {}}, "g": false, "h": {"type": "teapot"}, "i": {"enum": [1, "a", []]},
        "j": {"$dynamicRef": "#x"}, "k": 7,
    }});
    let code = code(schema, None);
    assert_has(&code, "pub a: ::std::string::String,");
    assert_has(&code, "pub b: ::serde_json::Value,");
    for optional in ["c", "d", "f", "g", "h", "i", "j", "k"] {
        assert_has(&code, &format!("pub {optional}: ::std::option::Option<::serde_json::Value>,"));
    }
    assert_has(&code, "pub e: ::std::vec::Vec<::serde_json::Value>,");
    assert_has(&code, "any JSON value");
}

#[test]
fn names_in_schemas_that_meet_are_kept_apart_or_given_up() {
    // Two properties with the same name in Rust: the object is any value.
    let same = json!({"type": "object", "properties": {"a-b": {"type": "string"}, "a_b": {"type": "string"}}});
    assert_has(&code(same, None), "pub type Arguments = ::serde_json::Value;");
    // Two objects with the same name in Rust: each gets its own.
    let objects = json!({"type": "object", "properties": {
        "p": {"type": "object", "properties": {"q": {"type": "object", "properties": {"x": {"type": "string"}}}}},
        "p_q": {"type": "object", "properties": {"y": {"type": "string"}}},
    }});
    let code_of_objects = code(objects, None);
    assert_has(&code_of_objects, "pub struct ArgumentsPq2 {");
    // Enumeration values that would be the same variant: it becomes a string, and the others are unaffected.
    let values = json!({"enum": ["+", "-", "*", "/"]});
    let values = json!({"type": "object", "$defs": {"op": values}, "properties": {
        "v": values, "r": {"$ref": "#/$defs/op"}, "w": {"enum": ["sum", "product"]},
    }});
    let code = code(values, None);
    assert_has(&code, "pub v: ::std::option::Option<::std::string::String>,");
    assert_has(&code, "pub r: ::std::option::Option<::std::string::String>,");
    assert_has(&code, "pub w: ::std::option::Option<ArgumentsW>,");
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    for defs in [
        json!({"a": {"$ref": "#/$defs/a"}}),
        json!({"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}),
        json!({"a": {"allOf": [{"$ref": "#/$defs/a"}]}}),
        json!({"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}}),
        json!({"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "string"}]}}),
        json!({"a": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/a"}}]}}),
        json!({"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}),
        json!({"a": {"type": "object", "additionalProperties": {"$ref": "#/$defs/a"}}}),
        json!({"a": {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/$defs/a"}}}}),
        json!({"a": {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}},
               "b": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}, {"type": "integer"}]}}),
    ] {
        let schema =
            json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": defs});
        code(schema.clone(), Some(json!({"$ref": "#/$defs/a", "$defs": defs})));
    }
}

#[test]
fn a_huge_schema_is_cut() {
    let mut deep = json!({"type": "string"});
    for _ in 0..100 {
        deep = json!({"type": "array", "items": deep});
    }
    let input = json!({"type": "object", "properties": {"x": deep}});
    assert_has(&code(input, None), "any JSON value");
    let wide: serde_json::Map<String, Value> = (0..20_000)
        .map(|n| (format!("p{n}"), json!({"anyOf": [{"type": "string"}, {"type": "integer"}]})))
        .collect();
    code(json!({"type": "object", "properties": wide}), None);
}

const HOSTILE: [&str; 9] = [
    "*/ fn main() {} /*",
    "\"#]\nfn main() {}\n#[doc = r#\"",
    "```\npanic!();\n```",
    "    panic!();",
    "- ~~~rust\n  panic!();",
    "\u{202e}\u{0}\r//! x\u{85}fn main() {}",
    "{}}}}} fn main() {{{{",
    "\\",
    "r#type\u{2028}mod x;",
];

#[test]
fn text_of_a_server_cannot_become_code() {
    for text in HOSTILE {
        let schema = json!({
            "type": "object", "title": text, "description": text, "$comment": text,
            "properties": {
                text: {"type": "string", "description": text, "default": text, "title": text},
                "e": {"enum": [text, "x"], "description": text}, "c": {"const": text},
                "o": {"type": "object", "title": text, "description": text, "properties": {text: {"$ref": format!("#/$defs/{text}")}}},
                "u": {"anyOf": [{"type": "string", "title": text}, {"type": "integer", "description": text}]},
            },
            "required": [text, text],
            "$defs": {text: {"type": "object", "description": text, "properties": {"x": {"type": "string"}}}},
        });
        let tool = json!([{"name": format!("t{text}"), "title": text, "description": text,
            "inputSchema": schema, "outputSchema": schema}]);
        let code = generate(tool);
        assert_sound(&code);
        assert!(!code.contains('\u{202e}') && !code.contains('\u{0}'), "{code}");
    }
}

/// Generates schemas, supported and unsupported.
fn schema() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        "[a-c]",
        "[a-z_-]{1,3}",
        prop::sample::select(&HOSTILE[..]).prop_map(str::to_owned)
    ];
    let leaf = prop_oneof![
        Just(json!({"type": "string"})),
        Just(json!({"type": ["integer", "null"]})),
        Just(json!({})),
        Just(json!(true)),
        prop::collection::vec(name.clone(), 0..4).prop_map(|values| json!({"enum": values})),
        name.clone().prop_map(|name| json!({"$ref": format!("#/$defs/{name}")})),
        name.clone().prop_map(|name| json!({"const": name, "description": name})),
    ];
    leaf.prop_recursive(4, 40, 4, move |inner| {
        let named = prop::collection::btree_map(name.clone(), inner.clone(), 0..4);
        let some = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            (named.clone(), name.clone()).prop_map(|(properties, required)| {
                json!({"type": "object", "properties": properties, "required": [required]})
            }),
            inner.prop_map(|items| json!({"type": "array", "items": items})),
            some.clone().prop_map(|arms| json!({"anyOf": arms})),
            some.clone().prop_map(|arms| json!({"oneOf": arms})),
            some.prop_map(|parts| json!({"allOf": parts})),
            named.prop_map(|defs| json!({"$ref": "#/$defs/a", "$defs": defs})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_the_schema_there_is_code(input in schema(), output in schema(), defs in schema()) {
        let defs = defs.get("properties").cloned().unwrap_or(json!({}));
        let [input, output] = [input, output].map(|mut schema| {
            if schema.is_object() && schema.get("$defs").is_none() {
                schema["$defs"] = defs.clone();
            }
            schema
        });
        let input = if input.is_object() { input } else { json!({}) };
        let output = Some(output).filter(Value::is_object);
        code(input, output);
    }
}
