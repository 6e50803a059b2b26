//! Runs simulations from the command line: `sim [--seed N] [--runs N] [--clients N] [--seconds N]`.
//!
//! Each seed is run in every kind of scenario; a line per run tells what happened. A violated invariant ends the
//! program with its seed.

use std::process::ExitCode;

use sim::{Report, Scenario};

fn main() -> ExitCode {
    let mut numbers = [("--seed", 1), ("--runs", 1), ("--clients", 1000), ("--seconds", 600)];
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        let known = numbers.iter_mut().find(|(known, _)| *known == name);
        let (Some((_, number)), Some(value)) = (known, value) else {
            eprintln!("usage: sim [--seed N] [--runs N] [--clients N] [--seconds N]");
            return ExitCode::FAILURE;
        };
        *number = value;
    }
    let [seed, runs, clients, seconds] = numbers.map(|(_, number): (_, u64)| number);
    let mut total = Report::default();
    for seed in seed..seed.saturating_add(runs) {
        for (name, scenario) in Scenario::all(clients as u32) {
            let report = sim::run(
                sim::Protocol::V4,
                seed,
                &Scenario { seconds: seconds as u32, ..scenario },
            );
            println!("seed {seed} {name}: {report}");
            total += &report;
        }
    }
    println!("total: {total}");
    ExitCode::SUCCESS
}
