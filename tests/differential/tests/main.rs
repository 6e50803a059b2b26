//! Runs the tables of cases against Debian's Kea and ours and prints what differs.
//!
//! `cargo test -p differential` runs all, `cargo test -p differential -- WORD` the groups or cases
//! whose name contains a word, `-- --list` names them, `-- --answers` tells
//! how Kea answered each. With `DIFFERENTIAL_DEBUG=FOLDER` the servers
//! log everything, into that folder. It needs root and the packages that `scripts/test` installs.

use std::process::ExitCode;
use std::time::Instant;

use differential::group::Group;
use differential::prelude::Family;
use differential::report::{CASES_MIN, Report, answers};
use differential::run::run;
use differential::side::Who;

mod main {
    pub(crate) mod v4;
    pub(crate) mod v6;
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let mut groups: Vec<Group> = main::v4::groups();
    groups.extend(main::v6::groups());
    if !words.is_empty() {
        for group in &mut groups {
            let name = group.name.clone();
            group.cases.retain(|case| {
                words.iter().any(|word| name.contains(*word) || case.name.contains(*word))
            });
        }
        groups.retain(|group| !group.cases.is_empty());
    }
    if arguments.iter().any(|word| word == "--list") {
        for group in &groups {
            group.cases.iter().for_each(|case| println!("{} / {}", group.name, case.name));
        }
        return ExitCode::SUCCESS;
    }
    for family in [Family::V4, Family::V6] {
        for who in [Who::Kea, Who::Ours] {
            let program = who.program(family);
            if !program.exists() {
                eprintln!("{} is missing: scripts/test installs and builds it", program.display());
                return ExitCode::FAILURE;
            }
        }
    }
    let start = Instant::now();
    let outcomes = run(&groups);
    if arguments.iter().any(|word| word == "--answers") {
        print!("{}", answers(&groups, &outcomes));
    }
    let report = Report::new(&groups, &outcomes);
    println!("{}in {:.0} s", report.text, start.elapsed().as_secs_f32());
    if words.is_empty() && report.cases < CASES_MIN {
        println!("fewer than {CASES_MIN} cases");
        return ExitCode::FAILURE;
    }
    if report.unexplained == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
