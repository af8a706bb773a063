//! What is tried with each server.

use super::offers::{Offers, Tool};
use crate::run::{FOLDER, NAME, WORDS, chain};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, future::try_join_all};
use mcp_client::{Connection, Content, Error, Notice, ToolResult};
use mcp_types::PromptReference;
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

/// Whether it works; none if the server does not support it.
type Done = Option<Result<(), String>>;

pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) run: for<'a> fn(&'a Connection, &'a Offers) -> BoxFuture<'a, Done>,
}

macro_rules! operations {
    ($($name:literal $function:ident)+) => {
        pub(super) const ALL: &[Operation] =
            &[$(Operation { name: $name, run: |client, offers| $function(client, offers).boxed() }),+];
    };
}

operations! {
    "list" list
    "call" call
    "failing call" failing
    "many calls" many
    "progress" progress
    "give up" give_up
    "resource" resource
    "prompt" prompt
    "completion" completion
    "form" form
    "model" model
    "roots" roots
    "changes" changes
    "task" task
    "ping" ping
}

async fn list(client: &Connection, _: &Offers) -> Done {
    Some(match client.list_tools().await {
        Ok(tools) => ensure(!tools.is_empty(), "no tools"),
        Err(error) => Err(chain(&error)),
    })
}

async fn call(client: &Connection, offers: &Offers) -> Done {
    let tool = offers.call.as_ref()?;
    Some(says(client, tool, &tool.says).await)
}

async fn failing(client: &Connection, offers: &Offers) -> Done {
    let tool = offers.failing.as_ref()?;
    Some(match ask(client, tool).await {
        Ok(result) => {
            let fits = result.is_error && result.text().contains(&tool.says);
            ensure(fits, format!("{result:?}"))
        }
        // Both ways occur, and both are right.
        Err(error) if error.as_rpc().is_some() => Ok(()),
        Err(error) => Err(chain(&error)),
    })
}

async fn many(client: &Connection, offers: &Offers) -> Done {
    let tool = offers.call.as_ref()?;
    let calls = (0..20).map(|_| says(client, tool, &tool.says));
    Some(try_join_all(calls).await.map(drop))
}

async fn progress(client: &Connection, offers: &Offers) -> Done {
    let tool = offers.three_steps.as_ref()?;
    let seen = Arc::new(AtomicUsize::new(0));
    let sees = Arc::clone(&seen);
    let call = client.call_tool(tool.name).arguments(arguments(tool));
    let outcome = call.on_progress(move |_| _ = sees.fetch_add(1, Relaxed)).await;
    let seen = seen.load(Relaxed);
    Some(match outcome {
        Ok(_) => ensure(seen == 3, format!("{seen} steps were heard of")),
        Err(error) => Err(chain(&error)),
    })
}

/// A call that takes too long is cancelled, and the session still works.
async fn give_up(client: &Connection, offers: &Offers) -> Done {
    let tool = offers.slow.as_ref()?;
    let call = client.call_tool(tool.name).arguments(arguments(tool));
    Some(match call.timeout(Duration::from_millis(300)).await {
        Err(error) if error.is_timeout() => call_after(client, offers).await,
        other => Err(format!("{other:?}")),
    })
}

async fn call_after(client: &Connection, offers: &Offers) -> Result<(), String> {
    call(client, offers).await.unwrap_or(Ok(()))
}

async fn resource(client: &Connection, offers: &Offers) -> Done {
    let (uri, beginning) = offers.resource?;
    Some(match client.read_resource(uri).await {
        Ok(contents) => {
            let text = contents.first().and_then(Content::as_text).unwrap_or_default();
            ensure(text.starts_with(beginning), format!("{contents:?}"))
        }
        Err(error) => Err(chain(&error)),
    })
}

async fn prompt(client: &Connection, offers: &Offers) -> Done {
    let (name, argument, value, text) = offers.prompt?;
    Some(match client.get_prompt(name).argument(argument, value).await {
        Ok(prompt) => {
            let said = prompt.messages.first().and_then(|message| message.content.as_text());
            ensure(said == Some(text), format!("{prompt:?}"))
        }
        Err(error) => Err(chain(&error)),
    })
}

async fn completion(client: &Connection, offers: &Offers) -> Done {
    let (prompt, argument, value, proposal) = offers.completion?;
    Some(match client.complete(PromptReference::new(prompt), argument, value).await {
        Ok(completion) => {
            let fits = completion.values.iter().any(|value| value == proposal);
            ensure(fits, format!("{completion:?}"))
        }
        Err(error) => Err(chain(&error)),
    })
}

async fn form(client: &Connection, offers: &Offers) -> Done {
    Some(says(client, offers.form.as_ref()?, NAME).await)
}

async fn model(client: &Connection, offers: &Offers) -> Done {
    Some(says(client, offers.sampling.as_ref()?, WORDS).await)
}

async fn roots(client: &Connection, offers: &Offers) -> Done {
    Some(says(client, offers.roots.as_ref()?, FOLDER).await)
}

async fn changes(client: &Connection, offers: &Offers) -> Done {
    let tool = offers.changes.as_ref()?;
    let told = async {
        let mut changes = client.subscribe().tools().await.map_err(|error| chain(&error))?;
        says(client, tool, &tool.says).await?;
        match changes.next().await {
            Some(Ok(Notice::ToolsChanged)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    Some(told.await)
}

async fn task(client: &Connection, offers: &Offers) -> Done {
    let tool = offers.task.as_ref()?;
    let done = async {
        let call = client.call_tool(tool.name).arguments(arguments(tool)).task(None).await?;
        Ok::<_, Error>((call.returned_immediately(), call.result().await?))
    };
    Some(match done.await {
        Ok((false, result)) => ensure(result.text().contains(&tool.says), format!("{result:?}")),
        Ok((true, _)) => Err("it made no task of it".to_owned()),
        Err(error) => Err(chain(&error)),
    })
}

async fn ping(client: &Connection, offers: &Offers) -> Done {
    offers.ping.then_some(())?;
    Some(client.ping().await.map_err(|error| chain(&error)))
}

async fn says(client: &Connection, tool: &Tool, words: &str) -> Result<(), String> {
    let result = ask(client, tool).await.map_err(|error| chain(&error))?;
    let fits = !result.is_error && result.text().contains(words);
    ensure(fits, format!("{words:?} is not in {result:?}"))
}

async fn ask(client: &Connection, tool: &Tool) -> Result<ToolResult, Error> {
    client.call_tool(tool.name).arguments(arguments(tool)).await
}

fn arguments(tool: &Tool) -> Value {
    serde_json::from_str(&tool.arguments).unwrap()
}

fn ensure(holds: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}
