//! Listing what a server offers.

use super::Session;
use crate::Error;
use crate::cli::{Failure, options::What, show, signature::signature};
use serde_json::{Map, Value};
use std::future::IntoFuture;

/// Lists what was requested; what the server does not offer is left out.
pub(super) async fn run(session: &Session<'_>, what: What) -> Result<(), Failure> {
    let What { tools, prompts, resources, templates } = what.or_all();
    let connection = &session.connection;
    let mut listing = Listing { session, json: Map::new(), is_first: true };
    if tools && let Some(tools) = offered(connection.list_tools()).await? {
        listing.add("tools", "Tools", &tools, |tool| {
            show::described(&signature(tool), tool.description.as_deref())
        })?;
    }
    if prompts && let Some(prompts) = offered(connection.list_prompts()).await? {
        listing.add("prompts", "Prompts", &prompts, |prompt| {
            show::described(&show::prompt(prompt), prompt.description.as_deref())
        })?;
    }
    if resources && let Some(resources) = offered(connection.list_resources()).await? {
        listing.add("resources", "Resources", &resources, |resource| {
            show::described(&resource.uri, resource.description.as_deref())
        })?;
    }
    if templates && let Some(templates) = offered(connection.list_resource_templates()).await? {
        listing.add("resourceTemplates", "Resource templates", &templates, |template| {
            show::described(&template.uri_template, template.description.as_deref())
        })?;
    }
    if session.common.json {
        show::json(session.terminal, &Value::Object(listing.json))?;
    }
    Ok(())
}

/// Returns a list, if the server offers it.
async fn offered<T>(list: impl IntoFuture<Output = Result<T, Error>>) -> Result<Option<T>, Error> {
    match list.await {
        Ok(items) => Ok(Some(items)),
        Err(Error::NotOffered { .. }) => Ok(None),
        Err(error)
            if error
                .as_rpc()
                .is_some_and(|it| it.code == mcp_types::ErrorCode::METHOD_NOT_FOUND) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Everything listed so far.
struct Listing<'a> {
    session: &'a Session<'a>,
    json: Map<String, Value>,
    is_first: bool,
}

impl Listing<'_> {
    fn add<T: serde::Serialize>(
        &mut self,
        key: &str,
        title: &str,
        items: &[T],
        line: impl Fn(&T) -> String,
    ) -> Result<(), Failure> {
        let terminal = self.session.terminal;
        if self.session.common.json {
            self.json.insert(key.to_owned(), serde_json::to_value(items)?);
        } else if !items.is_empty() {
            let gap = if std::mem::take(&mut self.is_first) { "" } else { "\n" };
            terminal.print(&format!("{gap}{title}:"));
            for item in items {
                terminal.print(&format!("  {}", line(item).replace('\n', "\n  ")));
            }
        }
        Ok(())
    }
}
