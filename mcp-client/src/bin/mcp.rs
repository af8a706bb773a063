//! The command `mcp`: a client of any server, in a terminal.

use mcp_client::cli::{Terminal, run};
use std::{process::ExitCode, time::Duration};

/// How long interrupted work may take to end.
const MAX_WAIT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let terminal = Terminal::standard().ending_on_signals();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal.complain(&error);
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(std::env::args_os(), &terminal));
    match code {
        // A command that was told to end may have left a child process, which still has to be killed.
        128.. => runtime.shutdown_timeout(MAX_WAIT),
        // An unanswered question must not keep the program running.
        _ => runtime.shutdown_background(),
    }
    code.into()
}
