//! The command `mcp`: a client of any server, in a terminal.

use mcp_client::cli::{Terminal, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    let terminal = Terminal::standard();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal.complain(&error);
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(std::env::args_os(), &terminal));
    // A question that nobody answers must not keep the program.
    runtime.shutdown_background();
    code.into()
}
