use super::Observation;
use crate::{Lease4, Packet4, Place, Statistics4, SubnetRow};
use util::Now;

const START: Now = Now::from_secs(1000);
const LATER: Now = Now::from_secs(2000);

fn rows() -> Vec<SubnetRow> {
    vec![
        SubnetRow { id: 7, pool_ids: vec![1], pd_pool_ids: Vec::new() },
        SubnetRow { id: 10, pool_ids: Vec::new(), pd_pool_ids: Vec::new() },
    ]
}

fn value(statistics: &Statistics4, name: &str) -> Option<i64> {
    statistics.find(name).map(|one| one.value)
}

#[test]
fn workers_are_added_up_and_outlive_themselves() {
    let statistics = Statistics4::new(START);
    let mut first = statistics.worker(START);
    let mut second = statistics.worker(START);
    first.increment(Packet4::Received);
    second.set_time(LATER);
    second.add(Packet4::Received, 4);
    let expected =
        Observation { name: "pkt4-received".into(), value: 5, changed_at_s: LATER.wall_s };
    assert_eq!(statistics.find("pkt4-received"), Some(expected));
    drop(first);
    let mut third = statistics.worker(LATER);
    third.increment(Packet4::Received);
    assert_eq!(value(&statistics, "pkt4-received"), Some(6));
    assert_eq!(statistics.lock().workers.len(), 2);
    assert_eq!(second.value(Packet4::Received), 4);
}

#[test]
fn reset_counts_from_zero_again() {
    let statistics = Statistics4::new(START);
    let mut worker = statistics.worker(START);
    worker.add(Packet4::Sent, 9);
    assert!(statistics.reset("pkt4-sent", LATER));
    let found = statistics.find("pkt4-sent").unwrap();
    assert_eq!((found.value, found.changed_at_s), (0, LATER.wall_s));
    worker.increment(Packet4::Sent);
    assert_eq!(value(&statistics, "pkt4-sent"), Some(1));
    assert!(!statistics.reset("pkt4-nonsense", LATER));
}

#[test]
fn removed_statistics_come_back_when_they_change() {
    let statistics = Statistics4::new(START);
    let mut worker = statistics.worker(START);
    let leases = statistics.install(&rows(), START);
    worker.add(Packet4::AckSent, 3);
    leases.add(Place::subnet(0), Lease4::AssignedAddresses, 5, START);
    for name in ["pkt4-ack-sent", "subnet[7].assigned-addresses", "declined-addresses"] {
        assert!(statistics.remove(name), "{name}");
        assert_eq!(value(&statistics, name), None);
        assert!(!statistics.remove(name), "{name} is gone already");
        assert!(!statistics.reset(name, LATER));
    }
    worker.increment(Packet4::AckSent);
    leases.add(Place::subnet(0), Lease4::AssignedAddresses, 1, LATER);
    assert_eq!(value(&statistics, "pkt4-ack-sent"), Some(1));
    assert_eq!(value(&statistics, "subnet[7].assigned-addresses"), Some(1));
}

#[test]
fn global_figures_sum_the_subnets_and_survive_reconfiguration() {
    let statistics = Statistics4::new(START);
    let leases = statistics.install(&rows(), START);
    leases.add(Place::subnet(0), Lease4::ReclaimedLeases, 2, START);
    leases.add(Place::subnet(1), Lease4::ReclaimedLeases, 3, START);
    leases.add(Place::subnet(1), Lease4::DeclinedAddresses, 4, START);
    assert_eq!(value(&statistics, "reclaimed-leases"), Some(5));
    assert_eq!(value(&statistics, "declined-addresses"), Some(4));

    let leases = statistics.install(&rows(), LATER);
    assert_eq!(value(&statistics, "subnet[7].reclaimed-leases"), Some(0));
    assert_eq!(value(&statistics, "reclaimed-leases"), Some(5));
    assert_eq!(value(&statistics, "declined-addresses"), Some(0), "until the recount");
    leases.set(Place::subnet(1), Lease4::DeclinedAddresses, 6, LATER);
    leases.add(Place::subnet(0), Lease4::ReclaimedLeases, 1, LATER);
    assert_eq!(value(&statistics, "reclaimed-leases"), Some(6));
    assert_eq!(value(&statistics, "declined-addresses"), Some(6));
}

#[test]
fn resets_of_subnet_and_server_do_not_disturb_each_other() {
    let statistics = Statistics4::new(START);
    let leases = statistics.install(&rows(), START);
    let pool = Place { subnet: 0, pool: leases.pool_slot(0, 0) };
    leases.add(pool, Lease4::ReclaimedLeases, 2, START);
    leases.add(Place::subnet(1), Lease4::ReclaimedLeases, 3, START);
    assert!(statistics.reset("subnet[10].reclaimed-leases", LATER));
    assert!(statistics.reset("subnet[7].pool[1].reclaimed-leases", LATER));
    assert_eq!(value(&statistics, "reclaimed-leases"), Some(5));
    assert_eq!(value(&statistics, "subnet[7].reclaimed-leases"), Some(2));
    assert_eq!(value(&statistics, "subnet[7].pool[1].reclaimed-leases"), Some(0));
    assert!(statistics.reset("reclaimed-leases", LATER));
    assert_eq!(value(&statistics, "reclaimed-leases"), Some(0));
    assert_eq!(value(&statistics, "subnet[7].reclaimed-leases"), Some(2));
    leases.add(pool, Lease4::ReclaimedLeases, 1, LATER);
    assert_eq!(value(&statistics, "reclaimed-leases"), Some(1));
    let _ = statistics.install(&rows(), LATER);
    assert_eq!(value(&statistics, "reclaimed-leases"), Some(1));
}

#[test]
fn snapshot_is_sorted_and_agrees_with_single_look_ups() {
    let statistics = Statistics4::new(START);
    let leases = statistics.install(&rows(), START);
    leases.set(Place::subnet(0), Lease4::TotalAddresses, 250, START);
    let all = statistics.snapshot();
    assert!(all.is_sorted_by(|a, b| a.name < b.name));
    for one in &all {
        assert_eq!(statistics.find(&one.name).as_ref(), Some(one));
    }
    let names: Vec<_> = all.iter().map(|one| one.name.as_str()).collect();
    assert!(names.contains(&"subnet[7].total-addresses"));
    assert!(names.contains(&"subnet[7].pool[1].total-addresses"));
    assert!(names.contains(&"subnet[10].v4-allocation-fail"));
    assert!(!names.contains(&"total-addresses"));
    assert!(!names.contains(&"subnet[10].pool[1].total-addresses"));
}

#[test]
fn all_are_reset_and_removed_together() {
    let statistics = Statistics4::new(START);
    let mut worker = statistics.worker(START);
    let leases = statistics.install(&rows(), START);
    worker.increment(Packet4::Received);
    let pool = Place { subnet: 0, pool: leases.pool_slot(0, 0) };
    leases.add(pool, Lease4::CumulativeAssignedAddresses, 1, START);
    statistics.reset_all(LATER);
    assert!(statistics.snapshot().iter().all(|one| one.value == 0));
    assert!(statistics.snapshot().iter().all(|one| one.changed_at_s == LATER.wall_s));
    statistics.remove_all();
    assert!(statistics.snapshot().is_empty());
    worker.increment(Packet4::Received);
    assert_eq!(statistics.snapshot().len(), 1);
}

#[test]
fn odd_names_are_unknown() {
    let statistics = Statistics4::new(START);
    let _ = statistics.install(&rows(), START);
    for name in [
        "",
        "subnet[7]",
        "subnet[07].total-addresses",
        "subnet[8].total-addresses",
        "subnet[7].pkt4-received",
        "subnet[7].pool[2].total-addresses",
        "subnet[7].pool[1].v4-lease-reuses",
        "subnet[99999999999].total-addresses",
        "total-addresses",
    ] {
        assert_eq!(statistics.find(name), None, "{name}");
    }
}
