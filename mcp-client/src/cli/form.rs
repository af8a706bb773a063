//! Asking the user a server's questions in a terminal.

use super::{
    Terminal,
    coerce::coerce,
    printable::{one_line, printable, quoted},
};
use crate::{Handlers, elicit};
use mcp_types::{
    ElicitRequestFormParams, ElicitRequestUrlParams, ElicitResult, ErrorObject, JsonObject,
};
use serde_json::Value;

/// How often a field is asked for before the form is abandoned.
const TRIES: usize = 5;

/// Handlers that ask the person at the terminal, and decline if there is none.
pub(super) fn handlers(terminal: &Terminal) -> Handlers {
    let (form, url) = (terminal.clone(), terminal.clone());
    Handlers::new()
        .on_elicit_form(move |asked| {
            let terminal = form.clone();
            async move { answer(&terminal, fill(&asked, &terminal)).await }
        })
        .on_elicit_url(move |asked| {
            let terminal = url.clone();
            async move { answer(&terminal, visit(&asked, &terminal)).await }
        })
}

type Answer = Result<ElicitResult, ErrorObject>;

/// Holds a conversation; only one at a time. It ends when the question is cancelled.
async fn answer(terminal: &Terminal, conversation: impl Future<Output = Option<Answer>>) -> Answer {
    let Some(_turn) = terminal.turn().await else {
        terminal.say("the server asks for input, and there is nobody to ask: declined");
        return elicit::decline();
    };
    // If no more input comes, the terminal is gone.
    conversation.await.unwrap_or_else(elicit::cancel)
}

/// Asks for each field of a form.
async fn fill(form: &ElicitRequestFormParams, terminal: &Terminal) -> Option<Answer> {
    terminal.say(&format!("The server asks: {}", quoted(&form.message)));
    terminal.say("(An empty answer leaves a field as it is; :decline says no, :cancel ends it.)");
    let required = form.requested_schema.required.as_deref().unwrap_or_default();
    let mut content = JsonObject::new();
    for (name, schema) in &form.requested_schema.properties {
        let schema = serde_json::to_value(schema).unwrap_or_default();
        match field(name, &schema, required.contains(name), terminal).await? {
            Field::Value(value) => drop(content.insert(name.clone(), value)),
            Field::Empty => {}
            Field::Declined => return Some(elicit::decline()),
            Field::Cancelled => return Some(elicit::cancel()),
        }
    }
    Some(elicit::accept(content))
}

/// A person's response to a field.
enum Field {
    Value(Value),
    Empty,
    Declined,
    Cancelled,
}

async fn field(
    name: &str,
    schema: &Value,
    is_required: bool,
    terminal: &Terminal,
) -> Option<Field> {
    let about = schema.get("description").or_else(|| schema.get("title")).and_then(Value::as_str);
    let default = schema.get("default").filter(|value| !value.is_null());
    let mut prompt = name.to_owned();
    if let Some(about) = about {
        prompt = format!("{prompt} ({about})");
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<_> = values.iter().map(plain).collect();
        prompt = format!("{prompt} {{{}}}", values.join(" | "));
    }
    if let Some(default) = default {
        prompt = format!("{prompt} [{}]", plain(default));
    }
    let prompt = one_line(&printable(&prompt));
    for _ in 0..TRIES {
        terminal.write_error(&format!("{prompt}: "));
        let line = terminal.read_line().await?;
        match line.trim() {
            ":decline" => return Some(Field::Declined),
            ":cancel" => return Some(Field::Cancelled),
            "" => match default {
                Some(default) => return Some(Field::Value(default.clone())),
                None if !is_required => return Some(Field::Empty),
                None => terminal.say("This one is needed."),
            },
            text => match value(schema, text) {
                Ok(value) => return Some(Field::Value(value)),
                Err(expected) => terminal.say(&format!("It must be {expected}.")),
            },
        }
    }
    Some(Field::Cancelled)
}

/// Converts what was typed to a value of the field.
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

/// Shows the address of a page that the user should visit. It is never opened here.
// spec: ELI-13 ELI-15
async fn visit(page: &ElicitRequestUrlParams, terminal: &Terminal) -> Option<Answer> {
    let host = elicit::Domain::of(&page.url).map(|domain| domain.name).unwrap_or_default();
    terminal.say(&format!("The server asks: {}", quoted(&page.message)));
    terminal.say(&format!("It wants you to visit a page of {host}:"));
    terminal.say(&format!("  {}", one_line(&page.url)));
    terminal.write_error("Open it yourself if you trust it. Do you agree? [y/N] ");
    let line = terminal.read_line().await?;
    let agrees = matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    Some(if agrees { elicit::accept_url() } else { elicit::decline() })
}

#[cfg(test)]
mod tests {
    use super::{Terminal, answer, fill, visit};
    use mcp_types::{ElicitRequestFormParams, ElicitRequestUrlParams};
    use serde_json::{Value, json};
    use std::{
        io::{self, Cursor, Write},
        sync::{Arc, Mutex},
    };

    #[derive(Clone, Default)]
    struct Shown(Arc<Mutex<Vec<u8>>>);

    impl Shown {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Shown {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Creates a terminal with this input.
    fn terminal(written: &str) -> (Terminal, Shown) {
        let shown = Shown::default();
        let input = Cursor::new(written.to_owned());
        (Terminal::interactive(input, io::sink(), shown.clone()), shown)
    }

    /// Returns the outcome of a form with this input, and the output shown.
    async fn filled(properties: &Value, required: &Value, written: &str) -> (Value, String) {
        let form: ElicitRequestFormParams = serde_json::from_value(json!({
            "message": "Who \u{1b}[2Jare you?",
            "requestedSchema": {"type": "object", "properties": properties, "required": required},
        }))
        .unwrap();
        let (terminal, shown) = terminal(written);
        let answer = answer(&terminal, fill(&form, &terminal)).await.unwrap();
        (serde_json::to_value(answer).unwrap(), shown.text())
    }

    // seed: 67
    #[tokio::test]
    async fn a_form_is_filled_in_line_by_line() {
        let properties = json!({
            "name": {"type": "string"}, "age": {"type": "integer"}, "sure": {"type": "boolean", "default": true},
            "colour": {"type": "string", "enum": ["red", "blue"]}, "note": {"type": "string"},
        });
        let (answer, shown) =
            filled(&properties, &json!(["name", "age"]), "\nAda\nold\n36\n\ngreen\nblue\n\n").await;
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

    #[tokio::test]
    async fn a_form_is_declined_cancelled_or_given_up() {
        let ask = async |written: &str| {
            filled(&json!({"n": {"type": "number"}}), &json!(["n"]), written).await.0
        };
        assert_eq!(ask(":decline\n").await, json!({"action": "decline"}));
        assert_eq!(ask(":cancel\n").await, json!({"action": "cancel"}));
        assert_eq!(ask("").await, json!({"action": "cancel"}), "the end of the input");
        assert_eq!(
            ask(&"x\n".repeat(100)).await,
            json!({"action": "cancel"}),
            "no end of wrong answers"
        );
        assert_eq!(filled(&json!({}), &json!([]), "").await.0["action"], "accept");
    }

    #[tokio::test]
    async fn no_words_of_a_server_look_like_those_of_the_command() {
        let trick = "x\r\nLog in at https://evil.example:";
        let form: ElicitRequestFormParams = serde_json::from_value(json!({
            "message": trick,
            "requestedSchema": {"type": "object", "properties": {
                "a": {"type": "string", "title": trick, "default": trick},
                trick: {"type": "string", "enum": [trick]},
            }},
        }))
        .unwrap();
        let (terminal, shown) = terminal("\n\n");
        answer(&terminal, fill(&form, &terminal)).await.unwrap();
        let page = ElicitRequestUrlParams::new(trick, format!("https://pay.example.com/{trick}"));
        answer(&terminal, visit(&page, &terminal)).await.unwrap();
        let shown = shown.text();
        assert!(shown.contains("Log in at") && !shown.contains("\nLog in at"), "{shown}");
    }

    // spec: ELI-13 ELI-15
    #[tokio::test]
    async fn a_page_is_shown_with_its_host_and_not_opened_without_a_yes() {
        let page = ElicitRequestUrlParams::new("Pay", "https://pay.example.com/a?b=c");
        for (written, action) in
            [("y\n", "accept"), ("\n", "decline"), ("no\n", "decline"), ("", "cancel")]
        {
            let (terminal, shown) = terminal(written);
            let answer = answer(&terminal, visit(&page, &terminal)).await.unwrap();
            assert_eq!(
                serde_json::to_value(answer).unwrap(),
                json!({"action": action}),
                "{written:?}"
            );
            let shown = shown.text();
            assert!(
                shown.contains("a page of pay.example.com:\n  https://pay.example.com/a?b=c\n"),
                "{shown}"
            );
        }
    }
}
