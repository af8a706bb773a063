//! Which test shows which case that the seed's own tests pin: a table for the documentation of `mcp-client`.
//!
//! A test names the cases that it shows in a comment before it: `// seed: 16 17`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::clauses::{CRATES, Source, cited, module};

/// Where the table is.
pub(crate) const PATH: &str = "mcp-client/src/seed/cases.md";

/// The comment that names cases.
const MARK: &str = "// seed: ";

/// What each case is about, in the order of their numbers, from 1.
const CASES: [&str; 67] = [
    "a client is connected inside of its connection, not before and not after",
    "a nested connection shares the session, which lives until the outer one is gone",
    "overlapping connections of one client all work",
    "a connect that is cancelled by the one who began it leaves nothing, and the next one works",
    "a cancelled waiter disturbs nobody's session",
    "a `close` that is cancelled does not stand in the way of the next session",
    "a transport that never ends cannot hold up the end of a session",
    "a server is initialised once, and each time the same result is given",
    "what the server said of itself is there while there is a session, also when it is initialised by hand",
    "a session that dies fails the calls that wait, at once and with its cause",
    "a call on a session that has died gives the cause",
    "a session works without the runner of the facade",
    "errors of the server and of HTTP keep their identity, others their cause",
    "a session that is kept alive is used again, and a dead one is replaced",
    "a fresh client has the configuration and nothing of the session",
    "a limit fires with an error that says so; that of a call goes before that of the client, longer or shorter",
    "a timeout holds up neither the next call nor the end",
    "what a target is: text, URLs, paths, configurations, services",
    "where authorization may be given and where not",
    "TLS and the HTTP service are what the user says, everywhere",
    "redirects do not take credentials elsewhere",
    "a target says what it is, without secrets",
    "a session can be kept alive or not",
    "a process that is kept alive is the same one, one that is not is new each time",
    "a dropped client leaves no process",
    "after `close` there is a new process, and calls before that are errors",
    "a command that does not exist fails the connect, quickly",
    "a server that crashed is replaced, whenever it crashed",
    "calls beside a crash are answered by a living server or fail, and none hangs",
    "cancelling who connects is neither swallowed nor leaks",
    "parallel calls over one process get their own results",
    "the standard error of a server goes where it was told",
    "scripts and modules are run by `uv`",
    "headers reach the server, and sessions have their id",
    "a server without an event stream is one all the same",
    "URLs below other URLs are reached as they are",
    "progress and questions over HTTP",
    "pages are joined in their order",
    "a cursor that comes again ends the list",
    "a circle of cursors ends the list",
    "a list may have so many pages and no more",
    "one raw page can be had, by its cursor",
    "a cache that is off, fresh, bypassed, evicted, apart for each client",
    "a call as the protocol has it or read, with metadata",
    "an error of a tool, raised or returned, whatever it says",
    "results that are wrapped are unwrapped, and others are not",
    "arguments of prompts are strings, or their JSON",
    "resources by their URI, which has to be one, and by templates",
    "errors of resources and prompts are the server's",
    "progress: of all calls, or of one in its place; a total of zero",
    "log messages of every level, with and without a logger, of any JSON",
    "roots are files, and come from a list or a function",
    "sampling: replies, history, images, capabilities, also when the handler is set later",
    "elicitation: accepted, declined, cancelled, failed, of all types",
    "each notification is told once",
    "eras: found, pinned, recalled; what the server said is there in both",
    "questions inside of results: one round, many, too many",
    "extensions: declared, composed, their results resolved",
    "tasks: results, states, limits, cancelling, polling",
    "the shapes of a configuration",
    "many servers: prefixes, parallel use, ends, filters",
    "a server that fails does not harm the others",
    "OAuth: URLs, storage, expiry",
    "OAuth: the callback",
    "OAuth: static clients, registration",
    "OAuth: machine to machine",
    "the command line, and traces of calls",
];

/// Cases without a test, and why.
const LEFT: [(usize, &str); 4] = [
    (63, "with OAuth, which is not built yet"),
    (64, "with OAuth, which is not built yet"),
    (65, "with OAuth, which is not built yet"),
    (66, "with OAuth, which is not built yet"),
];

/// Cases, each with the tests that show it.
type Table = BTreeMap<usize, BTreeSet<String>>;

/// The table, and where it is.
pub(crate) fn rendered(sources: &[Source<'_>]) -> (String, String) {
    (PATH.to_owned(), render(&shown(sources)))
}

/// The cases that have neither a test nor a reason to have none.
pub(crate) fn without_test(sources: &[Source<'_>]) -> Vec<usize> {
    let table = shown(sources);
    let has_reason = |number: &usize| LEFT.iter().any(|(left, _)| left == number);
    (1..=CASES.len()).filter(|number| !table.contains_key(number) && !has_reason(number)).collect()
}

fn shown(sources: &[Source<'_>]) -> Table {
    let mut table = Table::new();
    for (path, text) in sources {
        for (name, folders) in CRATES {
            let Some(folder) = folders.iter().find(|folder| path.starts_with(folder)) else {
                continue;
            };
            // A unit test is known by its crate, any other by its binary.
            let within = if folder.starts_with("tests/") { String::new() } else { in_code(name) };
            read((path, text), &format!("{within}{}", module(path, folder)), &mut table);
        }
    }
    table
}

fn in_code(name: &str) -> String {
    format!("{}::", name.replace('-', "_"))
}

/// Adds the cases that the tests of a file name.
fn read(source: Source<'_>, module: &str, table: &mut Table) {
    for (number, test) in cited(source, MARK) {
        if let Ok(number) = number.parse() {
            table.entry(number).or_default().insert(format!("{module}::{test}"));
        }
    }
}

fn render(table: &Table) -> String {
    let mut out = String::from(
        "The cases that the seed's own tests pin, and the tests that show them here.\n\n\
         | case | what | tests |\n|---|---|---|\n",
    );
    for (number, what) in (1..).zip(CASES) {
        let tests: Vec<_> =
            table.get(&number).into_iter().flatten().map(|test| format!("`{test}`")).collect();
        let left = LEFT.iter().find(|(left, _)| *left == number);
        let shown = match left {
            Some((_, why)) if tests.is_empty() => (*why).to_owned(),
            _ => tests.join("<br>"),
        };
        // Writing to a `String` does not fail.
        let _ = writeln!(out, "| {number} | {what} | {shown} |");
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_case_has_a_row_with_its_tests_or_the_reason_why_there_is_none() {
        let mut table = Table::new();
        let text = "// seed: 2 63\n#[test]\nfn first() {}\n// seed: 2\n// More.\n#[tokio::test]\n\
                    async fn second() {}\n";
        read((Path::new("mcp-client/src/a.rs"), text), "client::a", &mut table);
        let text = render(&table);
        let rows: Vec<_> = text.lines().skip(4).collect();
        assert_eq!(rows.len(), 67);
        assert!(rows[1].ends_with("| `client::a::first`<br>`client::a::second` |"), "{}", rows[1]);
        assert!(rows[62].ends_with("| `client::a::first` |"), "{}", rows[62]);
        assert!(rows[63].ends_with("| with OAuth, which is not built yet |"), "{}", rows[63]);
    }
}
