//! Every server, over every binding and in every era that it has, and what works with it: the table of `docs/interop.md`.
//!
//! What a server does not have is left empty in the table; what it has and does not work fails the test. With
//! `MCP_INTEROP_WRITE=1` the table is written into the document, otherwise it must be what is there.

mod document;
mod offers;
mod operations;
mod rows;

use crate::run::chain;
use futures_util::{StreamExt, stream};
use mcp_client::Client;
use rows::Row;
use std::time::Duration;
use tokio::{runtime::Runtime, time::timeout};

/// The time limit of a server for all requests. Many are started in parallel.
const DEADLINE: Duration = Duration::from_secs(120);
const SIDE_BY_SIDE: usize = 4;

/// The outcome of one row: the revision, and each operation that the server supports.
struct Outcome {
    server: &'static str,
    binding: &'static str,
    revision: String,
    cells: Vec<Option<Result<(), String>>>,
}

// spec: TASK25-14 MSG-18 CUST-01
#[test]
fn what_works_with_which_server_is_in_the_document() {
    // Peers are started here: starting them blocks, and is not allowed within the runtime.
    let Some(rows) = rows::all() else { return };
    let outcomes = Runtime::new().unwrap().block_on(async {
        let running = stream::iter(rows).map(run);
        running.buffered(SIDE_BY_SIDE).collect::<Vec<_>>().await
    });
    let table = document::table(&outcomes);
    println!("{table}");
    let failures: Vec<_> = outcomes.iter().flat_map(document::failures).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    document::check_or_write(&table);
}

async fn run(row: Row) -> Outcome {
    let Row { server, binding, era, client, offers } = row;
    let mut outcome = Outcome { server, binding, revision: "?".to_owned(), cells: Vec::new() };
    let connection = match timeout(DEADLINE, client.connect()).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => {
            outcome.cells.push(Some(Err(chain(&error))));
            return outcome;
        }
        Err(_) => {
            outcome.cells.push(Some(Err("does not connect".to_owned())));
            return outcome;
        }
    };
    let known = connection.server().unwrap();
    outcome.revision = known.version.to_string();
    if known.era != era {
        let message = format!("{:?} was expected, it is {:?}", era, known.era);
        outcome.cells.push(Some(Err(message)));
    }
    for operation in operations::ALL {
        let done = timeout(DEADLINE, (operation.run)(&connection, &offers)).await;
        outcome.cells.push(done.unwrap_or_else(|_| Some(Err("hangs".to_owned()))));
    }
    connection.close().await;
    drop::<Client>(client);
    outcome
}
