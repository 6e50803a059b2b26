//! A handful of seeds in every kind of world, and every seed that ever failed.

use sim::{Protocol, Report, Scenario};

/// Small enough for every build.
fn short(scenario: Scenario) -> Scenario {
    Scenario { seconds: 300, ..scenario }
}

#[test]
fn fixed_seeds_hold_in_every_world() {
    let mut total = Report::default();
    for seed in 1..=6 {
        for (_, scenario) in Scenario::all(200) {
            total += &sim::run(Protocol::V4, seed, &short(scenario));
        }
    }
    // A simulation in which nothing happens proves nothing.
    let happened = [
        ("bound", total.bound, 10_000),
        ("renewals", total.renewals, 5_000),
        ("reboots", total.reboots, 500),
        ("naks", total.naks, 100),
        ("discarded", total.discarded, 1),
        ("declines", total.declines, 20),
        ("crashes", total.crashes, 30),
        ("recovered", total.recovered, 1_000),
        ("torn bytes", total.torn_bytes, 1),
        ("reconfigurations", total.reconfigurations, 20),
        ("clock jumps", total.clock_jumps, 20),
        ("clean-ups", total.clean_ups, 20),
        ("late answers", total.late_answers, 5_000),
        ("reclaimed", total.reclaimed, 100),
        ("flushed", total.flushed, 10),
    ];
    for (name, count, least) in happened {
        assert!(count >= least, "only {count} {name}: {total}");
    }
}

/// Under late answers a lease committed before a reconfiguration was counted in the old table of figures.
#[test]
fn late_commits_are_counted_under_the_configuration_in_force() {
    let _ = sim::run(Protocol::V4, 4, &Scenario { seconds: 300, ..Scenario::late_jumping(100) });
}

#[test]
fn equal_seeds_give_equal_reports() {
    for (name, scenario) in Scenario::all(60) {
        let runs = [1, 1, 2].map(|seed| sim::run(Protocol::V4, seed, &short(scenario)));
        assert_eq!(runs[0], runs[1], "{name}");
        assert_ne!(runs[0], runs[2], "{name}");
    }
}
