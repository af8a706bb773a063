//! Printing the generated module.

use super::{docs, names::TypeNames, schema, types};
use crate::drift;
use mcp_types::{JsonObject, Tool};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use serde_json::Value;
use syn::Item;

/// The type of a tool's arguments.
const ARGUMENTS: &str = "Arguments";
/// The type of a tool's output.
const OUTPUT: &str = "Output";

/// A tool and its name in Rust.
pub(super) struct Named<'a> {
    pub(super) tool: &'a Tool,
    pub(super) method: String,
}

/// Generates the module for some tools, in the order of their methods.
pub(super) fn write(name: &str, tools: &[Named<'_>]) -> TokenStream {
    let tools: Vec<_> = tools.iter().map(Written::new).collect();
    let structure = structure(name, &tools);
    let modules = tools.iter().map(Written::module);
    quote! {
        #structure
        #(#modules)*
    }
}

/// A tool with its types.
struct Written<'a> {
    tool: &'a Tool,
    method: Ident,
    /// The type of its arguments, if any.
    arguments: Option<Vec<Item>>,
    /// The type of its output, if declared.
    output: Option<Vec<Item>>,
    is_lossy: bool,
}

impl<'a> Written<'a> {
    fn new(named: &Named<'a>) -> Self {
        let mut names = TypeNames::without([ARGUMENTS, OUTPUT]);
        let mut is_lossy = false;
        let mut types = |schema: &Value, name: &str| {
            let types = types::of_schema(schema, name, &mut names);
            is_lossy |= types.is_lossy;
            types.items
        };
        let input = object(&named.tool.input_schema);
        let takes_nothing = !schema::is_struct(&input)
            && !["$ref", "anyOf", "oneOf", "allOf"].iter().any(|it| input.get(it).is_some())
            && !input.get("additionalProperties").is_some_and(Value::is_object);
        let arguments = (!takes_nothing).then(|| types(&input, ARGUMENTS));
        let output = named.tool.output_schema.as_ref().map(object);
        let output = output.map(|schema| types(&unwrapped(schema), OUTPUT));
        let method = Ident::new(&named.method, Span::call_site());
        Self { tool: named.tool, method, arguments, output, is_lossy }
    }

    fn method(&self) -> TokenStream {
        let Self { tool, method, arguments, output, .. } = self;
        let name = tool.name.as_str();
        let docs = docs::attributes(&self.docs());
        let (parameter, given) = match arguments {
            Some(_) => (quote!(arguments: &#method::Arguments), quote!(.arguments(arguments))),
            None => (quote!(), quote!()),
        };
        let (gives, typed) = match output {
            Some(_) => (quote!(#method::Output), quote!(.typed())),
            None => (quote!(::mcp_client::ToolResult), quote!()),
        };
        quote! {
            #docs
            pub fn #method(
                &self,
                #parameter
            ) -> ::mcp_client::Operation<::mcp_client::CallTool<#gives>> {
                self.client.call_tool(#name) #given #typed
            }
        }
    }

    fn docs(&self) -> Vec<String> {
        let tool = self.tool;
        let mut lines = docs::lines(tool.description.as_deref().unwrap_or_default());
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(docs::lines(&format!("Calls the tool `{}`.", tool.name.replace('`', "'"))));
        if self.is_lossy {
            lines.push(String::new());
            lines.push("Where its schemas have no type in Rust, any JSON value goes.".to_owned());
        }
        lines
    }

    /// Generates the module of the types.
    fn module(&self) -> TokenStream {
        let Self { tool, method, arguments, output, .. } = self;
        let items: Vec<_> = arguments.iter().chain(output).flatten().cloned().collect();
        if items.is_empty() {
            return TokenStream::new();
        }
        let name = tool.name.replace('`', "'");
        let docs = docs::attributes(&docs::lines(&format!("Types of the tool `{name}`.")));
        let allow = allow();
        quote! {
            #docs
            #allow
            pub mod #method {
                #(#items)*
            }
        }
    }

    fn signature(&self) -> TokenStream {
        let Tool { name, input_schema, output_schema, .. } = self.tool;
        let input = drift::signature(input_schema).to_string();
        let output = output_schema.as_ref().map(|schema| drift::signature(schema).to_string());
        let output = output.unwrap_or_default();
        quote!(::mcp_client::ToolSignature::new(#name, #input, #output))
    }
}

fn structure(name: &str, tools: &[Written<'_>]) -> TokenStream {
    let name = Ident::new(name, Span::call_site());
    let allow = allow();
    let methods = tools.iter().map(Written::method);
    let signatures = tools.iter().map(Written::signature);
    quote! {
        /// The tools of a server, one method each.
        ///
        /// What a method gives is awaited, or configured before that: `.timeout(..)`, `.on_progress(..)`.
        #allow
        #[derive(Clone, Debug)]
        pub struct #name {
            client: ::mcp_client::Client,
        }

        #allow
        impl #name {
            /// The inputs and outputs of the tools when this was generated.
            pub const SIGNATURES: &'static [::mcp_client::ToolSignature] = &[#(#signatures),*];

            /// Calls the tools of the server that the client is connected to.
            pub fn new(client: &::mcp_client::Client) -> Self {
                Self { client: ::std::clone::Clone::clone(client) }
            }

            /// The client.
            pub fn client(&self) -> &::mcp_client::Client {
                &self.client
            }

            /// Compares the tools of the server with those that this was generated for.
            ///
            /// # Errors
            ///
            /// The tools cannot be listed.
            pub async fn verify(
                &self,
            ) -> ::std::result::Result<::mcp_client::Drift, ::mcp_client::Error> {
                self.client.tool_drift(Self::SIGNATURES).await
            }

            #(#methods)*
        }
    }
}

/// Silences lints about style in generated code.
fn allow() -> TokenStream {
    quote! {
        #[allow(
            clippy::all, clippy::pedantic, clippy::restriction, dead_code, missing_docs, unreachable_pub,
            reason = "generated"
        )]
    }
}

fn object(schema: &JsonObject) -> Value {
    Value::Object(schema.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// Returns the schema of a value that the server wraps, and says so, as `{"result": value}` because it is not an
/// object; the client unwraps it.
fn unwrapped(schema: Value) -> Value {
    let is_wrapped = schema.get("x-fastmcp-wrap-result") == Some(&Value::Bool(true));
    match schema.pointer("/properties/result") {
        Some(Value::Object(result)) if is_wrapped => {
            let mut result = result.clone();
            for group in ["$defs", "definitions"] {
                if let Some(definitions) = schema.get(group) {
                    result.insert(group.to_owned(), definitions.clone());
                }
            }
            Value::Object(result)
        }
        _ => schema,
    }
}
