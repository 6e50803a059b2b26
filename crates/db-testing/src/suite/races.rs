//! Several connections at once: the database decides, and each of them learns the truth.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use database::{DbError, Fault, LeaseConnection, requests};
use libdhcpsrv::remote::{Ask, Told};
use util::{Entropy, SplitMix};

use super::{Check, Place, SuiteKind, all, get_one, store, update};

const CONNECTIONS: usize = 4;
const ADDRESSES: u32 = 300;
/// Elements of one statement.
const BATCH: usize = 40;
/// How many times in a row a statement may be undone by others.
const TRIES: u32 = 1000;
/// What two changes may take that meet a row of somebody else, on a machine that has much to do.
const BEARABLE: Duration = Duration::from_secs(8);

pub(super) fn checks<K: SuiteKind>() -> Vec<Check<K>> {
    vec![
        ("races: of many who insert an address one wins", insert),
        ("races: of many who update a lease one wins", update_race),
        ("races: of many who delete a lease one wins", delete),
        ("races: transactions of many are whole", transactions),
        ("races: a change waits for the end of a transaction or is not made", waits),
        ("races: a row that somebody holds keeps nobody from the others", holds),
        ("races: a lease that somebody holds is replaced by no other one", held_replacement),
    ]
}

type Boxed<K> = Box<dyn LeaseConnection<K>>;

/// Lets connections do the same at once, each with its number and with the addresses in an order of its own.
fn race<K: SuiteKind, R: Send>(
    place: &mut dyn Place<K>,
    work: impl Fn(&mut dyn LeaseConnection<K>, usize, Vec<u32>) -> R + Sync,
) -> Vec<R> {
    let connections: Vec<Boxed<K>> = (0..CONNECTIONS).map(|_| place.open()).collect();
    let barrier = Barrier::new(CONNECTIONS);
    thread::scope(|scope| {
        let one = |(number, mut connection): (usize, Boxed<K>)| {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                let order = shuffled(number as u64);
                barrier.wait();
                work(&mut *connection, number, order)
            })
        };
        let threads: Vec<_> = connections.into_iter().enumerate().map(one).collect();
        threads.into_iter().map(|thread| thread.join().expect("no connection fails")).collect()
    })
}

fn shuffled(seed: u64) -> Vec<u32> {
    let mut entropy = SplitMix::new(seed);
    let mut order: Vec<u32> = (0..ADDRESSES).collect();
    for last in (1..order.len()).rev() {
        let other = entropy.below(last as u64 + 1) as usize;
        order.swap(last, other);
    }
    order
}

/// Repeats what was undone because of others. Stands aside before each repetition: those
/// others need the processor to come to their end, and a database that answers at once (the one
/// in memory) does not give it to them by keeping us waiting.
fn again<T>(mut work: impl FnMut() -> Result<T, DbError>) -> T {
    for tried in 0..TRIES {
        match work() {
            Ok(done) => return done,
            Err(error) => {
                assert!(matches!(error.fault, Fault::Retry | Fault::Locked), "{error}");
            }
        }
        thread::sleep(Duration::from_micros(50) * tried.min(40));
    }
    panic!("undone {TRIES} times in a row");
}

/// The lease of an address as a connection wants it.
fn wish<K: SuiteKind>(address: u32, connection: usize) -> K::Lease {
    let mut lease = K::lease(address);
    let own = [0, 1, 2, 3, 4, 5, 6, 7, connection as u8];
    K::set_client(&mut lease, &own, &own[3..]);
    lease
}

/// Checks that each address was won by one connection, the one whose lease is there. Where rows are passed over that somebody
/// holds for a moment, and be it by looking at its neighbour, one may be left as it was `before`.
fn check_winners<K: SuiteKind>(
    wins: Vec<Vec<u32>>,
    place: &mut dyn Place<K>,
    before: impl Fn(u32) -> Option<K::Lease>,
    expected: impl Fn(u32, usize) -> Option<K::Lease>,
) {
    let mut winners = BTreeMap::new();
    for (connection, addresses) in wins.into_iter().enumerate() {
        for address in addresses {
            let before = winners.insert(address, connection);
            assert_eq!(before, None, "{address} has two winners, one is {connection}");
        }
    }
    let passes_over = place.limits().passes_over_held;
    let leases = (0..ADDRESSES).filter_map(|address| match winners.get(&address) {
        Some(winner) => expected(address, *winner),
        None => {
            let left = before(address).filter(|_| passes_over);
            assert!(left.is_some(), "{address} has a winner");
            left
        }
    });
    let leases: Vec<K::Lease> = leases.collect();
    let left = ADDRESSES as usize - winners.len();
    assert!(left <= ADDRESSES as usize / 20, "{left} were passed over by all");
    assert_eq!(all(&mut *place.open()), leases);
}

/// Those that were made.
fn made(addresses: &[u32], made: &[bool]) -> Vec<u32> {
    assert_eq!(addresses.len(), made.len());
    addresses.iter().zip(made).filter(|(_, made)| **made).map(|(address, _)| *address).collect()
}

fn insert<K: SuiteKind>(place: &mut dyn Place<K>) {
    let wins = race(place, |connection, number, order| {
        let batch = |addresses: &[u32]| {
            let leases: Vec<_> = addresses.iter().map(|one| wish::<K>(*one, number)).collect();
            let leases: Vec<_> = leases.iter().collect();
            made(addresses, &again(|| connection.insert(&leases)))
        };
        order.chunks(BATCH).flat_map(batch).collect::<Vec<u32>>()
    });
    check_winners(wins, place, |_| None, |address, winner| Some(wish::<K>(address, winner)));
}

fn update_race<K: SuiteKind>(place: &mut dyn Place<K>) {
    let old: Vec<K::Lease> = (0..ADDRESSES).map(K::lease).collect();
    store(&mut *place.open(), &old);
    let wins = race(place, |connection, number, order| {
        let batch = |addresses: &[u32]| {
            let new: Vec<_> = addresses.iter().map(|one| wish::<K>(*one, number)).collect();
            let changes: Vec<_> =
                addresses.iter().map(|one| &old[*one as usize]).zip(&new).collect();
            made(addresses, &again(|| connection.update(&changes)))
        };
        order.chunks(BATCH).flat_map(batch).collect::<Vec<u32>>()
    });
    check_winners(
        wins,
        place,
        |one| Some(K::lease(one)),
        |address, winner| Some(wish::<K>(address, winner)),
    );
}

fn delete<K: SuiteKind>(place: &mut dyn Place<K>) {
    let old: Vec<K::Lease> = (0..ADDRESSES).map(K::lease).collect();
    store(&mut *place.open(), &old);
    let wins = race(place, |connection, _, order| {
        let batch = |addresses: &[u32]| {
            let leases: Vec<_> = addresses.iter().map(|one| &old[*one as usize]).collect();
            made(addresses, &again(|| connection.delete(&leases)))
        };
        order.chunks(BATCH).flat_map(batch).collect::<Vec<u32>>()
    });
    check_winners(wins, place, |one| Some(K::lease(one)), |_, _| None);
}

/// As a server works: a batch reads, takes over what has expired, inserts what is missing, all in one transaction.
fn transactions<K: SuiteKind>(place: &mut dyn Place<K>) {
    let old: Vec<K::Lease> = (0..ADDRESSES / 2).map(|number| K::lease(2 * number)).collect();
    store(&mut *place.open(), &old);
    let wins = race(place, |connection, number, order| {
        let mut wins = Vec::new();
        for addresses in order.chunks(BATCH) {
            let (taken, new): (Vec<u32>, Vec<u32>) =
                addresses.iter().copied().partition(|address| address % 2 == 0);
            let wishes = |of: &[u32]| of.iter().map(|one| wish::<K>(*one, number)).collect();
            let (wished, inserted): (Vec<K::Lease>, Vec<K::Lease>) = (wishes(&taken), wishes(&new));
            let olds = taken.iter().map(|one| &old[*one as usize / 2]);
            let changes: Vec<_> = olds.zip(&wished).collect();
            let inserted: Vec<&K::Lease> = inserted.iter().collect();
            let (updated, inserted) = again(|| {
                connection.begin()?;
                let updated = connection.update(&changes)?;
                let inserted = connection.insert(&inserted)?;
                connection.commit()?;
                Ok((updated, inserted))
            });
            wins.extend(made(&taken, &updated));
            wins.extend(made(&new, &inserted));
        }
        wins
    });
    check_winners(
        wins,
        place,
        |one| (one % 2 == 0).then(|| K::lease(one)),
        |address, winner| Some(wish::<K>(address, winner)),
    );
}

fn waits<K: SuiteKind>(place: &mut dyn Place<K>) {
    for is_committed in [true, false] {
        place.clear();
        let (mut one, mut other, mut third) = (place.open(), place.open(), place.open());
        store(&mut *one, &[K::lease(0)]);
        one.begin().unwrap();
        assert!(update(&mut *one, &K::lease(0), &wish::<K>(0, 1)));
        assert_eq!(one.insert(&[&wish::<K>(1, 1)]).unwrap(), [true]);
        let results = thread::scope(|scope| {
            let updating = scope.spawn(|| other.update(&[(&K::lease(0), &wish::<K>(0, 2))]));
            let inserting = scope.spawn(|| third.insert(&[&wish::<K>(1, 2)]));
            if is_committed {
                one.commit().unwrap();
            }
            drop(one);
            [updating.join().unwrap(), inserting.join().unwrap()]
        });
        let mut connection = place.open();
        for (address, result) in (0..).zip(results) {
            let is_made = match result {
                Ok(made) => made == [true],
                // On a machine that is busy the other one may have been waited for too long.
                Err(error) => {
                    assert_eq!(error.fault, Fault::Locked, "{error}");
                    false
                }
            };
            assert!(!(is_made && is_committed), "nothing is made of what is gone");
            let before = (address == 0).then(|| K::lease(0));
            let expected = match (is_committed, is_made) {
                (true, _) => Some(wish::<K>(address, 1)),
                (false, true) => Some(wish::<K>(address, 2)),
                (false, false) => before,
            };
            let lease = wish::<K>(address, 1);
            assert_eq!(get_one(&mut *connection, &lease), expected);
        }
    }
}

/// Whether a change of a row that somebody holds was made, which it cannot be, in either way of saying so.
fn is_made(result: Result<Vec<bool>, DbError>) -> bool {
    match result {
        Ok(made) => made == [true],
        Err(error) => {
            assert_eq!(error.fault, Fault::Locked, "{error}");
            false
        }
    }
}

fn holds<K: SuiteKind>(place: &mut dyn Place<K>) {
    let limits = place.limits();
    let (mut one, mut other) = (place.open(), place.open());
    store(&mut *one, &[K::lease(0), K::lease(1)]);
    one.begin().unwrap();
    assert!(update(&mut *one, &K::lease(0), &wish::<K>(0, 1)));
    let held = (K::lease(0), wish::<K>(0, 2));
    for is_patient in [true, false, true] {
        other.set_patient(is_patient).unwrap();
        let begun = Instant::now();
        assert!(!is_made(other.update(&[(&held.0, &held.1)])));
        assert!(!is_made(other.delete(&[&held.0])));
        assert!(begun.elapsed() < BEARABLE, "patient: {is_patient}, {:?}", begun.elapsed());
        // The others are free, also for who has been refused.
        assert!(update(&mut *other, &K::lease(1), &K::lease(1)));
        let both = [(&held.0, &held.1), (&K::lease(1), &K::lease(1))];
        match other.update(&both) {
            Ok(made) => assert_eq!(made, [false, true]),
            Err(error) => {
                assert_eq!(error.fault, Fault::Locked, "{error}");
                assert!(!(is_patient && limits.passes_over_held), "the other one is not made");
            }
        }
    }
    // A transaction that was refused holds nothing itself.
    other.begin().unwrap();
    assert!(update(&mut *other, &K::lease(1), &wish::<K>(1, 2)));
    let is_refused = other.update(&[(&held.0, &held.1)]).is_err();
    if is_refused {
        assert!(update(&mut *one, &K::lease(1), &K::lease(1)));
    } else {
        other.commit().unwrap();
    }
    one.commit().unwrap();
    assert!(update(&mut *other, &wish::<K>(0, 1), &held.1));
}

fn held_replacement<K: SuiteKind>(place: &mut dyn Place<K>) {
    let (mut one, mut other) = (place.open(), place.open());
    let mut moved = K::lease(0);
    K::set_address(&mut moved, 0x7000_0000);
    store(&mut *one, &[K::lease(0)]);
    one.begin().unwrap();
    assert!(update(&mut *one, &K::lease(0), &K::lease(0)));
    let ask = Ask::Change { old: None, new: Some(moved.clone()), replaces: Some(K::lease(0)) };
    let refused = requests::change::<K>(&mut *other, &[&ask], &[]).unwrap_err();
    assert_eq!(refused.fault, Fault::Locked, "{refused}");
    one.commit().unwrap();
    assert_eq!(get_one(&mut *other, &moved), None, "the client has one lease");
    let told = requests::change::<K>(&mut *other, &[&ask], &[]).unwrap();
    assert!(matches!(told[..], [Told::Changed { made: true, replaced: true }]), "{told:?}");
    assert_eq!(all(&mut *other), [moved]);
}
