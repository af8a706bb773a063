//! Expanding URI templates.

use crate::{Client, Operation, ReadResource};
use iri_string::{
    spec::UriSpec,
    template::{
        UriTemplateStr,
        simple_context::{SimpleContext, Value as Variable},
    },
};
use mcp_session::InvalidParams;
use mcp_types::ResourceContents;
use serde::Serialize;
use serde_json::Value;

impl Client {
    /// Reads the resource that a template names with these values of its variables: those of [`expand_template`].
    ///
    /// ```
    /// # use mcp_client::{Client, mock};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mcp_client::Error> {
    /// # let server = mock::Server::new()
    /// #     .on("resources/templates/list", |_| Ok(json!({"resourceTemplates": []})))
    /// #     .on("resources/read", |asked| Ok(json!({"contents": [{"uri": asked["uri"], "text": "rain"}]})));
    /// # let client = Client::connect_to(&server).await?;
    /// use serde_json::json;
    ///
    /// for template in client.list_resource_templates().await? {
    ///     println!("{}", template.uri_template);
    /// }
    /// let variables = json!({"city": "Oslo", "days": 3});
    /// let forecast = client.read_resource_template("weather://{city}{?days}", variables).await?;
    /// # assert_eq!(server.received("resources/read")[0]["uri"], "weather://Oslo?days=3");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/server/resources#resource-templates).
    // spec: RES-03
    pub fn read_resource_template(
        &self,
        template: &str,
        variables: impl Serialize,
    ) -> Operation<ReadResource<Vec<ResourceContents>>> {
        match expand_template(template, variables) {
            Ok(uri) => self.read_resource(uri),
            Err(error) => {
                let mut operation = self.read_resource(template);
                operation.fail(error);
                operation
            }
        }
    }
}

/// Expands a URI template, as [RFC 6570](https://www.rfc-editor.org/rfc/rfc6570) defines it, up to level 4.
///
/// The variables come from anything that serializes to a JSON object: strings as they are, numbers and booleans as
/// their JSON text, lists of those, and objects of those for the forms with `*`. A variable that is missing or `null`
/// expands to nothing.
///
/// ```
/// use mcp_client::expand_template;
/// use serde_json::json;
///
/// let uri = expand_template("notes://{owner}{/path*}{?q}", json!({"owner": "Åse", "path": ["a", "b c"], "q": null}))?;
/// assert_eq!(uri, "notes://%C3%85se/a/b%20c");
/// # Ok::<(), mcp_client::InvalidParams>(())
/// ```
///
/// # Errors
///
/// The template is invalid, it has no variable of a given name, or a value cannot be part of a URI.
pub fn expand_template(template: &str, variables: impl Serialize) -> Result<String, InvalidParams> {
    let no_template =
        |error| InvalidParams::new(format!("{template:?} is not a URI template: {error}"));
    let parsed = UriTemplateStr::new(template).map_err(no_template)?;
    let mut context = SimpleContext::new();
    for (name, value) in object(variables)? {
        if !parsed.variables().any(|known| known.as_str() == name) {
            return Err(InvalidParams::new(format!("{template:?} has no variable {name:?}")));
        }
        let value = variable(&value).ok_or_else(|| {
            InvalidParams::new(format!("the variable {name:?} has no form in a URI: {value}"))
        })?;
        context.insert(name, value);
    }
    let expanded = parsed.expand::<UriSpec, _>(&context).map_err(no_template)?;
    Ok(expanded.to_string())
}

fn object(variables: impl Serialize) -> Result<serde_json::Map<String, Value>, InvalidParams> {
    match serde_json::to_value(variables)? {
        Value::Object(variables) => Ok(variables),
        Value::Null => Ok(serde_json::Map::new()),
        _ => Err(InvalidParams::new("the variables of a template are not an object")),
    }
}

fn variable(value: &Value) -> Option<Variable> {
    Some(match value {
        Value::Null => Variable::Undefined,
        Value::Array(items) => Variable::List(items.iter().map(text).collect::<Option<_>>()?),
        Value::Object(members) => {
            let pairs = members.iter().map(|(name, value)| Some((name.clone(), text(value)?)));
            Variable::Assoc(pairs.collect::<Option<_>>()?)
        }
        value => Variable::String(text(value)?),
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::expand_template;
    use serde_json::{Value, json};

    /// Returns the variables from the examples of the standard.
    fn variables() -> Value {
        json!({
            "count": ["one", "two", "three"], "dom": ["example", "com"], "dub": "me/too",
            "hello": "Hello World!", "half": "50%", "var": "value", "who": "fred",
            "base": "http://example.com/home/", "path": "/foo/bar", "list": ["red", "green", "blue"],
            "keys": {"semi": ";", "dot": ".", "comma": ","}, "v": "6", "x": "1024", "y": "768",
            "empty": "", "empty_keys": {}, "undef": null,
        })
    }

    // seed: 48
    #[test]
    fn templates_are_expanded_like_the_examples_of_the_standard() {
        for (template, expected) in [
            ("{var}", "value"),
            ("{hello}", "Hello%20World%21"),
            ("{half}", "50%25"),
            ("O{empty}X", "OX"),
            ("O{undef}X", "OX"),
            ("{x,y}", "1024,768"),
            ("{x,hello,y}", "1024,Hello%20World%21,768"),
            ("?{x,empty}", "?1024,"),
            ("{var:3}", "val"),
            ("{list}", "red,green,blue"),
            ("{list*}", "red,green,blue"),
            ("{keys}", "semi,%3B,dot,.,comma,%2C"),
            ("{keys*}", "semi=%3B,dot=.,comma=%2C"),
            ("{+var}", "value"),
            ("{+half}", "50%25"),
            ("{+base}index", "http://example.com/home/index"),
            ("here?ref={+path}", "here?ref=/foo/bar"),
            ("{+path:6}/here", "/foo/b/here"),
            ("{#path,x}/here", "#/foo/bar,1024/here"),
            ("X{.var:3}", "X.val"),
            ("www{.dom*}", "www.example.com"),
            ("{/var,x}/here", "/value/1024/here"),
            ("{/list*,path:4}", "/red/green/blue/%2Ffoo"),
            ("{;x,y,empty}", ";x=1024;y=768;empty"),
            ("{;keys*}", ";semi=%3B;dot=.;comma=%2C"),
            ("{?x,y,empty}", "?x=1024&y=768&empty="),
            ("{?var:3}", "?var=val"),
            ("{?list*}", "?list=red&list=green&list=blue"),
            ("?fixed=yes{&x}", "?fixed=yes&x=1024"),
            ("{&x,y,empty}", "&x=1024&y=768&empty="),
            ("{?undef}", ""),
        ] {
            // Only those that the template has: others would be rejected.
            let mut variables = variables();
            let members = variables.as_object_mut().unwrap();
            members.retain(|name, _| {
                template.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
            });
            assert_eq!(expand_template(template, &variables).unwrap(), expected, "{template}");
        }
    }

    #[test]
    fn numbers_and_truth_values_are_text_and_what_does_not_fit_is_refused() {
        let uri = expand_template("a:{n}/{b}/{f}", json!({"n": 1, "b": true, "f": 1.5})).unwrap();
        assert_eq!(uri, "a:1/true/1.5");
        assert_eq!(expand_template("a:b", ()).unwrap(), "a:b");
        for (template, variables, reason) in [
            ("a:{", json!({}), "not a URI template"),
            ("a:{x}", json!({"y": 1}), r#"no variable "y""#),
            ("a:{x}", json!({"x": [[1]]}), r#"variable "x" has no form"#),
            ("a:{x:3}", json!({"x": [1]}), "not a URI template"),
            ("a:{x}", json!([1]), "not an object"),
        ] {
            let error = expand_template(template, variables).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
