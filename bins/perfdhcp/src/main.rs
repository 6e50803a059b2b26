//! `perfdhcp`: the program; sockets, clock, files and signals around the library.
//!
//! Exit codes are Kea's: 0 when every exchange was completed, 3 when some were not, 1 for errors, those of the command
//! line included (Kea's help says 2 for them, its program does not).

/// Prints. A reader that has gone away is no reason to fail: what comes behind it (files, the exit code) still counts.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = write!(std::io::stdout(), $($text)*);
    }};
}

mod program;

use std::ffi::OsString;
use std::process::ExitCode;

use perfdhcp::options::{self, Request};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let shown: Vec<String> =
        arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    match options::read(arguments) {
        Ok(Request::Help) => {
            say!("{}", options::help());
            ExitCode::SUCCESS
        }
        Ok(Request::Version) => {
            say!("VERSION: {}\n", options::VERSION);
            ExitCode::SUCCESS
        }
        Ok(Request::Run(options)) => match program::run(&options, &options::command_line(&shown)) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(3),
            Err(error) => {
                eprintln!("\nERROR: {error}");
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            say!("{}", options::help());
            eprintln!("\nERROR: parsing command line options: {error}");
            ExitCode::FAILURE
        }
    }
}
