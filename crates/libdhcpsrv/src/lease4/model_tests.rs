//! The store against a map: any sequence of operations has the same outcome in both, and the journal replays to it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use proptest::prelude::*;
use util::Now;
use util::journal::JournalQueue;

use super::*;
use crate::free::{PickFrom, PoolIndex, PoolRange, PoolSet4};

const T0: i64 = 1_800_000_000;
const POOL_FIRST: u32 = 0xc000_0200;
const POOL_LEN: u32 = 24;

/// One step of a run. Addresses are offsets from the pool's first; some lie behind its end.
#[derive(Clone, Debug)]
enum Step {
    Commit {
        offset: u32,
        client: u8,
        subnet: u32,
        lifetime: u32,
        replaces: Option<u32>,
        seen: bool,
    },
    Decline {
        offset: u32,
    },
    Delete {
        offset: u32,
    },
    Find {
        client: u8,
        subnet: u32,
    },
    Pass {
        seconds: i64,
    },
    Tick {
        budget: usize,
    },
    Reclaim {
        leases_max: u32,
        remove: bool,
    },
    Flush {
        hold_s: u32,
        limit: usize,
    },
    Pick {
        random: Option<u64>,
    },
    NewPools,
}

fn steps() -> impl Strategy<Value = Step> {
    let offset = 0..POOL_LEN + 8;
    let lifetime = prop_oneof![Just(1), 5_u32..400, 3600_u32..100_000, Just(INFINITE)];
    let replaces = prop::option::weighted(0.3, offset.clone());
    let commit =
        (offset.clone(), 0..12_u8, 1..3_u32, lifetime, replaces, prop::bool::weighted(0.9));
    prop_oneof![
        8 => commit.prop_map(|(offset, client, subnet, lifetime, replaces, seen)| {
            Step::Commit { offset, client, subnet, lifetime, replaces, seen }
        }),
        1 => offset.clone().prop_map(|offset| Step::Decline { offset }),
        2 => offset.prop_map(|offset| Step::Delete { offset }),
        2 => (0..12_u8, 1..3_u32).prop_map(|(client, subnet)| Step::Find { client, subnet }),
        3 => prop_oneof![1_i64..10, 50_i64..500, Just(5000_i64)].prop_map(|seconds| Step::Pass { seconds }),
        3 => (1_usize..60).prop_map(|budget| Step::Tick { budget }),
        2 => (0_u32..4, any::<bool>()).prop_map(|(leases_max, remove)| Step::Reclaim { leases_max, remove }),
        1 => (0_u32..300, 0_usize..5).prop_map(|(hold_s, limit)| Step::Flush { hold_s, limit }),
        2 => prop::option::of(any::<u64>()).prop_map(|random| Step::Pick { random }),
        1 => Just(Step::NewPools),
    ]
}

/// Clients: some with identifier only, some with address only, some share an address, some have long identifiers.
fn identity(client: u8) -> (Vec<u8>, Vec<u8>) {
    match client {
        0..=2 => (vec![client + 1; 6], vec![]),
        3..=5 => (vec![client - 2; 6], vec![1, client]),
        6..=8 => (vec![], vec![1, client]),
        _ => (vec![client; 20], vec![client; 60]),
    }
}

/// The model: a plain map, and the addresses whose expiry has been noticed.
#[derive(Default)]
struct Model {
    leases: BTreeMap<u32, Lease4>,
    noticed: BTreeMap<u32, ()>,
    counts: BTreeMap<(SubnetId, LeaseType, u32, LeaseState), i64>,
}

impl Model {
    fn is_held(&self, address: u32) -> bool {
        let lease = self.leases.get(&address);
        lease.is_some_and(|lease| lease.state.holds_address())
            && !self.noticed.contains_key(&address)
    }

    fn is_due(lease: &Lease4, now: i64) -> bool {
        lease.valid_lifetime != INFINITE && lease.cltt + i64::from(lease.valid_lifetime) < now
    }

    fn remove(&mut self, address: u32) {
        self.leases.remove(&address);
        self.noticed.remove(&address);
    }

    /// Addresses that the client owns in the subnet, best match first.
    fn owned(&self, hw: &[u8], id: &[u8], subnet: u32) -> Vec<u32> {
        let key = ClientKey { hw_type: 1, hw, client_id: Some(id) };
        let mine = self
            .leases
            .values()
            .filter(|lease| lease.subnet_id.0 == subnet && key.owns(&key_of(lease)));
        mine.map(|lease| lease.address.into()).collect()
    }

    fn count(&mut self, deltas: &Deltas) {
        for delta in deltas.iter() {
            let key = (delta.subnet_id, delta.lease_type, delta.pool_id, delta.state);
            *self.counts.entry(key).or_default() += i64::from(delta.by);
        }
    }
}

fn key_of(lease: &Lease4) -> ClientKey<'_> {
    ClientKey { hw_type: lease.hw_type, hw: &lease.hw, client_id: Some(&lease.client_id) }
}

struct Run {
    store: LeaseStore4,
    journal: Arc<JournalQueue>,
    pools: Arc<PoolSet4>,
    model: Model,
    now: i64,
}

fn new_pools() -> Arc<PoolSet4> {
    let (first, last) = (POOL_FIRST.into(), (POOL_FIRST + POOL_LEN - 1).into());
    Arc::new(PoolSet4::new([PoolRange { first, last, skips_edges: false }]))
}

impl Run {
    fn new() -> Self {
        let journal = Arc::new(JournalQueue::new(usize::MAX));
        let store = LeaseStore4::new(3, Some(Arc::clone(&journal)));
        let pools = new_pools();
        store.adopt_pools(&pools);
        Self { store, journal, pools, model: Model::default(), now: T0 }
    }

    fn now(&self) -> Now {
        Now { mono_ns: 0, wall_s: self.now }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Commit { .. } => self.commit(step),
            Step::Decline { offset } => self.decline(POOL_FIRST + offset),
            Step::Delete { offset } => self.delete(POOL_FIRST + offset),
            Step::Find { client, subnet } => self.find(client, subnet),
            Step::Pass { seconds } => self.now += seconds,
            Step::Tick { budget } => self.tick(budget),
            Step::Reclaim { leases_max, remove } => {
                self.reclaim(ReclaimLimits { leases_max, remove })
            }
            Step::Flush { hold_s, limit } => self.flush(hold_s, limit),
            Step::Pick { random } => self.pick(random),
            Step::NewPools => {
                self.pools = new_pools();
                self.store.adopt_pools(&self.pools);
            }
        }
    }

    fn seen(&self, address: u32) -> Expect {
        self.store.get(address.into(), &ClientKey::default()).as_ref().into()
    }

    fn commit(&mut self, step: &Step) {
        let &Step::Commit { offset, client, subnet, lifetime, replaces, seen } = step else {
            return;
        };
        let address = POOL_FIRST + offset;
        let (hw, id) = identity(client);
        let key = ClientKey { hw_type: 1, hw: &hw, client_id: Some(&id) };
        let expect = if seen { self.seen(address) } else { Expect::Unchanged(Version::default()) };
        let replaces = replaces.map(|offset| POOL_FIRST + offset);
        let hostname: &[u8] = if client % 3 == 0 { b"a,b.example" } else { b"" };
        let change = Change4 {
            address: address.into(),
            subnet_id: SubnetId(subnet),
            pool_id: u32::from(client % 5 == 4),
            pool: (client % 4 != 0).then_some(PoolIndex(u32::from(client % 4 == 1))),
            client: key,
            valid_lifetime: lifetime,
            state: LeaseState::Default,
            fqdn_fwd: client % 2 == 0,
            fqdn_rev: client % 3 == 0,
            hostname,
            user_context: b"",
            keeps_context: false,
            expect,
            replaces: replaces.map(Ipv4Addr::from),
        };
        let result = self.store.commit(&change, self.now());
        if !seen {
            assert_eq!(result, Err(CommitError::Conflict));
            return;
        }
        let stored = result.unwrap();
        let gone = replaces.filter(|&old| {
            old != address && self.model.leases.get(&old).is_some_and(|old| key.owns(&key_of(old)))
        });
        assert_eq!(stored.replaced, gone.is_some());
        if let Some(gone) = gone {
            self.model.remove(gone);
        }
        self.model.count(&stored.deltas);
        self.model.noticed.remove(&address);
        let lease = Lease4 {
            address: address.into(),
            hw_type: 1,
            valid_lifetime: lifetime,
            cltt: self.now,
            subnet_id: SubnetId(subnet),
            fqdn_fwd: change.fqdn_fwd,
            fqdn_rev: change.fqdn_rev,
            hostname: hostname.to_vec(),
            pool_id: change.pool_id,
            hw,
            client_id: id,
            ..Lease4::default()
        };
        self.model.leases.insert(address, lease);
    }

    fn decline(&mut self, address: u32) {
        let result = self.store.decline(address.into(), self.seen(address), 500, self.now());
        let Some(lease) = self.model.leases.get_mut(&address) else {
            assert_eq!(result, Err(CommitError::Conflict));
            return;
        };
        *lease = Lease4 {
            address: address.into(),
            valid_lifetime: 500,
            cltt: self.now,
            subnet_id: lease.subnet_id,
            pool_id: lease.pool_id,
            state: LeaseState::Declined,
            ..Lease4::default()
        };
        self.model.noticed.remove(&address);
        self.model.count(&result.unwrap().deltas);
    }

    fn delete(&mut self, address: u32) {
        let result = self.store.delete(address.into(), self.seen(address));
        if self.model.leases.contains_key(&address) {
            self.model.remove(address);
            self.model.count(&result.unwrap().deltas);
        } else {
            assert_eq!(result, Err(CommitError::Conflict));
        }
    }

    fn find(&mut self, client: u8, subnet: u32) {
        let (hw, id) = identity(client);
        let key = ClientKey { hw_type: 1, hw: &hw, client_id: Some(&id) };
        let owned = self.model.owned(&hw, &id, subnet);
        let found = self.store.find(&key, SubnetId(subnet));
        assert_eq!(found.is_some(), !owned.is_empty());
        let Some(found) = found else { return };
        assert!(found.owner == Ownership::Mine && owned.contains(&found.address.into()));
        let has_id = |address: &u32| !id.is_empty() && self.model.leases[address].client_id == id;
        if owned.iter().any(has_id) {
            assert!(has_id(&found.address.into()), "the identifier comes first");
        }
    }

    fn tick(&mut self, budget: usize) {
        let before = self.held();
        let ticked = self.store.expire_tick(self.now(), budget);
        let after = self.held();
        let noticed: Vec<u32> =
            before.into_iter().filter(|address| !after.contains(address)).collect();
        for address in &noticed {
            assert!(Model::is_due(&self.model.leases[address], self.now), "only expired leases");
            self.model.noticed.insert(*address, ());
        }
        assert!(ticked.expired >= noticed.len());
        if ticked.more {
            return;
        }
        // Addresses outside the pool show no bit: that their expiry was noticed is seen when they are reclaimed.
        for (&address, lease) in &self.model.leases {
            if Model::is_due(lease, self.now) && lease.state.holds_address() {
                let inside = address < POOL_FIRST + POOL_LEN;
                assert!(!inside || self.model.noticed.contains_key(&address), "none is missed");
            }
        }
    }

    /// Addresses of the pool whose bits are set.
    fn held(&self) -> Vec<u32> {
        (POOL_FIRST..POOL_FIRST + POOL_LEN).filter(|&a| self.pools.is_held(a.into())).collect()
    }

    fn reclaim(&mut self, limits: ReclaimLimits) {
        let mut told = Vec::new();
        let each = &mut |reclaimed: Reclaimed<'_>| {
            told.push((reclaimed.lease.clone(), reclaimed.deleted, reclaimed.deltas));
        };
        self.store.reclaim(self.now(), limits, &mut || false, each).unwrap();
        let mut last = i64::MIN;
        assert!(limits.leases_max == 0 || told.len() <= limits.leases_max as usize);
        for (lease, deleted, deltas) in told {
            let address = u32::from(lease.address);
            assert_eq!(self.model.leases.get(&address), Some(&lease));
            assert!(Model::is_due(&lease, self.now));
            let ends = lease.cltt + i64::from(lease.valid_lifetime);
            assert!(ends >= last, "oldest first");
            last = ends;
            assert_eq!(deleted, limits.remove || lease.state == LeaseState::Declined);
            self.model.count(&deltas);
            if deleted {
                self.model.remove(address);
            } else if let Some(lease) = self.model.leases.get_mut(&address) {
                lease.state = LeaseState::ExpiredReclaimed;
                (lease.fqdn_fwd, lease.fqdn_rev) = (false, false);
                lease.hostname.clear();
                self.model.noticed.remove(&address);
            }
        }
    }

    fn flush(&mut self, hold_s: u32, limit: usize) {
        let mut told = Vec::new();
        let each = &mut |flushed: Reclaimed<'_>| told.push((flushed.lease.clone(), flushed.deltas));
        let done = self.store.flush_reclaimed(self.now(), hold_s, limit, each).unwrap();
        assert!(done == told.len() && done <= limit);
        for (lease, deltas) in told {
            assert_eq!(lease.state, LeaseState::ExpiredReclaimed);
            assert!(Model::is_due(&lease, self.now - i64::from(hold_s)));
            self.model.remove(lease.address.into());
            self.model.count(&deltas);
        }
    }

    fn pick(&mut self, random: Option<u64>) {
        let from = random.map_or(PickFrom::Cursor, PickFrom::Random);
        let picked = self.pools.pick(PoolIndex(0), from);
        let free = POOL_LEN as usize - self.held().len();
        assert_eq!(self.pools.free_count(PoolIndex(0)), free as u64);
        assert_eq!(picked.is_some(), free > 0);
        assert!(picked.is_none_or(|address| !self.pools.is_held(address)));
    }

    fn check(&self) {
        self.store.check();
        let leases: Vec<Lease4> = self.model.leases.values().cloned().collect();
        assert_eq!(self.store.page(None, usize::MAX), leases);
        for address in POOL_FIRST..POOL_FIRST + POOL_LEN {
            assert_eq!(self.pools.is_held(address.into()), self.model.is_held(address));
        }
        let counts = self.model.counts.iter().filter(|(_, count)| **count != 0);
        let counts: BTreeMap<_, _> = counts.map(|(key, count)| (*key, *count as u64)).collect();
        assert_eq!(self.store.recount(), counts);
    }

    /// The journal alone gives the same leases; what expired is not held there.
    fn replay(&self) {
        let mut rows = csv4::HEADER.as_bytes().to_vec();
        self.journal.take(&mut rows);
        let mut store = LeaseStore4::new(9, None);
        let pools = new_pools();
        store.adopt_pools(&pools);
        let mut loader = Loader4::new(&mut store, 1);
        loader.load(&rows, &mut |line, error| panic!("line {line} {error}")).unwrap();
        assert_eq!(loader.finish(self.now()), self.model.leases.len());
        store.check();
        let leases: Vec<Lease4> = self.model.leases.values().cloned().collect();
        let unknown = |lease: Lease4| Lease4 { hw_type: HW_TYPE_UNKNOWN, ..lease };
        let expected: Vec<Lease4> = leases.into_iter().map(unknown).collect();
        assert_eq!(store.page(None, usize::MAX), expected);
        for lease in &expected {
            if POOL_FIRST + POOL_LEN > lease.address.into() {
                let active = lease.state.holds_address() && !Model::is_due(lease, self.now);
                assert_eq!(pools.is_held(lease.address), active);
            }
            let found = store.find(&key_of(lease), lease.subnet_id);
            let has_client = !lease.hw.is_empty() || !lease.client_id.is_empty();
            assert_eq!(found.is_some(), has_client);
        }
    }
}

proptest! {
    #[test]
    fn any_sequence_agrees_with_a_map(steps in prop::collection::vec(steps(), 1..150)) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
            run.check();
        }
        run.replay();
    }
}
