//! Random operations from a seed, on the table and on a map, which must agree.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use database::{Fault, LeaseConnection, Wanted};
use libdhcpsrv::lease::{Contents, INFINITE, LeaseState, Ownership, SubnetId};
use util::number::AddressNumber;
use util::{Entropy, SplitMix};

use super::{Check, NOW, Place, SuiteKind, all, get, store};

/// Few, so that operations meet.
const ADDRESSES: u64 = 40;
const CLIENTS: u64 = 12;
const STEPS: u32 = 250;
const SEEDS: u64 = 4;
/// Until then a server has noticed that a connection is gone.
const NOTICED: Duration = Duration::from_secs(30);

pub(super) fn checks<K: SuiteKind>() -> Vec<Check<K>> {
    vec![("model: random operations have the effects that they have on a map", model)]
}

/// The map, and all leases that were ever there: what another server may believe.
struct Model<K: SuiteKind> {
    rows: BTreeMap<K::Number, K::Lease>,
    known: Vec<K::Lease>,
    entropy: SplitMix,
    has_pool_id: bool,
    states: &'static [LeaseState],
}

fn model<K: SuiteKind>(place: &mut dyn Place<K>) {
    for seed in 0..SEEDS {
        place.clear();
        let mut model = Model::<K> {
            rows: BTreeMap::new(),
            known: Vec::new(),
            entropy: SplitMix::new(seed),
            has_pool_id: place.limits().has_pool_id,
            states: place.limits().states(),
        };
        let mut connection = place.open();
        for step in 0..STEPS {
            let is_transaction = model.one_in(5);
            let steps = if is_transaction { 1 + model.entropy.below(4) } else { 1 };
            let before = model.rows.clone();
            if is_transaction {
                connection.begin().unwrap();
            }
            for _ in 0..steps {
                model.step(&mut *connection, &format!("seed {seed}, step {step}"));
            }
            match is_transaction {
                true if model.one_in(4) => {
                    drop(connection);
                    model.rows = before;
                    connection = place.open();
                    let rows: Vec<_> = model.rows.values().map(|lease| (lease, lease)).collect();
                    undone(&mut *connection, &rows, &format!("seed {seed}, step {step}"));
                }
                true => connection.commit().unwrap(),
                false => {}
            }
            if step % 20 == 0 || is_transaction {
                let rows: Vec<K::Lease> = model.rows.values().cloned().collect();
                assert_eq!(all(&mut *connection), rows, "seed {seed}, step {step}");
            }
        }
    }
    place.clear();
    store(&mut *place.open(), &[K::lease(0)]);
}

/// Waits until a server has noticed that a connection is gone, and holds its rows no more.
fn undone<K: SuiteKind>(
    connection: &mut dyn LeaseConnection<K>,
    rows: &[(&K::Lease, &K::Lease)],
    about: &str,
) {
    let begun = Instant::now();
    loop {
        match connection.update(rows) {
            Ok(made) if made.iter().all(|made| *made) => return,
            Ok(_) => {}
            Err(error) => assert_eq!(error.fault, Fault::Locked, "{about}: {error}"),
        }
        assert!(begun.elapsed() < NOTICED, "{about}: it is not undone");
        std::thread::yield_now();
    }
}

impl<K: SuiteKind> Model<K> {
    fn one_in(&mut self, many: u64) -> bool {
        self.entropy.below(many) == 0
    }

    /// Any lease of one of the addresses.
    fn lease(&mut self) -> K::Lease {
        let address = self.entropy.below(ADDRESSES) as u32;
        let mut lease = K::lease(address);
        let client = self.entropy.below(CLIENTS) as u8;
        let hw = self.entropy.below(CLIENTS) as u8;
        // For DHCPv4 half of the clients have no identifier.
        let has_identifier = K::HAS_SEVERAL || self.one_in(2);
        let identifier: &[u8] = if has_identifier { &[1, 2, client] } else { &[] };
        K::set_client(&mut lease, identifier, &[2, hw]);
        let [valid, cltt, state, subnet, flags, pool] =
            [30, 1000, 12, 3, 4, 2].map(|bound| self.entropy.below(bound));
        let common = K::common(&mut lease);
        *common.valid_lifetime = if valid == 29 { INFINITE } else { 100 * valid as u32 };
        *common.cltt = NOW - 2000 + cltt as i64;
        let states = self.states;
        *common.state = states.get(state as usize).copied().unwrap_or_default();
        *common.subnet_id = SubnetId(subnet as u32);
        (*common.fqdn_fwd, *common.fqdn_rev) = (flags & 1 != 0, flags & 2 != 0);
        *common.pool_id = if self.has_pool_id { pool as u32 } else { 0 };
        lease
    }

    /// A lease that is there, was there once, or never was.
    fn old(&mut self) -> K::Lease {
        let pick = self.entropy.next_u64() as usize;
        let rows = self.rows.len().max(1);
        match self.entropy.below(6) {
            0 => self.lease(),
            1 if !self.known.is_empty() => self.known[pick % self.known.len()].clone(),
            _ => match self.rows.values().nth(pick % rows) {
                Some(lease) => lease.clone(),
                None => self.lease(),
            },
        }
    }

    /// Up to some leases of different addresses.
    fn several(&mut self, one: impl Fn(&mut Self) -> K::Lease) -> Vec<K::Lease> {
        let mut addresses = BTreeSet::new();
        let count = self.entropy.below(8);
        let leases: Vec<K::Lease> = (0..count).map(|_| one(self)).collect();
        leases.into_iter().filter(|lease| addresses.insert(K::number(lease))).collect()
    }

    fn is_as(&self, old: &K::Lease) -> bool {
        self.rows.get(&K::number(old)).is_some_and(|row| {
            // What does not decide is made equal.
            let mut row = row.clone();
            let mut old = old.clone();
            K::common(&mut row).hostname.clone_from(K::common(&mut old).hostname);
            row == old
        })
    }

    fn step(&mut self, connection: &mut dyn LeaseConnection<K>, about: &str) {
        match self.entropy.below(10) {
            0..3 => self.insert(connection, about),
            3..6 => self.update(connection, about),
            6 => self.delete(connection, about),
            7 => self.read(connection, about),
            8 => self.find(connection, about),
            _ => self.times(connection, about),
        }
    }

    fn insert(&mut self, connection: &mut dyn LeaseConnection<K>, about: &str) {
        let leases = self.several(Self::lease);
        let made = connection.insert(&leases.iter().collect::<Vec<_>>()).unwrap();
        let is_new = |lease: &K::Lease| !self.rows.contains_key(&K::number(lease));
        let expected: Vec<bool> = leases.iter().map(is_new).collect();
        assert_eq!(made, expected, "{about}: insert {leases:?}");
        for (lease, _) in leases.into_iter().zip(made).filter(|(_, made)| *made) {
            self.known.push(lease.clone());
            self.rows.insert(K::number(&lease), lease);
        }
    }

    fn update(&mut self, connection: &mut dyn LeaseConnection<K>, about: &str) {
        let olds = self.several(Self::old);
        let mut changes = Vec::new();
        for old in olds {
            // Any other lease, at the address of the old one.
            let mut new = self.lease();
            K::set_address(&mut new, K::number(&old).to_u128());
            changes.push((old, new));
        }
        let made =
            connection.update(&changes.iter().map(|(old, new)| (old, new)).collect::<Vec<_>>());
        let made = made.unwrap();
        let expected: Vec<bool> = changes.iter().map(|(old, _)| self.is_as(old)).collect();
        assert_eq!(made, expected, "{about}: update {changes:?}");
        for ((_, new), _) in changes.into_iter().zip(made).filter(|(_, made)| *made) {
            self.known.push(new.clone());
            self.rows.insert(K::number(&new), new);
        }
    }

    fn delete(&mut self, connection: &mut dyn LeaseConnection<K>, about: &str) {
        let olds = self.several(Self::old);
        let made = connection.delete(&olds.iter().collect::<Vec<_>>()).unwrap();
        let expected: Vec<bool> = olds.iter().map(|old| self.is_as(old)).collect();
        assert_eq!(made, expected, "{about}: delete {olds:?}");
        for (old, _) in olds.iter().zip(made).filter(|(_, made)| *made) {
            self.rows.remove(&K::number(old));
        }
    }

    fn read(&mut self, connection: &mut dyn LeaseConnection<K>, about: &str) {
        let some = self.several(Self::old);
        let addresses: Vec<_> = some.iter().map(K::address).collect();
        let numbers: BTreeSet<K::Number> = some.iter().map(K::number).collect();
        let expected: Vec<K::Lease> =
            numbers.iter().filter_map(|number| self.rows.get(number)).cloned().collect();
        assert_eq!(get(connection, &addresses), expected, "{about}: get {addresses:?}");
    }

    fn find(&mut self, connection: &mut dyn LeaseConnection<K>, about: &str) {
        let wanted: Vec<Wanted<K>> = self.several(Self::old).iter().map(K::wanted).collect();
        let mut found = vec![Vec::new(); wanted.len()];
        connection.find(&wanted, &mut |index, lease| found[index].push(lease)).unwrap();
        for (wanted, mut found) in wanted.iter().zip(found) {
            found.sort_by_key(K::number);
            let is_of = |lease: &&K::Lease| {
                let contents = K::contents_of(lease);
                let owner = K::ownership(&K::key(&wanted.client), &contents);
                contents.subnet_id == wanted.subnet.0 && owner == Ownership::Mine
            };
            let expected: Vec<K::Lease> = self.rows.values().filter(is_of).cloned().collect();
            assert_eq!(found, expected, "{about}: find {wanted:?}");
        }
    }

    fn times(&mut self, connection: &mut dyn LeaseConnection<K>, about: &str) {
        let now = NOW - 2000 + self.entropy.below(2500) as i64;
        let until = now + self.entropy.below(1000) as i64;
        let end = |lease: &Contents<'_, K>| {
            let length = Some(lease.valid_lifetime).filter(|length| *length != INFINITE);
            length.map(|length| lease.cltt + i64::from(length))
        };
        let is_kept = |lease: &Contents<'_, K>| {
            matches!(lease.state, LeaseState::ExpiredReclaimed | LeaseState::Released)
        };
        let numbers = |passes: &dyn Fn(&Contents<'_, K>) -> bool| {
            let rows = self.rows.values().map(K::contents_of);
            rows.filter(passes).map(|lease| lease.address).collect::<Vec<_>>()
        };
        let expired = connection.expired(now, 0, 1000).unwrap().leases;
        let mut found: Vec<K::Number> = expired.iter().map(K::number).collect();
        found.sort_unstable();
        let is_over = |lease: &Contents<'_, K>| end(lease).is_some_and(|end| end < now);
        let expected = numbers(&|lease| is_over(lease) && !is_kept(lease));
        assert_eq!(found, expected, "{about}: expired at {now}");
        let mut found = Vec::new();
        connection.ended(now, until, &mut |first, _| found.push(first)).unwrap();
        found.sort_unstable();
        let expected = numbers(&|lease| end(lease).is_some_and(|end| (now..until).contains(&end)));
        assert_eq!(found, expected, "{about}: ended from {now} to {until}");
        let mut found = Vec::new();
        connection.held(now, &mut |first, _| found.push(first)).unwrap();
        found.sort_unstable();
        let expected = numbers(&|lease| lease.state.holds_address() && !is_over(lease));
        assert_eq!(found, expected, "{about}: held at {now}");
        let total: u64 = connection.count().unwrap().iter().map(|one| one.count).sum();
        assert_eq!(total, self.rows.len() as u64, "{about}: count");
        let deleted = numbers(&|lease| is_over(lease) && is_kept(lease));
        let count = connection.delete_reclaimed(now, 1000).unwrap();
        assert_eq!(count, deleted.len() as u64, "{about}: delete_reclaimed before {now}");
        for number in deleted {
            self.rows.remove(&number);
        }
    }
}
