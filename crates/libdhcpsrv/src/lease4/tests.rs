//! Tests of the store as its users see it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use util::Now;
use util::journal::{JournalError, JournalQueue};

use super::*;
use crate::free::{PickFrom, PoolIndex, PoolRange, PoolSet4};
use crate::lease::shard_of;

const SUBNET: SubnetId = SubnetId(1);
const T0: u64 = 1_800_000_000;

fn at(seconds: u64) -> Now {
    Now::from_secs(T0 + seconds)
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, last)
}

fn client<'a>(hw: &'a [u8], client_id: &'a [u8]) -> ClientKey<'a> {
    ClientKey { hw_type: 1, hw, client_id: Some(client_id) }
}

fn change<'a>(last: u8, client: ClientKey<'a>, expect: Expect) -> Change4<'a> {
    Change4 {
        address: address(last),
        subnet_id: SUBNET,
        pool_id: 0,
        pool: None,
        client,
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

fn pools() -> Arc<PoolSet4> {
    let (first, last) = (address(0), address(255));
    Arc::new(PoolSet4::new([PoolRange { first, last, skips_edges: false }]))
}

fn store_with_pools() -> (LeaseStore4, Arc<PoolSet4>) {
    let (store, pools) = (LeaseStore4::new(7, None), pools());
    store.adopt_pools(&pools);
    (store, pools)
}

fn put(store: &LeaseStore4, last: u8, client: ClientKey<'_>, now: Now) -> Stored {
    let view = store.get(address(last), &client);
    store.commit(&change(last, client, view.as_ref().into()), now).unwrap()
}

#[test]
fn clients_are_found_by_identifier_then_by_hardware_address() {
    let (store, _) = store_with_pools();
    let (both, hw_only) = (client(b"AAAAAA", b"id-1"), client(b"BBBBBB", b""));
    put(&store, 10, both, at(0));
    put(&store, 11, hw_only, at(0));
    let found = |key| store.find(&key, SUBNET).map(|view| view.address.octets()[3]);
    assert_eq!(found(both), Some(10));
    assert_eq!(found(client(b"CCCCCC", b"id-1")), Some(10), "the identifier alone decides");
    assert_eq!(found(client(b"AAAAAA", b"")), Some(10), "one side has no identifier");
    assert_eq!(found(client(b"AAAAAA", b"id-2")), None, "identifiers differ");
    assert_eq!(found(client(b"BBBBBB", b"id-3")), Some(11));
    assert_eq!(found(ClientKey { hw_type: 6, ..hw_only }), None, "another hardware type");
    assert_eq!(found(ClientKey::default()), None);
    assert_eq!(store.find(&both, SubnetId(2)), None);
}

#[test]
fn many_clients_behind_one_hardware_address_do_not_slow_each_other() {
    let store = LeaseStore4::new(7, None);
    for number in 0..5000_u32 {
        let id = number.to_be_bytes();
        let client = client(b"AAAAAA", &id);
        let change =
            Change4 { address: (0x0a00_0000 + number).into(), ..change(0, client, Expect::Absent) };
        store.commit(&change, at(0)).unwrap();
    }
    assert!(store.clients().len() <= 5000 + crate::lease::LEASES_PER_KEY_MAX);
    for number in 0..5000_u32 {
        let found = store.find(&client(b"AAAAAA", &number.to_be_bytes()), SUBNET).unwrap();
        assert_eq!(u32::from(found.address), 0x0a00_0000 + number);
    }
    assert!(store.find(&client(b"AAAAAA", b""), SUBNET).is_some());
}

#[test]
fn change_is_refused_when_the_lease_is_not_what_was_seen() {
    let (store, _) = store_with_pools();
    let (first, second) = (client(b"AAAAAA", b""), client(b"BBBBBB", b""));
    put(&store, 10, first, at(0));
    let absent = store.commit(&change(10, second, Expect::Absent), at(1));
    assert_eq!(absent, Err(CommitError::Conflict));
    let seen = store.get(address(10), &second).unwrap();
    assert!(seen.owner == Ownership::Other && !seen.is_available(at(100).wall_s));
    put(&store, 10, first, at(50));
    let stale = store.commit(&change(10, second, Some(&seen).into()), at(101));
    assert_eq!(stale, Err(CommitError::Conflict));
    assert_eq!(store.delete(address(10), Some(&seen).into()), Err(CommitError::Conflict));
    assert_eq!(store.delete(address(11), Expect::Absent), Err(CommitError::Conflict));
    assert_eq!(store.get(address(10), &first).unwrap().cltt, at(50).wall_s);
}

#[test]
fn an_expired_lease_is_available_after_its_last_second() {
    let (store, pools) = store_with_pools();
    put(&store, 10, client(b"AAAAAA", b""), at(0));
    let view = store.get(address(10), &ClientKey::default()).unwrap();
    assert!(!view.is_available(at(100).wall_s) && view.is_available(at(101).wall_s));
    assert_eq!(store.expire_tick(at(100), 1000), Ticked { expired: 0, more: false });
    assert!(pools.is_held(address(10)));
    assert_eq!(store.expire_tick(at(101), 1000), Ticked { expired: 1, more: false });
    assert!(!pools.is_held(address(10)));
    assert_eq!(pools.free_count(PoolIndex(0)), 256);
}

#[test]
fn an_infinite_lease_never_expires() {
    let (store, pools) = store_with_pools();
    let infinite =
        Change4 { valid_lifetime: INFINITE, ..change(10, client(b"A", b""), Expect::Absent) };
    store.commit(&infinite, at(0)).unwrap();
    assert_eq!(store.expire_tick(at(1 << 33), 1000).expired, 0);
    assert!(pools.is_held(address(10)));
    assert!(!store.find(&client(b"A", b""), SUBNET).unwrap().is_expired(i64::MAX));
}

#[test]
fn renewed_and_shortened_leases_expire_at_their_new_time() {
    let (store, _) = store_with_pools();
    for (last, lifetime) in [(10, 1000), (11, 50), (12, 100)] {
        let hw = [last];
        let key = client(&hw, b"");
        put(&store, last, key, at(0));
        let view = store.find(&key, SUBNET);
        let renewed =
            Change4 { valid_lifetime: lifetime, ..change(last, key, view.as_ref().into()) };
        store.commit(&renewed, at(20)).unwrap();
    }
    let expired = |now| store.expire_tick(at(now), 1000).expired;
    assert_eq!([70, 71, 120, 121, 1020, 1021].map(expired), [0, 1, 0, 1, 0, 1]);
}

#[test]
fn reclamation_goes_oldest_first_and_keeps_its_limits() {
    let (store, _) = store_with_pools();
    for (last, now) in [(10, 30), (11, 10), (12, 20), (13, 40)] {
        put(&store, last, client(&[last], b""), at(now));
    }
    assert_eq!(store.expire_tick(at(135), 1000).expired, 3);
    let mut order = Vec::new();
    let mut reclaim = |leases_max, late| {
        let limits = ReclaimLimits { leases_max, remove: false };
        let each = &mut |reclaimed: Reclaimed<'_>| {
            assert_eq!(reclaimed.deltas.iter().map(|delta| delta.by).sum::<i8>(), 0);
            order.push(reclaimed.lease.address.octets()[3]);
        };
        store.reclaim(at(135), limits, &mut || late, each).unwrap()
    };
    assert_eq!(reclaim(0, true), 3);
    assert_eq!(reclaim(2, false), 1);
    assert_eq!(reclaim(0, false), 0);
    assert_eq!(order, [11, 12, 10]);
    let kept = store.find(&client(&[11], b""), SUBNET).unwrap();
    assert_eq!(kept.state, LeaseState::ExpiredReclaimed);
    let flushed = |hold| store.flush_reclaimed(at(135), hold, 100, &mut |_| ()).unwrap();
    assert_eq!([flushed(25), flushed(24), flushed(0), flushed(0)], [0, 1, 2, 0]);
    assert_eq!(store.len(), 1);
}

#[test]
fn a_returning_client_gets_its_reclaimed_lease_back() {
    let (store, pools) = store_with_pools();
    let key = client(b"AAAAAA", b"id");
    put(&store, 10, key, at(0));
    store.expire_tick(at(200), 1000);
    let limits = ReclaimLimits { leases_max: 0, remove: false };
    store.reclaim(at(200), limits, &mut || false, &mut |_| ()).unwrap();
    put(&store, 10, key, at(300));
    assert!(pools.is_held(address(10)));
    assert_eq!(store.find(&key, SUBNET).unwrap().state, LeaseState::Default);
    assert_eq!(store.flush_reclaimed(at(9999), 0, 100, &mut |_| ()).unwrap(), 0);
    assert_eq!(store.expire_tick(at(401), 1000).expired, 1);
}

#[test]
fn an_infinite_lease_that_was_given_up_is_flushed_and_holds_up_no_other() {
    let store = LeaseStore4::new(7, None);
    // Addresses of one shard.
    for (block, valid_lifetime) in [(0, INFINITE), (1, 100)] {
        let address = Ipv4Addr::from(u32::from(address(1)) + block * 4096);
        assert_eq!(shard_of(u32::from(address)), shard_of(u32::from(self::address(1))));
        let owner = client(b"AAAAAA", b"");
        let plain = change(1, owner, Expect::Absent);
        let state = LeaseState::ExpiredReclaimed;
        store.commit(&Change4 { address, valid_lifetime, state, ..plain }, at(0)).unwrap();
    }
    assert_eq!(store.flush_reclaimed(at(49), 50, 10, &mut |_| {}), Ok(0));
    assert_eq!(store.flush_reclaimed(at(151), 50, 10, &mut |_| {}), Ok(2));
    assert!(store.is_empty());
    store.check();
}

#[test]
fn declined_address_belongs_to_nobody_until_probation_ends() {
    let (store, pools) = store_with_pools();
    let key = client(b"AAAAAA", b"id");
    put(&store, 10, key, at(0));
    let seen = store.find(&key, SUBNET);
    let stored = store.decline(address(10), seen.as_ref().into(), 1000, at(5)).unwrap();
    let deltas: Vec<_> = stored.deltas.iter().map(|delta| (delta.state, delta.by)).collect();
    assert_eq!(deltas, [(LeaseState::Default, -1), (LeaseState::Declined, 1)]);
    assert_eq!(store.find(&key, SUBNET), None);
    assert!(!store.get(address(10), &key).unwrap().is_available(at(1005).wall_s));
    store.expire_tick(at(500), 1000);
    assert!(pools.is_held(address(10)));
    store.expire_tick(at(1006), 1000);
    let limits = ReclaimLimits { leases_max: 0, remove: false };
    let mut deleted = Vec::new();
    let each = &mut |reclaimed: Reclaimed<'_>| deleted.push(reclaimed.deleted);
    store.reclaim(at(1006), limits, &mut || false, each).unwrap();
    assert!(deleted == [true] && store.is_empty() && !pools.is_held(address(10)));
}

#[test]
fn replaced_lease_is_deleted_only_if_it_is_still_the_clients() {
    let (store, pools) = store_with_pools();
    let (mine, other) = (client(b"AAAAAA", b"id"), client(b"BBBBBB", b""));
    put(&store, 10, mine, at(0));
    put(&store, 20, other, at(0));
    let moved = Change4 { replaces: Some(address(10)), ..change(11, mine, Expect::Absent) };
    let stored = store.commit(&moved, at(1)).unwrap();
    assert!(stored.replaced && !pools.is_held(address(10)));
    assert_eq!(store.find(&mine, SUBNET).unwrap().address, address(11));
    let greedy = Change4 { replaces: Some(address(20)), ..change(12, mine, Expect::Absent) };
    assert!(!store.commit(&greedy, at(2)).unwrap().replaced);
    assert!(pools.is_held(address(20)));
    let itself = Change4 { replaces: Some(address(13)), ..change(13, mine, Expect::Absent) };
    assert!(!store.commit(&itself, at(2)).unwrap().replaced);
}

#[test]
fn nothing_changes_when_the_journal_refuses() {
    let journal = Arc::new(JournalQueue::new(400));
    let (store, pools) = (LeaseStore4::new(7, Some(Arc::clone(&journal))), pools());
    store.adopt_pools(&pools);
    let key = client(b"AAAAAA", b"id");
    let stored = put(&store, 10, key, at(0));
    assert_eq!(stored.position, journal.appended());
    let before = store.lease(address(10));
    let mut last = 20;
    let full = loop {
        match store.commit(&change(last, client(&[last], b""), Expect::Absent), at(1)) {
            Ok(_) => last += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(full, CommitError::Journal(JournalError::Full));
    assert!(store.lease(address(last)).is_none() && !pools.is_held(address(last)));
    assert_eq!(store.find(&client(&[last], b""), SUBNET), None);
    let seen = store.find(&key, SUBNET);
    let renewal = Change4 { valid_lifetime: 999, ..change(10, key, seen.as_ref().into()) };
    assert!(store.commit(&renewal, at(2)).is_err());
    assert!(store.delete(address(10), seen.as_ref().into()).is_err());
    assert_eq!(store.lease(address(10)), before);
    journal.take(&mut Vec::new());
    journal.stall();
    let stalled = store.commit(&renewal, at(2));
    assert_eq!(stalled, Err(CommitError::Journal(JournalError::Stalled)));
    store.expire_tick(at(200), 1000);
    let limits = ReclaimLimits { leases_max: 0, remove: true };
    assert!(store.reclaim(at(200), limits, &mut || false, &mut |_| panic!("told")).is_err());
}

#[test]
fn a_clock_set_back_revives_leases_and_expires_them_again() {
    let (store, pools) = store_with_pools();
    for last in [10, 11] {
        put(&store, last, client(&[last], b""), at(0));
    }
    assert_eq!(store.expire_tick(at(101), 1000).expired, 2);
    let limits = ReclaimLimits { leases_max: 0, remove: true };
    let left = store.reclaim(at(50), limits, &mut || false, &mut |_| panic!("alive")).unwrap();
    assert!(left == 0 && pools.is_held(address(10)) && pools.is_held(address(11)));
    assert_eq!(store.expire_tick(at(0), 1000).expired, 0);
    put(&store, 12, client(&[12], b""), at(0));
    assert_eq!(store.expire_tick(at(100), 1000).expired, 0);
    assert_eq!(store.expire_tick(at(101), 1000).expired, 3);
}

#[test]
fn a_tick_stops_at_its_budget_and_goes_on() {
    let (store, pools) = store_with_pools();
    for last in 0..=255 {
        put(&store, last, client(&[last], b""), at(u64::from(last) / 100));
    }
    let (mut expired, mut calls) = (0, 0);
    loop {
        let ticked = store.expire_tick(at(500), 50);
        expired += ticked.expired;
        calls += 1;
        assert!(calls < 100);
        if !ticked.more {
            break;
        }
    }
    assert!(expired == 256 && calls > 5);
    assert_eq!(pools.free_count(PoolIndex(0)), 256);
}

#[test]
fn new_pools_know_the_active_leases() {
    let (store, _) = store_with_pools();
    put(&store, 10, client(b"A", b""), at(0));
    put(&store, 11, client(b"B", b""), at(50));
    store.expire_tick(at(120), 1000);
    let fresh = pools();
    store.adopt_pools(&fresh);
    assert!(!fresh.is_held(address(10)) && fresh.is_held(address(11)));
    put(&store, 12, client(b"C", b""), at(130));
    assert!(fresh.is_held(address(12)));
}

#[test]
fn pages_and_selections_are_in_the_order_of_addresses() {
    let (store, _) = store_with_pools();
    for last in [9, 200, 3, 77, 4] {
        put(&store, last, client(&[last % 2 + 1], &[last]), at(0));
    }
    let page = |after, limit| -> Vec<u8> {
        store.page(after, limit).iter().map(|lease| lease.address.octets()[3]).collect()
    };
    assert_eq!(page(None, 2), [3, 4]);
    assert_eq!(page(Some(address(4)), 2), [9, 77]);
    assert_eq!(page(Some(address(77)), 2), [200]);
    assert_eq!(page(None, 0), [0; 0]);
    let of = |key: &ClientKey<'_>| -> Vec<u8> {
        store.leases_of(key).iter().map(|lease| lease.address.octets()[3]).collect()
    };
    assert_eq!(of(&client(&[2], b"")), [3, 9, 77]);
    assert_eq!(of(&client(&[9], &[200])), [200]);
    let counts: Vec<_> = store.recount().into_iter().collect();
    assert_eq!(counts, [((SUBNET, LeaseType::Na, 0, LeaseState::Default), 5)]);
}

#[test]
fn long_identifiers_and_cold_data_are_kept_and_their_memory_is_reused() {
    let (store, _) = store_with_pools();
    let (hw, id) = ([7; HW_LEN_MAX], [9; CLIENT_ID_LEN_MAX]);
    for round in 0..3 {
        let key = client(&hw, &id);
        let full = Change4 {
            hostname: b"host.example.org",
            user_context: br#"{ "a": "b" }"#,
            keeps_context: false,
            pool_id: 5,
            fqdn_rev: true,
            ..change(10, key, Expect::Absent)
        };
        store.commit(&full, at(round)).unwrap();
        let view = store.find(&key, SUBNET).unwrap();
        assert!(view.has_hostname && view.fqdn_rev && !view.fqdn_fwd);
        let lease = store.lease(address(10)).unwrap();
        assert_eq!((&lease.hw[..], &lease.client_id[..]), (&hw[..], &id[..]));
        assert_eq!(lease.hostname, b"host.example.org");
        assert_eq!((lease.user_context, lease.pool_id), (br#"{ "a": "b" }"#.to_vec(), 5));
        store.delete(address(10), Some(&view).into()).unwrap();
    }
    let overlong = [1; 300];
    put(&store, 10, client(&overlong[..30], &overlong), at(9));
    assert!(store.find(&client(&overlong[..30], &overlong), SUBNET).is_some());
    let lease = store.lease(address(10)).unwrap();
    assert_eq!((lease.hw.len(), lease.client_id.len()), (HW_LEN_MAX, CLIENT_ID_LEN_MAX));
}

/// Workers take free addresses for clients of their own while time passes; an address has one owner at any time.
#[test]
fn workers_never_share_an_address() {
    const WORKERS: u64 = 4;
    let journal = Arc::new(JournalQueue::new(usize::MAX));
    let (store, pools) = (LeaseStore4::new(7, Some(Arc::clone(&journal))), pools());
    store.adopt_pools(&pools);
    let clock = AtomicU64::new(0);
    // For each address its owner and the second in which the lease ends, as the last committer saw it.
    let held: Vec<AtomicU64> = (0..256).map(|_| AtomicU64::new(0)).collect();
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (store, pools, clock, held) = (&store, &pools, &clock, &held);
            scope.spawn(move || {
                for round in 0..20_000_u64 {
                    let seconds = clock.load(Ordering::SeqCst);
                    let number = worker * 1000 + round % 90;
                    let hw = number.to_be_bytes();
                    let one = (client(&hw, b""), number, round);
                    step(store, pools, held, one, (seconds, clock));
                    if worker == 0 && round % 16 == 0 {
                        store.expire_tick(at(clock.fetch_add(1, Ordering::SeqCst)), 64);
                    }
                    if worker == 1 && round % 50 == 0 {
                        let limits = ReclaimLimits { leases_max: 20, remove: round % 100 == 0 };
                        store.reclaim(at(seconds), limits, &mut || false, &mut |_| ()).unwrap();
                    }
                }
            });
        }
    });
    store.check();
    let mut rows = csv4::HEADER.as_bytes().to_vec();
    journal.take(&mut rows);
    let mut replayed = LeaseStore4::new(1, None);
    let mut loader = Loader4::new(&mut replayed, 1);
    loader.load(&rows, &mut |line, error| panic!("line {line} {error}")).unwrap();
    loader.finish(at(clock.load(Ordering::SeqCst)));
    let strip = |store: &LeaseStore4| -> Vec<Lease4> {
        let leases = store.page(None, usize::MAX).into_iter();
        leases.map(|lease| Lease4 { hw_type: 0, ..lease }).collect()
    };
    assert_eq!(strip(&store), strip(&replayed));
}

/// One exchange of a worker's client: release, or take a free address. The worker read the clock a while ago.
fn step(
    store: &LeaseStore4,
    pools: &PoolSet4,
    held: &[AtomicU64],
    (key, number, round): (ClientKey<'_>, u64, u64),
    (seconds, clock): (u64, &AtomicU64),
) {
    let own = store.find(&key, SUBNET).filter(|own| !own.is_available(at(seconds).wall_s));
    if let Some(own) = own {
        assert_eq!(own.owner, Ownership::Mine);
        if round.is_multiple_of(3) {
            held[usize::from(own.address.octets()[3])].store(0, Ordering::SeqCst);
            // Nobody else touches an active lease: if this fails, the lease has ended meanwhile.
            let deleted = store.delete(own.address, Some(&own).into());
            let now = at(clock.load(Ordering::SeqCst)).wall_s;
            assert!(deleted.is_ok() || own.is_expired(now), "{own:?} at {now}: {deleted:?}");
        }
        return;
    }
    let Some(free) = pools.pick(PoolIndex(0), PickFrom::Cursor) else { return };
    let last = free.octets()[3];
    let seen = store.get(free, &key);
    if seen.is_some_and(|seen| !seen.is_available(at(seconds).wall_s)) {
        return;
    }
    let lifetime = 5 + number % 7;
    let change =
        Change4 { valid_lifetime: lifetime as u32, ..change(last, key, seen.as_ref().into()) };
    if store.commit(&change, at(seconds)).is_ok() {
        let ends = seconds + lifetime;
        let before = held[usize::from(last)].swap(number << 32 | ends, Ordering::SeqCst);
        let (owner, ended) = (before >> 32, before & 0xffff_ffff);
        // Two who come shortly after each other may note it in the wrong order; the first lease is over then.
        let now = clock.load(Ordering::SeqCst);
        assert!(
            before == 0 || owner == number || ended < now || ends < now,
            "{free} had {owner} until {ended}"
        );
    }
}
