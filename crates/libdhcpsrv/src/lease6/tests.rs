//! Tests of the store with DHCPv6 leases: what differs from DHCPv4, and that what does not works here too.

use std::sync::Arc;

use util::Now;
use util::journal::{JournalError, JournalQueue};

use super::*;
use crate::free::{PickFrom, PoolRange6, PoolSet6};
use crate::lease::{CommitError, LEASES_PER_KEY_MAX, ReclaimLimits, Stored};
use crate::session::{Memo6, Session};

const SUBNET: SubnetId = SubnetId(1);
const T0: u64 = 1_800_000_000;
const DUID: &[u8] = &[0, 3, 0, 1, 2, 0, 0, 0, 0, 1];

fn at(seconds: u64) -> Now {
    Now::from_secs(T0 + seconds)
}

fn address(last: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last)
}

fn prefix(number: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0xff, number, 0, 0, 0, 0)
}

fn client(duid: &[u8], iaid: u32) -> ClientKey6<'_> {
    ClientKey6 { lease_type: LeaseType::Na, duid, iaid }
}

fn change<'a>(address: Ipv6Addr, client: ClientKey6<'a>, expect: Expect) -> Change6<'a> {
    Change6 {
        address,
        prefix_len: if client.lease_type == LeaseType::Pd { 64 } else { 128 },
        subnet_id: SUBNET,
        pool_id: 0,
        pool: None,
        client,
        hw: HardwareSource6 { hw_type: 1, source: 8, hw: &[2, 0, 0, 0, 0, 1] },
        preferred_lifetime: 50,
        valid_lifetime: 100,
        state: LeaseState::Default,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: b"",
        user_context: b"",
        keeps_context: false,
        expect,
        replaces: None,
    }
}

fn pools() -> Arc<PoolSet6> {
    let addresses = PoolRange6 { first: address(0), last: address(255), unit_len: 128 };
    let last = u128::from(prefix(15)) | u128::from(u64::MAX);
    let prefixes = PoolRange6 { first: prefix(0), last: last.into(), unit_len: 64 };
    Arc::new(PoolSet6::new([addresses, prefixes]))
}

fn store_with_pools() -> (LeaseStore6, Arc<PoolSet6>) {
    let (store, pools) = (LeaseStore6::new(7, None), pools());
    store.adopt_pools(&pools);
    (store, pools)
}

fn put(store: &LeaseStore6, address: Ipv6Addr, client: ClientKey6<'_>, now: Now) -> Stored {
    let view = store.get(address, &client);
    store.commit(&change(address, client, view.as_ref().into()), now).unwrap()
}

#[test]
fn an_association_finds_all_its_leases_in_the_order_of_addresses() {
    let (store, pools) = store_with_pools();
    let key = client(DUID, 7);
    for last in [30, 10, 20] {
        put(&store, address(last), key, at(0));
    }
    put(&store, address(5), client(DUID, 8), at(0));
    let nth = |nth| {
        let found = store.find_nth(&key, SUBNET, nth);
        (found.own.map(|view| view.address.segments()[7]), found.more)
    };
    assert_eq!([0, 1, 2].map(nth), [(Some(10), true), (Some(20), true), (Some(30), false)]);
    assert_eq!([3, u32::MAX].map(nth), [(None, false), (None, false)]);
    assert_eq!(store.find(&key, SUBNET), store.find_nth(&key, SUBNET, 0).own);
    assert_eq!(store.find(&key, SubnetId(2)), None);

    let (mut entropy, mut memo) = (util::SplitMix::new(1), Memo6::default());
    let mut session = Session::new(&store, &pools, &mut entropy, &mut memo, at(1));
    let found = session.find_nth(key, SUBNET, 1).unwrap();
    assert_eq!((found.own, found.more), (store.get(address(20), &key), true));
    let (own, requested) = session.find(key, SUBNET, Some(address(30))).unwrap();
    assert_eq!((own, requested), (store.find(&key, SUBNET), store.get(address(30), &key)));
}

#[test]
fn leases_beyond_the_limit_of_an_association_are_stored_but_not_found_by_it() {
    let (store, _) = store_with_pools();
    let key = client(DUID, 7);
    for last in 0..=LEASES_PER_KEY_MAX as u16 {
        put(&store, address(last), key, at(0));
    }
    let limit = LEASES_PER_KEY_MAX as u32;
    assert!(store.find_nth(&key, SUBNET, limit - 1).own.is_some());
    assert!(store.find_nth(&key, SUBNET, limit).own.is_none());
    assert_eq!(store.leases_of(&key).len(), LEASES_PER_KEY_MAX + 1);
    store.delete(address(0), store.get(address(0), &key).as_ref().into()).unwrap();
    store.check();
}

#[test]
fn ownership_tells_the_association_the_client_and_others_apart() {
    let (store, _) = store_with_pools();
    let key = client(DUID, 7);
    put(&store, address(1), key, at(0));
    let owner = |key: ClientKey6<'_>| store.get(address(1), &key).unwrap().owner;
    assert_eq!(owner(key), Ownership::Mine);
    assert_eq!(owner(ClientKey6 { iaid: 8, ..key }), Ownership::SameClient);
    assert_eq!(owner(ClientKey6 { lease_type: LeaseType::Pd, ..key }), Ownership::SameClient);
    assert_eq!(owner(ClientKey6 { duid: b"other", ..key }), Ownership::Other);
    assert_eq!(owner(ClientKey6::default()), Ownership::Other);
    for other in [ClientKey6 { iaid: 8, ..key }, ClientKey6 { lease_type: LeaseType::Pd, ..key }] {
        assert_eq!(store.find(&other, SUBNET), None);
    }
    assert_eq!(store.leases_of(&ClientKey6 { iaid: 99, ..key }).len(), 1, "the DUID decides");
}

#[test]
fn an_address_has_one_lease_whatever_its_type() {
    let (store, _) = store_with_pools();
    put(&store, prefix(1), client(DUID, 7), at(0));
    let pd = ClientKey6 { lease_type: LeaseType::Pd, ..client(DUID, 7) };
    let refused = store.commit(&change(prefix(1), pd, Expect::Absent), at(1));
    assert_eq!(refused, Err(CommitError::Conflict));
}

#[test]
fn declined_address_belongs_to_nobody_until_probation_ends() {
    let (store, pools) = store_with_pools();
    let key = client(DUID, 7);
    put(&store, address(10), key, at(0));
    let seen = store.find(&key, SUBNET);
    let stored = store.decline(address(10), seen.as_ref().into(), 1000, at(5)).unwrap();
    let deltas: Vec<_> = stored.deltas.iter().map(|delta| (delta.state, delta.by)).collect();
    assert_eq!(deltas, [(LeaseState::Default, -1), (LeaseState::Declined, 1)]);
    let lease = store.lease(address(10)).unwrap();
    assert_eq!((&lease.duid[..], lease.iaid, lease.preferred_lifetime), (NO_DUID, 7, 0));
    assert!(lease.hw.is_empty() && lease.hw_type == 0 && lease.hw_source == 0);
    for key in [key, client(NO_DUID, 7), client(b"", 7)] {
        assert_eq!(store.find(&key, SUBNET), None);
        assert_eq!(store.get(address(10), &key).unwrap().owner, Ownership::Other);
    }
    store.expire_tick(at(500), 1000);
    assert!(pools.is_held(address(10), 128));
    store.expire_tick(at(1006), 1000);
    let limits = ReclaimLimits { leases_max: 0, remove: false };
    let mut deleted = Vec::new();
    let each = &mut |reclaimed: Reclaimed6<'_>| deleted.push(reclaimed.deleted);
    store.reclaim(at(1006), limits, &mut || false, each).unwrap();
    assert!(deleted == [true] && store.is_empty() && !pools.is_held(address(10), 128));
}

#[test]
fn changes_are_counted_by_type() {
    let (store, _) = store_with_pools();
    let na = client(DUID, 7);
    let pd = ClientKey6 { lease_type: LeaseType::Pd, ..na };
    put(&store, address(1), na, at(0));
    let stored = put(&store, prefix(1), pd, at(0));
    assert_eq!(stored.deltas.iter().next().unwrap().lease_type, LeaseType::Pd);
    let counts: Vec<_> = store.recount().into_iter().collect();
    let group = |lease_type| ((SUBNET, lease_type, 0, LeaseState::Default), 1);
    assert_eq!(counts, [group(LeaseType::Na), group(LeaseType::Pd)]);
}

#[test]
fn replaced_lease_is_deleted_only_if_it_is_of_the_same_association() {
    let (store, _) = store_with_pools();
    let key = client(DUID, 7);
    put(&store, address(1), key, at(0));
    put(&store, address(2), client(DUID, 8), at(0));
    let replacing = |last, old| Change6 {
        replaces: Some(address(old)),
        ..change(address(last), key, Expect::Absent)
    };
    assert!(store.commit(&replacing(3, 1), at(1)).unwrap().replaced);
    assert!(!store.commit(&replacing(4, 2), at(1)).unwrap().replaced);
    assert_eq!(store.len(), 3);
}

#[test]
fn a_prefix_of_another_length_takes_its_marks_along() {
    let (store, pools) = store_with_pools();
    let pd = ClientKey6 { lease_type: LeaseType::Pd, ..client(DUID, 7) };
    put(&store, prefix(4), pd, at(0));
    assert!(pools.is_held(prefix(4), 64) && !pools.is_held(prefix(5), 64));
    let seen = store.find(&pd, SUBNET);
    let wider = Change6 { prefix_len: 62, ..change(prefix(4), pd, seen.as_ref().into()) };
    store.commit(&wider, at(1)).unwrap();
    let held = |pools: &PoolSet6| (3..=8).map(|n| pools.is_held(prefix(n), 64)).collect::<Vec<_>>();
    assert_eq!(held(&pools), [false, true, true, true, true, false]);
    let fresh = self::pools();
    store.adopt_pools(&fresh);
    assert_eq!(held(&fresh), held(&pools));
    let picked: Vec<u16> = (0..12)
        .map_while(|_| fresh.pick(PoolIndex(1), PickFrom::Cursor))
        .map(|prefix| prefix.segments()[3])
        .collect();
    assert_eq!(picked, [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15]);
    store.expire_tick(at(102), 100);
    assert!(!fresh.is_held(prefix(0), 56));
    assert_eq!(fresh.free_count(PoolIndex(1)), 16);
}

#[test]
fn long_identifiers_and_cold_data_are_kept() {
    let (store, _) = store_with_pools();
    let (duid, hw) = ([7; DUID_LEN_MAX + 9], [9; HW_LEN_MAX + 9]);
    let key = client(&duid, u32::MAX);
    let full = Change6 {
        hw: HardwareSource6 { hw_type: 0xffff, source: u32::MAX, hw: &hw },
        hostname: b"host.example.org",
        user_context: br#"{ "a": "b" }"#,
        pool_id: 5,
        ..change(address(1), key, Expect::Absent)
    };
    store.commit(&full, at(0)).unwrap();
    let view = store.find(&key, SUBNET).unwrap();
    assert!(view.has_hostname && view.owner == Ownership::Mine && view.preferred_lifetime == 50);
    let lease = store.lease(address(1)).unwrap();
    assert_eq!((lease.duid.len(), lease.hw.len()), (DUID_LEN_MAX, HW_LEN_MAX));
    assert_eq!((lease.hw_type, lease.hw_source, lease.iaid), (0xffff, u32::MAX, u32::MAX));
    assert_eq!((lease.hostname, lease.pool_id), (b"host.example.org".to_vec(), 5));
}

#[test]
fn nothing_changes_when_the_journal_refuses() {
    let journal = Arc::new(JournalQueue::new(usize::MAX));
    let store = LeaseStore6::new(7, Some(Arc::clone(&journal)));
    let pools = pools();
    store.adopt_pools(&pools);
    let key = client(DUID, 7);
    put(&store, address(1), key, at(0));
    let before = store.lease(address(1));
    journal.stall();
    let seen = store.find(&key, SUBNET);
    let renewal = change(address(1), key, seen.as_ref().into());
    let stalled = Err(CommitError::Journal(JournalError::Stalled));
    assert_eq!(store.commit(&renewal, at(2)), stalled);
    assert_eq!(store.commit(&change(address(2), key, Expect::Absent), at(2)), stalled);
    assert_eq!(store.delete(address(1), seen.as_ref().into()), stalled);
    assert!(store.lease(address(1)) == before && !pools.is_held(address(2), 128));
}

#[test]
fn prefixes_of_any_length_spread_over_the_parts() {
    use crate::lease::StoreAddress;
    for shift in [0, 8, 16, 63, 64, 68, 72, 80, 90, 96] {
        let mut counts = [0; 64];
        for number in 0..6400_u128 {
            counts[((0x2001_0db8 << 96) + (number << shift)).part(64)] += 1;
        }
        assert!(counts.iter().all(|&count| (20..=300).contains(&count)), "{shift}: {counts:?}");
    }
}

fn prefix_of_len(prefix_len: u8, client: ClientKey6<'_>, expect: Expect) -> Change6<'_> {
    let client = ClientKey6 { lease_type: LeaseType::Pd, ..client };
    Change6 { prefix_len, ..change(prefix(0), client, expect) }
}

#[test]
fn nothing_is_leased_that_overlaps_what_somebody_has() {
    let (store, pools) = store_with_pools();
    let other = client(&[0, 2, 9, 9], 1);
    store.commit(&prefix_of_len(64, other, Expect::Absent), at(0)).unwrap();
    let free = pools.free_count(crate::free::PoolIndex(1));
    // One around it, and an address within.
    let site = Ipv6Addr::new(0x2001, 0xdb8, 0xfe, 0, 0, 0, 0, 0);
    let own = prefix_of_len(47, client(DUID, 1), Expect::Absent);
    let around = Change6 { address: site, ..own };
    let within = u128::from(prefix(0)) | 5;
    let within = change(within.into(), client(DUID, 1), Expect::Absent);
    for overlapping in [around, within] {
        let refused = store.commit(&overlapping, at(1));
        assert_eq!(refused.unwrap_err(), CommitError::Conflict, "{overlapping:?}");
    }
    assert_eq!(pools.free_count(crate::free::PoolIndex(1)), free);
    // When that has expired, they may.
    store.expire_tick(at(200), usize::MAX);
    store.commit(&within, at(200)).unwrap();
    let back = store.get(prefix(0), &other);
    let late = prefix_of_len(64, other, back.as_ref().into());
    assert_eq!(store.commit(&late, at(201)).unwrap_err(), CommitError::Conflict, "it has lost it");
    store.check();
}

#[test]
fn a_lease_may_change_its_length_where_nothing_is_in_the_way() {
    let (store, pools) = store_with_pools();
    let own = client(DUID, 1);
    let expect = |store: &LeaseStore6| Expect::from(store.get(prefix(0), &own).as_ref());
    for len in [64, 62, 66] {
        store.commit(&prefix_of_len(len, own, expect(&store)), at(0)).unwrap();
        store.check();
    }
    let other = change(prefix(1), client(&[0, 2, 9, 9], 1), Expect::Absent);
    store.commit(&other, at(0)).unwrap();
    let wider = prefix_of_len(62, own, expect(&store));
    assert_eq!(store.commit(&wider, at(0)).unwrap_err(), CommitError::Conflict);
    assert!(pools.is_held(prefix(0), 66), "what it had is still marked");
    store.check();
}

#[test]
fn what_was_chosen_from_pools_that_are_gone_is_not_leased() {
    let (store, _) = store_with_pools();
    let (own, other) = (client(DUID, 1), client(&[0, 2, 9, 9], 1));
    let chosen = Change6 { pool: Some(PoolIndex(1)), ..prefix_of_len(64, own, Expect::Absent) };
    store.commit(&chosen, at(0)).unwrap();
    store.adopt_pools(&Arc::new(PoolSet6::default()));
    // Nothing is marked any more, and this overlaps.
    let late = Change6 { pool: Some(PoolIndex(1)), ..prefix_of_len(60, other, Expect::Absent) };
    let within = Ipv6Addr::from(u128::from(prefix(0)) | 1 << 62);
    for late in [late, Change6 { prefix_len: 66, address: within, ..late }] {
        assert_eq!(store.commit(&late, at(1)).unwrap_err(), CommitError::Conflict);
    }
    // What a client has it may keep.
    let expect = store.get(prefix(0), &own).as_ref().into();
    store.commit(&Change6 { expect, ..chosen }, at(1)).unwrap();
    store.check();
}

#[test]
fn of_leases_that_the_clock_revives_one_goes_on() {
    let (store, _) = store_with_pools();
    let (first, second) = (client(DUID, 1), client(&[0, 2, 9, 9], 1));
    store.commit(&prefix_of_len(64, first, Expect::Absent), at(100)).unwrap();
    store.expire_tick(at(300), usize::MAX);
    let within = Ipv6Addr::from(u128::from(prefix(0)) | 1 << 62);
    let part = prefix_of_len(66, second, Expect::Absent);
    store.commit(&Change6 { address: within, ..part }, at(300)).unwrap();
    // The clock is set back: the first one is not over after all, but it has been given away.
    let limits = ReclaimLimits { leases_max: 0, remove: false };
    let mut each = |reclaimed: Reclaimed6<'_>| assert_eq!(reclaimed.lease.address, prefix(0));
    store.reclaim(at(150), limits, &mut || false, &mut each).unwrap();
    let state = |address| store.lease(address).unwrap().state;
    assert_eq!(state(prefix(0)), LeaseState::ExpiredReclaimed);
    assert_eq!(state(within), LeaseState::Default);
    store.check();
}

#[test]
fn of_overlapping_leases_of_a_file_one_goes_on() {
    let journal = Arc::new(JournalQueue::new(1 << 20));
    let own = client(DUID, 1);
    let within = Ipv6Addr::from(u128::from(prefix(0)) | 1 << 62);
    let mut rows = csv6::HEADER.as_bytes().to_vec();
    // Two stores, because one would not make both.
    for (address, len) in [(prefix(0), 64), (within, 66)] {
        let store = LeaseStore6::new(7, Some(journal.clone()));
        let change = Change6 { address, ..prefix_of_len(len, own, Expect::Absent) };
        store.commit(&change, at(0)).unwrap();
    }
    let mut written = Vec::new();
    journal.take(&mut written);
    rows.extend_from_slice(&written);
    let mut store = LeaseStore6::new(7, None);
    let mut loader = Loader6::new(&mut store, 1);
    loader.load(&rows, &mut |line, error| panic!("{line}: {error}")).unwrap();
    loader.finish(at(1));
    let pools = pools();
    let free = pools.free_count(PoolIndex(1));
    store.adopt_pools(&pools);
    let held = [prefix(0), within].map(|address| store.get(address, &own).unwrap().is_held);
    assert_eq!(held.iter().filter(|held| **held).count(), 1, "{held:?}");
    assert_eq!(pools.free_count(PoolIndex(1)), free - 1);
    store.check();
}
