//! What is measured: the command line of every driver.

use clap::{Parser, ValueEnum};
use std::time::Duration;

#[derive(Clone, Parser)]
pub struct Plan {
    /// Over which transport.
    #[arg(long, default_value = "stdio")]
    pub over: Over,
    /// Revision 2026-07-28 instead of one with a handshake.
    #[arg(long)]
    pub modern: bool,
    #[arg(long, default_value = "echo")]
    pub work: Work,
    /// How many calls are in flight.
    #[arg(long, default_value_t = 1)]
    pub in_flight: u64,
    /// How long to call, in milliseconds, after a tenth of that to warm up.
    #[arg(long, default_value_t = 1000)]
    pub millis: u64,
    /// How many calls to make, instead of a time.
    #[arg(long)]
    pub calls: Option<u64>,
    /// The multi-thread runtime.
    #[arg(long)]
    pub threads: bool,
    /// On the main thread, as in an async `main`, and not in a task; a difference with more than one thread.
    #[arg(long)]
    pub main_thread: bool,
    /// Where the calls of this library begin.
    #[arg(long, default_value = "client")]
    pub layer: Layer,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Over {
    Stdio,
    Http,
    Sse,
    /// A pipe in memory, to a server in the same process.
    Memory,
    /// A service in the same process; of ours alone.
    Process,
}

/// What one call does.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Work {
    /// A small result.
    Echo,
    /// 100 notifications before a small result.
    Progress,
    /// 348 kB of structured output, as a type.
    Structured,
    /// 233 kB of arguments.
    Arguments,
    /// A text of 1 MiB as an argument.
    #[value(name = "send-1")]
    Send1,
    /// A text of 16 MiB as an argument.
    #[value(name = "send-16")]
    Send16,
    /// A text of 1 MiB.
    #[value(name = "text-1")]
    Text1,
    /// A text of 16 MiB.
    #[value(name = "text-16")]
    Text16,
    /// A resource of 16 MiB in base64.
    #[value(name = "blob-16")]
    Blob16,
    /// 1,000 tools in 10 pages.
    List,
    /// A connection, and one small result.
    Connect,
    /// Sessions that do nothing: as many as are in flight.
    Idle,
    /// A task waits to be woken, and calls nothing; of the minimal client alone.
    Wait,
    /// A request becomes bytes; of ours alone.
    Encode,
    /// The bytes of an answer become a result; of ours alone.
    Decode,
}

/// Where a call of this library begins.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Layer {
    Client,
    /// The middlewares of the session, without the facade around it.
    Session,
    /// The innermost of them alone.
    Dispatch,
}

impl Plan {
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.millis)
    }
}
