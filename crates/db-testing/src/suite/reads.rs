//! Finding, getting, counting, walking.

use std::collections::BTreeMap;

use database::Wanted;
use libdhcpsrv::lease::{LeaseState, SubnetId};

use super::{Check, Place, SuiteKind, all, get, get_one, store};

/// Leases that a client gets at most.
const FOUND_MAX: usize = 64;

pub(super) fn checks<K: SuiteKind>() -> Vec<Check<K>> {
    vec![
        ("reads: nothing is asked and nothing answered", nothing),
        ("reads: a client finds its leases and no others", finds),
        ("reads: a lease is found whatever its state", found_in_every_state),
        ("reads: a client finds 64 leases at most and keeps none from others", found_limit),
        ("reads: a client finds its lease beside many of its own elsewhere", found_elsewhere),
        ("reads: what is not there is left out", absent),
        ("reads: a walk meets every lease once, whatever the length of its pages", walk),
        ("reads: a walk is not disturbed by changes behind it", walk_with_changes),
        ("reads: leases are counted by subnet, type, pool and state", count),
        ("reads: rows that cannot be read are passed over", unreadable),
        ("reads: thousands are asked for at once", thousands),
    ]
}

fn nothing<K: SuiteKind>(place: &mut dyn Place<K>) {
    let mut connection = place.open();
    connection.find(&[], &mut |_, _| panic!("nothing is found")).unwrap();
    connection.get(&[], &mut |_| panic!("nothing is got")).unwrap();
    assert_eq!(connection.insert(&[]).unwrap(), [] as [bool; 0]);
    assert_eq!(connection.update(&[]).unwrap(), [] as [bool; 0]);
    assert_eq!(connection.delete(&[]).unwrap(), [] as [bool; 0]);
    assert_eq!(connection.page(None, 10).unwrap(), (vec![], None));
    assert_eq!(connection.count().unwrap(), []);
    assert_eq!(connection.expired(i64::from(u32::MAX), 0, 10).unwrap().leases, []);
    assert_eq!(connection.delete_reclaimed(i64::from(u32::MAX), 10).unwrap(), 0);
    connection.ended(1, i64::from(u32::MAX), &mut |_, _| panic!("nothing has ended")).unwrap();
    connection.held(1, &mut |_, _| panic!("nothing is held")).unwrap();
    let lease = K::lease(1);
    let client = [K::wanted(&lease)];
    connection.find(&client, &mut |_, _| panic!("nothing is found")).unwrap();
    assert_eq!(get_one(&mut *connection, &lease), None);
    assert!(connection.schema_version().major > 0);
}

fn found<K: SuiteKind>(place: &mut dyn Place<K>, wanted: &[Wanted<K>]) -> Vec<Vec<K::Lease>> {
    let mut found = vec![Vec::new(); wanted.len()];
    let mut each = |index: usize, lease| found[index].push(lease);
    place.open().find(wanted, &mut each).unwrap();
    for leases in &mut found {
        leases.sort_by_key(K::number);
    }
    // Asked for together with addresses it is the same.
    let mut addresses: Vec<_> = found.iter().flatten().map(K::address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let (mut own, mut there) = (vec![Vec::new(); wanted.len()], Vec::new());
    let mut each = |index: usize, lease| own[index].push(lease);
    place.open().look(wanted, &addresses, &mut each, &mut |lease| there.push(lease)).unwrap();
    own.iter_mut().for_each(|leases| leases.sort_by_key(K::number));
    there.sort_by_key(K::number);
    assert_eq!(own, found);
    assert_eq!(there, get(&mut *place.open(), &addresses));
    found
}

fn found_elsewhere<K: SuiteKind>(place: &mut dyn Place<K>) {
    let here = K::lease(1);
    let elsewhere = (0..FOUND_MAX as u128 + 6).map(|number| {
        let mut lease = here.clone();
        K::set_address(&mut lease, 0x7000_0000 + number);
        *K::common(&mut lease).subnet_id = SubnetId(77);
        lease
    });
    store(&mut *place.open(), &elsewhere.collect::<Vec<_>>());
    store(&mut *place.open(), std::slice::from_ref(&here));
    assert_eq!(found(place, &[K::wanted(&here)]), [vec![here.clone()]]);
    let wanted = [K::wanted(&K::lease(2)), K::wanted(&here)];
    assert_eq!(found(place, &wanted), [vec![], vec![here]]);
}

fn finds<K: SuiteKind>(place: &mut dyn Place<K>) {
    let (leases, cases) = K::finds();
    store(&mut *place.open(), &leases);
    let wanted: Vec<Wanted<K>> = cases.iter().map(|(wanted, _)| wanted.clone()).collect();
    let together = found(place, &wanted);
    for ((wanted, expected), found_together) in cases.iter().zip(together) {
        let expected: Vec<K::Lease> = expected.iter().map(|at| leases[*at].clone()).collect();
        assert_eq!(found_together, expected, "of many: {wanted:?}");
        let alone = found(place, std::slice::from_ref(wanted)).remove(0);
        assert_eq!(alone, expected, "alone: {wanted:?}");
    }
}

fn found_in_every_state<K: SuiteKind>(place: &mut dyn Place<K>) {
    let mut leases = Vec::new();
    for state in place.limits().states() {
        for (number, cltt) in [(0, 1_000_000), (1, super::NOW)] {
            let mut lease = K::lease(10 * *state as u32 + number);
            *K::common(&mut lease).state = *state;
            *K::common(&mut lease).cltt = cltt;
            leases.push(lease);
        }
    }
    store(&mut *place.open(), &leases);
    let wanted: Vec<Wanted<K>> = leases.iter().map(K::wanted).collect();
    let expected: Vec<Vec<K::Lease>> = leases.iter().map(|lease| vec![lease.clone()]).collect();
    assert_eq!(found(place, &wanted), expected);
}

fn found_limit<K: SuiteKind>(place: &mut dyn Place<K>) {
    let mut leases: Vec<K::Lease> = (0..FOUND_MAX as u32 + 6).map(K::lease).collect();
    for (number, lease) in leases.iter_mut().enumerate() {
        K::set_address(lease, 0x7000_0000 + 2 * number as u128);
    }
    let first = leases[0].clone();
    let mut of_one: Vec<K::Lease> = vec![first.clone(); leases.len()];
    for (number, lease) in of_one.iter_mut().enumerate() {
        K::set_address(lease, 0x7000_0000 + 2 * number as u128 + 1);
    }
    leases.remove(0);
    store(&mut *place.open(), &leases);
    store(&mut *place.open(), &of_one);
    let mut wanted: Vec<Wanted<K>> = leases.iter().map(K::wanted).collect();
    wanted.insert(3, K::wanted(&first));
    let mut found = found(place, &wanted);
    let many = found.remove(3);
    assert_eq!(many.len(), FOUND_MAX);
    assert!(many.iter().all(|lease| of_one.contains(lease)));
    let others: Vec<Vec<K::Lease>> = leases.into_iter().map(|lease| vec![lease]).collect();
    assert_eq!(found, others);
}

fn absent<K: SuiteKind>(place: &mut dyn Place<K>) {
    let leases = [K::lease(1), K::lease(3)];
    store(&mut *place.open(), &leases);
    let addresses = [3, 2, 1, 0].map(|number| K::address(&K::lease(number)));
    assert_eq!(get(&mut *place.open(), &addresses), leases);
    assert_eq!(get(&mut *place.open(), &addresses[1..2]), []);
}

/// Leases whose addresses are ordered differently as numbers, as texts, and as signed numbers.
fn scattered<K: SuiteKind>() -> Vec<K::Lease> {
    let numbers: [u128; 18] = [
        1,
        2,
        9,
        10,
        0xa,
        0x10,
        0x20,
        0x100,
        0x0900_0001,
        0x0a00_0001,
        0x6400_0001,
        0x7fff_ffff,
        0x8000_0000,
        0xc0a8_0001,
        0xffff_ffff,
        0x2001_0db8 << 96 | 0x10,
        0x2001_0db8_000a << 80 | 0x0010_0000,
        u128::MAX,
    ];
    let mut by_number = BTreeMap::new();
    for (client, number) in numbers.into_iter().enumerate() {
        let mut lease = K::lease(client as u32);
        K::set_address(&mut lease, number);
        by_number.insert(K::number(&lease), lease);
    }
    by_number.into_values().collect()
}

fn walk<K: SuiteKind>(place: &mut dyn Place<K>) {
    let leases = scattered::<K>();
    let mut connection = place.open();
    store(&mut *connection, &leases);
    for limit in [1, 2, 5, leases.len() - 1, leases.len(), leases.len() + 1] {
        let (mut met, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = connection.page(after, limit).unwrap();
            assert!(page.len() <= limit);
            met.extend(page);
            after = next;
            if after.is_none() {
                break;
            }
            assert!(met.len() <= leases.len(), "the walk ends");
        }
        met.sort_by_key(K::number);
        assert_eq!(met, leases, "pages of {limit}");
    }
}

fn walk_with_changes<K: SuiteKind>(place: &mut dyn Place<K>) {
    let leases: Vec<K::Lease> = (0..20).map(K::lease).collect();
    let mut connection = place.open();
    store(&mut *connection, &leases);
    let (mut met, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = connection.page(after, 3).unwrap();
        let deleted = connection.delete(&page.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(deleted, vec![true; page.len()]);
        met.extend(page);
        after = next;
        if after.is_none() {
            break;
        }
    }
    met.sort_by_key(K::number);
    assert_eq!(met, leases);
    assert_eq!(all(&mut *connection), []);
}

fn count<K: SuiteKind>(place: &mut dyn Place<K>) {
    let limits = place.limits();
    let mut leases = Vec::new();
    let mut expected = BTreeMap::new();
    for (number, (mut lease, lease_type, _)) in (0..).zip(K::ranges()) {
        let states = [&[LeaseState::Default], limits.states()].concat();
        for (more, state) in (0..).zip(states) {
            let common = K::common(&mut lease);
            *common.state = state;
            *common.subnet_id = SubnetId(if number % 2 == 0 { u32::MAX - 1 } else { 1 });
            *common.pool_id = if limits.has_pool_id { number / 4 } else { 0 };
            let (subnet_id, pool_id, state) = (*common.subnet_id, *common.pool_id, *common.state);
            let mut one = lease.clone();
            K::set_address(&mut one, 0x0a00_0000 + 0x1_0000 * u128::from(number) + more);
            leases.push(one);
            *expected.entry((subnet_id, lease_type, pool_id, state)).or_insert(0) += 1;
        }
    }
    let mut connection = place.open();
    store(&mut *connection, &leases);
    let counted = connection.count().unwrap();
    let mut found = BTreeMap::new();
    for one in &counted {
        let key = (one.subnet_id, one.lease_type, one.pool_id, one.state);
        assert_eq!(found.insert(key, one.count), None, "each combination once");
    }
    assert_eq!(found, expected);
}

fn unreadable<K: SuiteKind>(place: &mut dyn Place<K>) {
    let leases: Vec<K::Lease> = (0..9).map(K::lease).collect();
    let mut connection = place.open();
    store(&mut *connection, &leases);
    for at in [0, 4, 5, 8] {
        place.spoil(K::address(&leases[at]));
    }
    let readable: Vec<K::Lease> = [1, 2, 3, 6, 7].map(|at: usize| leases[at].clone()).to_vec();
    let addresses: Vec<_> = leases.iter().map(K::address).collect();
    let mut told = leases.clone();
    for at in [0, 4, 5, 8] {
        told[at] = K::taken(addresses[at]);
    }
    assert_eq!(get(&mut *connection, &addresses), told, "nobody's, and not free");
    for limit in [1, 2, 3, 9, 20] {
        let (mut met, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = connection.page(after, limit).unwrap();
            met.extend(page);
            after = next;
            if after.is_none() {
                break;
            }
        }
        met.sort_by_key(K::number);
        assert_eq!(met, readable, "pages of {limit}");
    }
    let mut expired = connection.expired(super::NOW + 10_000, 0, 100).unwrap().leases;
    expired.sort_by_key(K::number);
    assert_eq!(expired, readable);
    connection.count().expect("counting goes on");
    connection.held(super::NOW, &mut |_, _| ()).expect("looking goes on");
    connection.ended(1, super::NOW, &mut |_, _| ()).expect("looking goes on");
    let wanted: Vec<Wanted<K>> = leases.iter().map(K::wanted).collect();
    let mut found: Vec<K::Lease> = found(place, &wanted).concat();
    found.sort_by_key(K::number);
    assert_eq!(found, readable);
    assert_eq!(connection.insert(&[&leases[0]]).unwrap(), [false], "the row is there");
    assert_eq!(connection.update(&[(&leases[0], &leases[0])]).unwrap(), [false]);
    assert_eq!(connection.delete(&[&leases[4], &leases[1]]).unwrap(), [false, true]);
}

fn thousands<K: SuiteKind>(place: &mut dyn Place<K>) {
    const COUNT: u32 = 3000;
    let leases: Vec<K::Lease> = (0..COUNT).map(K::lease).collect();
    let mut connection = place.open();
    store(&mut *connection, &leases);
    let addresses: Vec<_> = (0..2 * COUNT).map(|number| K::address(&K::lease(number))).collect();
    assert_eq!(get(&mut *connection, &addresses), leases);
    let wanted: Vec<Wanted<K>> = leases.iter().map(K::wanted).collect();
    let mut found = vec![0; leases.len()];
    let mut each = |index: usize, lease: K::Lease| {
        assert_eq!(lease, leases[index]);
        found[index] += 1;
    };
    connection.find(&wanted, &mut each).unwrap();
    assert!(found.iter().all(|count| *count == 1));
    let renewed = |lease: &K::Lease| {
        let mut lease = lease.clone();
        *K::common(&mut lease).cltt += 60;
        lease
    };
    let renewed: Vec<K::Lease> = leases.iter().map(renewed).collect();
    let changes: Vec<(&K::Lease, &K::Lease)> = leases.iter().zip(&renewed).collect();
    assert_eq!(connection.update(&changes).unwrap(), vec![true; leases.len()]);
    assert_eq!(connection.update(&changes).unwrap(), vec![false; leases.len()]);
    assert_eq!(all(&mut *connection), renewed);
    assert_eq!(connection.expired(super::NOW + 4000, 0, 5000).unwrap().leases.len(), leases.len());
    let (old, new) = (leases.iter().take(1500), renewed.iter().skip(1500));
    let made = connection.delete(&old.chain(new).collect::<Vec<_>>()).unwrap();
    assert_eq!(made.iter().filter(|made| **made).count(), 1500);
    assert!(made[1500..].iter().all(|made| *made));
    assert_eq!(all(&mut *connection), renewed[..1500]);
}
