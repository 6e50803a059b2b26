//! Lifetimes: what is over, what is held, what is deleted, to the second.

use libdhcpsrv::lease::{AddressOf, INFINITE, LeaseState};

use super::{Check, Limits, NOW, Place, SuiteKind, all, get_one, store, update};

pub(super) fn checks<K: SuiteKind>() -> Vec<Check<K>> {
    vec![
        ("times: what is over is told, oldest first, to the second", expired),
        ("times: no more is told to be over than was asked for", expired_limit),
        ("times: what is passed over of what is over are its first rows", expired_skip),
        ("times: what is reclaimed or released is deleted when its time has come", reclaimed),
        ("times: no more is deleted than was asked for", reclaimed_limit),
        ("times: what ended in a time is told, to the second", ended),
        ("times: what is held is told, to the second", held),
        ("times: ranges of every type are told whole", ranges),
        ("times: an endless lifetime does not end", endless),
        ("times: states that the table lacks are replaced or refused", states),
        ("times: lifetimes are stored to their limits, and refused beyond the table's", limits),
    ]
}

/// A lease whose lifetime ends at a second.
fn ending<K: SuiteKind>(number: u32, state: LeaseState, end: i64) -> K::Lease {
    let mut lease = K::lease(number);
    let common = K::common(&mut lease);
    *common.state = state;
    *common.valid_lifetime = 1000 + number;
    *common.cltt = end - i64::from(*common.valid_lifetime);
    lease
}

/// Leases of all states that end at and around a moment, in an order that is not that of their ends.
fn around<K: SuiteKind>(limits: Limits) -> Vec<(K::Lease, LeaseState, i64)> {
    let mut leases = Vec::new();
    let ends = [0, -1, 1, 86_400, -86_400, 100_000_000, -100_000_000];
    for end in ends {
        for state in limits.states().iter().copied() {
            let number = leases.len() as u32;
            leases.push((ending::<K>(number, state, NOW + end), state, NOW + end));
        }
    }
    leases.reverse();
    leases
}

fn put<K: SuiteKind>(place: &mut dyn Place<K>, leases: &[(K::Lease, LeaseState, i64)]) {
    let leases: Vec<K::Lease> = leases.iter().map(|(lease, ..)| lease.clone()).collect();
    store(&mut *place.open(), &leases);
}

const fn is_kept(state: LeaseState) -> bool {
    matches!(state, LeaseState::ExpiredReclaimed | LeaseState::Released)
}

fn expired<K: SuiteKind>(place: &mut dyn Place<K>) {
    let leases = around::<K>(place.limits());
    put(place, &leases);
    let mut connection = place.open();
    for now in [NOW - 1, NOW, NOW + 1, NOW + 2, NOW - 200_000_000, NOW + 100_000_001] {
        let found = connection.expired(now, 0, 1000).unwrap().leases;
        let mut ends = Vec::new();
        for lease in &found {
            let (expected, _, end) =
                leases.iter().find(|(one, ..)| K::number(one) == K::number(lease)).unwrap();
            assert_eq!(lease, expected);
            ends.push(*end);
        }
        assert!(ends.is_sorted(), "{ends:?}");
        let mut expected: Vec<i64> = leases
            .iter()
            .filter(|(_, state, end)| *end < now && !is_kept(*state))
            .map(|(.., end)| *end)
            .collect();
        expected.sort_unstable();
        assert_eq!(ends, expected, "at NOW {:+}", now - NOW);
    }
}

fn expired_limit<K: SuiteKind>(place: &mut dyn Place<K>) {
    let leases: Vec<K::Lease> = [5, 3, 9, 1, 7]
        .map(|number: u32| ending::<K>(number, LeaseState::Default, NOW - i64::from(number)))
        .to_vec();
    let mut connection = place.open();
    store(&mut *connection, &leases);
    let expected = [9, 7, 5, 3, 1].map(|number| K::address(&K::lease(number)));
    for limit in 1..7 {
        let found = connection.expired(NOW, 0, limit).unwrap().leases;
        let found: Vec<AddressOf<K>> = found.iter().map(K::address).collect();
        assert_eq!(found, expected[..limit.min(5)]);
    }
}

fn expired_skip<K: SuiteKind>(place: &mut dyn Place<K>) {
    // Of each second there are two, in the order of addresses.
    let leases: Vec<K::Lease> = (0..10)
        .map(|number: u32| {
            ending::<K>(number, LeaseState::Default, NOW - 100 + i64::from(number / 2))
        })
        .collect();
    let mut connection = place.open();
    store(&mut *connection, &leases);
    for limit in [1, 3, 10] {
        for skip in 0..12 {
            let found = connection.expired(NOW, skip, limit).unwrap();
            let from = skip.min(leases.len());
            let expected = &leases[from..leases.len().min(from + limit)];
            assert_eq!(found.leases, expected, "{skip}, {limit}");
            assert_eq!(found.rows, expected.len());
        }
    }
    assert_eq!(connection.expired(NOW, 3, usize::MAX >> 1).unwrap().rows, 7);
    // A row that cannot be read counts, so that who passes over it can.
    place.spoil(K::address(&leases[0]));
    let found = connection.expired(NOW, 0, 3).unwrap();
    assert_eq!((found.rows, &*found.leases), (3, &leases[1..3]));
    let found = connection.expired(NOW, 1, 3).unwrap();
    assert_eq!((found.rows, &*found.leases), (3, &leases[1..4]));
}

fn reclaimed<K: SuiteKind>(place: &mut dyn Place<K>) {
    let leases = around::<K>(place.limits());
    for before in [NOW - 1, NOW, NOW + 1, NOW + 200_000_000, NOW - 200_000_000] {
        place.clear();
        put(place, &leases);
        let mut connection = place.open();
        let is_deleted =
            |(_, state, end): &(K::Lease, LeaseState, i64)| is_kept(*state) && *end < before;
        let count = leases.iter().filter(|one| is_deleted(one)).count() as u64;
        assert_eq!(connection.delete_reclaimed(before, 1000).unwrap(), count);
        assert_eq!(connection.delete_reclaimed(before, 1000).unwrap(), 0);
        let mut expected: Vec<K::Lease> =
            leases.iter().filter(|one| !is_deleted(one)).map(|(lease, ..)| lease.clone()).collect();
        expected.sort_by_key(K::number);
        assert_eq!(all(&mut *connection), expected, "at NOW {:+}", before - NOW);
    }
}

fn reclaimed_limit<K: SuiteKind>(place: &mut dyn Place<K>) {
    let has_all = place.limits().has_all_states;
    let state = |number: u32| match has_all && number.is_multiple_of(2) {
        true => LeaseState::Released,
        false => LeaseState::ExpiredReclaimed,
    };
    let leases: Vec<K::Lease> =
        (0..10).map(|number| ending::<K>(number, state(number), NOW - 5)).collect();
    let mut connection = place.open();
    store(&mut *connection, &leases);
    for (limit, deleted) in [(1, 1), (3, 3), (4, 4), (5, 2), (5, 0)] {
        assert_eq!(connection.delete_reclaimed(NOW, limit).unwrap(), deleted);
    }
    assert_eq!(all(&mut *connection), []);
}

/// The ranges that a call gives, sorted.
fn sorted<N: Ord, E: std::fmt::Debug>(
    call: impl FnOnce(&mut dyn FnMut(N, N)) -> Result<(), E>,
) -> Vec<(N, N)> {
    let mut found = Vec::new();
    call(&mut |first, last| found.push((first, last))).expect("ranges are read");
    found.sort_unstable();
    found
}

fn numbers<K: SuiteKind>(
    leases: &[(K::Lease, LeaseState, i64)],
    passes: impl Fn(LeaseState, i64) -> bool,
) -> Vec<(K::Number, K::Number)> {
    let chosen = leases.iter().filter(|(_, state, end)| passes(*state, *end));
    let mut numbers: Vec<_> =
        chosen.map(|(lease, ..)| (K::number(lease), K::number(lease))).collect();
    numbers.sort_unstable();
    numbers
}

fn ended<K: SuiteKind>(place: &mut dyn Place<K>) {
    let leases = around::<K>(place.limits());
    put(place, &leases);
    let mut connection = place.open();
    let moments = [-100_000_001, -100_000_000, -1, 0, 1, 2, 86_400, 100_000_001];
    for from in moments {
        for to in moments.into_iter().filter(|to| *to >= from) {
            let (from, to) = (NOW + from, NOW + to);
            let found = sorted(|each| connection.ended(from, to, each));
            let expected = numbers::<K>(&leases, |_, end| end >= from && end < to);
            assert_eq!(found, expected, "from {:+} to {:+}", from - NOW, to - NOW);
        }
    }
}

fn held<K: SuiteKind>(place: &mut dyn Place<K>) {
    let leases = around::<K>(place.limits());
    put(place, &leases);
    let mut connection = place.open();
    for now in [NOW - 1, NOW, NOW + 1, NOW + 2, NOW + 100_000_001, NOW - 200_000_000] {
        let found = sorted(|each| connection.held(now, each));
        let expected = numbers::<K>(&leases, |state, end| state.holds_address() && end >= now);
        assert_eq!(found, expected, "at NOW {:+}", now - NOW);
    }
}

fn ranges<K: SuiteKind>(place: &mut dyn Place<K>) {
    let (leases, mut expected): (Vec<_>, Vec<_>) =
        K::ranges().into_iter().map(|(lease, _, range)| (lease, range)).unzip();
    expected.sort_unstable();
    let mut connection = place.open();
    store(&mut *connection, &leases);
    assert_eq!(sorted(|each| connection.held(NOW, each)), expected);
    assert_eq!(sorted(|each| connection.ended(NOW, NOW + 10_000, each)), expected);
}

fn endless<K: SuiteKind>(place: &mut dyn Place<K>) {
    let mut connection = place.open();
    let states = place.limits().states();
    let mut leases = Vec::new();
    for (number, state) in (0..).zip(states.iter().copied()) {
        let mut lease = K::lease(number);
        let common = K::common(&mut lease);
        (*common.valid_lifetime, *common.state) = (INFINITE, state);
        leases.push(lease);
    }
    store(&mut *connection, &leases);
    assert_eq!(all(&mut *connection), leases);
    let late = NOW + 200_000_000;
    assert_eq!(connection.expired(late, 0, 100).unwrap().leases, []);
    assert_eq!(sorted(|each| connection.ended(1, late, each)), []);
    let holding = leases.iter().zip(states).filter(|(_, state)| state.holds_address());
    let holding: Vec<_> = holding.map(|(lease, _)| (K::number(lease), K::number(lease))).collect();
    assert_eq!(sorted(|each| connection.held(late, each)), holding);
    // From endless to limited and back, at the same second.
    let mut limited = leases[0].clone();
    *K::common(&mut limited).valid_lifetime = 60;
    assert!(update(&mut *connection, &leases[0], &limited));
    assert_eq!(get_one(&mut *connection, &limited), Some(limited.clone()));
    assert_eq!(connection.expired(late, 0, 100).unwrap().leases, [limited.clone()]);
    assert!(!update(&mut *connection, &leases[0], &limited));
    assert!(update(&mut *connection, &limited, &leases[0]));
    let made = connection.delete(&leases.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(made, vec![true; leases.len()]);
}

fn states<K: SuiteKind>(place: &mut dyn Place<K>) {
    let has_all = place.limits().has_all_states;
    let mut connection = place.open();
    let in_state = |number, state| ending::<K>(number, state, NOW);
    let leases = [
        in_state(0, LeaseState::Default),
        in_state(1, LeaseState::Released),
        in_state(2, LeaseState::Registered),
        in_state(3, LeaseState::Declined),
    ];
    let made = connection.insert(&leases.iter().collect::<Vec<_>>()).unwrap();
    let is_registered = made[2];
    assert_eq!(made, [true, true, has_all, true]);
    let fits: Vec<bool> = leases.iter().map(|lease| connection.fits(lease).is_ok()).collect();
    assert_eq!(fits, made);
    let released = get_one(&mut *connection, &leases[1]).expect("it was stored");
    let kept = if has_all { LeaseState::Released } else { LeaseState::ExpiredReclaimed };
    assert_eq!(released, in_state(1, kept));
    let registered = get_one(&mut *connection, &leases[2]);
    assert_eq!(registered, has_all.then(|| leases[2].clone()));
    let made = connection.update(&[(&leases[3], &in_state(3, LeaseState::Registered))]);
    assert_eq!(made, Ok(vec![has_all]));
    // Whoever has written it need not read it again.
    assert!(update(&mut *connection, &leases[1], &leases[1]));
    assert_eq!(connection.delete(&[&leases[1]]).unwrap(), [true]);
    assert_eq!(connection.delete(&[&leases[2]]).unwrap(), [is_registered]);
}

/// What is beyond the table's times is refused, and disturbs nobody: what was promised is stored.
fn limits<K: SuiteKind>(place: &mut dyn Place<K>) {
    let expire_max = place.limits().expire_max;
    let mut connection = place.open();
    let now = u32::try_from(NOW).expect("NOW is before 2106");
    let cases: [(i64, u32); 13] = [
        (1, 1),
        (1000, 0),
        (NOW, 1),
        (NOW, 0x7fff_ffff - now - 1),
        (NOW, 0x7fff_ffff - now),
        (NOW, 0x7fff_ffff - now + 1),
        (0x7fff_ffff, 1),
        (NOW, 0x7fff_ffff),
        (NOW, 0x8000_0000),
        (NOW, u32::MAX - now),
        (NOW, u32::MAX - now + 1),
        (NOW, INFINITE - 1),
        (0x7fff_ffff, INFINITE),
    ];
    for (cltt, valid_lifetime) in cases {
        let about = format!("cltt {cltt}, lifetime {valid_lifetime}");
        let mut lease = K::lease(1);
        let common = K::common(&mut lease);
        (*common.cltt, *common.valid_lifetime) = (cltt, valid_lifetime);
        let is_endless = valid_lifetime == INFINITE;
        let fits = is_endless || cltt + i64::from(valid_lifetime) <= expire_max;
        let expected = fits.then(|| lease.clone());
        assert_eq!(connection.fits(&lease).is_ok(), fits, "{about}");
        let made = connection.insert(&[&K::lease(0), &lease, &K::lease(2)]);
        assert_eq!(made, Ok(vec![true, fits, true]), "insert, {about}");
        assert_eq!(get_one(&mut *connection, &lease), expected, "{about}");
        let neighbours = [K::lease(0), K::lease(2)];
        if fits {
            assert!(update(&mut *connection, &lease, &K::lease(1)), "update from, {about}");
        } else {
            store(&mut *connection, &[K::lease(1)]);
        }
        let both = [(&K::lease(1), &lease), (&neighbours[0], &neighbours[0])];
        assert_eq!(connection.update(&both), Ok(vec![fits, true]), "update to, {about}");
        let left = expected.unwrap_or_else(|| K::lease(1));
        assert_eq!(get_one(&mut *connection, &lease).as_ref(), Some(&left), "{about}");
        assert_eq!(connection.delete(&[&left]), Ok(vec![true]), "delete, {about}");
        assert_eq!(all(&mut *connection), neighbours, "{about}");
        assert_eq!(connection.delete(&[&neighbours[0], &neighbours[1]]), Ok(vec![true; 2]));
    }
}
