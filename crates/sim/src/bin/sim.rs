//! Runs simulations from the command line: `sim [--protocol 4|6] [--database 0|1] [--seed N] [--runs N] [--clients N]
//! [--seconds N]`.
//!
//! Each seed is run in every kind of scenario; a line per run tells what happened. Without `--protocol` both DHCPv4 and
//! DHCPv6 are simulated; with `--database 0` only servers that keep leases in a file, with 1 only those that share a
//! database. A violated invariant ends the program with its seed.

use std::process::ExitCode;

use sim::{Protocol, Report, Scenario};

const USAGE: &str = "usage: sim [--protocol 4|6] [--database 0|1] [--seed N] [--runs N] [--clients N] \
                     [--seconds N]";
/// Both kinds of lease databases.
const BOTH: u64 = 2;

fn main() -> ExitCode {
    let mut numbers = [
        ("--protocol", 0),
        ("--database", BOTH),
        ("--seed", 1),
        ("--runs", 1),
        ("--clients", 1000),
        ("--seconds", 600),
    ];
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        let known = numbers.iter_mut().find(|(known, _)| *known == name);
        let (Some((_, number)), Some(value)) = (known, value) else {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        };
        *number = value;
    }
    let [protocol, database, seed, runs, clients, seconds] =
        numbers.map(|(_, number): (_, u64)| number);
    let file = Scenario::all(clients as u32).into_iter().filter(|_| database != 1);
    let shared = Scenario::shared(clients as u32).into_iter().filter(|_| database != 0);
    let scenarios: Vec<_> = file.chain(shared).collect();
    let protocols: &[_] = match protocol {
        0 => &[("v4", Protocol::V4), ("v6", Protocol::V6)],
        4 => &[("v4", Protocol::V4)],
        6 => &[("v6", Protocol::V6)],
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    for &(family, protocol) in protocols {
        let mut total = Report::default();
        for seed in seed..seed.saturating_add(runs) {
            for &(name, scenario) in &scenarios {
                let scenario = Scenario { seconds: seconds as u32, ..scenario };
                let report = sim::run(protocol, seed, &scenario);
                println!("{family} seed {seed} {name}: {report}");
                total += &report;
            }
        }
        println!("{family} total: {total}");
    }
    ExitCode::SUCCESS
}
