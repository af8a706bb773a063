//! The first program: connects to a server, lists its tools, and calls them.
//!
//! ```text
//! cargo run -p mcp-client --example quickstart
//! ```
//!
//! The server is a function in this process (`quickstart/server.rs`). For one of your own, put a URL, the path of a
//! script or a command in its place: `Client::builder("https://example.com/mcp")`.
#![expect(clippy::print_stdout, reason = "an example talks to a person")]

#[path = "quickstart/server.rs"]
mod server;

use mcp_client::{Client, Error, Handlers, Target, elicit};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the tool `bill` takes.
#[derive(Serialize)]
struct Order {
    coffees: u32,
    cakes: u32,
}

/// What the tool `bill` gives.
#[derive(Deserialize)]
struct Bill {
    total: f64,
    currency: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // The server may ask the user something. A real program shows a form; this one always answers the same.
    let handlers = Handlers::new().on_elicit_form(async |form| {
        println!("reserve  the server asks: {} We say: 4", form.message);
        elicit::accept(json!({"guests": 4}))
    });
    let target = Target::service(server::cafe());
    let client = Client::builder(target).input(handlers).build().connect().await?;

    let server = client.server()?;
    let name = server.info.as_ref().map_or("a server without a name", |info| &info.name);
    println!("Connected to {name}, protocol {}. Its tools:\n", server.version);
    for tool in client.list_tools().await? {
        println!("  {:<9}{}", tool.name, tool.description.unwrap_or_default());
    }

    println!("\nbrew     a tool that takes its time:");
    let brewed = client
        .call_tool("brew")
        .argument("drink", "flat white")
        .on_progress(|step| {
            let (done, total) = (step.progress, step.total.unwrap_or_default());
            println!("           {done}/{total} {}", step.message.unwrap_or_default());
        })
        .await?;
    println!("         {}", brewed.text());

    let order = Order { coffees: 3, cakes: 2 };
    let bill: Bill = client.call_tool("bill").arguments(&order).typed().await?;
    println!("\nbill     3 coffees, 2 cakes: {:.2} {}\n", bill.total, bill.currency);

    let reserved = client.call_tool("reserve").argument("time", "19:30").await?;
    println!("         {}", reserved.text());

    let refused = client.call_tool("brew").argument("drink", "soup").require_success().await;
    if let Err(error @ Error::Tool { .. }) = refused {
        println!("\nbrew     {error}");
    }
    client.close().await;
    Ok(())
}
