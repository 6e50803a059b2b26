//! A handful of seeds in every kind of world, and every seed that ever failed.

use sim::{Protocol, Report, Scenario};

/// Small enough for every build.
fn short(scenario: Scenario) -> Scenario {
    Scenario { seconds: 300, ..scenario }
}

/// Runs these seeds in every world.
fn total_of(
    protocol: Protocol,
    seeds: std::ops::RangeInclusive<u64>,
    scenarios: &[(&str, Scenario)],
) -> Report {
    let mut total = Report::default();
    for seed in seeds {
        for (_, scenario) in scenarios {
            total += &sim::run(protocol, seed, &short(*scenario));
        }
    }
    total
}

/// A simulation in which nothing happens proves nothing.
fn assert_happened(total: &Report, happened: &[(&str, u64, u64)]) {
    for (name, count, least) in happened {
        assert!(count >= least, "only {count} {name}: {total}");
    }
}

#[test]
fn fixed_seeds_hold_in_every_world() {
    let total = total_of(Protocol::V4, 1..=6, &Scenario::all(200));
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
    assert_happened(&total, &happened);
}

#[test]
fn fixed_seeds_hold_in_every_world_of_dhcpv6() {
    let total = total_of(Protocol::V6, 1..=3, &Scenario::all(80));
    let happened = [
        ("bound", total.bound, 8_000),
        ("prefixes", total.prefixes, 8_000),
        ("renewals", total.renewals, 4_000),
        ("rebinds", total.rebinds, 1_000),
        ("rapid", total.rapid, 300),
        ("moves", total.moves, 500),
        ("releases", total.releases, 500),
        ("declines", total.declines, 30),
        ("refused", total.refused, 1_000),
        ("withdrawn", total.withdrawn, 1_000),
        ("discarded", total.discarded, 1),
        ("crashes", total.crashes, 30),
        ("recovered", total.recovered, 3_000),
        ("torn bytes", total.torn_bytes, 1),
        ("reconfigurations", total.reconfigurations, 50),
        ("clock jumps", total.clock_jumps, 10),
        ("clean-ups", total.clean_ups, 50),
        ("late answers", total.late_answers, 10_000),
        ("reclaimed", total.reclaimed, 1_000),
        ("flushed", total.flushed, 100),
    ];
    assert_happened(&total, &happened);
}

#[test]
fn fixed_seeds_hold_in_every_world_with_a_database() {
    let total = total_of(Protocol::V4, 1..=6, &Scenario::shared(200));
    let happened = [
        ("bound", total.bound, 10_000),
        ("recovered", total.recovered, 10_000),
        ("recounts", total.recounts, 10),
    ];
    assert_happened(&total, &happened);
}

#[test]
fn fixed_seeds_hold_in_every_world_with_a_database_of_dhcpv6() {
    let total = total_of(Protocol::V6, 1..=3, &Scenario::shared(80));
    let happened = [
        ("bound", total.bound, 5_000),
        ("prefixes", total.prefixes, 5_000),
        ("recovered", total.recovered, 10_000),
        ("recounts", total.recounts, 5),
    ];
    assert_happened(&total, &happened);
}

/// Under late answers a lease committed before a reconfiguration was counted in the old table of figures.
#[test]
fn late_commits_are_counted_under_the_configuration_in_force() {
    let _ = sim::run(Protocol::V4, 4, &Scenario { seconds: 300, ..Scenario::late_jumping(100) });
}

/// Under late answers an association for prefixes got an address.
#[test]
fn late_answers_belong_to_their_questions() {
    let _ = sim::run(Protocol::V6, 1, &Scenario { seconds: 30, ..Scenario::late(100) });
}

/// What an exchange had stored before a reconfiguration was counted twice.
#[test]
fn several_leases_of_a_late_exchange_are_counted_once() {
    let _ = sim::run(Protocol::V6, 2, &Scenario { seconds: 60, ..Scenario::restless(100) });
}

/// A prefix was leased out of a pool that was gone, around one that somebody had.
#[test]
fn late_choices_from_former_pools_overlap_nothing() {
    let _ = sim::run(Protocol::V6, 101, &Scenario { seconds: 100, ..Scenario::restless(200) });
}

#[test]
fn equal_seeds_give_equal_reports() {
    for protocol in [Protocol::V4, Protocol::V6] {
        let all = Scenario::all(40);
        for (name, scenario) in all.into_iter().chain(Scenario::shared(40)) {
            let runs = [1, 1, 2].map(|seed| {
                let scenario = Scenario { seconds: 120, ..scenario };
                sim::run(protocol, seed, &scenario)
            });
            assert_eq!(runs[0], runs[1], "{name}");
            assert_ne!(runs[0], runs[2], "{name}");
        }
    }
}
