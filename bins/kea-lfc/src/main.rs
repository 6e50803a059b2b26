//! `kea-lfc`: rewrites the lease files that a server has moved aside, so that each lease has one row.
//!
//! A server calls it now and then; it can be called by hand as well. It never touches the file that the server is
//! writing. Usage errors end with status 1; everything else, failures of the work included, ends with status 0 and
//! is told in the log, as servers expect it of Kea's program.

mod command_line;
mod files;
mod rows;

use std::process::ExitCode;

use command_line::{Options, Request};
use files::{Cleanup, CleanupError};
use process::pid_file::{PidFile, PidFileError};

kea_log::messages! {
    LFC_START = (Info, "starting lease file cleanup");
    LFC_TERMINATE = (Info, "lease file cleanup has ended");
    LFC_RUNNING = (Fatal, "{}");
    LFC_FAIL_PID_CREATE = (Fatal, "{}");
    LFC_PROCESSING = (Info, "previous file: {}, copy file: {}");
    LFC_RESUMING = (Info, "finishing an earlier run: {} exists");
    LFC_READ_STATS = (Info, "{}: leases: {}, attempts: {}, errors: {}.");
    LFC_READ_ROW_ERROR = (Warn, "{}, line {}: the row {}");
    LFC_READ_TORN_ROW = (Warn, "{}: the last row is incomplete and is left out");
    LFC_WRITE_STATS = (Info, "{}: leases: {}, attempts: {}, errors: {}.");
    LFC_ROTATING = (Info, "the result becomes {}");
    LFC_FAIL_PROCESS = (Fatal, "the files could not be processed and stay as they are: {}");
    LFC_FAIL_ROTATE = (Fatal, "the files could not be rotated, which the next run will do: {}");
}

/// The program's logger: its root.
pub(crate) static LFC: kea_log::Logger = kea_log::Logger::new("");

fn main() -> ExitCode {
    match command_line::read(std::env::args_os()) {
        Request::Run(options) => {
            run(&options);
            ExitCode::SUCCESS
        }
        Request::Print(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Request::Refuse(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) {
    if options.verbose {
        println!("{options}");
    }
    let log = kea_log::init(kea_log::Init::from_environment("DhcpLFC", options.verbose));
    if let Err(error) = &log {
        eprintln!("logging is not available: {error}");
    }
    let pid_file = match PidFile::create(options.pid_file.clone()) {
        Ok(pid_file) => pid_file,
        Err(error @ PidFileError::AlreadyRunning { .. }) => {
            kea_log::log!(LFC, LFC_RUNNING, error);
            return;
        }
        Err(error) => {
            kea_log::log!(LFC, LFC_FAIL_PID_CREATE, error);
            return;
        }
    };
    kea_log::log!(LFC, LFC_START);
    match Cleanup::new(options).run() {
        Ok(()) => {}
        Err(CleanupError::Rotate(error)) => kea_log::log!(LFC, LFC_FAIL_ROTATE, error),
        Err(error) => kea_log::log!(LFC, LFC_FAIL_PROCESS, error),
    }
    drop(pid_file);
    kea_log::log!(LFC, LFC_TERMINATE);
}
