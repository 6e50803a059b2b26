//! Leases that are stored less often, for less time, or earlier: `cache-threshold`, `adaptive-lease-time-threshold`,
//! `offer-lifetime`.

use libdhcp::v4::{MessageType, code};
use stats::{Lease4, Place};

use crate::stand::{Stand, discover, renewing, selecting};

const CACHED: &str = r#""valid-lifetime": 4000, "cache-threshold": 0.25, "calculate-tee-times": true, "subnet4": [
    { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.12" } ] } ]"#;

fn lifetime(stand: &mut Stand, query: &crate::stand::Query) -> Option<u32> {
    stand.answer(query).number(code::LEASE_TIME)
}

fn cltt(stand: &Stand) -> i64 {
    stand.store.lease([192, 0, 2, 10].into()).expect("a lease").cltt
}

#[test]
fn young_leases_are_not_stored_again() {
    let mut stand = Stand::new(CACHED);
    stand.bind(&discover(1));
    let (stored, rows) = (cltt(&stand), stand.queue.appended());
    stand.pass(499);
    let reaction = stand.ask(&renewing(1, [192, 0, 2, 10]));
    let [ack] = reaction.answers.as_slice() else { panic!("{reaction:?}") };
    assert_eq!((ack.kind(), ack.number(code::LEASE_TIME)), (MessageType::Ack, Some(3500)));
    assert_eq!(ack.number(code::RENEWAL_TIME), Some(1750), "of what is left");
    assert_eq!(ack.entry.hold, 0, "it waits for nothing");
    assert!(reaction.log.iter().any(|line| line.id == "DHCP4_LEASE_REUSE"), "{reaction:?}");
    assert_eq!((cltt(&stand), stand.queue.appended()), (stored, rows));
    assert_eq!(stand.counters.value(Place::subnet(0), Lease4::LeaseReuses), 1);
    // A client that looks again is told the same.
    assert_eq!(lifetime(&mut stand, &discover(1)), Some(3499));
    stand.pass(498);
    assert_eq!(lifetime(&mut stand, &renewing(1, [192, 0, 2, 10])), Some(3000));
    assert_eq!(lifetime(&mut stand, &renewing(1, [192, 0, 2, 10])), Some(4000), "beyond a quarter");
    assert_eq!(cltt(&stand), stand.now.wall_s);
}

#[test]
fn whatever_changes_is_stored() {
    let changes = [
        renewing(1, [192, 0, 2, 10]).option(code::HOST_NAME, b"other"),
        renewing(1, [192, 0, 2, 10]).option(code::LEASE_TIME, &100_u32.to_be_bytes()),
        renewing(1, [192, 0, 2, 10]).client_id(b"\x01me"),
    ];
    for change in changes {
        let members = CACHED.replace("4000,", "4000, \"min-valid-lifetime\": 50,");
        let mut stand = Stand::new(&members);
        stand.bind(&discover(1));
        stand.answer(&change);
        assert_eq!(cltt(&stand), stand.now.wall_s, "{change:?}");
    }
    let mut stand = Stand::new(CACHED);
    stand.bind(&discover(1));
    stand.reconfigure(&CACHED.replace("4000", "5000"));
    assert_eq!(lifetime(&mut stand, &renewing(1, [192, 0, 2, 10])), Some(5000));
}

#[test]
fn caching_ends_with_the_maximal_age_and_can_be_switched_off() {
    let mut stand = Stand::new(&CACHED.replace("0.25,", "0.25, \"cache-max-age\": 10,"));
    stand.bind(&discover(1));
    stand.pass(9);
    assert_eq!(lifetime(&mut stand, &renewing(1, [192, 0, 2, 10])), Some(3990));
    assert_eq!(lifetime(&mut stand, &renewing(1, [192, 0, 2, 10])), Some(4000));
    let mut off = Stand::new(&CACHED.replace("0.25", "0"));
    off.bind(&discover(1));
    assert_eq!(lifetime(&mut off, &renewing(1, [192, 0, 2, 10])), Some(4000));
}

#[test]
fn an_answer_that_repeats_a_lease_waits_for_its_row() {
    let mut stand = Stand::new(CACHED);
    stand.bind(&discover(1));
    let queue = stand.queue.clone();
    queue.append(b"a row of another worker\n").expect("there is room");
    assert!(stand.answer(&renewing(1, [192, 0, 2, 10])).entry.hold > 0);
}

#[test]
fn offers_are_stored_for_their_lifetime() {
    let members = CACHED.replace("\"cache", "\"offer-lifetime\": 30, \"cache");
    let mut stand = Stand::new(&members);
    let offer = stand.answer(&discover(1));
    assert_eq!(offer.number(code::LEASE_TIME), Some(4000), "the client is told the usual time");
    assert!(offer.entry.hold > 0, "it waits for the row");
    let lease = stand.store.lease(offer.address()).expect("the offer is stored");
    assert_eq!((lease.valid_lifetime, lease.hw.as_slice()), (30, &[2, 0, 0, 0, 0, 1][..]));
    // Others do not get it meanwhile.
    for client in 2..=3 {
        assert_ne!(stand.answer(&discover(client)).address(), offer.address());
    }
    assert_eq!(stand.drop_reason(&discover(4)), "no address is free in the subnet's pools");
    // It becomes a lease.
    let ack = stand.answer(&selecting(1, offer.address().octets()));
    assert_eq!(ack.number(code::LEASE_TIME), Some(4000));
    assert_eq!(stand.store.lease(offer.address()).map(|lease| lease.valid_lifetime), Some(4000));
    // Looking again does not shorten it.
    stand.answer(&discover(1));
    assert_eq!(stand.store.lease(offer.address()).map(|lease| lease.valid_lifetime), Some(4000));
    // What nobody took is free again.
    stand.pass(31);
    assert_eq!(stand.answer(&discover(4)).kind(), MessageType::Offer);
}

#[test]
fn leases_are_short_where_addresses_are_short() {
    let members = r#""allocator": "flq", "adaptive-lease-time-threshold": 0.5, "cache-threshold": 0,
        "valid-lifetime": 4000, "min-valid-lifetime": 100, "subnet4": [
        { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.13" } ] } ]"#;
    let mut stand = Stand::new(members);
    assert_eq!(lifetime(&mut stand, &discover(1)), Some(4000));
    let first = stand.bind(&discover(1));
    assert_eq!(lifetime(&mut stand, &discover(2)), Some(100), "half of them would be leased");
    stand.bind(&discover(2));
    // A renewal does not take away what is left.
    stand.pass(1000);
    stand.bind(&discover(3));
    let left = lifetime(&mut stand, &renewing(1, first.octets()));
    assert!(left.is_some_and(|left| (2900..3000).contains(&left)), "{left:?}");
    let mut other = Stand::new(&members.replace("flq", "random"));
    other.bind(&discover(1));
    assert_eq!(lifetime(&mut other, &discover(2)), Some(4000), "only a queue knows");
}
