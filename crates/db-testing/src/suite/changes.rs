//! Insertions, compare-and-set, transactions.

use database::{Fault, LeaseConnection};
use libdhcpsrv::lease::LeaseState;

use super::{Check, Column, Limits, Place, SuiteKind, all, get, get_one, store, update};

pub(super) fn checks<K: SuiteKind>() -> Vec<Check<K>> {
    vec![
        ("changes: what is inserted is read, every column", every_column),
        ("changes: of an insertion, what is there already is told and stays", duplicates),
        ("changes: an update replaces every column", update_replaces),
        ("changes: a change is made only if each column is as expected", compare_and_set),
        ("changes: host name and user context do not decide", what_does_not_decide),
        ("changes: one batch tells each of its changes", mixed_batch),
        ("changes: absent and empty are the same", empty_and_absent),
        ("changes: a transaction is seen when it is committed", commit),
        ("changes: a transaction that is not committed has not been", no_commit),
        ("changes: a transaction sees what others commit", read_committed),
        ("changes: a deadlock undoes one transaction and spares its connection", deadlock),
    ]
}

/// Every way in which a lease may differ from another of its address, in what decides.
fn columns<K: SuiteKind>(limits: Limits) -> Vec<Column<K>> {
    let mut columns: Vec<Column<K>> = vec![
        ("valid_lifetime", |lease| *K::common(lease).valid_lifetime += 1),
        ("valid_lifetime, endless", |lease| *K::common(lease).valid_lifetime = u32::MAX),
        ("expire", |lease| *K::common(lease).cltt += 1),
        ("valid_lifetime, with the same end", |lease| {
            let common = K::common(lease);
            *common.valid_lifetime += 1;
            *common.cltt -= 1;
        }),
        ("subnet_id", |lease| K::common(lease).subnet_id.0 = u32::MAX),
        ("fqdn_fwd", |lease| *K::common(lease).fqdn_fwd ^= true),
        ("fqdn_rev", |lease| *K::common(lease).fqdn_rev ^= true),
        ("state, declined", |lease| *K::common(lease).state = LeaseState::Declined),
        ("state, reclaimed", |lease| *K::common(lease).state = LeaseState::ExpiredReclaimed),
    ];
    if limits.has_pool_id {
        columns.push(("pool_id", |lease| *K::common(lease).pool_id += 1));
    }
    columns.extend(K::columns());
    columns
}

/// A lease in which every column holds something.
fn full<K: SuiteKind>(number: u32, limits: Limits) -> K::Lease {
    let mut lease = K::lease(number);
    let common = K::common(&mut lease);
    (*common.fqdn_fwd, *common.fqdn_rev) = (true, true);
    if limits.has_pool_id {
        *common.pool_id = 77;
    }
    if limits.has_user_context {
        *common.user_context = b"{ \"a\": \"'; \\\\ \\u00e9\" }".to_vec();
    }
    lease
}

fn every_column<K: SuiteKind>(place: &mut dyn Place<K>) {
    let limits = place.limits();
    let mut leases = vec![full::<K>(0, limits)];
    for (number, (_, change)) in (1..).zip(columns::<K>(limits)) {
        let mut lease = full::<K>(number, limits);
        change(&mut lease);
        leases.push(lease);
    }
    for (number, (mut lease, ..)) in (0..).zip(K::ranges()) {
        let states = limits.states();
        *K::common(&mut lease).state = states[number % states.len()];
        leases.push(lease);
    }
    store(&mut *place.open(), &leases);
    let mut connection = place.open();
    for lease in &leases {
        assert_eq!(get_one(&mut *connection, lease).as_ref(), Some(lease));
    }
    assert_eq!(all(&mut *connection).len(), leases.len());
}

fn duplicates<K: SuiteKind>(place: &mut dyn Place<K>) {
    let leases: Vec<K::Lease> = (0..6).map(K::lease).collect();
    let mut connection = place.open();
    store(&mut *connection, &leases[2..4]);
    let mut other = leases.clone();
    for lease in &mut other {
        K::set_client(lease, &[9, 9, 9, 9, 9, 9, 9, 9], &[9, 9]);
    }
    let made = connection.insert(&other.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(made, [true, true, false, false, true, true]);
    let expected = [&other[..2], &leases[2..4], &other[4..]].concat();
    assert_eq!(all(&mut *connection), expected);
    let made = connection.insert(&other.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(made, [false; 6]);
    assert_eq!(all(&mut *connection), expected);
}

fn update_replaces<K: SuiteKind>(place: &mut dyn Place<K>) {
    let limits = place.limits();
    let mut connection = place.open();
    let mut now = full::<K>(5, limits);
    store(&mut *connection, &[now.clone(), full::<K>(6, limits)]);
    for (column, change) in columns::<K>(limits) {
        let mut new = now.clone();
        change(&mut new);
        assert!(update(&mut *connection, &now, &new), "{column}");
        assert_eq!(get_one(&mut *connection, &now), Some(new.clone()), "{column}");
        assert!(update(&mut *connection, &new, &now), "{column}, and back");
        assert_eq!(get_one(&mut *connection, &now).as_ref(), Some(&now), "{column}, and back");
    }
    for hostname in [&b""[..], b"another", b"It's; \"quoted\" \\ % _ --"] {
        let mut new = now.clone();
        *K::common(&mut new).hostname = hostname.to_vec();
        *K::common(&mut new).user_context =
            if limits.has_user_context { b"{ }".to_vec() } else { Vec::new() };
        assert!(update(&mut *connection, &now, &new));
        assert_eq!(get_one(&mut *connection, &now), Some(new.clone()));
        now = new;
    }
    assert_eq!(all(&mut *connection), [now, full::<K>(6, limits)], "the neighbour is as before");
}

fn compare_and_set<K: SuiteKind>(place: &mut dyn Place<K>) {
    let limits = place.limits();
    let base = full::<K>(5, limits);
    let mut renewed = base.clone();
    *K::common(&mut renewed).cltt += 100;
    let mut connection = place.open();
    for (column, change) in columns::<K>(limits) {
        let mut changed = base.clone();
        change(&mut changed);
        for (there, expected) in [(&base, &changed), (&changed, &base)] {
            store(&mut *connection, std::slice::from_ref(there));
            assert!(!update(&mut *connection, expected, &renewed), "update, {column}");
            assert_eq!(connection.delete(&[expected]).unwrap(), [false], "delete, {column}");
            assert_eq!(get_one(&mut *connection, &base).as_ref(), Some(there), "{column}");
            assert_eq!(connection.delete(&[there]).unwrap(), [true], "{column}");
            assert_eq!(get_one(&mut *connection, &base), None, "{column}");
        }
    }
    assert!(!update(&mut *connection, &base, &renewed), "there is no row");
    assert_eq!(connection.delete(&[&base]).unwrap(), [false], "there is no row");
    assert_eq!(all(&mut *connection), []);
}

fn what_does_not_decide<K: SuiteKind>(place: &mut dyn Place<K>) {
    let limits = place.limits();
    let base = full::<K>(5, limits);
    let mut other = base.clone();
    let common = K::common(&mut other);
    (*common.hostname, *common.user_context) = (b"x".to_vec(), Vec::new());
    let mut connection = place.open();
    store(&mut *connection, std::slice::from_ref(&base));
    assert!(update(&mut *connection, &other, &other));
    assert_eq!(get_one(&mut *connection, &base), Some(other));
    assert_eq!(connection.delete(&[&base]).unwrap(), [true]);
}

fn mixed_batch<K: SuiteKind>(place: &mut dyn Place<K>) {
    let leases: Vec<K::Lease> = (0..8).map(K::lease).collect();
    let mut connection = place.open();
    store(&mut *connection, &leases[..6]);
    let renewed = |lease: &K::Lease| {
        let mut lease = lease.clone();
        *K::common(&mut lease).valid_lifetime = 7200;
        lease
    };
    let new: Vec<K::Lease> = leases.iter().map(renewed).collect();
    // What was read before somebody else renewed it, and what is not there at all.
    assert!(update(&mut *connection, &leases[1], &new[1]));
    let changes = [7, 0, 1, 5, 6, 3].map(|at: usize| (&leases[at], &new[at]));
    let made = connection.update(&changes).unwrap();
    assert_eq!(made, [false, true, false, true, false, true]);
    let pick = |numbers: &[(bool, usize)]| {
        let one = |(is_new, at): &(bool, usize)| if *is_new { &new[*at] } else { &leases[*at] };
        numbers.iter().map(one).cloned().collect::<Vec<_>>()
    };
    let expected = pick(&[(true, 0), (true, 1), (false, 2), (true, 3), (false, 4), (true, 5)]);
    assert_eq!(all(&mut *connection), expected);
    let deletions = [5, 4, 0, 6].map(|at: usize| &leases[at]);
    assert_eq!(connection.delete(&deletions).unwrap(), [false, true, false, false]);
    let expected = pick(&[(true, 0), (true, 1), (false, 2), (true, 3), (true, 5)]);
    assert_eq!(all(&mut *connection), expected);
}

fn empty_and_absent<K: SuiteKind>(place: &mut dyn Place<K>) {
    let mut connection = place.open();
    let mut leases: Vec<K::Lease> = (0..4).map(K::lease).collect();
    K::set_client(&mut leases[0], &[1, 2, 3], &[]);
    K::set_client(&mut leases[1], &[1, 2, 3], &[]);
    if K::HAS_SEVERAL {
        K::set_client(&mut leases[2], &[1, 2, 4], &[]);
    } else {
        K::set_client(&mut leases[2], &[], &[2, 2]);
        K::set_client(&mut leases[3], &[], &[2, 3]);
    }
    for lease in &mut leases {
        K::common(lease).hostname.clear();
    }
    store(&mut *connection, &leases);
    let mut renewed = leases.clone();
    for lease in &mut renewed {
        *K::common(lease).cltt += 1;
    }
    let addresses: Vec<_> = leases.iter().map(K::address).collect();
    for is_null in [true, false] {
        place.set_empty(is_null);
        assert_eq!(get(&mut *connection, &addresses), leases, "NULL: {is_null}");
        for (old, new) in leases.iter().zip(&renewed) {
            let mut found = 0;
            connection.find(&[K::wanted(old)], &mut |_, _| found += 1).unwrap();
            assert!(found >= 1, "NULL: {is_null}: {old:?} is found");
            assert!(update(&mut *connection, old, new), "NULL: {is_null}: {old:?}");
        }
        place.set_empty(is_null);
        assert_eq!(get(&mut *connection, &addresses), renewed, "NULL: {is_null}");
        for (old, new) in leases.iter().zip(&renewed) {
            assert_eq!(connection.delete(&[new]).unwrap(), [true], "NULL: {is_null}: {new:?}");
            assert_eq!(connection.insert(&[old]).unwrap(), [true]);
        }
    }
}

fn commit<K: SuiteKind>(place: &mut dyn Place<K>) {
    let (mut one, mut other) = (place.open(), place.open());
    let leases: Vec<K::Lease> = (0..4).map(K::lease).collect();
    store(&mut *one, &leases[..2]);
    let mut renewed = leases[0].clone();
    *K::common(&mut renewed).cltt += 60;
    one.begin().unwrap();
    assert!(update(&mut *one, &leases[0], &renewed));
    assert_eq!(one.delete(&[&leases[1]]).unwrap(), [true]);
    assert_eq!(one.insert(&[&leases[2], &leases[3]]).unwrap(), [true, true]);
    let expected = [renewed, leases[2].clone(), leases[3].clone()];
    assert_eq!(all(&mut *one), expected, "its own changes");
    assert_eq!(all(&mut *other), leases[..2], "nothing for others");
    one.commit().unwrap();
    assert_eq!(all(&mut *other), expected);
    // The next one is a transaction of its own again.
    assert_eq!(one.delete(&[&leases[2]]).unwrap(), [true]);
    assert_eq!(all(&mut *other).len(), 2);
}

fn no_commit<K: SuiteKind>(place: &mut dyn Place<K>) {
    let mut one = place.open();
    store(&mut *one, &[K::lease(0)]);
    one.begin().unwrap();
    assert_eq!(one.delete(&[&K::lease(0)]).unwrap(), [true]);
    assert_eq!(one.insert(&[&K::lease(1)]).unwrap(), [true]);
    drop(one);
    let mut other = place.open();
    // The server may still be about to notice; until it has, a change of the row waits.
    assert!(update(&mut *other, &K::lease(0), &K::lease(0)));
    assert_eq!(all(&mut *other), [K::lease(0)]);
    assert_eq!(other.insert(&[&K::lease(1)]).unwrap(), [true]);
}

fn read_committed<K: SuiteKind>(place: &mut dyn Place<K>) {
    let (mut one, mut other) = (place.open(), place.open());
    store(&mut *one, &[K::lease(0)]);
    one.begin().unwrap();
    assert_eq!(all(&mut *one), [K::lease(0)]);
    let mut renewed = K::lease(0);
    *K::common(&mut renewed).cltt += 60;
    assert!(update(&mut *other, &K::lease(0), &renewed));
    store(&mut *other, &[K::lease(1)]);
    assert_eq!(all(&mut *one), [renewed.clone(), K::lease(1)]);
    assert_eq!(one.insert(&[&K::lease(1)]).unwrap(), [false]);
    assert!(!update(&mut *one, &K::lease(0), &K::lease(0)));
    assert!(update(&mut *one, &renewed, &K::lease(0)));
    one.commit().unwrap();
    assert_eq!(all(&mut *other), [K::lease(0), K::lease(1)]);
}

fn deadlock<K: SuiteKind>(place: &mut dyn Place<K>) {
    let (mut one, mut other) = (place.open(), place.open());
    let leases = [K::lease(0), K::lease(1)];
    store(&mut *one, &leases);
    let by = |mut lease: K::Lease, add: i64| {
        *K::common(&mut lease).cltt += add;
        lease
    };
    one.begin().unwrap();
    other.begin().unwrap();
    assert!(update(&mut *one, &leases[0], &by(leases[0].clone(), 1)));
    assert!(update(&mut *other, &leases[1], &by(leases[1].clone(), 2)));
    let end = |mut connection: Box<dyn LeaseConnection<K>>, at: usize, add: i64| {
        let change = by(leases[at].clone(), add);
        let result = connection.update(&[(&leases[at], &change)]);
        let result = result.and_then(|made| connection.commit().map(|()| made));
        (connection, result)
    };
    let ends = std::thread::scope(|scope| {
        let threads = [scope.spawn(|| end(one, 1, 1)), scope.spawn(|| end(other, 0, 2))];
        threads.map(|thread| thread.join().unwrap())
    });
    // One goes on when the other one is undone, unless a row that somebody holds is passed over, or both wait too long.
    let mut expected = leases.clone();
    let mut made_all = 0;
    for ((own, others, add), (_, result)) in [(0, 1, 1), (1, 0, 2)].into_iter().zip(&ends) {
        match result {
            Ok(made) => {
                expected[own] = by(leases[own].clone(), add);
                if *made == [true] {
                    expected[others] = by(leases[others].clone(), add);
                    made_all += 1;
                }
            }
            Err(error) => {
                assert!(matches!(error.fault, Fault::Retry | Fault::Locked), "{error}");
            }
        }
    }
    assert!(made_all < 2, "{expected:?}");
    for (mut connection, _) in ends {
        assert_eq!(all(&mut *connection), expected, "the connection can be used");
        let made = update(&mut *connection, &expected[0], &expected[0]);
        assert!(made, "and no transaction is open");
    }
    assert_eq!(all(&mut *place.open()), expected);
}
