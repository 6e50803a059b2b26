//! `kea-admin`: makes, upgrades and looks at the databases of the DHCP servers, and moves leases between them.
//!
//! Commands, options, words and exit codes are those of Kea's script of this name, old names included; `lease-copy`,
//! `stats-triggers`, `--dry-run` and files as a back-end are ours. Answers go to standard output, and so do errors, as from
//! Kea's script; bad rows and progress go to standard error, and so does everything but the leases while `lease-dump`
//! writes to standard output, a pipe or a device.
//!
//! Exit codes: 0 done; 1 not done; 2 (PostgreSQL) there are tables already; 3 done, but rows that could not be used
//! were left out.

mod command_line;
mod csv;
mod dump;
mod extra;
mod failure;
mod kind;
mod kind4;
mod kind6;
mod lease_files;
mod literal;
mod output;
mod recount;
mod schema;
mod script;
mod shell;
mod source;
mod sql;
mod steps;
mod target;
mod terminal;
mod transfer;
mod triggers;

use std::process::ExitCode;

use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;

use command_line::{Backend, Command, Family, Options, Request, Side};
use failure::Failure;
use kind::Kind;

fn main() -> ExitCode {
    let options = match command_line::read(std::env::args_os()) {
        Request::Run(options) => options,
        Request::Print(text) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Request::Refuse { reason, usage } => {
            println!("ERROR/kea-admin: {reason}\n{usage}");
            return ExitCode::FAILURE;
        }
    };
    // What the back-ends log is of rows and connections; all of it is told here in other ways.
    let voice = options.voice();
    match run(&options) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(bad) => {
            voice
                .say(&format!("WARNING/kea-admin: {bad} rows could not be used and were left out"));
            ExitCode::from(failure::ROWS_LEFT_OUT)
        }
        Err(failure) => {
            voice.say(&format!("ERROR/kea-admin: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}

/// Does what the options ask for; returns how many rows could not be used.
fn run(options: &Options) -> Result<u64, Failure> {
    let side = Side::Main;
    match (options.command, options.backend) {
        (Command::DbInit | Command::DbVersion | Command::DbUpgrade, Backend::Memfile) => {
            // The servers convert lease files by themselves.
            Err(Failure::NotImplemented)
        }
        (Command::DbInit, _) => schema::init(options, &options.access(side)?).map(|()| 0),
        (Command::DbVersion, _) => schema::version(&options.access(side)?).map(|()| 0),
        (Command::DbUpgrade, _) => schema::upgrade(options, &options.access(side)?).map(|()| 0),
        (Command::StatsRecount, Backend::Memfile) => {
            println!("INFO/kea-admin: memfile does not keep lease statistics");
            Ok(0)
        }
        (Command::StatsTriggers, Backend::Memfile) => Err(Failure::NotImplemented),
        (Command::StatsTriggers, _) => {
            triggers::run(&options.access(side)?, options.dry_run).map(|()| 0)
        }
        (Command::StatsRecount, _) => {
            recount::run(&options.access(side)?, options.dry_run).map(|()| 0)
        }
        (Command::LeaseDump | Command::LeaseUpload | Command::LeaseCopy, _) => {
            match options.family {
                Some(Family::V4) => move_leases::<V4>(options),
                Some(Family::V6) => move_leases::<V6>(options),
                None => Err(Failure::Usage(format!(
                    "{}: lease type ( -4 or -6 ) needs to be specified",
                    options.command_name
                ))),
            }
        }
    }
}

fn move_leases<K: Kind>(options: &Options) -> Result<u64, Failure> {
    match options.command {
        Command::LeaseDump => dump::run::<K>(options),
        Command::LeaseUpload => transfer::upload::<K>(options),
        _ => transfer::copy::<K>(options),
    }
}
