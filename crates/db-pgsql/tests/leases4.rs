//! DHCPv4 leases.

use std::net::Ipv4Addr;

use database::{Counted, LeaseConnection, SchemaVersion, Wanted};
use libdhcpsrv::lease::{INFINITE, LeaseKind, LeaseState, LeaseType, SubnetId};
use libdhcpsrv::lease4::{Lease4, OwnedClientKey, V4};

use crate::tables::{ALL, Tables, database, open4};

const NOW: i64 = 1_700_000_000;

fn lease(last: u8) -> Lease4 {
    Lease4 {
        address: Ipv4Addr::new(192, 0, 2, last),
        hw: vec![2, 0, 0, 0, 0, last],
        client_id: vec![1, last],
        valid_lifetime: 3600,
        cltt: NOW,
        subnet_id: SubnetId(7),
        fqdn_fwd: true,
        hostname: format!("host-{last}").into_bytes(),
        ..Lease4::default()
    }
}

fn get(connection: &mut dyn LeaseConnection<V4>, lasts: &[u8]) -> Vec<Lease4> {
    let addresses: Vec<_> = lasts.iter().map(|last| Ipv4Addr::new(192, 0, 2, *last)).collect();
    let mut found = Vec::new();
    connection.get(&addresses, &mut |lease| found.push(lease)).unwrap();
    found.sort_by_key(|lease| lease.address);
    found
}

fn find(connection: &mut dyn LeaseConnection<V4>, wanted: &[Wanted<V4>]) -> Vec<(usize, u8)> {
    let mut found = Vec::new();
    let mut each = |at, lease: Lease4| found.push((at, lease.address.octets()[3]));
    connection.find(wanted, &mut each).unwrap();
    found.sort_unstable();
    found
}

fn wanted(client_id: &[u8], hw: &[u8], subnet: u32) -> Wanted<V4> {
    let client = OwnedClientKey { hw_type: 1, hw: hw.to_vec(), client_id: client_id.to_vec() };
    Wanted { client, subnet: SubnetId(subnet) }
}

#[test]
fn leases_are_inserted_once_and_read_back_in_every_version() {
    for tables in ALL {
        let database = database(tables);
        let mut connection = open4(&database);
        let version = match tables {
            Tables::Oldest => (3, 0),
            Tables::Debian => (13, 0),
            Tables::Newest => (34, 0),
        };
        let (major, minor) = version;
        assert_eq!(connection.schema_version(), SchemaVersion { major, minor });

        let (mut plain, endless) = (lease(1), Lease4 { valid_lifetime: INFINITE, ..lease(2) });
        let nameless = Lease4 { client_id: vec![], hostname: vec![], ..lease(3) };
        let declined =
            Lease4 { hw: vec![], client_id: vec![], state: LeaseState::Declined, ..lease(4) };
        if tables != Tables::Oldest {
            plain.user_context = b"{ \"a\": 1 }".to_vec();
        }
        if tables == Tables::Newest {
            plain.pool_id = 9;
        }
        // Not in the order of their addresses.
        let all = [&declined, &plain, &nameless, &endless];
        assert_eq!(connection.insert(&all).unwrap(), [true; 4], "{tables:?}");
        let again = [&lease(5), &lease(1), &lease(6), &lease(2)];
        assert_eq!(connection.insert(&again).unwrap(), [true, false, true, false]);
        let expected = [&plain, &endless, &nameless, &declined].map(Clone::clone);
        assert_eq!(get(&mut *connection, &[4, 3, 2, 1, 99]), expected, "{tables:?}");

        let row = "SELECT hwaddr, client_id, extract(epoch FROM expire)::bigint, hostname, state \
                   FROM lease4 WHERE address % 256 IN (2, 4) ORDER BY address";
        let endless_row = format!("\\x020000000002\t\\x0102\t{NOW}\thost-2\t0");
        let declined_row = format!("\\x\t\\x\t{}\thost-4\t1", NOW + 3600);
        assert_eq!(database.sql(row).trim(), format!("{endless_row}\n{declined_row}"));
    }
}

#[test]
fn empty_sets_do_nothing() {
    let database = database(Tables::Debian);
    let mut connection = open4(&database);
    connection.begin().unwrap();
    assert!(connection.insert(&[]).unwrap().is_empty());
    assert!(connection.update(&[]).unwrap().is_empty());
    assert!(connection.delete(&[]).unwrap().is_empty());
    assert!(get(&mut *connection, &[]).is_empty());
    assert!(find(&mut *connection, &[]).is_empty());
    connection.commit().unwrap();
    assert!(connection.commit().is_err(), "there is nothing to commit");
}

#[test]
fn clients_are_found_by_either_identifier() {
    for tables in ALL {
        let database = database(tables);
        let mut connection = open4(&database);
        let nameless = Lease4 { client_id: vec![], ..lease(2) };
        let elsewhere = Lease4 { subnet_id: SubnetId(8), client_id: vec![1, 1], ..lease(3) };
        let shared = Lease4 { hw: lease(1).hw, ..lease(4) };
        let old = Lease4 { client_id: vec![], hw: lease(1).hw, cltt: 0, ..lease(5) };
        let all = [&lease(1), &nameless, &elsewhere, &shared, &old];
        assert_eq!(connection.insert(&all).unwrap(), [true; 5]);
        let hw = |last| lease(last).hw;
        let found = find(
            &mut *connection,
            &[
                // By its identifier, and the nameless one of its address.
                wanted(&[1, 1], &hw(1), 7),
                // Without an identifier, all of its address.
                wanted(&[], &hw(1), 7),
                // The nameless one of another.
                wanted(&[9], &hw(2), 7),
                wanted(&[1, 1], &[], 8),
                wanted(&[9, 9], &hw(9), 7),
                wanted(&[], &[], 7),
            ],
        );
        let expected = [(0, 1), (0, 5), (1, 1), (1, 4), (1, 5), (2, 2), (3, 3)];
        assert_eq!(found, expected, "{tables:?}");
    }
}

#[test]
fn a_client_with_too_many_leases_shows_64() {
    let database = database(Tables::Debian);
    let mut connection = open4(&database);
    let many: Vec<_> = (0..100).map(|last| Lease4 { hw: vec![5; 6], ..lease(last) }).collect();
    let mut many: Vec<_> =
        many.into_iter().map(|lease| Lease4 { client_id: vec![], ..lease }).collect();
    for lease in many.iter_mut().skip(70) {
        lease.client_id = vec![3];
    }
    connection.insert(&many.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(find(&mut *connection, &[wanted(&[3], &[5; 6], 7)]).len(), 64);
    assert_eq!(find(&mut *connection, &[wanted(&[3], &[], 7)]).len(), 30);
}

/// Every way in which a lease can be another one.
fn variants(tables: Tables) -> Vec<(&'static str, Lease4)> {
    let base = lease(1);
    let mut variants = vec![
        ("hwaddr", Lease4 { hw: vec![9; 6], ..base.clone() }),
        ("no hwaddr", Lease4 { hw: vec![], ..base.clone() }),
        ("client_id", Lease4 { client_id: vec![9], ..base.clone() }),
        ("no client_id", Lease4 { client_id: vec![], ..base.clone() }),
        ("valid_lifetime", Lease4 { valid_lifetime: 3601, cltt: NOW - 1, ..base.clone() }),
        ("cltt", Lease4 { cltt: NOW + 1, ..base.clone() }),
        ("subnet_id", Lease4 { subnet_id: SubnetId(8), ..base.clone() }),
        ("fqdn_fwd", Lease4 { fqdn_fwd: false, ..base.clone() }),
        ("fqdn_rev", Lease4 { fqdn_rev: true, ..base.clone() }),
        ("state", Lease4 { state: LeaseState::ExpiredReclaimed, ..base.clone() }),
    ];
    if tables == Tables::Newest {
        variants.push(("pool_id", Lease4 { pool_id: 3, ..base }));
    }
    variants
}

#[test]
fn a_lease_that_is_another_one_by_now_is_neither_changed_nor_deleted() {
    for tables in ALL {
        let database = database(tables);
        let mut connection = open4(&database);
        let base = lease(1);
        connection.insert(&[&base]).unwrap();
        let new = Lease4 { cltt: NOW + 1000, ..base.clone() };
        for (column, other) in variants(tables) {
            assert_eq!(connection.update(&[(&other, &new)]).unwrap(), [false], "{column}");
            assert_eq!(connection.delete(&[&other]).unwrap(), [false], "{column}");
            // And the other way round: what is stored is the other one.
            assert_eq!(connection.update(&[(&base, &other)]).unwrap(), [true], "{column}");
            assert_eq!(get(&mut *connection, &[1]), std::slice::from_ref(&other), "{column}");
            assert_eq!(connection.update(&[(&base, &new)]).unwrap(), [false], "{column}");
            assert_eq!(connection.update(&[(&other, &base)]).unwrap(), [true], "{column}");
        }
        // These do not count.
        let named = Lease4 { hostname: b"other".to_vec(), user_context: vec![], ..base.clone() };
        assert_eq!(connection.update(&[(&named, &new)]).unwrap(), [true]);
        assert_eq!(connection.delete(&[&base]).unwrap(), [false]);
        assert_eq!(connection.delete(&[&new]).unwrap(), [true]);
        assert!(get(&mut *connection, &[1]).is_empty());
    }
}

#[test]
fn each_element_of_a_batch_is_told_apart() {
    let database = database(Tables::Debian);
    let mut connection = open4(&database);
    let leases: Vec<_> = (1..=5).map(lease).collect();
    connection.insert(&leases.iter().collect::<Vec<_>>()).unwrap();
    let renewed: Vec<_> =
        leases.iter().map(|lease| Lease4 { cltt: NOW + 5, ..lease.clone() }).collect();
    let stale = Lease4 { cltt: 1, ..lease(2) };
    let pairs =
        [(4, 4), (0, 0), (2, 2)].map(|(old, new): (usize, usize)| (&leases[old], &renewed[new]));
    let changes = [pairs[0], (&stale, &renewed[1]), pairs[1], (&lease(77), &lease(77)), pairs[2]];
    assert_eq!(connection.update(&changes).unwrap(), [true, false, true, false, true]);
    let gone = [&renewed[4], &leases[0], &leases[3], &renewed[0]];
    assert_eq!(connection.delete(&gone).unwrap(), [true, false, true, true]);
    assert_eq!(get(&mut *connection, &[1, 2, 3, 4, 5]), [leases[1].clone(), renewed[2].clone()]);
}

#[test]
fn rows_with_null_and_parts_of_seconds_can_be_changed() {
    let database = database(Tables::Debian);
    let mut connection = open4(&database);
    database.sql(&format!(
        "INSERT INTO lease4 (address, hwaddr, valid_lifetime, expire, subnet_id, state) \
         VALUES (3221225985, '\\x0102', 60, to_timestamp({NOW} + 60.75), 7, 0)"
    ));
    let found = get(&mut *connection, &[1]);
    let expected = Lease4 {
        address: Ipv4Addr::new(192, 0, 2, 1),
        hw: vec![1, 2],
        valid_lifetime: 60,
        cltt: NOW,
        subnet_id: SubnetId(7),
        ..Lease4::default()
    };
    assert_eq!(found, std::slice::from_ref(&expected));
    assert_eq!(connection.update(&[(&expected, &lease(1))]).unwrap(), [true]);
    assert_eq!(get(&mut *connection, &[1]), [lease(1)]);
}

#[test]
fn rows_that_are_no_leases_are_passed_over() {
    let database = database(Tables::Oldest);
    let mut connection = open4(&database);
    connection.insert(&[&lease(9)]).unwrap();
    let rows = [
        "(3221225985, NULL, NULL, 60, now(), 7, 0)",
        "(3221225986, '\\x01', NULL, NULL, now(), 7, 0)",
        "(3221225987, '\\x01', NULL, 60, NULL, 7, 0)",
        "(3221225988, '\\x01', NULL, 60, now(), NULL, 0)",
        "(3221225989, '\\x01', NULL, 60, now(), 7, NULL)",
        "(3221225990, decode(repeat('01', 21), 'hex'), NULL, 60, now(), 7, 0)",
        "(3221225991, '\\x01', NULL, -60, now(), 7, 0)",
        "(3221225992, '\\x01', NULL, 60, now(), 5000000000, 0)",
        "(3221225994, '\\x01', NULL, 60, 'infinity', 7, 0)",
        "(5000000000, '\\x01', NULL, 60, now(), 7, 0)",
        "(-1, '\\x01', NULL, 60, now(), 7, 0)",
    ];
    database.sql(&format!(
        "INSERT INTO lease4 (address, hwaddr, client_id, valid_lifetime, expire, subnet_id, state) \
         VALUES {}",
        rows.join(", ")
    ));
    let got = get(&mut *connection, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let told: Vec<_> = (1..=10).map(|last| V4::taken(lease(last).address)).collect();
    for lease in &got {
        assert!(told.contains(lease) || *lease == self::lease(9), "{lease:?}");
    }
    assert_eq!(got.len(), 10, "what cannot be read is there");
    assert!(find(&mut *connection, &[wanted(&[], &[1], 7)]).is_empty());
    // A page in which nothing can be read is not the end.
    assert_eq!(walk(&mut *connection, 2), [lease(9)]);
    assert_eq!(walk(&mut *connection, 100), [lease(9)]);
    let count: u64 = connection.count().unwrap().iter().map(|counted| counted.count).sum();
    assert_eq!(count, 9, "rows that have a subnet and a state");
    let mut held = Vec::new();
    connection.held(NOW, &mut |first, _| held.push(first & 0xff)).unwrap();
    held.sort_unstable();
    assert!(held.contains(&3) && held.contains(&5) && held.contains(&9), "{held:?}");
}

fn walk(connection: &mut dyn LeaseConnection<V4>, limit: usize) -> Vec<Lease4> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (leases, next) = connection.page(after, limit).unwrap();
        all.extend(leases);
        match next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

#[test]
fn pages_show_every_lease_once() {
    let database = database(Tables::Debian);
    let mut connection = open4(&database);
    let leases: Vec<_> = (1..=23).map(lease).collect();
    connection.insert(&leases.iter().collect::<Vec<_>>()).unwrap();
    for limit in [1, 5, 23, 100] {
        assert_eq!(walk(&mut *connection, limit), leases, "{limit}");
    }
    let (page, _) = connection.page(Some(Ipv4Addr::new(192, 0, 2, 20)), 2).unwrap();
    assert_eq!(page, [lease(21), lease(22)]);
}

#[test]
fn what_is_over_is_expired_then_reclaimed_then_deleted() {
    for tables in ALL {
        let database = database(tables);
        let mut connection = open4(&database);
        let at = |last: u8, cltt, state| Lease4 { cltt, state, ..lease(last) };
        let over = NOW - 3600;
        let leases = [
            at(1, over - 10, LeaseState::Default),
            at(2, over - 1, LeaseState::Declined),
            // Its last second.
            at(3, over, LeaseState::Default),
            at(4, over - 20, LeaseState::ExpiredReclaimed),
            Lease4 { valid_lifetime: INFINITE, ..at(5, over - 50, LeaseState::Default) },
            at(6, over - 30, LeaseState::Released),
            at(7, over - 15, LeaseState::Default),
        ];
        connection.insert(&leases.iter().collect::<Vec<_>>()).unwrap();
        let lasts = |leases: Vec<Lease4>| {
            leases.iter().map(|lease| lease.address.octets()[3]).collect::<Vec<_>>()
        };
        assert_eq!(lasts(connection.expired(NOW, 0, 10).unwrap().leases), [7, 1, 2], "{tables:?}");
        assert_eq!(lasts(connection.expired(NOW, 0, 2).unwrap().leases), [7, 1]);

        let mut ended = Vec::new();
        let mut note = |first: u32, last: u32| {
            assert_eq!(first, last);
            ended.push(first & 0xff);
        };
        connection.ended(NOW - 20, NOW, &mut note).unwrap();
        ended.sort_unstable();
        assert_eq!(ended, [1, 2, 4, 7], "from the 20th second before on, and not this one");

        let mut held = Vec::new();
        connection.held(NOW, &mut |first, _| held.push(first & 0xff)).unwrap();
        held.sort_unstable();
        assert_eq!(held, [3, 5]);

        // The released one counts as reclaimed, however it is stored.
        assert_eq!(connection.delete_reclaimed(NOW - 25, 10).unwrap(), 1);
        assert!(get(&mut *connection, &[6]).is_empty());
        assert_eq!(connection.delete_reclaimed(NOW, 0).unwrap(), 0);
        assert_eq!(connection.delete_reclaimed(NOW, 10).unwrap(), 1);
        assert_eq!(lasts(get(&mut *connection, &[1, 2, 3, 4, 5, 6, 7])), [1, 2, 3, 5, 7]);
    }
}

#[test]
fn states_that_the_tables_do_not_know_are_stored_as_the_nearest_or_refused() {
    for (tables, expected) in
        [(Tables::Oldest, LeaseState::ExpiredReclaimed), (Tables::Newest, LeaseState::Released)]
    {
        let database = database(tables);
        let mut connection = open4(&database);
        let released = Lease4 { state: LeaseState::Released, ..lease(1) };
        assert_eq!(connection.insert(&[&released]).unwrap(), [true]);
        assert_eq!(get(&mut *connection, &[1])[0].state, expected);
        assert_eq!(connection.update(&[(&released, &lease(1))]).unwrap(), [true]);
        let knows_all = expected == LeaseState::Released;
        let registered = Lease4 { state: LeaseState::Registered, ..lease(2) };
        assert_eq!(connection.fits(&registered).is_ok(), knows_all);
        let made = connection.insert(&[&registered, &lease(3)]).unwrap();
        assert_eq!(made, [knows_all, true], "it alone is refused");
        let changes = [
            (&lease(1), &Lease4 { address: lease(1).address, ..registered.clone() }),
            (&lease(3), &Lease4 { cltt: NOW + 1, ..lease(3) }),
        ];
        assert_eq!(connection.update(&changes).unwrap(), [knows_all, true]);
    }
}

#[test]
fn leases_are_counted() {
    let database = database(Tables::Newest);
    let mut connection = open4(&database);
    let leases = [
        lease(1),
        lease(2),
        Lease4 { subnet_id: SubnetId(8), ..lease(3) },
        Lease4 { state: LeaseState::Declined, ..lease(4) },
        Lease4 { pool_id: 5, ..lease(5) },
    ];
    connection.insert(&leases.iter().collect::<Vec<_>>()).unwrap();
    let counted = |subnet, pool_id, state, count| Counted {
        subnet_id: SubnetId(subnet),
        lease_type: LeaseType::Na,
        pool_id,
        state,
        count,
    };
    let mut all = connection.count().unwrap();
    all.sort();
    let expected = [
        counted(7, 0, LeaseState::Default, 2),
        counted(7, 0, LeaseState::Declined, 1),
        counted(7, 5, LeaseState::Default, 1),
        counted(8, 0, LeaseState::Default, 1),
    ];
    assert_eq!(all, expected);
}

#[test]
fn texts_with_any_byte_are_stored() {
    let database = database(Tables::Debian);
    let mut connection = open4(&database);
    let hostnames: [&[u8]; 5] = [
        b"a\0b",
        b"\xff\xfe",
        "b\u{fc}ro".as_bytes(),
        b"it's; DROP TABLE lease4; --",
        &[0xc3; 255],
    ];
    let leases: Vec<_> = (1..)
        .zip(hostnames)
        .map(|(last, name)| Lease4 { hostname: name.to_vec(), ..lease(last) })
        .collect();
    assert_eq!(connection.insert(&leases.iter().collect::<Vec<_>>()).unwrap(), [true; 5]);
    let read: Vec<_> =
        get(&mut *connection, &[1, 2, 3, 4, 5]).into_iter().map(|lease| lease.hostname).collect();
    let expected: [&[u8]; 5] =
        [b"a?b", b"??", "b\u{fc}ro".as_bytes(), b"it's; DROP TABLE lease4; --", &[b'?'; 255]];
    assert_eq!(read, expected);
}

#[test]
fn a_context_that_is_no_json_costs_its_own_lease_only_with_an_error() {
    let database = database(Tables::Debian);
    let mut connection = open4(&database);
    let bad = Lease4 { user_context: b"{ no json".to_vec(), ..lease(2) };
    let told = connection.insert(&[&lease(1), &bad]);
    if let Err(error) = told {
        assert_eq!(error.fault, database::Fault::Statement);
    }
    // The connection goes on.
    connection.insert(&[&lease(3)]).unwrap();
    assert_eq!(get(&mut *connection, &[3]), [lease(3)]);
}

#[test]
fn a_transaction_is_all_or_nothing() {
    let database = database(Tables::Debian);
    database.sql("ALTER TABLE lease4 ADD CONSTRAINT few CHECK (subnet_id < 1000)");
    let (mut one, mut other) = (open4(&database), open4(&database));
    one.begin().unwrap();
    one.insert(&[&lease(1)]).unwrap();
    one.insert(&[&lease(2)]).unwrap();
    assert!(get(&mut *other, &[1, 2]).is_empty(), "it is not stored yet");
    one.commit().unwrap();
    assert_eq!(get(&mut *other, &[1, 2]).len(), 2);

    one.begin().unwrap();
    one.insert(&[&lease(3)]).unwrap();
    let refused = Lease4 { subnet_id: SubnetId(5000), ..lease(4) };
    let error = one.insert(&[&refused]).unwrap_err();
    assert_eq!((error.fault, error.code.as_str()), (database::Fault::Statement, "23514"));
    assert!(one.commit().is_err(), "it has been undone");
    assert!(get(&mut *other, &[3]).is_empty());
    assert_eq!(one.insert(&[&lease(3)]).unwrap(), [true], "the connection goes on");
}

#[test]
fn of_two_servers_one_gets_the_address() {
    let database = database(Tables::Debian);
    let threads: Vec<_> = (0..4_u8)
        .map(|own| {
            let mut connection = open4(&database);
            std::thread::spawn(move || -> Vec<(Ipv4Addr, u8)> {
                let mut won = Vec::new();
                for round in 0..20_u8 {
                    let leases: Vec<_> = (0..10)
                        .map(|at| Lease4 { client_id: vec![own, 7], ..lease(round * 10 + at) })
                        .collect();
                    let mut all: Vec<_> = leases.iter().collect();
                    all.rotate_left(usize::from(own));
                    let made = connection.insert(&all).unwrap();
                    let chosen = all.iter().zip(&made).filter(|(_, made)| **made);
                    won.extend(chosen.map(|(lease, _)| (lease.address, own)));
                    // The others' leases are not ours to renew.
                    let renewed: Vec<_> = leases
                        .iter()
                        .map(|lease| Lease4 { cltt: NOW + 1, ..lease.clone() })
                        .collect();
                    let pairs: Vec<_> = leases.iter().zip(&renewed).collect();
                    let updated = connection.update(&pairs).unwrap();
                    let made_count = made.iter().filter(|made| **made).count();
                    assert_eq!(updated.iter().filter(|made| **made).count(), made_count);
                }
                won
            })
        })
        .collect();
    let mut won: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    won.sort_unstable();
    assert_eq!(won.len(), 200);
    let mut connection = open4(&database);
    for (address, own) in won {
        let stored = get(&mut *connection, &[address.octets()[3]]);
        assert_eq!((stored[0].client_id[0], stored[0].cltt), (own, NOW + 1));
    }
}

#[test]
fn what_a_relay_told_goes_with_its_context() {
    let database = database(Tables::Newest);
    let mut connection = open4(&database);
    let base = Lease4 { user_context: b"{ \"ISC\": 1 }".to_vec(), ..lease(1) };
    connection.insert(&[&base]).unwrap();
    database.sql("UPDATE lease4 SET relay_id = '\\x01'");
    let renewed = Lease4 { cltt: NOW + 1, ..base.clone() };
    assert_eq!(connection.update(&[(&base, &renewed)]).unwrap(), [true]);
    assert_eq!(database.sql("SELECT relay_id FROM lease4").trim(), "\\x01");
    let another = Lease4 { user_context: vec![], ..renewed.clone() };
    assert_eq!(connection.update(&[(&renewed, &another)]).unwrap(), [true]);
    assert_eq!(database.sql("SELECT relay_id IS NULL FROM lease4").trim(), "t");
}
