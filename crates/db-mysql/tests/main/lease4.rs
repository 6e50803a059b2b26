//! DHCPv4 leases in the tables that Debian's Kea makes.

use std::net::Ipv4Addr;

use database::{Counted, Fault, LeaseConnection, SchemaVersion, Wanted};
use db_mysql::open_leases4;
use db_testing::{Database, Durability, Schema, Server};
use libdhcpsrv::config::SqlKind;
use libdhcpsrv::lease::{INFINITE, LeaseKind, LeaseState, LeaseType, SubnetId};
use libdhcpsrv::lease4::{Lease4, OwnedClientKey, V4};

type Connection = Box<dyn LeaseConnection<V4>>;

const NOW_S: i64 = 1_800_000_000;

fn open() -> (Database, Connection) {
    let database = Server::shared(SqlKind::Mysql, Durability::Relaxed).new_database();
    database.create_schema(Schema::Debian);
    let connection = open_leases4(&database.access()).unwrap();
    (database, connection)
}

/// A lease of the client `number`.
pub(crate) fn lease(number: u32) -> Lease4 {
    Lease4 {
        address: Ipv4Addr::from(0x0a00_0000 + number),
        hw: [[2, 0].as_slice(), &number.to_be_bytes()].concat(),
        client_id: [[0xff, 0x80].as_slice(), &number.to_be_bytes()].concat(),
        valid_lifetime: 3600,
        cltt: NOW_S,
        subnet_id: SubnetId(1),
        fqdn_fwd: true,
        hostname: format!("host-{number}.example").into_bytes(),
        ..Lease4::default()
    }
}

fn all(connection: &mut Connection) -> Vec<Lease4> {
    let (leases, next) = connection.page(None, 10_000).unwrap();
    assert_eq!(next, None);
    leases
}

fn get(connection: &mut Connection, address: Ipv4Addr) -> Option<Lease4> {
    let mut found = Vec::new();
    connection.get(&[address], &mut |lease| found.push(lease)).unwrap();
    assert!(found.len() < 2);
    found.pop()
}

fn insert(connection: &mut Connection, leases: &[Lease4]) -> Vec<bool> {
    connection.insert(&leases.iter().collect::<Vec<_>>()).unwrap()
}

fn found(connection: &mut Connection, wanted: &[Wanted<V4>]) -> Vec<(usize, Ipv4Addr)> {
    let mut found = Vec::new();
    connection.find(wanted, &mut |at, lease| found.push((at, lease.address))).unwrap();
    found.sort_unstable();
    found
}

fn wanted(hw: &[u8], client_id: &[u8]) -> Wanted<V4> {
    let client = OwnedClientKey { hw_type: 1, hw: hw.to_vec(), client_id: client_id.to_vec() };
    Wanted { client, subnet: SubnetId(1) }
}

#[test]
fn version_is_told() {
    let (_database, connection) = open();
    assert_eq!(connection.schema_version(), SchemaVersion { major: 14, minor: 0 });
}

#[test]
fn nothing_is_asked_for_nothing() {
    let (_database, mut connection) = open();
    connection.get(&[], &mut |_| panic!("a lease")).unwrap();
    connection.find(&[], &mut |_, _| panic!("a lease")).unwrap();
    assert!(connection.insert(&[]).unwrap().is_empty());
    assert!(connection.update(&[]).unwrap().is_empty());
    assert!(connection.delete(&[]).unwrap().is_empty());
    assert_eq!(connection.page(None, 0).unwrap(), (Vec::new(), None));
}

#[test]
fn lease_of_every_column_comes_back() {
    let (_database, mut connection) = open();
    let whole = Lease4 {
        fqdn_rev: true,
        state: LeaseState::Declined,
        user_context: br#"{"a": 1}"#.to_vec(),
        ..lease(1)
    };
    let bare = Lease4 {
        hw: Vec::new(),
        hostname: Vec::new(),
        fqdn_fwd: false,
        valid_lifetime: INFINITE,
        ..lease(2)
    };
    assert_eq!(insert(&mut connection, &[whole.clone(), bare.clone()]), [true, true]);
    assert_eq!(all(&mut connection), [whole, bare]);
}

#[test]
fn lists_of_any_length_are_stored_and_read() {
    let (_database, mut connection) = open();
    // In descending order, so that the answers must be brought back to it.
    let leases: Vec<_> = (1..=343).rev().map(lease).collect();
    assert_eq!(insert(&mut connection, &leases), [true; 343]);
    for count in [1, 2, 7, 64, 65, 256, 343] {
        let addresses: Vec<_> = leases.iter().take(count).map(|lease| lease.address).collect();
        let mut got = 0;
        connection
            .get(&addresses, &mut |lease| {
                got += 1;
                assert!(addresses.contains(&lease.address));
            })
            .unwrap();
        assert_eq!(got, count);
        let clients: Vec<_> =
            leases.iter().take(count).map(|lease| wanted(&lease.hw, &lease.client_id)).collect();
        let expected: Vec<_> = addresses.iter().copied().enumerate().collect();
        assert_eq!(found(&mut connection, &clients), expected);
    }
}

#[test]
fn insert_says_which_were_there() {
    let (_database, mut connection) = open();
    assert_eq!(insert(&mut connection, &[lease(3), lease(70)]), [true, true]);
    let leases: Vec<_> = (1..=100).rev().map(lease).collect();
    let expected: Vec<_> = (1..=100).rev().map(|number| number != 3 && number != 70).collect();
    assert_eq!(insert(&mut connection, &leases), expected);
    assert_eq!(insert(&mut connection, &leases), [false; 100]);
    assert_eq!(insert(&mut connection, &[lease(3)]), [false]);
    assert_eq!(all(&mut connection).len(), 100);
}

#[test]
fn clients_are_found_by_either_identifier() {
    let (_database, mut connection) = open();
    let hw = lease(1).hw;
    let with_id = lease(1);
    let without_id = Lease4 { address: "10.0.0.2".parse().unwrap(), client_id: vec![], ..lease(1) };
    let other_id =
        Lease4 { address: "10.0.0.3".parse().unwrap(), client_id: b"other".to_vec(), ..lease(1) };
    let elsewhere =
        Lease4 { address: "10.0.0.4".parse().unwrap(), subnet_id: SubnetId(2), ..lease(1) };
    insert(&mut connection, &[with_id.clone(), without_id.clone(), other_id.clone(), elsewhere]);
    let (a, b, c) = (with_id.address, without_id.address, other_id.address);
    let clients = [
        wanted(&hw, &with_id.client_id),
        wanted(&hw, &[]),
        wanted(&[], b"other"),
        wanted(&[], &[]),
        wanted(&hw, &with_id.client_id),
        wanted(b"nobody", b"nobody"),
    ];
    assert_eq!(
        found(&mut connection, &clients),
        [(0, a), (0, b), (1, a), (1, b), (1, c), (2, c), (4, a), (4, b)]
    );
}

#[test]
fn client_with_many_leases_gets_64_and_hides_no_other() {
    let (_database, mut connection) = open();
    let greedy: Vec<_> =
        (1..=900).map(|number| Lease4 { client_id: b"greedy".to_vec(), ..lease(number) }).collect();
    insert(&mut connection, &greedy);
    let modest = lease(2000);
    insert(&mut connection, std::slice::from_ref(&modest));
    let clients = [wanted(b"", b"greedy"), wanted(&modest.hw, &modest.client_id)];
    let found = found(&mut connection, &clients);
    assert_eq!(found.iter().filter(|(at, _)| *at == 0).count(), 64);
    assert_eq!(found.last(), Some(&(1, modest.address)));
}

#[test]
fn change_depends_on_every_column_but_the_texts() {
    let (_database, mut connection) = open();
    let stored = Lease4 { user_context: b"{}".to_vec(), ..lease(1) };
    insert(&mut connection, std::slice::from_ref(&stored));
    let new = Lease4 { cltt: NOW_S + 5, ..stored.clone() };
    let different = [
        Lease4 { hw: b"x".to_vec(), ..stored.clone() },
        Lease4 { hw: Vec::new(), ..stored.clone() },
        Lease4 { client_id: b"x".to_vec(), ..stored.clone() },
        Lease4 { client_id: Vec::new(), ..stored.clone() },
        Lease4 { valid_lifetime: 3601, cltt: NOW_S - 1, ..stored.clone() },
        Lease4 { cltt: NOW_S + 1, ..stored.clone() },
        Lease4 { subnet_id: SubnetId(2), ..stored.clone() },
        Lease4 { fqdn_fwd: false, ..stored.clone() },
        Lease4 { fqdn_rev: true, ..stored.clone() },
        Lease4 { state: LeaseState::Declined, ..stored.clone() },
    ];
    for old in &different {
        assert_eq!(connection.update(&[(old, &new)]).unwrap(), [false], "{old:?}");
        assert_eq!(connection.delete(&[old]).unwrap(), [false], "{old:?}");
    }
    assert_eq!(all(&mut connection), std::slice::from_ref(&stored));
    let other_texts =
        Lease4 { hostname: Vec::new(), user_context: Vec::new(), hw_type: 1, ..stored.clone() };
    assert_eq!(connection.update(&[(&other_texts, &new)]).unwrap(), [true]);
    assert_eq!(all(&mut connection), std::slice::from_ref(&new));
    // Once more: it is not any more what it was.
    assert_eq!(connection.update(&[(&stored, &new)]).unwrap(), [false]);
    assert_eq!(connection.delete(&[&new]).unwrap(), [true]);
    assert_eq!(connection.delete(&[&new]).unwrap(), [false]);
    assert_eq!(connection.update(&[(&new, &stored)]).unwrap(), [false]);
    assert_eq!(all(&mut connection), []);
}

#[test]
fn change_without_a_difference_is_made() {
    let (_database, mut connection) = open();
    insert(&mut connection, &[lease(1)]);
    assert_eq!(connection.update(&[(&lease(1), &lease(1))]).unwrap(), [true]);
}

#[test]
fn absent_and_empty_are_the_same() {
    let (database, mut connection) = open();
    let plain = Lease4 { client_id: Vec::new(), hostname: Vec::new(), ..lease(1) };
    insert(&mut connection, std::slice::from_ref(&plain));
    for nothing in ["NULL", "''"] {
        database.sql(&format!("UPDATE lease4 SET client_id = {nothing}, hostname = {nothing};"));
        assert_eq!(connection.update(&[(&plain, &plain)]).unwrap(), [true]);
    }
    let stored =
        database.sql("SELECT client_id IS NULL, hostname, user_context IS NULL FROM lease4;");
    assert_eq!(stored.trim_end_matches('\n'), "1\t\t1");
}

#[test]
fn changes_of_a_batch_are_told_one_by_one() {
    let (_database, mut connection) = open();
    let leases: Vec<_> = (1..=300).map(lease).collect();
    insert(&mut connection, &leases);
    let stale: Vec<_> = leases
        .iter()
        .map(|lease| {
            let number = u32::from(lease.address) & 0xffff;
            Lease4 { cltt: lease.cltt - i64::from(number % 7 == 0), ..lease.clone() }
        })
        .collect();
    let new: Vec<_> =
        leases.iter().map(|lease| Lease4 { cltt: NOW_S + 9, ..lease.clone() }).collect();
    let pairs: Vec<_> = stale.iter().zip(&new).rev().collect();
    let expected: Vec<_> = (1..=300).rev().map(|number| number % 7 != 0).collect();
    assert_eq!(connection.update(&pairs).unwrap(), expected);
    let refs: Vec<_> = new.iter().rev().collect();
    assert_eq!(connection.delete(&refs).unwrap(), expected);
    assert_eq!(all(&mut connection).len(), 300 / 7);
}

#[test]
fn transaction_is_stored_at_its_end_or_not_at_all() {
    let (database, mut connection) = open();
    let mut other = open_leases4(&database.access()).unwrap();
    connection.begin().unwrap();
    insert(&mut connection, &[lease(1)]);
    assert_eq!(get(&mut other, lease(1).address), None);
    connection.commit().unwrap();
    assert_eq!(get(&mut other, lease(1).address), Some(lease(1)));

    connection.begin().unwrap();
    insert(&mut connection, &[lease(2)]);
    drop(connection);
    assert_eq!(get(&mut other, lease(2).address), None);
}

#[test]
fn deadlock_is_undone_and_told_as_something_to_try_again() {
    let (database, mut one) = open();
    let mut two = open_leases4(&database.access()).unwrap();
    // Each in a subnet of its own: the triggers of these tables count by subnets.
    let of = |subnet: u32, number: u32| Lease4 { subnet_id: SubnetId(subnet), ..lease(number) };
    one.begin().unwrap();
    two.begin().unwrap();
    assert_eq!(one.insert(&[&of(1, 1)]).unwrap(), [true]);
    assert_eq!(two.insert(&[&of(2, 2)]).unwrap(), [true]);
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            let result = one.insert(&[&of(1, 2)]);
            if result.is_ok() {
                one.commit().unwrap();
            }
            result
        });
        let second = two.insert(&[&of(2, 1)]);
        if second.is_ok() {
            two.commit().unwrap();
        }
        (first.join().unwrap(), second)
    });
    let winner = if first.is_ok() { 1 } else { 2 };
    let loser = if first.is_err() { &mut one } else { &mut two };
    let errors: Vec<_> = [first, second].into_iter().filter_map(Result::err).collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].fault, Fault::Retry, "{}", errors[0]);
    // The loser's part is undone, and it can go on.
    assert_eq!(all(loser), [of(winner, 1), of(winner, 2)]);
    assert_eq!(loser.update(&[(&of(winner, 1), &lease(1))]).unwrap(), [true]);
    assert_eq!(all(loser), [lease(1), of(winner, 2)]);
}

#[test]
fn two_servers_never_both_get_an_address() {
    let (database, mut one) = open();
    let mut two = open_leases4(&database.access()).unwrap();
    let batch = |name: &str| -> Vec<Lease4> {
        (1..=200).map(|number| Lease4 { client_id: name.into(), ..lease(number) }).collect()
    };
    let (mine, yours) = (batch("one"), batch("two"));
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| insert(&mut one, &mine));
        (insert(&mut two, &yours), first.join().unwrap())
    });
    let stored = all(&mut two);
    assert_eq!(stored.len(), 200);
    for (at, lease) in stored.iter().enumerate() {
        assert!(second[at] != first[at], "{at}");
        let winner = if second[at] { "one" } else { "two" };
        assert_eq!(lease.client_id, winner.as_bytes());
    }
}

#[test]
fn expired_ended_and_held_agree() {
    let (_database, mut connection) = open();
    let ends = |number: u32, end: i64| Lease4 { cltt: end - 3600, ..lease(number) };
    let leases = [
        ends(1, NOW_S - 1),
        ends(2, NOW_S - 50),
        ends(3, NOW_S),
        ends(4, NOW_S + 1),
        Lease4 { state: LeaseState::ExpiredReclaimed, ..ends(5, NOW_S - 10) },
        Lease4 { state: LeaseState::Declined, ..ends(6, NOW_S - 20) },
        Lease4 { cltt: NOW_S - 100, valid_lifetime: INFINITE, ..lease(7) },
        Lease4 { state: LeaseState::ExpiredReclaimed, ..ends(8, NOW_S + 1) },
        Lease4 { state: LeaseState::Declined, ..ends(9, NOW_S + 5) },
        Lease4 { state: LeaseState::Released, ..ends(10, NOW_S - 30) },
    ];
    insert(&mut connection, &leases);
    let last = |leases: Vec<Lease4>| -> Vec<u8> {
        leases.iter().map(|lease| lease.address.octets()[3]).collect()
    };
    assert_eq!(last(connection.expired(NOW_S, 0, 10).unwrap().leases), [2, 6, 1]);
    assert_eq!(last(connection.expired(NOW_S, 0, 2).unwrap().leases), [2, 6]);
    assert!(connection.expired(NOW_S - 1000, 0, 2).unwrap().leases.is_empty());
    let mut ended = Vec::new();
    connection
        .ended(NOW_S - 20, NOW_S, &mut |first, last| {
            assert_eq!(first, last);
            ended.push(first & 0xff);
        })
        .unwrap();
    ended.sort_unstable();
    assert_eq!(ended, [1, 5, 6]);
    let mut held = Vec::new();
    connection.held(NOW_S, &mut |first, _| held.push(first & 0xff)).unwrap();
    held.sort_unstable();
    assert_eq!(held, [3, 4, 7, 9]);
    assert_eq!(connection.delete_reclaimed(NOW_S - 10, 10).unwrap(), 1);
    assert_eq!(connection.delete_reclaimed(NOW_S + 10, 1).unwrap(), 1);
    assert_eq!(connection.delete_reclaimed(NOW_S + 10, 10).unwrap(), 1);
    assert_eq!(all(&mut connection).len(), 7);
}

#[test]
fn counts_are_by_subnet_and_state() {
    let (_database, mut connection) = open();
    let leases = [
        lease(1),
        lease(2),
        Lease4 { state: LeaseState::Declined, ..lease(3) },
        Lease4 { subnet_id: SubnetId(7), ..lease(4) },
    ];
    insert(&mut connection, &leases);
    let mut counted = connection.count().unwrap();
    counted.sort_unstable();
    let line = |subnet: u32, state, count| Counted {
        subnet_id: SubnetId(subnet),
        lease_type: LeaseType::Na,
        pool_id: 0,
        state,
        count,
    };
    let expected = [
        line(1, LeaseState::Default, 2),
        line(1, LeaseState::Declined, 1),
        line(7, LeaseState::Default, 1),
    ];
    assert_eq!(counted, expected);
}

#[test]
fn pages_hold_every_lease_once_in_order() {
    let (_database, mut connection) = open();
    let leases: Vec<_> = (1..=25).map(lease).collect();
    insert(&mut connection, &leases);
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = connection.page(after, 10).unwrap();
        walked.extend(page);
        if next.is_none() {
            break;
        }
        after = next;
    }
    assert_eq!(walked, leases);
}

#[test]
fn malformed_rows_are_passed_over() {
    let (database, mut connection) = open();
    insert(&mut connection, &(1..=4).map(lease).collect::<Vec<_>>());
    database.sql(
        "INSERT INTO lease_state VALUES (77, 'strange');
         UPDATE lease4 SET valid_lifetime = NULL WHERE address = 0x0a000001;
         UPDATE lease4 SET state = 77 WHERE address = 0x0a000002;
         UPDATE lease4 SET expire = NULL WHERE address = 0x0a000003;",
    );
    assert_eq!(all(&mut connection), [lease(4)]);
    let mut got = Vec::new();
    let addresses: Vec<_> = (1..=4).map(|number| lease(number).address).collect();
    connection.get(&addresses, &mut |lease| got.push(lease)).unwrap();
    let told: Vec<_> = (1..=3).map(|number| V4::taken(lease(number).address)).collect();
    assert_eq!(got, [told, vec![lease(4)]].concat());
    // The address is taken, and nobody changes what cannot be read.
    assert_eq!(insert(&mut connection, &[lease(1)]), [false]);
    assert_eq!(connection.update(&[(&lease(1), &lease(1))]).unwrap(), [false]);
    assert_eq!(connection.count().unwrap().len(), 1);
}

#[test]
fn lease_that_cannot_be_stored_keeps_no_other_from_it() {
    let (database, mut connection) = open();
    let mut leases: Vec<_> = (1..=64).map(lease).collect();
    leases[10].client_id = vec![7; 200];
    leases[20].user_context = vec![b' '; 70_000];
    leases[30].state = LeaseState::Registered;
    let mut expected = [true; 64];
    for at in [10, 20, 30] {
        expected[at] = false;
    }
    assert_eq!(insert(&mut connection, &leases), expected);
    let mut new: Vec<_> = (1..=64).map(lease).collect();
    new[40].state = LeaseState::Registered;
    expected[40] = false;
    let old: Vec<_> = (1..=64).map(lease).collect();
    let pairs: Vec<_> = old.iter().zip(&new).collect();
    assert_eq!(connection.update(&pairs).unwrap(), expected);
    assert_eq!(database.sql("SELECT COUNT(*) FROM lease4;").trim(), "61");
}

#[test]
fn texts_of_any_bytes_come_back() {
    let (_database, mut connection) = open();
    let names: [&[u8]; 6] = [
        b"caf\xc3\xa9",
        b"\xff\xfe\0",
        b"a,b",
        b"q'uote\\\"",
        b"&#x41;",
        b"';DROP TABLE lease4;--",
    ];
    let leases: Vec<_> = (1..)
        .zip(names)
        .map(|(number, name)| Lease4 {
            hostname: name.to_vec(),
            client_id: name.to_vec(),
            ..lease(number)
        })
        .collect();
    assert_eq!(insert(&mut connection, &leases), [true; 6]);
    assert_eq!(all(&mut connection), leases);
    let clients: Vec<_> = names.iter().map(|name| wanted(b"", name)).collect();
    assert_eq!(found(&mut connection, &clients).len(), 6);
    let strange = Lease4 {
        user_context: "{\"a\":\"é😀\"}".into(),
        client_id: leases[0].client_id.clone(),
        ..lease(1)
    };
    assert_eq!(connection.update(&[(&leases[0], &strange)]).unwrap(), [true]);
    assert_eq!(get(&mut connection, lease(1).address), Some(strange));
}

#[test]
fn texts_of_any_bytes_come_back_from_columns_of_latin_1() {
    let (database, _) = open();
    database.sql("ALTER TABLE lease4 CONVERT TO CHARACTER SET latin1;");
    let mut connection = open_leases4(&database.access()).unwrap();
    let stored = Lease4 {
        hostname: "café&#x41;😀".into(),
        user_context: "{\"a\":\"é😀\"}".into(),
        ..lease(1)
    };
    assert_eq!(insert(&mut connection, std::slice::from_ref(&stored)), [true]);
    let expected = Lease4 { user_context: br#"{"a":"\u00e9\ud83d\ude00"}"#.to_vec(), ..stored };
    assert_eq!(all(&mut connection), [expected]);
}

#[test]
fn times_are_exact_whatever_the_zone_and_capped_at_the_limit() {
    let (database, mut connection) = open();
    database.server().sql(None, "SET GLOBAL time_zone = '+05:30';");
    // The hour that a change of summer time repeats.
    let at_change = Lease4 { cltt: 1_793_494_800 - 3600, ..lease(1) };
    let long = Lease4 { valid_lifetime: 0x7fff_ffff - 1_800_000_000, ..lease(2) };
    let longer = Lease4 { valid_lifetime: long.valid_lifetime + 1, ..lease(5) };
    let late = Lease4 { cltt: 0x7fff_ffff - 3600, ..lease(3) };
    let early = Lease4 { cltt: 0, valid_lifetime: INFINITE, ..lease(4) };
    let leases = [at_change.clone(), long.clone(), late.clone(), early, longer];
    // What cannot be kept for as long as it was promised is not kept.
    assert_eq!(insert(&mut connection, &leases), [true, true, true, true, false]);
    database.server().sql(None, "SET GLOBAL time_zone = 'SYSTEM';");
    let stored = all(&mut connection);
    assert_eq!(stored[0], at_change);
    assert_eq!(stored[1], long);
    assert_eq!(stored[2], late);
    assert_eq!(stored[3].cltt, 1);
    assert_eq!(connection.update(&[(&long, &long)]).unwrap(), [true]);
    assert_eq!(
        database
            .sql("SELECT UNIX_TIMESTAMP(expire) FROM lease4 WHERE address = 0x0a000001;")
            .trim(),
        "1793494800"
    );
}

#[test]
fn statistics_of_the_tables_follow() {
    let (database, mut connection) = open();
    let leases: Vec<_> = (1..=70).map(lease).collect();
    insert(&mut connection, &leases);
    let counts = || database.sql("SELECT subnet_id, state, leases FROM lease4_stat ORDER BY 1, 2;");
    assert_eq!(counts(), "1\t0\t70\n");
    let declined = Lease4 { state: LeaseState::Declined, ..lease(1) };
    connection.update(&[(&lease(1), &declined)]).unwrap();
    assert_eq!(counts(), "1\t0\t69\n1\t1\t1\n");
    connection.delete(&[&declined, &lease(2)]).unwrap();
    assert_eq!(counts(), "1\t0\t68\n1\t1\t0\n");
}

#[test]
fn leases_are_counted_by_class_as_their_contexts_come_and_go() {
    let (database, mut connection) = open();
    let counts = || database.sql("SELECT client_class, leases FROM lease4_stat_by_client_class;");
    let classed = Lease4 {
        user_context: br#"{"ISC": {"client-classes": ["ALL", "gold"]}}"#.to_vec(),
        ..lease(1)
    };
    assert_eq!(insert(&mut connection, &[classed.clone(), lease(2)]), [true, true]);
    assert_eq!(insert(&mut connection, &[lease(3)]), [true]);
    assert_eq!(counts(), "ALL\t1\ngold\t1\n");
    // The caller does not tell what context there was.
    let declined = Lease4 { state: LeaseState::Declined, ..lease(1) };
    assert_eq!(connection.update(&[(&lease(1), &declined)]).unwrap(), [true]);
    assert_eq!(counts(), "ALL\t0\ngold\t0\n");
    assert_eq!(connection.update(&[(&declined, &classed)]).unwrap(), [true]);
    assert_eq!(counts(), "ALL\t1\ngold\t1\n");
    assert_eq!(insert(&mut connection, &[lease(4)]), [true]);
    assert_eq!(connection.delete(&[&lease(1), &lease(2)]).unwrap(), [true, true]);
    assert_eq!(counts(), "ALL\t0\ngold\t0\n");
}
