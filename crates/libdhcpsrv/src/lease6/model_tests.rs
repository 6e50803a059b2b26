//! The store with DHCPv6 leases against a map: several leases for a client, prefixes of several lengths, and a free unit
//! that never overlaps an active lease.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use util::Now;
use util::journal::JournalQueue;

use super::*;
use crate::free::{PickFrom, PoolRange6, PoolSet6};
use crate::lease::{CommitError, INFINITE, ReclaimLimits};

const T0: i64 = 1_800_000_000;
const BASE: u128 = 0x2001_0db8 << 96;
/// Delegated lengths that pools have in turn: what fits one is odd in the next.
const UNIT_LENS: [u8; 3] = [60, 64, 62];
/// The pool of prefixes is 32 of the smallest.
const POOL_LEN: u8 = 59;
/// Pool of addresses, behind the prefixes.
const ADDRESSES: u128 = BASE + (1 << 96);

#[derive(Clone, Debug)]
enum Step {
    Commit { place: Place, client: u8, subnet: u32, lifetime: u32, seen: bool },
    Decline { place: Place },
    Delete { place: Place },
    Find { client: u8, subnet: u32 },
    Pass { seconds: i64 },
    Tick { budget: usize },
    Reclaim { remove: bool },
    Flush { hold_s: u32 },
    NewPools { lengths: usize },
}

/// An address, or a prefix of a length.
#[derive(Clone, Copy, Debug)]
struct Place {
    address: u128,
    len: u8,
}

fn places() -> impl Strategy<Value = Place> {
    let prefix = (0..40_u128, 57..67_u8).prop_map(|(number, len)| {
        let address = (BASE + (number << 64)) & !(u128::MAX >> len);
        Place { address, len }
    });
    prop_oneof![
        prefix,
        (0..20_u128).prop_map(|number| Place { address: ADDRESSES + number, len: 128 })
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let lifetime = prop_oneof![Just(1), 5_u32..400, Just(INFINITE)];
    let commit = (places(), 0..6_u8, 1..3_u32, lifetime, prop::bool::weighted(0.9));
    prop_oneof![
        8 => commit.prop_map(|(place, client, subnet, lifetime, seen)| {
            Step::Commit { place, client, subnet, lifetime, seen }
        }),
        1 => places().prop_map(|place| Step::Decline { place }),
        2 => places().prop_map(|place| Step::Delete { place }),
        2 => (0..6_u8, 1..3_u32).prop_map(|(client, subnet)| Step::Find { client, subnet }),
        2 => prop_oneof![1_i64..10, 50_i64..500].prop_map(|seconds| Step::Pass { seconds }),
        3 => (1_usize..60).prop_map(|budget| Step::Tick { budget }),
        1 => any::<bool>().prop_map(|remove| Step::Reclaim { remove }),
        1 => (0_u32..300).prop_map(|hold_s| Step::Flush { hold_s }),
        1 => (0..UNIT_LENS.len()).prop_map(|lengths| Step::NewPools { lengths }),
    ]
}

/// Associations: two clients with two of each type that matters here.
fn duid(client: u8) -> Vec<u8> {
    if client < 3 { vec![1, client / 2] } else { vec![client / 2; 90] }
}

fn key_for<'a>(client: u8, duid: &'a [u8], place: Place) -> ClientKey6<'a> {
    let lease_type = if place.len == 128 { LeaseType::Na } else { LeaseType::Pd };
    ClientKey6 { lease_type, duid, iaid: u32::from(client % 2) }
}

fn key_of(lease: &Lease6) -> ClientKey6<'_> {
    ClientKey6 { lease_type: lease.lease_type, duid: &lease.duid, iaid: lease.iaid }
}

fn last_of(lease: &Lease6) -> u128 {
    u128::from(lease.address) | u128::MAX.checked_shr(lease.prefix_len.into()).unwrap_or(0)
}

fn new_pools(lengths: usize) -> Arc<PoolSet6> {
    let last = (BASE | u128::MAX >> POOL_LEN).into();
    let unit_len = UNIT_LENS[lengths % UNIT_LENS.len()];
    let prefixes = PoolRange6 { first: BASE.into(), last, unit_len };
    let (first, last) = (ADDRESSES.into(), (ADDRESSES + 15).into());
    Arc::new(PoolSet6::new([prefixes, PoolRange6 { first, last, unit_len: 128 }]))
}

struct Run {
    store: LeaseStore6,
    journal: Arc<JournalQueue>,
    pools: Arc<PoolSet6>,
    unit_len: u8,
    leases: BTreeMap<u128, Lease6>,
    now: i64,
}

impl Run {
    fn new() -> Self {
        let journal = Arc::new(JournalQueue::new(usize::MAX));
        let store = LeaseStore6::new(3, Some(Arc::clone(&journal)));
        let pools = new_pools(0);
        store.adopt_pools(&pools);
        let unit_len = UNIT_LENS[0];
        Self { store, journal, pools, unit_len, leases: BTreeMap::new(), now: T0 }
    }

    fn now(&self) -> Now {
        Now { mono_ns: 0, wall_s: self.now }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Commit { .. } => self.commit(step),
            Step::Decline { place } => self.decline(place.address),
            Step::Delete { place } => {
                let result = self.store.delete(place.address.into(), self.seen(place.address));
                assert_eq!(result.is_ok(), self.leases.remove(&place.address).is_some());
            }
            Step::Find { client, subnet } => self.find(client, subnet),
            Step::Pass { seconds } => self.now += seconds,
            Step::Tick { budget } => {
                self.store.expire_tick(self.now(), budget);
            }
            Step::Reclaim { remove } => self.reclaim(remove),
            Step::Flush { hold_s } => {
                let mut gone = Vec::new();
                let each = &mut |flushed: Reclaimed6<'_>| gone.push(flushed.lease.address);
                self.store.flush_reclaimed(self.now(), hold_s, 5, each).unwrap();
                for address in gone {
                    let lease = self.leases.remove(&address.into()).unwrap();
                    assert_eq!(lease.state, LeaseState::ExpiredReclaimed);
                }
            }
            Step::NewPools { lengths } => {
                self.unit_len = UNIT_LENS[lengths];
                self.pools = new_pools(lengths);
                self.store.adopt_pools(&self.pools);
            }
        }
    }

    fn seen(&self, address: u128) -> Expect {
        self.store.get(address.into(), &ClientKey6::default()).as_ref().into()
    }

    fn commit(&mut self, step: &Step) {
        let &Step::Commit { place, client, subnet, lifetime, seen } = step else { return };
        let duid = duid(client);
        let key = key_for(client, &duid, place);
        let view = self.store.get(place.address.into(), &ClientKey6::default());
        let keeps = view.is_some_and(|view| view.is_held && view.prefix_len == place.len);
        let pool = (client % 4 != 0).then_some(PoolIndex(u32::from(client % 4 == 1)));
        let is_chosen = pool.is_none() || self.is_unit(place);
        let is_taken = !keeps && (!is_chosen || self.is_taken(place));
        let hw: &[u8] = if client % 3 == 0 { &[2, 0, 0, 0, 0, 1] } else { &[] };
        let change = Change6 {
            address: place.address.into(),
            prefix_len: place.len,
            subnet_id: SubnetId(subnet),
            pool_id: u32::from(client % 5 == 4),
            pool,
            client: key,
            hw: HardwareSource6 { hw_type: 6, source: 1, hw },
            preferred_lifetime: lifetime / 2,
            valid_lifetime: lifetime,
            state: LeaseState::Default,
            fqdn_fwd: client % 2 == 0,
            fqdn_rev: client % 3 == 0,
            hostname: if client % 3 == 0 { b"a,b.example" } else { b"" },
            user_context: b"",
            keeps_context: false,
            expect: if seen {
                self.seen(place.address)
            } else {
                Expect::Unchanged(Version::default())
            },
            replaces: None,
        };
        let result = self.store.commit(&change, self.now());
        if !seen {
            assert_eq!(result, Err(CommitError::Conflict));
            return;
        }
        if is_taken {
            assert_eq!(result, Err(CommitError::Conflict), "{place:?}");
            return;
        }
        result.unwrap();
        let lease = Lease6 {
            address: change.address,
            prefix_len: place.len,
            lease_type: key.lease_type,
            iaid: key.iaid,
            hw_type: if hw.is_empty() { 0 } else { 6 },
            hw_source: u32::from(!hw.is_empty()),
            hw: hw.to_vec(),
            valid_lifetime: lifetime,
            preferred_lifetime: lifetime / 2,
            cltt: self.now,
            subnet_id: change.subnet_id,
            fqdn_fwd: change.fqdn_fwd,
            fqdn_rev: change.fqdn_rev,
            hostname: change.hostname.to_vec(),
            state: LeaseState::Default,
            user_context: Vec::new(),
            pool_id: change.pool_id,
            duid,
        };
        self.leases.insert(place.address, lease);
    }

    /// Whether a place is what one of the pools gives out.
    fn is_unit(&self, place: Place) -> bool {
        let (first, last) =
            (place.address, place.address | u128::MAX.checked_shr(place.len.into()).unwrap_or(0));
        let in_prefixes = first >= BASE && last <= BASE | u128::MAX >> POOL_LEN;
        let in_addresses = (ADDRESSES..ADDRESSES + 16).contains(&first);
        place.len == self.unit_len && in_prefixes || place.len == 128 && in_addresses
    }

    /// Whether another lease for which the pools are marked has a part of a place.
    fn is_taken(&self, place: Place) -> bool {
        let ends =
            |first: u128, len: u8| (first, first | u128::MAX.checked_shr(len.into()).unwrap_or(0));
        let pools = [(BASE, BASE | u128::MAX >> POOL_LEN), (ADDRESSES, ADDRESSES + 15)];
        let (first, last) = ends(place.address, place.len);
        pools.iter().filter(|pool| first <= pool.1 && last >= pool.0).any(|pool| {
            let mut others = self.leases.values();
            others.any(|lease| {
                let (begin, end) = ends(lease.address.into(), lease.prefix_len);
                let touches = begin <= pool.1 && end >= pool.0 && begin <= last && end >= first;
                let view = || self.store.get(lease.address, &ClientKey6::default());
                touches && begin != place.address && view().is_some_and(|view| view.is_held)
            })
        })
    }

    fn decline(&mut self, address: u128) {
        let len = self.leases.get(&address).map_or(128, |lease| lease.prefix_len);
        let view = self.store.get(address.into(), &ClientKey6::default());
        let is_lost =
            view.is_some_and(|view| !view.is_held) && self.is_taken(Place { address, len });
        let result = self.store.decline(address.into(), self.seen(address), 500, self.now());
        if is_lost {
            return assert_eq!(result, Err(CommitError::Conflict));
        }
        let Some(lease) = self.leases.get_mut(&address) else {
            assert_eq!(result, Err(CommitError::Conflict));
            return;
        };
        result.unwrap();
        *lease = Lease6 {
            address: lease.address,
            prefix_len: lease.prefix_len,
            lease_type: lease.lease_type,
            duid: NO_DUID.to_vec(),
            iaid: lease.iaid,
            valid_lifetime: 500,
            cltt: self.now,
            subnet_id: lease.subnet_id,
            pool_id: lease.pool_id,
            state: LeaseState::Declined,
            ..Lease6::default()
        };
    }

    fn find(&self, client: u8, subnet: u32) {
        let duid = duid(client);
        for len in [64, 128] {
            let key = key_for(client, &duid, Place { address: 0, len });
            let owned: Vec<Ipv6Addr> = self
                .leases
                .values()
                .filter(|lease| lease.subnet_id.0 == subnet && key_of(lease) == key)
                .map(|lease| lease.address)
                .collect();
            for nth in 0..=owned.len() {
                let found = self.store.find_nth(&key, SubnetId(subnet), nth as u32);
                assert_eq!(found.own.map(|own| own.address), owned.get(nth).copied());
                assert_eq!(found.more, nth + 1 < owned.len());
                assert!(found.own.is_none_or(|own| own.owner == Ownership::Mine));
            }
        }
    }

    fn reclaim(&mut self, remove: bool) {
        let mut told = Vec::new();
        let each = &mut |reclaimed: Reclaimed6<'_>| {
            told.push((reclaimed.lease.clone(), reclaimed.deleted));
        };
        let limits = ReclaimLimits { leases_max: 4, remove };
        self.store.reclaim(self.now(), limits, &mut || false, each).unwrap();
        for (lease, deleted) in told {
            let address = u128::from(lease.address);
            assert_eq!(self.leases.get(&address), Some(&lease));
            assert!(is_expired(lease.cltt, lease.valid_lifetime, self.now));
            assert_eq!(deleted, remove || lease.state == LeaseState::Declined);
            if deleted {
                self.leases.remove(&address);
            } else if let Some(lease) = self.leases.get_mut(&address) {
                lease.state = LeaseState::ExpiredReclaimed;
                (lease.fqdn_fwd, lease.fqdn_rev) = (false, false);
                lease.hostname.clear();
            }
        }
    }

    fn check(&self) {
        self.store.check();
        let leases: Vec<Lease6> = self.leases.values().cloned().collect();
        assert_eq!(self.store.page(None, usize::MAX), leases);
        assert_free(&self.pools, &leases, self.now);
    }

    /// The journal alone gives the same leases.
    fn replay(&self) {
        let mut rows = csv6::HEADER.as_bytes().to_vec();
        self.journal.take(&mut rows);
        let mut store = LeaseStore6::new(9, None);
        let pools = new_pools(1);
        store.adopt_pools(&pools);
        let mut loader = Loader6::new(&mut store, 1);
        loader.load(&rows, &mut |line, error| panic!("line {line} {error}")).unwrap();
        assert_eq!(loader.finish(self.now()), self.leases.len());
        store.check();
        let leases: Vec<Lease6> = self.leases.values().cloned().collect();
        assert_eq!(store.page(None, usize::MAX), leases);
        assert_free(&pools, &leases, self.now);
        for lease in leases.iter().filter(|lease| lease.duid != NO_DUID) {
            assert!(store.find(&key_of(lease), lease.subnet_id).is_some());
        }
    }
}

/// No unit that can be picked overlaps an active lease, and every active lease is held.
fn assert_free(pools: &PoolSet6, leases: &[Lease6], now: i64) {
    let is_active = |lease: &&Lease6| {
        lease.state.holds_address() && !is_expired(lease.cltt, lease.valid_lifetime, now)
    };
    let active: Vec<&Lease6> = leases.iter().filter(is_active).collect();
    for lease in &active {
        if pools.pool_of(lease.address).is_some() {
            assert!(pools.is_held(lease.address, lease.prefix_len));
        }
    }
    for pool in 0..2 {
        for bits in [0, 1 << 63, u64::MAX] {
            let Some(picked) = pools.pick(PoolIndex(pool), PickFrom::Random(bits)) else {
                continue;
            };
            let overlaps = |len: u8| {
                let (first, last) = (u128::from(picked), u128::from(picked) | unit_mask(len));
                active
                    .iter()
                    .any(|lease| u128::from(lease.address) <= last && last_of(lease) >= first)
            };
            // Whatever the pool's length is now, its units are no longer than this.
            let len = if pool == 1 { 128 } else { 64 };
            assert!(!overlaps(len), "{picked} is picked and leased");
            assert!(!pools.is_held(picked, len));
        }
    }
}

fn unit_mask(len: u8) -> u128 {
    u128::MAX.checked_shr(len.into()).unwrap_or(0)
}

proptest! {
    #[test]
    fn any_sequence_agrees_with_a_map(steps in prop::collection::vec(steps(), 1..120)) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
            run.check();
        }
        run.replay();
    }
}
