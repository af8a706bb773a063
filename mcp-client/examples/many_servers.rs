//! Many servers as one client: their tools with the name of the server before theirs, and one that is not there.
//!
//! ```text
//! cargo run -p mcp-client --example many_servers
//! ```
//!
//! With the feature `config` the servers may come from a file of an editor or an agent:
//! `Client::new(Config::from_file(".mcp.json")?)`.
#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use mcp_client::{Client, Error, Group, mock};
use serde_json::json;
use std::error::Error as _;

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let weather = mock::Server::new().tool("now", |_| Ok(json!("rain")));
    let files = mock::Server::new().tool("read", |_| Ok(json!("a b c")));
    let group = Group::builder()
        .member("weather", Client::new(&weather))
        .member("files", Client::new(&files))
        .member("notes", Client::new("no-such-program"))
        .build()?;
    let connection = group.connect().await?;

    // One that fails harms no other, and is tried again.
    for name in ["weather", "files", "notes"] {
        println!("{name:<9}{:?}", group.state(name));
    }
    let listed = connection.list_tools().await?;
    for tool in &listed.items {
        println!("  {}", tool.name);
    }
    for missing in &listed.missing {
        println!("  {missing:?}");
    }

    println!("weather_now says {:?}", connection.call_tool("weather_now").await?.text());
    for tool in ["notes_find", "now"] {
        let error = connection.call_tool(tool).await.err().ok_or("nobody has it")?;
        println!("{tool}: {error}");
        if let Error::Connect { .. } = error {
            println!("  because {}", error.source().map(ToString::to_string).unwrap_or_default());
        }
    }
    connection.close().await;
    Ok(())
}
