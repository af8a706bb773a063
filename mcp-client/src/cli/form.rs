//! Questions of servers, asked in a terminal.

use super::{Terminal, coerce::coerce, printable::printable};
use crate::{Handlers, elicit};
use mcp_types::{
    ElicitRequestFormParams, ElicitRequestUrlParams, ElicitResult, ErrorObject, JsonObject,
};
use serde_json::Value;
use std::io::{self, BufRead, Write};

/// How often a field is asked for before the form is given up.
const TRIES: usize = 5;

/// Handlers that ask whoever sits at the terminal, and decline if nobody does.
pub(super) fn handlers(terminal: &Terminal) -> Handlers {
    let (form, url) = (terminal.clone(), terminal.clone());
    Handlers::new()
        .on_elicit_form(move |asked| {
            let terminal = form.clone();
            async move { answer(&terminal, move |input, out| fill(&asked, input, out)).await }
        })
        .on_elicit_url(move |asked| {
            let terminal = url.clone();
            async move { answer(&terminal, move |input, out| visit(&asked, input, out)).await }
        })
}

type Answer = Result<ElicitResult, ErrorObject>;

async fn answer(
    terminal: &Terminal,
    ask: impl FnOnce(&mut dyn BufRead, &mut dyn Write) -> io::Result<Answer> + Send + 'static,
) -> Answer {
    if !terminal.is_interactive() {
        terminal.say("the server asks for input, and there is nobody to ask: declined");
        return elicit::decline();
    }
    let terminal = terminal.clone();
    // Reading from a terminal blocks.
    let asked = tokio::task::spawn_blocking(move || terminal.converse(ask)).await;
    match asked {
        Ok(Some(Ok(answer))) => answer,
        // The terminal has gone.
        _ => elicit::cancel(),
    }
}

/// Asks for each field of a form.
fn fill(
    form: &ElicitRequestFormParams,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> io::Result<Answer> {
    writeln!(out, "The server asks: {}", printable(&form.message))?;
    writeln!(out, "(An empty answer leaves a field as it is; :decline says no, :cancel ends it.)")?;
    let required = form.requested_schema.required.as_deref().unwrap_or_default();
    let mut content = JsonObject::new();
    for (name, schema) in &form.requested_schema.properties {
        let schema = serde_json::to_value(schema).unwrap_or_default();
        match field(name, &schema, required.contains(name), input, out)? {
            Field::Value(value) => drop(content.insert(name.clone(), value)),
            Field::Empty => {}
            Field::Declined => return Ok(elicit::decline()),
            Field::Cancelled => return Ok(elicit::cancel()),
        }
    }
    Ok(elicit::accept(content))
}

/// What somebody has said about a field.
enum Field {
    Value(Value),
    Empty,
    Declined,
    Cancelled,
}

fn field(
    name: &str,
    schema: &Value,
    is_required: bool,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> io::Result<Field> {
    let about = schema.get("description").or_else(|| schema.get("title")).and_then(Value::as_str);
    let default = schema.get("default").filter(|value| !value.is_null());
    let mut prompt = printable(name).into_owned();
    if let Some(about) = about {
        prompt = format!("{prompt} ({})", printable(about));
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<_> = values.iter().map(plain).collect();
        prompt = format!("{prompt} {{{}}}", printable(&values.join(" | ")));
    }
    if let Some(default) = default {
        prompt = format!("{prompt} [{}]", printable(&plain(default)));
    }
    for _ in 0..TRIES {
        write!(out, "{prompt}: ")?;
        out.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(Field::Cancelled);
        }
        match line.trim() {
            ":decline" => return Ok(Field::Declined),
            ":cancel" => return Ok(Field::Cancelled),
            "" => match default {
                Some(default) => return Ok(Field::Value(default.clone())),
                None if !is_required => return Ok(Field::Empty),
                None => writeln!(out, "This one is needed.")?,
            },
            text => match value(schema, text) {
                Ok(value) => return Ok(Field::Value(value)),
                Err(expected) => writeln!(out, "It must be {}.", printable(&expected))?,
            },
        }
    }
    Ok(Field::Cancelled)
}

/// What somebody wrote, as a value of the field.
fn value(schema: &Value, text: &str) -> Result<Value, String> {
    let value = coerce(schema, schema, text)?;
    match schema.get("enum").and_then(Value::as_array) {
        Some(values) if !values.contains(&value) => {
            let values: Vec<_> = values.iter().map(plain).collect();
            Err(format!("one of {}", values.join(", ")))
        }
        _ => Ok(value),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Shows the address of a page that the user is to visit. It is never opened here.
// spec: ELI-13 ELI-15
fn visit(
    page: &ElicitRequestUrlParams,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> io::Result<Answer> {
    let host = elicit::Domain::of(&page.url).map(|domain| domain.name);
    writeln!(out, "The server asks: {}", printable(&page.message))?;
    writeln!(out, "It wants you to visit a page of {}:", printable(&host.unwrap_or_default()))?;
    writeln!(out, "  {}", printable(&page.url))?;
    write!(out, "Open it yourself if you trust it. Do you agree? [y/N] ")?;
    out.flush()?;
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Ok(elicit::cancel());
    }
    let agrees = matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    Ok(if agrees { elicit::accept_url() } else { elicit::decline() })
}

#[cfg(test)]
mod tests {
    use super::{fill, visit};
    use mcp_types::{ElicitRequestFormParams, ElicitRequestUrlParams};
    use serde_json::{Value, json};

    /// What comes of a form when somebody writes this, and what is shown.
    fn filled(properties: &Value, required: &Value, written: &str) -> (Value, String) {
        let form: ElicitRequestFormParams = serde_json::from_value(json!({
            "message": "Who \u{1b}[2Jare you?",
            "requestedSchema": {"type": "object", "properties": properties, "required": required},
        }))
        .unwrap();
        let mut shown = Vec::new();
        let answer = fill(&form, &mut written.as_bytes(), &mut shown).unwrap().unwrap();
        (serde_json::to_value(answer).unwrap(), String::from_utf8(shown).unwrap())
    }

    // seed: 67
    #[test]
    fn a_form_is_filled_in_line_by_line() {
        let properties = json!({
            "name": {"type": "string"}, "age": {"type": "integer"}, "sure": {"type": "boolean", "default": true},
            "colour": {"type": "string", "enum": ["red", "blue"]}, "note": {"type": "string"},
        });
        let (answer, shown) =
            filled(&properties, &json!(["name", "age"]), "\nAda\nold\n36\n\ngreen\nblue\n\n");
        let content = json!({"name": "Ada", "age": 36, "sure": true, "colour": "blue"});
        assert_eq!(answer, json!({"action": "accept", "content": content}));
        for part in [
            "The server asks: Who are you?\n",
            "name: This one is needed.\nname: ",
            "It must be an integer.",
            "sure [true]: ",
            "colour {red | blue}: It must be one of red, blue.\n",
        ] {
            assert!(shown.contains(part), "{part:?} is not in {shown:?}");
        }
    }

    #[test]
    fn a_form_is_declined_cancelled_or_given_up() {
        let ask =
            |written: &str| filled(&json!({"n": {"type": "number"}}), &json!(["n"]), written).0;
        assert_eq!(ask(":decline\n"), json!({"action": "decline"}));
        assert_eq!(ask(":cancel\n"), json!({"action": "cancel"}));
        assert_eq!(ask(""), json!({"action": "cancel"}), "the end of the input");
        assert_eq!(ask(&"x\n".repeat(100)), json!({"action": "cancel"}), "no end of wrong answers");
        assert_eq!(filled(&json!({}), &json!([]), "").0["action"], "accept");
    }

    // spec: ELI-13 ELI-15
    #[test]
    fn a_page_is_shown_with_its_host_and_not_opened_without_a_yes() {
        let page = ElicitRequestUrlParams::new("Pay", "https://pay.example.com/a?b=c");
        for (written, action) in
            [("y\n", "accept"), ("\n", "decline"), ("no\n", "decline"), ("", "cancel")]
        {
            let mut shown = Vec::new();
            let answer = visit(&page, &mut written.as_bytes(), &mut shown).unwrap().unwrap();
            assert_eq!(
                serde_json::to_value(answer).unwrap(),
                json!({"action": action}),
                "{written:?}"
            );
            let shown = String::from_utf8(shown).unwrap();
            assert!(
                shown.contains("a page of pay.example.com:\n  https://pay.example.com/a?b=c\n"),
                "{shown}"
            );
        }
    }
}
