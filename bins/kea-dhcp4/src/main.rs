//! The DHCPv4 daemon: what the command line asks for, and the exit code.

mod daemon;

use std::io::Write;
use std::process::ExitCode;

use daemon::command_line::{self, Request};

fn main() -> ExitCode {
    match command_line::read(std::env::args_os()) {
        Request::Serve(options) => daemon::serve(&options),
        Request::Check { file, thorough } => daemon::check(&file, thorough),
        Request::Print(text) => {
            // A reader that has gone away does not make the answer wrong.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Request::Misused(text) => {
            let _ = std::io::stderr().write_all(text.as_bytes());
            ExitCode::FAILURE
        }
    }
}
